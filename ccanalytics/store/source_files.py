"""The Parquet files of one source: its rows by frame and month, and the index of its days.

    activity/2026-11.parquet   rows of one frame and month, sorted by day
    days.parquet               one row per UTC day; the organization, and each file's digest

The index keeps a digest of each file's bytes, so that the files belong to one commit: one that is
damaged, cut short, from another month or written by another program is an error, not wrong numbers.
"""

import base64
import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccanalytics.errors import StoreError
from ccanalytics.frames.arrow_tables import FEW_ROWS
from ccanalytics.frames.schemas import KEYS
from ccanalytics.store.layout import layout_of, schema_of
from ccanalytics.weeks import is_closed

INDEX = "days.parquet"

_SCHEMA = pa.schema(
    {
        "date": pa.timestamp("ms"),
        "fetched_at": pa.timestamp("us", "UTC"),
        "digest": pa.string(),
        "rows": pa.int64(),
        "final": pa.bool_(),
        "unknown_fields": pa.list_(pa.string()),
    }
)
_METADATA = b"ccanalytics"

ROWS_PER_GROUP = 250_000
"""So many rows are decoded together: of a month of 100,000 people, a week is a few groups."""

_verified: set[tuple[str, str, int, int]] = set()  # files whose digest this process has verified


class DamagedFileError(StoreError):
    """A file of the store is missing or damaged."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is damaged ({reason}). ccanalytics check tells what else is; a sync of these "
            "days moves the file aside and gets them again."
        )
        self.path = path

    @property
    def month(self) -> date | None:
        """The first day of the file's month; None for a file of no month."""
        try:
            return date.fromisoformat(f"{self.path.stem}-01")
        except ValueError:
            return None


def month_of(day: date) -> str:
    """The month of a day, as files are named: 2026-11."""
    return f"{day:%Y-%m}"


class StoredDay(NamedTuple):
    """One stored UTC day; `rows` is its number of records."""

    day: date
    fetched_at: datetime
    digest: str
    rows: int
    closed: bool  # fetched when it was complete
    final: bool  # fetched late enough that it is not expected to change
    unknown_fields: Sequence[str] = ()  # unknown to the version that wrote the day


@dataclass
class DayIndex:
    """The stored days of the source in `folder`, in order, and the digests of its files by path."""

    folder: Path
    days: dict[date, StoredDay] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    organization: str | None = None

    @staticmethod
    def of(folder: Path) -> "DayIndex":
        """The index of a source as it is now; empty when nothing is there."""
        path = folder / INDEX
        try:
            state = path.stat()
        except FileNotFoundError:
            if any(folder.glob("*/*.parquet")):
                raise DamagedFileError(path, "it is missing") from None
            return DayIndex(folder)
        days, files, whose = _read_index(path, state.st_ino, state.st_mtime_ns, state.st_size)
        return DayIndex(folder, dict(days), dict(files), whose)

    def write(self, aside: Path) -> None:
        """Write the index to the folder `aside`, not yet flushed."""
        days = sorted(self.days.items())
        rows = [{"date": datetime.combine(day, time()), **one._asdict()} for day, one in days]
        table = pa.Table.from_pylist(rows, _SCHEMA)
        about = {"organization": self.organization, "files": self.files}
        sealed = json.dumps({"seal": _seal(table, about), **about})
        _write(aside / INDEX, table.replace_schema_metadata({_METADATA: sealed}))

    def put(self, aside: Path, name: str, content: bytes | pa.Table) -> None:
        """Write one file to the folder `aside`, not yet flushed."""
        self.files[name] = _write(aside / name, content)

    def damaged(
        self, since: date = date.min, until: date = date.max, *, anew: bool = False
    ) -> list[DamagedFileError]:
        """What is damaged of the files of these days and of those of no month.

        A file is verified once per process, or again with `anew`.
        """
        found = []
        if anew:
            _verified.clear()
        for name in sorted(self.files):
            month = Path(name).stem if "/" in name else month_of(since)
            if month_of(since) <= month <= month_of(until):
                try:
                    self.read(name)
                except DamagedFileError as error:
                    found.append(error)
        return found

    def read(self, name: str) -> bytes:
        """The content of a file; `DamagedFileError` when its digest does not match."""
        path, digest = self.folder / name, self.files[name]
        try:
            content, modified = path.read_bytes(), path.stat().st_mtime_ns
        except OSError as error:
            raise DamagedFileError(path, error.strerror or "cannot be read") from error
        seen = (str(path), digest, modified, len(content))
        if seen not in _verified and _digest_of(content) != digest:
            raise DamagedFileError(path, "its content is not what was written")
        _verified.add(seen)
        return content

    def read_days(
        self, frame: str, schema: pa.Schema, days: Iterable[date], *, lost_ok: bool = False
    ) -> pa.Table:
        """The columns of `schema` for stored days, in order; null where a file is older than one.

        Dictionary columns of `schema` are read as such: a name is decoded once, not per row.
        With `lost_ok` a missing file has no rows, else it is an error.
        """
        parts = [pa.Table.from_batches([], schema)]
        for month, some in groupby(days, month_of):
            name = f"{frame}/{month}.parquet"
            is_lost = lost_ok and not (self.folder / name).exists()
            if name not in self.files or is_lost:
                continue
            content, asked = self.read(name), [*some]
            try:
                table = _read_table(content, schema, asked)
            except (pa.ArrowException, OSError) as error:
                raise DamagedFileError(self.folder / name, str(error)) from error
            wanted = pc.is_in(table["date"], pa.array(asked, pa.date32()).cast(schema[0].type))
            parts.append(table if pc.all(wanted).as_py() else table.filter(wanted))
        return pa.concat_tables(parts, promote_options="default")

    def lost(self, since: date = date.min, until: date = date.max) -> dict[date, set[str]]:
        """The days to write again, with the frames that lack the file of a month of this range."""
        gone = [Path(name) for name in self.files if not (self.folder / name).exists()]
        gone = [path for path in gone if month_of(since) <= path.stem <= month_of(until)]
        lost = {
            day: {path.parent.name for path in gone if path.stem == month_of(day)}
            for day in self.days
        }
        return {day: frames for day, frames in lost.items() if frames or not self.days[day].digest}


