"""Frames of UTC days <-> plain Parquet files that any tool can read.

    <root>/v2/<source>/<frame>/2026-11.parquet   one file per frame and month, sorted by day
    <root>/v2/<source>/days.parquet              one row per stored UTC day
    <root>/v2/<source>/restatements.jsonl        days that came out differently later on
    <root>/v2/<source>/published.json            what was published of each week
    <root>/v2/<source>/<name>                    other state of a source

An empty day is a row in `days.parquet`. A frame that only some sources fill has no file in a month
without rows. Columns are only ever added: files older than a column read as null. All
files of a commit appear together or not at all, and a reader sees the files of one commit.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from ccanalytics.atomic import AtomicFolder
from ccanalytics.errors import StoreError
from ccanalytics.frames.schemas import SCHEMAS, Frames, encoded
from ccanalytics.store.day_index import NAME as INDEX
from ccanalytics.store.day_index import DayIndex, StoredDay, read_index, write_index
from ccanalytics.store.day_totals import DayChange, Restatement, change_of, digest_of
from ccanalytics.store.layout import layout_of, schema_of
from ccanalytics.store.month_files import (
    DamagedFileError,
    columns_of,
    read_bytes,
    read_month,
    with_days,
    write_bytes,
    write_month,
)
from ccanalytics.weeks import is_final

VERSION = "v2"
RESTATEMENTS = "restatements.jsonl"


@dataclass(frozen=True)
class NewDay:
    """The frames of one UTC day to write; a missing frame has no rows."""

    day: date
    frames: Frames
    fetched_at: datetime
    organization: str | None = None
    unknown_fields: Collection[str] = ()
    may_be_final: bool = True
    """False where only this machine's clock, which may be wrong, says when it was fetched."""


