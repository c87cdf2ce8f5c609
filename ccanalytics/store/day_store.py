"""Frames of UTC days <-> plain Parquet files that any tool can read.

    <root>/v1/<source>/<frame>/2026-11-20.parquet    one file per frame and UTC day
    <root>/v1/<source>/restatements.jsonl            days that came out differently later on
    <root>/v1/<source>/organization                  whose days these are; one per source
    <root>/v1/<source>/<name>                        what else a source remembers from day to day

The date is a column inside too. A day is stored when the frame that is written last is there:
`activity`, or `billed` of billing, which is kept as a source of its own. An empty day is an empty
file; of the frames that only some sources fill, empty ones have no file. Columns are only ever
added: in files older than a column it reads as null. All frames of a day carry the same digest of
the whole day, so a day is never read half old and half new.
"""

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import pyarrow as pa

from ccanalytics.atomic import AtomicFolder
from ccanalytics.errors import StoreError
from ccanalytics.frames.schemas import SCHEMAS, Frames
from ccanalytics.store.day_files import (
    Totals,
    Written,
    differences,
    digest_of,
    open_file,
    read_file,
    read_written,
    totals_of,
    write_file,
)
from ccanalytics.store.layout import frame_schemas, layout_of
from ccanalytics.weeks import is_closed, is_final

VERSION = "v1"

READERS = 4
"""Threads that read day files."""

_DAY_FILE = re.compile(r"(\d{4}-\d{2}-\d{2})\.parquet")


@dataclass(frozen=True)
class StoredDay:
    """One UTC day as it is stored; `rows` are its records."""

    day: date
    fetched_at: datetime
    organization: str | None
    digest: str
    rows: int
    unknown_fields: tuple[str, ...] = ()
    source: str = "api"
    frames: tuple[str, ...] = ()
    """The frames that have a file."""

    @property
    def closed(self) -> bool:
        """Fetched when all of the day was there."""
        return is_closed(self.day, self.fetched_at, layout_of(self.source).settling)

    @property
    def final(self) -> bool:
        """Fetched so late that the day is not expected to change any more."""
        return is_final(self.day, self.fetched_at, layout_of(self.source).settling)


class DayChange(msgspec.Struct, frozen=True):
    """What writing a day did; `measures` are the totals a `changed` day has differently."""

    day: date
    kind: Literal["new", "same", "changed"]
    measures: Totals = {}


class Draft(NamedTuple):
    """A day to be written."""

    day: date
    frames: Frames
    written: Written


class Restatement(msgspec.Struct, frozen=True):
    """A stored day that was fetched again and had changed.

    Without `measures` only keys changed, such as a terminal, and all totals stayed.
    """

    day: date
    fetched_before: datetime
    fetched_after: datetime
    measures: Totals


