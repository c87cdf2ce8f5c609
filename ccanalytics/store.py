"""Frames of UTC days <-> plain Parquet files that any tool can read.

    <root>/v1/<source>/<frame>/2026-11-20.parquet    one file per frame and UTC day
    <root>/v1/<source>/restatements.jsonl            days that came out differently later on
    <root>/v1/<source>/organization                  whose days these are; one per source

The date is a column inside too. An empty day is an empty file, a day without `activity` is not
stored. Columns are only ever added: in files older than a column it reads as null. All frames of a
day carry the same digest of the whole day, so a day is never read half old and half new.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import msgspec
import pyarrow as pa

from ccanalytics.atomic import AtomicFolder
from ccanalytics.day_files import (
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
from ccanalytics.errors import StoreError
from ccanalytics.frames import SCHEMAS, SESSIONS, Frames
from ccanalytics.periods import is_closed, is_final

VERSION = "v1"

FRAME_SCHEMAS = {**SCHEMAS, "sessions": SESSIONS}

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

    @property
    def closed(self) -> bool:
        """Fetched when all of the day was there."""
        return is_closed(self.day, self.fetched_at)

    @property
    def final(self) -> bool:
        """Fetched so late that the day is not expected to change any more."""
        return is_final(self.day, self.fetched_at)


class DayChange(msgspec.Struct, frozen=True):
    """What writing a day did; `measures` are the totals a `changed` day has differently."""

    day: date
    kind: Literal["new", "same", "changed", "kept"]
    measures: Totals = {}


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
        only_growing: bool = False,
        unknown_fields: Iterable[str] = (),
    ) -> DayChange:
        """Put `frames` in place of what is stored of `day`, all of them or none.

        A final day that did not change is not written. With `only_growing` a day of which some
        count would go down is `kept` as it is.
        """
        unknown = tuple(sorted(unknown_fields))
        written = Written(fetched_at, organization, digest_of(frames), unknown)
        self._check_organization(source, organization)
        try:
            if self._settled(source, day, written.digest):
                return DayChange(day, "same")
            with self._files.aside() as aside:
                for name, table in frames.items():
                    write_file(aside / VERSION / source / name / f"{day}.parquet", table, written)
                with self._files.writing():
                    return self._commit(aside, source, day, frames, written, only_growing)
        except OSError as error:
            raise StoreError(f"{day} cannot be written to {self.root}: {error}.") from error

    def days(self, source: str) -> dict[date, StoredDay]:
        """The stored days, in order."""
        with self._files.reading():
            return self._days(source)

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
            days = _between(self._days(source), since, until)
            return self._read(source, frame, days, columns)

    def read_range(
        self, source: str, since: date, until: date
    ) -> tuple[dict[date, StoredDay], Frames]:
        """The stored days from `since` to `until` and their frames, all as of one moment."""
        with self._files.reading():
            days = _between(self._days(source), since, until)
            return days, {name: self._read(source, name, days) for name in self.frames(source)}

    def read_day(self, source: str, day: date) -> tuple[StoredDay, Frames]:
        """One stored day and its frames, as of one moment; `StoreError` when it is not stored."""
        with self._files.reading():
            stored = self._stored_day(source, day)
            if stored is None:
                raise StoreError(f"There is no {source} day {day} in the store {self.root}.")
            names = self.frames(source)
            return stored, {name: self._read(source, name, {day: stored}) for name in names}

    def frames(self, source: str) -> list[str]:
        """The names of the frames of a source, as far as it has been stored."""
        return [n for n in FRAME_SCHEMAS if n in SCHEMAS or self.folder(source, n).is_dir()]

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

    def _commit(
        self,
        aside: Path,
        source: str,
        day: date,
        frames: Frames,
        written: Written,
        only_growing: bool,
    ) -> DayChange:
        self._check_organization(source, written.organization)
        old = self._stored_day(source, day)
        change = self._change(source, old, day, frames, written)
        if change.kind == "changed" and old:
            if only_growing and any(_shrank(name, pair) for name, pair in change.measures.items()):
                return msgspec.structs.replace(change, kind="kept")
            line = Restatement(day, old.fetched_at, written.fetched_at, change.measures)
            log = self._restatement_log(source) + msgspec.json.encode(line) + b"\n"
            (aside / VERSION / source / "restatements.jsonl").write_bytes(log)
        if written.organization:
            (aside / VERSION / source / "organization").write_text(
                written.organization, encoding="utf-8"
            )
        self._files.commit(aside)
        return change

    def _settled(self, source: str, day: date, digest: str) -> bool:
        """Whether the day is stored as final, and just so."""
        with self._files.reading():
            old = self._stored_day(source, day)
        return old is not None and old.final and old.digest == digest

    def _check_organization(self, source: str, new: str | None) -> None:
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

    def _days(self, source: str) -> dict[date, StoredDay]:
        folder = self.folder(source, "activity")
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        matches = filter(None, map(_DAY_FILE.fullmatch, names))
        days = (self._stored_day(source, date.fromisoformat(match[1])) for match in matches)
        return {stored.day: stored for stored in days if stored}

    def _stored_day(self, source: str, day: date) -> StoredDay | None:
        path = self.folder(source, "activity") / f"{day}.parquet"
        if not path.exists():
            return None
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
        )

    def _read(
        self,
        source: str,
        frame: str,
        days: Mapping[date, StoredDay],
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        schema = FRAME_SCHEMAS[frame]
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns])
        folder = self.folder(source, frame)

        def read(stored: StoredDay) -> pa.Table:
            return read_file(folder / f"{stored.day}.parquet", schema, stored.digest)

        # Decompressing leaves Python's lock, so two files are read in the time of one.
        with ThreadPoolExecutor(READERS) as pool:
            tables = list(pool.map(read, days.values()))
        return pa.concat_tables([schema.empty_table(), *tables])


def _between(days: Mapping[date, StoredDay], since: date, until: date) -> dict[date, StoredDay]:
    return {day: stored for day, stored in days.items() if since <= day <= until}


def _shrank(measure: str, pair: tuple[str, str]) -> bool:
    """Whether a count went down; prices may."""
    before, after = pair
    return not measure.endswith("cost_usd") and int(after) < int(before)