class Store:
    """The stored days of all sources under one folder, which the first write creates."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root).expanduser().absolute()
        self.atomic = AtomicFolder(self.root)

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"

    def folder(self, source: str, frame: str = "") -> Path:
        """The folder of one frame, or of a source."""
        return self.root / VERSION / source / frame

    def write_day(self, source: str, day: date, frames: Frames, **about: Any) -> DayChange:
        """`write_days` of one; what it is `about` are the further fields of a `NewDay`."""
        return self.write_days(source, [NewDay(day, frames, **about)])[0]

    def write_days(
        self, source: str, days: Sequence[NewDay], files: Mapping[str, bytes] | None = None
    ) -> list[DayChange]:
        """Put all these days in place, and further `files` of the source, or nothing at all.

        A final, unchanged day is not written.
        """
        # Days on which nothing happened share their frames, of which one digest is enough.
        unique = {id(one.frames): one.frames for one in days}
        digests = {key: digest_of(frames) for key, frames in unique.items()}
        news = {one.day: (one, digests[id(one.frames)]) for one in days}
        if not files and self._are_settled(source, news):
            return [DayChange(day, "same") for day in news]
        try:
            with self.atomic.writing() as aside:
                commit = _Commit(self, source, aside / VERSION / source)
                changes = commit.add(news, files or {})
                self.atomic.commit(aside)
        except OSError as error:
            named = ", ".join(map(str, news)) if len(news) < 4 else f"{len(news)} days"
            raise StoreError(f"{named} cannot be written to {self.root}: {error}.") from error
        return changes

    def alone(self, source: str) -> AbstractContextManager[None]:
        """Hold the sync lock of this source."""
        return self.atomic.alone(
            source, waiting=f"Another sync of {source} is going on; this one waits for it."
        )

    def read_file(self, source: str, name: str) -> bytes | None:
        """A file next to the days, or None."""
        with self.indexed(source) as index:
            digest = index.files.get(name)
            return read_bytes(self.folder(source) / name, digest) if digest else None

    def dates(self, source: str) -> list[date]:
        """The stored days in order."""
        with self.indexed(source) as index:
            return list(index.days)

    def days(
        self, source: str, since: date = date.min, until: date = date.max
    ) -> dict[date, StoredDay]:
        """The stored days from `since` to `until`, both inclusive, in order."""
        with self.indexed(source) as index:
            return {day: one for day, one in index.days.items() if since <= day <= until}

    def read_days(
        self,
        source: str,
        days: Iterable[date],
        frames: Iterable[str] = (),
        *,
        lost_ok: bool = False,
        schema: Callable[[str], pa.Schema] = schema_of,
    ) -> tuple[dict[date, StoredDay], Frames]:
        """The stored ones of `days`, and all or some of their frames, as of one moment.

        With `lost_ok` a missing file has no rows; else it is an error.
        """
        with self.indexed(source) as index:
            stored = {day: index.days[day] for day in sorted(days) if day in index.days}
            names = tuple(frames) or layout_of(source).frames
            return stored, {
                name: self._read(source, index, name, stored, lost_ok, schema(name))
                for name in names
            }

    def read(self, source: str, frame: str, since: date, until: date) -> pa.Table:
        """The rows of one frame for the stored days from `since` to `until`, both inclusive."""
        with self.atomic.reading():
            return self.read_days(source, self.days(source, since, until), [frame])[1][frame]

    def read_range(
        self, source: str, since: date, until: date, frames: Iterable[str] = ()
    ) -> tuple[dict[date, StoredDay], Frames]:
        """The stored days from `since` to `until` and their frames, all as of one moment.

        Text is read as dictionaries, which are faster and smaller on the way to pandas.
        """
        with self.atomic.reading():
            days = self.days(source, since, until)
            return self.read_days(source, days, frames, schema=lambda n: encoded(schema_of(n)))

    def snapshot(self, source: str) -> "Store":
        """A store of the days of a source as they are now, which no later sync changes."""
        with self.indexed(source) as index:
            folder = self.folder(source)
            return Store(self.atomic.pin(folder / name for name in (INDEX, *index.files)))

    def verify(self, source: str) -> tuple[int, list[DamagedFileError]]:
        """Read every byte of every file: the number of files, and the damaged ones."""
        found = list[DamagedFileError]()
        with self.indexed(source) as index:
            for name, digest in sorted(index.files.items()):
                try:
                    read_bytes(self.folder(source) / name, digest, anew=True)
                except DamagedFileError as error:
                    found.append(error)
            return len(index.files) + bool(index.days), found

    def organization(self, source: str) -> str | None:
        """Whose days are stored; None when there are none, or when it is not known."""
        with self.indexed(source) as index:
            return index.organization

    def check_organization(self, source: str, new: str | None) -> None:
        """`StoreError` when the stored days belong to another organization than `new`."""
        old = self.organization(source)
        if old and new and old != new:
            raise StoreError(
                f"The store {self.root} holds {source} days of organization {old}, these are of "
                f"{new}. Give them a store of their own: --store DIR, or CCANALYTICS_STORE."
            )

    def restatements(self, source: str) -> list[Restatement]:
        """Every change of a stored day, in the order it was seen."""
        return restatements_in(self.read_file(source, RESTATEMENTS) or b"")

    @contextmanager
    def indexed(self, source: str) -> Iterator[DayIndex]:
        """The index of a source; while this is open its files match the index."""
        with self.atomic.reading():
            if not (self.root / VERSION).is_dir():
                self._refuse_other_versions()
            yield read_index(self.folder(source))

    def _refuse_other_versions(self) -> None:
        others = [p.name for p in self.root.glob("v*") if re.fullmatch(r"v\d+", p.name)]
        if others:
            old, name = self.root / others[0], self.root.name
            raise StoreError(
                f"{old} was written by another version of ccanalytics, which this one does not "
                f"read. It may be the only copy of its days, so keep it: mv {old} "
                f"{self.root.with_name(f'{name}-{others[0]}')}. Then fill a new store with "
                "ccanalytics sync."
            )

    def _are_settled(self, source: str, news: Mapping[date, tuple[NewDay, str]]) -> bool:
        """Whether all days are stored as final, with equal content."""
        with self.indexed(source) as index:
            there = all((self.folder(source) / name).exists() for name in index.files)
            old = {day: index.days.get(day) for day in news}
        return there and all(
            one is not None and one.final and one.digest == news[day][1] for day, one in old.items()
        )

    def _read(
        self,
        source: str,
        index: DayIndex,
        frame: str,
        days: Collection[date],
        lost_ok: bool,
        schema: pa.Schema,
    ) -> pa.Table:
        months = {month: set(some) for month, some in groupby(days, month_of)}
        stored = {month: set(some) for month, some in groupby(index.days, month_of)}

        def read(month: str) -> pa.Table:
            some = None if months[month] == stored[month] else months[month]
            return read_month(folder / names[month], index.files[names[month]], schema, some)

        folder = self.folder(source)
        names = {month: place_of(frame, month) for month in months}
        there = [
            month
            for month, name in names.items()
            if name in index.files and not (lost_ok and not (folder / name).exists())
        ]
        # Arrow decodes columns in threads of its own; more of ours would only wait.
        return pa.concat_tables([pa.Table.from_batches([], schema), *map(read, there)])


def restatements_in(content: bytes) -> list[Restatement]:
    return [msgspec.json.decode(line, type=Restatement) for line in content.splitlines()]


def month_of(day: date) -> str:
    """The month of a day, as files are named: 2026-11."""
    return f"{day:%Y-%m}"


def place_of(frame: str, month: str) -> str:
    """The path of a frame and month, below the folder of the source."""
    return f"{frame}/{month}.parquet"


@dataclass
class _Commit:
    """The files of one commit, being written to `folder`."""

    store: Store
    source: str
    folder: Path
    index: DayIndex = field(init=False)

    def __post_init__(self) -> None:
        with self.store.indexed(self.source) as index:
            self.index = replace(index, days=dict(index.days), files=dict(index.files))

    def add(
        self, news: Mapping[date, tuple[NewDay, str]], files: Mapping[str, bytes]
    ) -> list[DayChange]:
        """Write the files that change with these days."""
        for organization in {one.organization for one, _ in news.values()}:
            self.store.check_organization(self.source, organization)
        changes = [self._change(one, digest) for one, digest in news.values()]
        # A damaged file that was set aside is written again from the same days.
        folder = self.store.folder(self.source)
        gone = {Path(name).stem for name in self.index.files if not (folder / name).exists()}
        changed = {
            one.day: news[one.day][0]
            for one in changes
            if one.kind != "same" or month_of(one.day) in gone
        }
        for month, days in groupby(sorted(changed), month_of):
            frames_of = {day: changed[day].frames for day in days}
            for frame in layout_of(self.source).frames:
                self._write_month(frame, month, frames_of)
        for name, content in {**files, **self._restated(news, changes)}.items():
            self.index.files[name] = write_bytes(self.folder / name, content)
        for one, digest in news.values():
            self._note(one, digest)
        write_index(self.folder, self.index)
        return changes

    def _change(self, new: NewDay, digest: str) -> DayChange:
        old = self.index.days.get(new.day)
        if old is None or not old.digest:  # of a rebuilt index nothing tells what changed
            return DayChange(new.day, "new")
        if old.digest == digest:
            return DayChange(new.day, "same")
        _, before = self.store.read_days(self.source, [new.day], lost_ok=True)
        return change_of(new.day, before, new.frames)

    def _write_month(self, frame: str, month: str, days: Mapping[date, Frames]) -> None:
        schema, name = schema_of(frame), place_of(frame, month)
        nothing = pa.Table.from_batches([], schema)
        new = {day: frames.get(frame, nothing) for day, frames in days.items()}
        old, path = nothing, self.store.folder(self.source) / name
        digest = self.index.files.get(name)
        if digest and not path.exists() and self._days_of(month) <= days.keys():
            old = nothing
        elif digest:
            old = read_month(path, digest, schema)
            if news := set(columns_of(path)) - set(schema.names):
                raise StoreError(
                    f"{path} has columns of a newer version of ccanalytics, which this one would "
                    f"lose: {', '.join(sorted(news))}. Update ccanalytics."
                )
        always = (*SCHEMAS, layout_of(self.source).frames[0])
        if digest or frame in always or any(map(len, new.values())):
            rows = with_days(old, new)
            self.index.files[name] = write_month(self.folder / name, rows)

    def _days_of(self, month: str) -> set[date]:
        return {day for day in self.index.days if month_of(day) == month}

    def _restated(
        self, news: Mapping[date, tuple[NewDay, str]], changes: Iterable[DayChange]
    ) -> dict[str, bytes]:
        lines = [
            Restatement(
                change.day,
                old.fetched_at,
                news[change.day][0].fetched_at,
                change.measures,
                change.people,
            )
            for change in changes
            if change.kind == "changed" and (old := self.index.days[change.day]).closed
        ]
        if not lines:
            return {}
        before = self.store.read_file(self.source, RESTATEMENTS) or b""
        added = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        return {RESTATEMENTS: before + added}

    def _note(self, new: NewDay, digest: str) -> None:
        """Put a day into the index."""
        layout = layout_of(self.source)
        if new.organization:
            self.index = replace(self.index, organization=new.organization)
        self.index.days[new.day] = StoredDay(
            new.day,
            new.fetched_at,
            digest,
            len(new.frames[layout.frames[0]]),
            new.may_be_final and is_final(new.day, new.fetched_at, layout.settling),
            tuple(sorted(new.unknown_fields)),
            self.source,
        )