class Store:
    """The days of all sources under one folder; nothing is written before the first day is."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root).expanduser().absolute()
        self._files = AtomicFolder(self.root)

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"

    def folder(self, source: str, frame: str) -> Path:
        """Where the day files of one frame are."""
        return self.root / VERSION / source / frame

    def write_day(
        self,
        source: str,
        day: date,
        frames: Frames,
        *,
        fetched_at: datetime,
        organization: str | None = None,
        unknown_fields: Iterable[str] = (),
    ) -> DayChange:
        """Put `frames` in place of what is stored of `day`, all of them or none.

        A final day that did not change is not written.
        """
        (change,) = self.write_days(
            source,
            {day: frames},
            fetched_at=fetched_at,
            organization=organization,
            unknown_fields=unknown_fields,
        )
        return change

    def write_days(
        self,
        source: str,
        days: Mapping[date, Frames],
        *,
        fetched_at: datetime,
        organization: str | None = None,
        unknown_fields: Iterable[str] = (),
        beside: Mapping[str, bytes] | None = None,
    ) -> list[DayChange]:
        """Put all these days in place, and the files `beside` them, or nothing at all."""
        self.check_organization(source, organization)
        fields = tuple(sorted(unknown_fields))
        digests = {id(f): digest_of(f) for f in {id(f): f for f in days.values()}.values()}
        drafts = [
            Draft(day, frames, Written(fetched_at, organization, digest, fields, names))
            for day, frames in days.items()
            for digest, names in [(digests[id(frames)], self._with_files(source, day, frames))]
            if not self._settled(source, day, digest)
        ]
        if not drafts and not beside:
            return [DayChange(day, "same") for day in days]
        try:
            with self._files.aside() as aside:
                folder = aside / VERSION / source
                _write(folder, drafts, beside or {})
                with self._files.writing():
                    changes = self._take_changes(folder, source, drafts)
                    if organization:
                        (folder / "organization").write_text(organization, encoding="utf-8")
                    self._files.commit(aside)
        except OSError as error:
            named = ", ".join(map(str, days)) if len(days) < 4 else f"{len(days)} days"
            raise StoreError(f"{named} cannot be written to {self.root}: {error}.") from error
        return [changes.get(day, DayChange(day, "same")) for day in days]

    def alone(self, source: str) -> AbstractContextManager[None]:
        """While this is open no other process brings days of this source."""
        return self._files.alone(source)

    def read_beside(self, source: str, name: str) -> bytes | None:
        """A file next to the days; None when there is none."""
        with self._files.reading():
            path = self._folder(source) / name
            return path.read_bytes() if path.exists() else None

    def dates(self, source: str) -> list[date]:
        """The stored days by their files' names, in order; no file is opened."""
        folder = self.folder(source, layout_of(source).mark)
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        return [day for day in map(_day_of, names) if day]

    def days(
        self, source: str, since: date = date.min, until: date = date.max
    ) -> dict[date, StoredDay]:
        """The stored days from `since` to `until`, both inclusive, in order."""
        with self._files.reading():
            return self._days(source, since, until)

    def read_days(
        self, source: str, days: Iterable[date], frames: Iterable[str] = ()
    ) -> tuple[dict[date, StoredDay], Frames]:
        """Those of `days` that are stored, and all or some of their frames, as of one moment."""
        with self._files.reading():
            there = (self._stored_day(source, day) for day in sorted(days))
            stored = {day.day: day for day in there if day}
            names = tuple(frames) or layout_of(source).frames
            return stored, {name: self._read(source, name, stored) for name in names}

    def read(
        self,
        source: str,
        frame: str,
        since: date,
        until: date,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """The rows of one frame, of the stored days from `since` to `until`, both inclusive."""
        with self._files.reading():
            days = self._days(source, since, until)
            return self._read(source, frame, days, columns)

    def read_range(
        self, source: str, since: date, until: date
    ) -> tuple[dict[date, StoredDay], Frames]:
        """The stored days from `since` to `until` and their frames, all as of one moment."""
        with self._files.reading():
            days = self._days(source, since, until)
            names = layout_of(source).frames
            return days, {name: self._read(source, name, days) for name in names}

    def read_day(self, source: str, day: date) -> tuple[StoredDay, Frames]:
        """One stored day and its frames, as of one moment; `StoreError` when it is not stored."""
        stored, frames = self.read_days(source, [day])
        if not stored:
            raise StoreError(f"There is no {source} day {day} in the store {self.root}.")
        return stored[day], frames

    def organization(self, source: str) -> str | None:
        """Whose days are stored; None when there are none, or when nothing told."""
        try:
            return (self._folder(source) / "organization").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def restatements(self, source: str) -> list[Restatement]:
        """Every change of a stored day, in the order they were seen."""
        with self._files.reading():
            lines = self._restatement_log(source).splitlines()
        return [msgspec.json.decode(line, type=Restatement) for line in lines]

    def _folder(self, source: str) -> Path:
        return self.root / VERSION / source

    def _with_files(self, source: str, day: date, frames: Frames) -> tuple[str, ...]:
        """The frames of a day that need a file: one that is there already must not go stale."""
        return tuple(
            name
            for name, table in frames.items()
            if len(table)
            or name in SCHEMAS
            or name == layout_of(source).mark
            or (self.folder(source, name) / f"{day}.parquet").exists()
        )

    def _take_changes(
        self, folder: Path, source: str, drafts: Sequence[Draft]
    ) -> dict[date, DayChange]:
        """What the drafts in `folder` change, noted in the log there."""
        self.check_organization(source, drafts[0].written.organization if drafts else None)
        changes, lines = {}, []
        for day, frames, written in drafts:
            old = self._stored_day(source, day)
            change = self._change(source, old, day, frames, written)
            if change.kind == "changed" and old and old.closed:
                lines.append(Restatement(day, old.fetched_at, written.fetched_at, change.measures))
            changes[day] = change
        if lines:
            added = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
            (folder / "restatements.jsonl").write_bytes(self._restatement_log(source) + added)
        return changes

    def _settled(self, source: str, day: date, digest: str) -> bool:
        """Whether the day is stored as final, and just so."""
        with self._files.reading():
            old = self._stored_day(source, day)
        return old is not None and old.final and old.digest == digest

    def check_organization(self, source: str, new: str | None) -> None:
        """`StoreError` when the stored days are of another organization than `new`."""
        old = self.organization(source)
        if old and new and old != new:
            raise StoreError(
                f"The store {self.root} holds {source} days of organization {old}, these are of "
                f"{new}. Give them a store of their own: --store DIR, or CCANALYTICS_STORE."
            )

    def _change(
        self, source: str, old: StoredDay | None, day: date, frames: Frames, written: Written
    ) -> DayChange:
        if old is None:
            return DayChange(day, "new")
        if old.digest == written.digest:
            return DayChange(day, "same")
        before = {n: self._read(source, n, {day: old}) for n in frames}
        return DayChange(day, "changed", differences(totals_of(before), totals_of(frames)))

    def _restatement_log(self, source: str) -> bytes:
        path = self._folder(source) / "restatements.jsonl"
        return path.read_bytes() if path.exists() else b""

    def _days(self, source: str, since: date, until: date) -> dict[date, StoredDay]:
        dates = [day for day in self.dates(source) if since <= day <= until]
        days = (self._stored_day(source, day) for day in dates)
        return {stored.day: stored for stored in days if stored}

    def _stored_day(self, source: str, day: date) -> StoredDay | None:
        path = self.folder(source, layout_of(source).mark) / f"{day}.parquet"
        try:
            stat = path.stat()
        except FileNotFoundError:
            return None
        return _stored(path, source, day, stat.st_ino, stat.st_mtime_ns, stat.st_size)

    def _read(
        self,
        source: str,
        frame: str,
        days: Mapping[date, StoredDay],
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        schema = frame_schemas()[frame]
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns])
        folder = self.folder(source, frame)

        def read(stored: StoredDay) -> pa.Table:
            path = folder / f"{stored.day}.parquet"
            has = frame in stored.frames
            if frame not in SCHEMAS and not has:
                return schema.empty_table()
            return read_file(path, schema, stored.digest)

        if frame in SCHEMAS:
            days = {day: stored for day, stored in days.items() if stored.rows}
        # Decompressing leaves Python's lock, so two files are read in the time of one.
        with ThreadPoolExecutor(READERS) as pool:
            tables = list(pool.map(read, days.values()))
        return pa.concat_tables([schema.empty_table(), *tables])


def _day_of(name: str) -> date | None:
    """The day a file is named after; None for any other file."""
    match = _DAY_FILE.fullmatch(name)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _stored(path: Path, source: str, day: date, inode: int, modified: int, size: int) -> StoredDay:
    """What a file says of its day; asked again only when there is another file in its place."""
    with open_file(path) as file:
        written = read_written(file, path)
        rows = file.metadata.num_rows
    return StoredDay(
        day,
        written.fetched_at,
        written.organization,
        written.digest,
        rows,
        written.unknown_fields,
        source,
        written.frames,
    )


def _write(folder: Path, drafts: Iterable[Draft], beside: Mapping[str, bytes]) -> None:
    """Writes the files of all days; the empty ones of a moment are copies of one."""
    empty: dict[tuple[str, Written], Path] = {}
    for day, frames, written in drafts:
        for name in written.frames:
            path, key = folder / name / f"{day}.parquet", (name, written)
            if key in empty:
                shutil.copyfile(empty[key], path)
            else:
                write_file(path, frames[name], written)
            if not len(frames[name]):
                empty[key] = path
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in beside.items():
        (folder / name).write_bytes(content)