@lru_cache(maxsize=64)
def _read_index(
    path: Path, inode: int, modified: int, size: int
) -> tuple[dict[date, StoredDay], dict[str, str], str | None]:
    try:
        table = _checked_table(path.read_bytes())
        about = json.loads(table.schema.metadata[_METADATA])
        if about.pop("seal") != _seal(table, about):
            raise ValueError("its content is not what was written")
        table = table.cast(_SCHEMA).append_column("day", table["date"].cast(pa.date32()))
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(path, str(error)) from error
    settling, days = layout_of(path.parent.name).settling, {}
    for row in table.drop_columns(["date"]).to_pylist():
        closed = is_closed(row["day"], row["fetched_at"], settling)
        days[row["day"]] = StoredDay(closed=closed, **row)
    return days, about["files"], about["organization"]


def rebuilt_index(folder: Path) -> DayIndex:
    """An index of the existing files, whose pages have checksums.

    The fetch time of a day is lost, so each counts as fetched too early.
    """
    index, rows = DayIndex(folder), Counter[date]()
    for path in sorted((*folder.glob("*/*.parquet"), *folder.glob("*.json*"))):
        name, frame = path.relative_to(folder).as_posix(), path.parent.name
        index.files[name] = "unknown"  # so it is found damaged, unless it can be read
        with contextlib.suppress(pa.ArrowException, OSError, KeyError, TypeError, ValueError):
            content = path.read_bytes()
            if path.suffix == ".parquet":
                table = _checked_table(content)
                days = Counter(table["date"].cast(pa.date32()).to_pylist())
                own = set(schema_of(frame).names) - {key.name for key in KEYS}
                if {*map(month_of, days)} - {path.stem} or own.isdisjoint(table.column_names):
                    continue  # rows of another frame or month
                is_record = frame == layout_of(folder.name).frames[0]
                rows.update(days if is_record else dict.fromkeys(days, 0))
                if "organization" in table.column_names:
                    known = table["organization"].unique().drop_null().to_pylist()
                    index.organization = next(iter(known), index.organization)
            else:
                msgspec.json.Decoder().decode_lines(content)
            index.files[name] = _digest_of(content)
    for day, count in sorted(rows.items()):
        moment = datetime.combine(day, time(), UTC)
        index.days[day] = StoredDay(day, moment, "", count, closed=False, final=False)
    return index


def _seal(table: pa.Table, about: Mapping[str, object]) -> str:
    """A digest of all an index says."""
    columns = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        for column in table.columns
    ]
    rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
    return _digest_of(json.dumps([rows, about]).encode())


def _write(path: Path, content: bytes | pa.Table) -> str:
    """Write a file; returns the digest of its bytes."""
    if isinstance(content, pa.Table):
        out = pa.BufferOutputStream()
        how = {"write_page_checksum": True, "row_group_size": ROWS_PER_GROUP}
        pq.write_table(content, out, compression="zstd", **how)
        content = out.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return _digest_of(content)


def _read_table(content: bytes, schema: pa.Schema, days: Sequence[date]) -> pa.Table:
    """The existing columns of `schema`, of the row groups that may have rows of these days."""
    encoded = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    first, last = (datetime.combine(day, time()) for day in (min(days), max(days)))
    with pq.ParquetFile(pa.BufferReader(content), read_dictionary=encoded) as file:
        about = file.metadata
        groups = []
        for group in range(about.num_row_groups):
            dates = about.row_group(group).column(0).statistics  # `date` is first, and sorted
            if dates is None or (dates.min <= last and dates.max >= first):
                groups.append(group)
        there = [name for name in file.schema_arrow.names if name in schema.names]
        # Arrow decodes columns in threads of its own; more of ours would only wait.
        return file.read_row_groups(groups, there, use_threads=about.num_rows > FEW_ROWS)


def _checked_table(content: bytes) -> pa.Table:
    """The table of a whole file, with its page checksums verified.

    The columns have no checksum, but are there twice: as Parquet's and as Arrow's.
    """
    # `read_table` would import pandas.
    with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
        written = base64.b64decode(file.metadata.metadata[b"ARROW:schema"])
        if not pa.ipc.read_schema(pa.py_buffer(written)).equals(file.schema_arrow):
            raise pa.ArrowInvalid("its columns are not those that were written")
        return file.read()


def with_days(old: pa.Table, new: Mapping[date, pa.Table]) -> pa.Table:
    """`old`, sorted by date, with the rows of these days replaced."""
    dates = old["date"].to_numpy()
    parts, start = [], 0
    for day, rows in sorted(new.items()):
        first, end = np.searchsorted(dates, [np.datetime64(day), np.datetime64(day + timedelta(1))])
        # A cast to the same types costs as much as any other.
        same = rows.schema.equals(old.schema)
        parts += [old.slice(start, first - start), rows if same else rows.cast(old.schema)]
        start = end
    return pa.concat_tables([*parts, old.slice(start)])


def _digest_of(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
