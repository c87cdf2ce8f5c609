"""Frames of UTC days <-> plain Parquet files that any tool can read.

    <root>/v2/<source>/<frame>/2026-11.parquet   one file per frame and month, sorted by day
    <root>/v2/<source>/days.parquet              one row per stored UTC day
    <root>/v2/<source>/restatements.jsonl        days that came out differently later on
    <root>/v2/<source>/published.json            what was published of each week
    <root>/v2/<source>/published_roster.json     and by which roster
    <root>/v2/<source>/<name>                    other state of a source

An empty day is a row in `days.parquet`. A frame that only some sources fill has no file in a month
without rows. Columns are only ever added: files older than a column read as null. All
files of a commit appear together or not at all, and a reader sees the files of one commit.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ccanalytics.atomic import AtomicFolder
from ccanalytics.errors import StoreError
from ccanalytics.frames.schemas import SCHEMAS, Frames, encoded
from ccanalytics.store.day_changes import Changes, Restatement, digest_of, restatement
from ccanalytics.store.layout import layout_of, schema_of
from ccanalytics.store.source_files import (
    INDEX,
    DamagedFileError,
    DayIndex,
    StoredDay,
    read_bytes,
    read_index,
    read_month,
    with_days,
    write_bytes,
    write_index,
    write_table,
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

    @cached_property
    def digest(self) -> str:
        """The digest of its rows."""
        return digest_of(self.frames)


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

    def write_day(self, source: str, day: date, frames: Frames, **about: Any) -> str:
        """`write_days` of one; what it is `about` are the further fields of a `NewDay`."""
        return self.write_days(source, [NewDay(day, frames, **about)])[day]

    def write_days(
        self, source: str, days: Iterable[NewDay], files: Mapping[str, bytes] | None = None
    ) -> Changes:
        """Put all these days in place, and further `files` of the source, or nothing at all.

        A final, unchanged day is not written.
        """
        news = {one.day: one for one in days}
        if not (news or files):
            return {}
        try:
            with self.atomic.writing() as aside:
                changes = _Commit(self, source, aside / VERSION / source).add(news, files or {})
                if any(aside.iterdir()):
                    self.atomic.commit(aside)
        except OSError as error:
            named = ", ".join(map(str, news)) if len(news) < 4 else f"{len(news)} days"
            raise StoreError(f"{named} cannot be written to {self.root}: {error}.") from error
        return changes

    def alone(self, source: str) -> AbstractContextManager[None]:
        """Hold the sync lock of this source."""
        waiting = f"Another sync of {source} is going on; this one waits for it."
        return self.atomic.alone(f"{source}.lock", waiting=waiting)

    def read_file(self, source: str, name: str) -> bytes | None:
        """A file next to the days, or None."""
        with self.indexed(source) as index:
            digest = index.files.get(name)
            return read_bytes(self.folder(source) / name, digest) if digest else None

    def dates(self, source: str) -> list[date]:
        """The stored days in order."""
        return list(self.days(source))

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
        tables: Frames = {}
        with self.indexed(source) as index:
            stored = {day: index.days[day] for day in sorted(days) if day in index.days}
            for frame in tuple(frames) or layout_of(source).frames:
                parts = [pa.Table.from_batches([], schema(frame))]
                for month, some in groupby(stored, month_of):
                    name = place_of(frame, month)
                    path, digest = self.folder(source) / name, index.files.get(name)
                    # Arrow decodes columns in threads of its own; more of ours would only wait.
                    if digest and (path.exists() or not lost_ok):
                        parts.append(read_month(path, digest, schema(frame), set(some)))
                tables[frame] = pa.concat_tables(parts)
        return stored, tables

    def read(self, source: str, frame: str, since: date, until: date) -> pa.Table:
        """The rows of one frame for the stored days from `since` to `until`, both inclusive."""
        with self.atomic.reading():
            return self.read_days(source, self.days(source, since, until), [frame])[1][frame]

    def read_range(
        self, source: str, since: date, until: date, frames: Iterable[str] = ()
    ) -> tuple[dict[date, StoredDay], Frames]:
        """`read_days` of the stored days from `since` to `until`, both inclusive.

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

    def __post_init__(self) -> None:
        with self.store.indexed(self.source) as index:
            self.index = index.copy()
        self.stored, self.layout = self.store.folder(self.source), layout_of(self.source)

    def add(self, news: Mapping[date, NewDay], files: Mapping[str, bytes]) -> Changes:
        """Write the files that change with these days, if any."""
        for organization in {one.organization for one in news.values()}:
            self.store.check_organization(self.source, organization)
        changes: Changes = {day: self._change(one) for day, one in news.items()}
        # A damaged file that was set aside is written again from the same days.
        gone = {Path(name).stem for name in self.index.files if not (self.stored / name).exists()}
        written = [day for day in sorted(news) if changes[day] != "same" or month_of(day) in gone]
        if not (written or files) and all(self.index.days[day].final for day in news):
            return changes
        for month, days in groupby(written, month_of):
            frames_of = {day: news[day].frames for day in days}
            for frame in self.layout.frames:
                self._write_month(frame, month, frames_of)
        for name, content in {**files, **self._restated(news, changes)}.items():
            self.index.files[name] = write_bytes(self.folder / name, content)
        for one in news.values():
            self._note(one)
        write_index(self.folder, self.index)
        return changes

    def _change(self, new: NewDay) -> Literal["new", "same", "changed"]:
        old = self.index.days.get(new.day)
        if old is None or not old.digest:  # of a rebuilt index nothing tells what changed
            return "new"
        return "same" if old.digest == new.digest else "changed"

    def _write_month(self, frame: str, month: str, days: Mapping[date, Frames]) -> None:
        schema, name = schema_of(frame), place_of(frame, month)
        old = nothing = schema.empty_table()
        new = {day: frames.get(frame, nothing) for day, frames in days.items()}
        path, digest = self.stored / name, self.index.files.get(name)
        others = {day for day in self.index.days if month_of(day) == month} - days.keys()
        if digest and (path.exists() or others):
            old = read_month(path, digest, schema)
            if newer := set(pq.read_schema(path).names) - set(schema.names):
                raise StoreError(
                    f"{path} has columns of a newer version of ccanalytics, which this one would "
                    f"lose: {', '.join(sorted(newer))}. Update ccanalytics."
                )
        always = (*SCHEMAS, self.layout.frames[0])
        if digest or frame in always or any(map(len, new.values())):
            self.index.files[name] = write_table(self.folder / name, with_days(old, new))

    def _restated(self, news: Mapping[date, NewDay], changes: Changes) -> dict[str, bytes]:
        """The file of restatements, if these days add any."""
        added = b""
        for day, change in changes.items():
            if change == "changed" and (old := self.index.days[day]).closed:
                _, before = self.store.read_days(self.source, [day], lost_ok=True)
                times = old.fetched_at, news[day].fetched_at
                line = restatement(day, times, before, news[day].frames)
                added += msgspec.json.encode(line) + b"\n"
        known = self.store.read_file(self.source, RESTATEMENTS) or b""
        return {RESTATEMENTS: known + added} if added else {}

    def _note(self, new: NewDay) -> None:
        """Put a day into the index."""
        self.index.organization = new.organization or self.index.organization
        self.index.days[new.day] = StoredDay(
            new.day,
            new.fetched_at,
            new.digest,
            len(new.frames[self.layout.frames[0]]),
            new.may_be_final and is_final(new.day, new.fetched_at, self.layout.settling),
            sorted(new.unknown_fields),
            self.source,
        )
