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

import contextlib
import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccanalytics.atomic import AtomicFolder, alone, make_private
from ccanalytics.errors import StoreError
from ccanalytics.frames.schemas import SCHEMAS, Frames, encoded
from ccanalytics.settings import read_settings
from ccanalytics.store.layout import frame_schemas, layout_of, schema_of
from ccanalytics.store.source_files import (
    INDEX,
    DamagedFileError,
    DayIndex,
    StoredDay,
    month_of,
    rebuilt_index,
    with_days,
)
from ccanalytics.weeks import is_closed, is_final

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)

VERSION = "v2"
RESTATEMENTS = "restatements.jsonl"

Changes = dict[date, Literal["new", "same", "changed"]]  # what writing each day did


@dataclass(frozen=True)
class NewDay:
    """The frames of one UTC day to write; a missing frame has no rows."""

    day: date
    frames: Frames
    fetched_at: datetime
    organization: str | None = None
    unknown_fields: Collection[str] = ()
    may_be_final: bool = True  # not if only this machine's clock says when it was fetched

    @cached_property
    def digest(self) -> str:
        """A digest of the rows, independent of their order and of column metadata."""
        digest = hashlib.blake2b(digest_size=16)
        for name, table in sorted(self.frames.items()):
            if not len(table):  # a frame without rows is the same as no frame
                continue
            order = [(f.name, "ascending") for f in table.schema if not pa.types.is_nested(f.type)]
            rows = table.sort_by(order).combine_chunks()
            batch = pa.record_batch([c.chunk(0) for c in rows.columns], names=rows.column_names)
            digest.update(json.dumps([name, rows.column_names]).encode())
            digest.update(batch.serialize())
        return digest.hexdigest()


class Restatement(msgspec.Struct, frozen=True):
    """A stored day that had changed when it was fetched again."""

    day: date
    fetched_before: datetime
    fetched_after: datetime
    people: int = 0  # how many of them have other rows than before


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
                whose = {one.organization for one in news.values()} - {None}
                for organization in whose:
                    self.check_organization(source, organization)
                with self.indexed(source) as index:
                    index.organization = next(iter(whose), index.organization)
                changes = _add(index, aside / VERSION / source, news, files or {})
                if any(aside.iterdir()):
                    self.atomic.commit(aside)
        except OSError as error:
            named = ", ".join(map(str, news)) if len(news) < 4 else f"{len(news)} days"
            raise StoreError(f"{named} cannot be written to {self.root}: {error}.") from error
        return changes

    def alone(self, source: str) -> contextlib.AbstractContextManager[None]:
        """Hold the sync lock of this source."""
        waiting = f"Another sync of {source} is going on; this one waits for it."
        return alone(self.atomic.aside / f"{source}.lock", waiting=waiting)

    def read_file(self, source: str, name: str) -> bytes | None:
        """A file next to the days, or None."""
        with self.indexed(source) as index:
            return index.read(name) if name in index.files else None

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
        frames: Iterable[str] | Mapping[str, pa.Schema] = (),
        *,
        lost_ok: bool = False,
    ) -> tuple[dict[date, StoredDay], Frames]:
        """The stored ones of `days`, and all or some of their frames, as of one moment.

        `frames` may have schemas of their own, with fewer columns or with text as dictionaries.
        With `lost_ok` a missing file has no rows; else it is an error.
        """
        names = tuple(frames) or layout_of(source).frames
        schemas = frames if isinstance(frames, Mapping) else {n: schema_of(n) for n in names}
        with self.indexed(source) as index:
            stored = {day: index.days[day] for day in sorted(days) if day in index.days}
            return stored, {
                name: index.read_days(name, schema, stored, lost_ok=lost_ok)
                for name, schema in schemas.items()
            }

    def read(self, source: str, frame: str, since: date, until: date) -> pa.Table:
        """The rows of one frame for the stored days from `since` to `until`, both inclusive.

        Text is read as dictionaries, which are faster and smaller on the way to pandas.
        """
        with self.indexed(source) as index:
            days = [day for day in index.days if since <= day <= until]
            return index.read_days(frame, encoded(schema_of(frame)), days)

    def snapshot(self, source: str) -> "Store":
        """A store of the days of a source as they are now, which no later sync changes."""
        with self.indexed(source) as index:
            return Store(self.atomic.pin(index.folder / name for name in (INDEX, *index.files)))

    def verify(self, source: str) -> tuple[int, list[DamagedFileError]]:
        """Read every byte of every file: the number of files, and the damaged ones."""
        with self.indexed(source) as index:
            return len(index.files) + bool(index.days), index.damaged(anew=True)

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
        lines = self.read_file(source, RESTATEMENTS) or b""
        return msgspec.json.Decoder(Restatement).decode_lines(lines)

    @contextlib.contextmanager
    def indexed(self, source: str) -> Iterator[DayIndex]:
        """The index of a source; while this is open its files match the index."""
        with self.atomic.reading():
            old = next((p for p in self.root.glob("v*") if re.fullmatch(r"v\d+", p.name)), None)
            if old and not (self.root / VERSION).is_dir():
                kept = self.root.with_name(f"{self.root.name}-{old.name}")
                raise StoreError(
                    f"{old} was written by another version of ccanalytics, which this one does not "
                    f"read. It may be the only copy of its days, so keep it: mv {old} {kept}. Then "
                    "fill a new store with ccanalytics sync."
                )
            yield DayIndex.of(self.folder(source))


