"""The index of the stored days of one source <-> `days.parquet`: one row per UTC day.

It also holds the organization and the digest of every other file of the source, so that the
index and the files belong to one commit, or there is an error.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from ccanalytics.store.layout import layout_of
from ccanalytics.store.month_files import (
    DamagedFileError,
    checked_table,
    digest_of_bytes,
    write_table,
)
from ccanalytics.weeks import is_closed

NAME = "days.parquet"

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
    path = folder / NAME
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
    write_table(folder / NAME, table.replace_schema_metadata({_METADATA: sealed.encode()}))


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
    days = [
        StoredDay(
            (EPOCH + timedelta(milliseconds=day)).date(),
            EPOCH + timedelta(microseconds=fetched_at),
            digest,
            records,
            final,
            unknown_fields,
            path.parent.name,
        )
        for day, fetched_at, digest, records, final, unknown_fields in rows
    ]
    return DayIndex({one.day: one for one in days}, about["files"], about["organization"])


def _plain(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows with timestamps as integers: Arrow would import pandas for them."""
    columns = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        for column in table.columns
    ]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def _seal(rows: pa.Table, about: Mapping[str, object]) -> str:
    return digest_of_bytes(json.dumps([_plain(rows), about]).encode())
