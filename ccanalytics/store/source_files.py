"""The Parquet files of one source: its rows by frame and month, and the index of its days.

    activity/2026-11.parquet   rows of one frame and month, sorted by day
    days.parquet               one row per UTC day; the organization, and each file's digest

The index keeps a digest of each file's bytes, so that the files belong to one commit: one that is
damaged, cut short, from another month or written by another program is an error, not wrong numbers.
"""

import base64
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ccanalytics.atomic import private
from ccanalytics.errors import StoreError
from ccanalytics.frames.arrow_tables import FEW_ROWS
from ccanalytics.store.layout import layout_of
from ccanalytics.weeks import is_closed

INDEX = "days.parquet"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SCHEMA = pa.schema(
    [
        ("date", pa.timestamp("ms")),
        ("fetched_at", pa.timestamp("us", "UTC")),
        ("digest", pa.string()),
        ("rows", pa.int64()),
        ("final", pa.bool_()),
        ("unknown_fields", pa.list_(pa.string())),
    ]
)
_METADATA = b"ccanalytics"

ROWS_PER_GROUP = 250_000
"""So many rows are decoded together: of a month of 100,000 people, a week is a few groups."""

_verified: set[tuple[str, str, int, int]] = set()
"""Files whose digest this process has verified."""


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


class StoredDay(NamedTuple):
    """One stored UTC day; `rows` is its number of records."""

    day: date
    fetched_at: datetime
    digest: str
    rows: int
    final: bool
    """Fetched late enough that the day is not expected to change."""
    unknown_fields: Sequence[str] = ()
    """Fields that were unknown to the version that wrote the day."""
    source: str = "api"

    @property
    def closed(self) -> bool:
        """Fetched when the day was complete."""
        return is_closed(self.day, self.fetched_at, layout_of(self.source).settling)


@dataclass
class DayIndex:
    """The stored days of one source in order, and the digests of its files by path."""

    days: dict[date, StoredDay] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    organization: str | None = None

    def copy(self) -> "DayIndex":
        """A copy to change: what is read is shared by all readers."""
        return DayIndex(dict(self.days), dict(self.files), self.organization)


def read_index(folder: Path) -> DayIndex:
    """The index of a source; empty when nothing is stored."""
    path = folder / INDEX
    try:
        state = path.stat()
    except FileNotFoundError:
        if any(folder.glob("*/*.parquet")):
            raise DamagedFileError(path, "it is missing") from None
        return DayIndex()
    return _read(path, state.st_ino, state.st_mtime_ns, state.st_size)


def write_index(folder: Path, index: DayIndex) -> None:
    """Write the index of a source, not yet flushed."""
    rows = [{"date": datetime.combine(day, time()), **index.days[day]._asdict()}
            for day in sorted(index.days)]  # fmt: skip
    table = pa.Table.from_pylist(rows, _SCHEMA)
    about = {"organization": index.organization, "files": index.files}
    sealed = json.dumps({"seal": _seal(table, about), **about})
    write_table(folder / INDEX, table.replace_schema_metadata({_METADATA: sealed.encode()}))


@lru_cache(maxsize=64)
def _read(path: Path, inode: int, modified: int, size: int) -> DayIndex:
    try:
        table = checked_table(path.read_bytes())
        about = json.loads(table.schema.metadata[_METADATA])
        if about.pop("seal") != _seal(table, about):
            raise ValueError("its content is not what was written")
        rows = _plain(table.cast(_SCHEMA))
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(path, str(error)) from error
    days: dict[date, StoredDay] = {}
    for midnight, fetched_at, *others in rows:
        day = (EPOCH + timedelta(milliseconds=midnight)).date()
        fetched = EPOCH + timedelta(microseconds=fetched_at)
        days[day] = StoredDay._make([day, fetched, *others, path.parent.name])
    return DayIndex(days, about["files"], about["organization"])


def _plain(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows with timestamps as integers: Arrow would import pandas for them."""
    columns = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        for column in table.columns
    ]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def _seal(rows: pa.Table, about: Mapping[str, object]) -> str:
    return digest_of_bytes(json.dumps([_plain(rows), about]).encode())


def write_bytes(path: Path, content: bytes) -> str:
    """Write a file, not yet flushed; returns the digest of its bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb", opener=private) as file:
        file.write(content)
    return digest_of_bytes(content)


def write_table(path: Path, table: pa.Table) -> str:
    """Write a table as Parquet, not yet flushed; returns the digest of the file."""
    out = pa.BufferOutputStream()
    pq.write_table(
        table, out, compression="zstd", write_page_checksum=True, row_group_size=ROWS_PER_GROUP
    )
    return write_bytes(path, out.getvalue())


def read_bytes(path: Path, digest: str, *, anew: bool = False) -> bytes:
    """The content of a file; `DamagedFileError` when its digest does not match.

    Verified once per file and process, or again with `anew`.
    """
    try:
        content = path.read_bytes()
        state = path.stat()
    except OSError as error:
        raise DamagedFileError(path, error.strerror or "cannot be read") from error
    seen = (str(path), digest, state.st_mtime_ns, len(content))
    if anew or seen not in _verified:
        if digest_of_bytes(content) != digest:
            raise DamagedFileError(path, "its content is not what was written")
        _verified.add(seen)
    return content


def read_month(
    path: Path, digest: str, schema: pa.Schema, days: Collection[date] | None = None
) -> pa.Table:
    """The columns of `schema`, for some or all days; null where the file is older than a column.

    Dictionary columns of `schema` are read as such: a name is decoded once, not per row.
    """
    content = read_bytes(path, digest)
    encoded = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    try:
        with pq.ParquetFile(pa.BufferReader(content), read_dictionary=encoded) as file:
            there = [name for name in file.schema_arrow.names if name in schema.names]
            groups, is_large = _groups_of(file.metadata, days), file.metadata.num_rows > FEW_ROWS
            table = file.read_row_groups(groups, there, use_threads=is_large)
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(path, str(error)) from error
    parts = [table] if days is None else _rows_of_days(table, days)
    nothing = pa.Table.from_batches([], schema)
    return pa.concat_tables([nothing, *parts], promote_options="default")


def _rows_of_days(table: pa.Table, days: Collection[date]) -> list[pa.Table]:
    """The rows of these days, as few slices of `table`, which is sorted by date."""
    wanted = np.array(sorted(days), "datetime64[D]")
    starts, ends = np.searchsorted(table["date"].to_numpy(), [wanted, wanted + 1])
    apart = starts[1:] != ends[:-1]
    firsts, lasts = starts[np.r_[True, apart]], ends[np.r_[apart, True]]
    return [table.slice(a, b - a) for a, b in zip(firsts, lasts, strict=True)]


def _groups_of(file: pq.FileMetaData, days: Collection[date] | None) -> list[int]:
    """The row groups that may have these days: `date` is the first column, and sorted."""
    groups = range(file.num_row_groups)
    if not days:
        return list(groups)
    first, last = (datetime.combine(day, time()) for day in (min(days), max(days)))
    dates = {group: file.row_group(group).column(0).statistics for group in groups}
    return [n for n, of in dates.items() if of is None or (of.min <= last and of.max >= first)]


def checked_table(content: bytes) -> pa.Table:
    """The table of a whole file, with its page checksums verified.

    The columns have no checksum, but are there twice: as Parquet's and as Arrow's.
    """
    source = pa.BufferReader(content)
    # `read_table` would import pandas.
    with pq.ParquetFile(source, page_checksum_verification=True) as file:
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


def digest_of_bytes(content: bytes) -> str:
    """The digest of a file with these bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