def connect(source: str, store: Store | Path | str | None = None) -> "duckdb.DuckDBPyConnection":
    """A DuckDB connection with a view per frame of `source`: activity, model_usage, tool_actions
    and what else is stored of it, such as sessions. Columns are those of the frame but for `team`.

    All views show one moment; a later sync shows in the next connection. The store is
    the one of ccanalytics.toml and the environment unless given. The connection is in memory:
    nothing made in it is kept, and the views are read-only. They hold what was recorded: real
    names, whatever the identity policy of notebooks, and nothing withheld.
    """
    import duckdb  # a sync needs none

    if not isinstance(store, Store):
        store = Store(Path(store or read_settings(os.environ, Path.cwd()).store))
    if not store.dates(source):
        raise StoreError(
            f"No {source} day is in the store {store.root}: load the source first, or fill it with "
            "ccanalytics sync."
        )
    pinned = store.snapshot(source)
    for damaged in pinned.verify(source)[1]:
        raise damaged
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    for name in frame_schemas():
        if (folder := pinned.folder(source, name)).exists():
            # DuckDB takes a path for a pattern.
            plain = re.sub(r"[*?[]", r"[\g<0>]", folder.as_posix()).replace("'", "''")
            # Columns are only ever added, so older files lack the newest.
            rows = f"read_parquet('{plain}/*.parquet', union_by_name = true)"
            connection.execute(f"create view {name} as select * from {rows}")
    return connection


def repair(
    store: Store, source: str, since: date = date.min, until: date = date.max
) -> dict[date, set[str]]:
    """Set damaged files of these days aside; returns the days to write again, with the frames they
    lack. A month with a damaged file needs all its days.

    Nothing is deleted: damaged files are kept below `<root>/damaged`, under their old path. A
    damaged `days.parquet` is rebuilt from the existing files.
    """
    folder = store.folder(source)
    with contextlib.suppress(DamagedFileError), store.indexed(source) as index:
        if not index.damaged(since, until):
            return index.lost(since, until)
    with store.atomic.writing() as aside:
        try:
            index = DayIndex.of(folder)
        except DamagedFileError:
            _set_aside(store.root, folder / INDEX, keep=True)
            index = rebuilt_index(folder)
        for error in index.damaged(since, until):
            _set_aside(store.root, error.path)
            if not error.month:  # what is kept next to the days begins anew
                del index.files[error.path.name]
        index.write(aside / VERSION / source)
        store.atomic.commit(aside)
        return index.lost(since, until)


