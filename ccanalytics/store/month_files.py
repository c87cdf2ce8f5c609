"""Rows of one frame and month <-> a Parquet file, sorted by day.

`day_index` keeps a digest of each file's bytes: a file that is damaged, cut
short, from another month or written by another program is an error, not wrong numbers.
"""

import base64
import hashlib
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccanalytics.atomic import private
from ccanalytics.errors import StoreError

ROWS_PER_GROUP = 250_000
"""So many rows are decoded together: of a month of 100,000 people, a week is a few groups."""

_verified: set[tuple[str, str, int, int]] = set()
"""Files whose digest this process has verified."""


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
            table = file.read_row_groups(_groups_of(file.metadata, days), there)
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(path, str(error)) from error
    if days is not None:
        midnights = pa.array(sorted(days), pa.date32()).cast(pa.timestamp("ms"))
        wanted = pc.is_in(table["date"], midnights)
        table = table if pc.all(wanted).as_py() else table.filter(wanted)
    nothing = pa.Table.from_batches([], schema)
    return pa.concat_tables([nothing, table], promote_options="default")


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