def _set_aside(root: Path, path: Path, *, keep: bool = False) -> None:
    """Move a file below `damaged`, or copy it there with `keep`."""
    place = root / "damaged" / path.relative_to(root)
    make_private(place.parent)
    taken = len(list(place.parent.glob(f"{place.name}*")))
    target = place.with_name(f"{place.name}.{taken}") if taken else place
    if path.exists():
        (shutil.copy2 if keep else shutil.move)(path, target)
        log.warning("%s is damaged; it is kept as %s.", path, target)


def _add(
    index: DayIndex, aside: Path, news: Mapping[date, NewDay], files: Mapping[str, bytes]
) -> Changes:
    """Write the files that change with these days, if any, to the folder `aside`."""
    layout, changes, known = layout_of(index.folder.name), Changes(), index.days
    for day, one in news.items():
        old = known[day].digest if day in known else ""  # a rebuilt index has no digests
        changes[day] = "same" if old == one.digest else "changed" if old else "new"
    # A damaged file that was set aside is written again from the same days.
    lost = index.lost()
    written = [day for day in sorted(news) if changes[day] != "same" or lost.get(day)]
    if not (written or files) and all(known[day].final for day in news):
        return changes
    restated = [one for one in news.values() if changes[one.day] == "changed"]
    files = {**files, **_restated(index, restated)}
    for month, days in groupby(written, month_of):
        frames_of = {day: news[day].frames for day in days}
        for frame in layout.frames:
            _write_month(index, aside, frame, month, frames_of)
    for name, content in files.items():
        index.put(aside, name, content)
    for day, one in news.items():
        rows, unknown = len(one.frames[layout.frames[0]]), sorted(one.unknown_fields)
        closed = is_closed(day, one.fetched_at, layout.settling)
        final = one.may_be_final and is_final(day, one.fetched_at, layout.settling)
        known[day] = StoredDay(day, one.fetched_at, one.digest, rows, closed, final, unknown)
    index.write(aside)
    return changes


def _write_month(
    index: DayIndex, aside: Path, frame: str, month: str, days: Mapping[date, Frames]
) -> None:
    schema, name = schema_of(frame), f"{frame}/{month}.parquet"
    path, known = index.folder / name, name in index.files
    stored = [day for day in sorted(index.days) if month_of(day) == month]
    old = index.read_days(frame, schema, stored, lost_ok=days.keys() >= set(stored))
    if len(old) and (newer := set(pq.read_schema(path).names) - set(schema.names)):
        raise StoreError(
            f"{path} has columns of a newer version of ccanalytics, which this one would "
            f"lose: {', '.join(sorted(newer))}. Update ccanalytics."
        )
    nothing = schema.empty_table()
    new = {day: frames.get(frame, nothing) for day, frames in days.items()}
    always = (*SCHEMAS, layout_of(index.folder.name).frames[0])
    if known or frame in always or any(map(len, new.values())):
        index.put(aside, name, with_days(old, new))


def _restated(index: DayIndex, news: Iterable[NewDay]) -> dict[str, bytes]:
    """The file of restatements, if these days, which differ from the stored ones, add any."""
    added = []
    for new in news:
        if (old := index.days[new.day]).closed:
            people = _people_changed(index, new)
            added.append(Restatement(new.day, old.fetched_at, new.fetched_at, people))
    known = index.read(RESTATEMENTS) if RESTATEMENTS in index.files else b""
    return {RESTATEMENTS: known + msgspec.json.Encoder().encode_lines(added)} if added else {}


def _people_changed(index: DayIndex, new: NewDay) -> int:
    """How many people have other rows than before, in any frame."""
    people: set[str] = set()
    for name, table in new.frames.items():
        if "actor_kind" in table.column_names:
            old = index.read_days(name, table.schema, [new.day], lost_ok=True)
            sides = [
                rows.append_column("times", pa.repeat(pa.scalar(times), len(rows)))
                for rows, times in ((old, -1), (table, 1))
            ]
            groups = pa.concat_tables(sides).group_by(table.column_names)
            sums = groups.aggregate([("times", "sum")])
            is_other = (pc.field("actor_kind") == "user") & (pc.field("times_sum") != 0)
            people.update(sums.filter(is_other)["actor"].to_pylist())
    return len(people)
