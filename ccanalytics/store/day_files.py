"""Frames of one UTC day <-> one Parquet file each, with what they have in common written inside.

All files of a day carry the same digest of the whole day, so a reader can tell whether they are
of one fetch; `differences` tells what a later fetch changed.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccanalytics.errors import StoreError
from ccanalytics.frames.schemas import Frames

_METADATA = b"ccanalytics"

_REPAIR = (
    "move the damaged file aside, as it may be the only copy, and get the day again: ccanalytics "
    "sync --again."
)

Totals = dict[str, tuple[str, str]]
"""Before and after of each measure that changed, such as activity.commits; exact, as text."""


class Written(msgspec.Struct, frozen=True):
    """What a file says about its day: when it was fetched, of whom, and all frames' digest."""

    fetched_at: datetime
    organization: str | None
    digest: str
    unknown_fields: tuple[str, ...] = ()
    """Fields of the source that the version that wrote the day did not know."""
    frames: tuple[str, ...] = ()
    """The frames that have a file."""


def write_file(path: Path, table: pa.Table, written: Written) -> None:
    """Write one frame of a day, not yet flushed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {**(table.schema.metadata or {}), _METADATA: msgspec.json.encode(written)}
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")


def open_file(path: Path) -> pq.ParquetFile:
    """An open day file; `StoreError` saying how to repair the day when there is none."""
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise StoreError(
            f"{path} is missing, though other frames of that day are there: {_REPAIR}"
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} is no readable Parquet file ({error}): {_REPAIR}") from error


def read_written(file: pq.ParquetFile, path: Path) -> Written:
    """What a day file says about its day."""
    try:
        return msgspec.json.decode((file.metadata.metadata or {})[_METADATA], type=Written)
    except (KeyError, msgspec.DecodeError):
        raise StoreError(f"{path} was not written by ccanalytics: {_REPAIR}") from None


def read_file(path: Path, schema: pa.Schema, digest: str) -> pa.Table:
    """The columns of `schema`, null where the file is older than a column."""
    with open_file(path) as file:
        if read_written(file, path).digest != digest:
            raise StoreError(f"{path} is of another fetch than that day's activity: {_REPAIR}")
        there = set(file.schema_arrow.names)
        table = file.read([name for name in schema.names if name in there])
    columns = [
        table[field.name].cast(field.type)
        if field.name in there
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def digest_of(frames: Frames) -> str:
    """The same for the same rows in any order, whatever is written about the columns."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(frames):
        table = frames[name]
        order = [(f.name, "ascending") for f in table.schema if not pa.types.is_nested(f.type)]
        rows = table.sort_by(order).combine_chunks() if len(table) else table
        batch = pa.record_batch(
            [_chunk(column) for column in rows.columns], names=rows.column_names
        )
        digest.update(json.dumps([name, rows.column_names]).encode())
        digest.update(batch.serialize())
    return digest.hexdigest()


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def totals_of(frames: Frames) -> dict[str, Any]:
    """Rows and the sum of each number of each frame."""
    totals = {f"{name}.rows": len(table) for name, table in frames.items()}
    for name, table in frames.items():
        for field in table.schema:
            if pa.types.is_integer(field.type) or pa.types.is_decimal(field.type):
                totals[f"{name}.{field.name}"] = pc.sum(table[field.name], min_count=0).as_py()
    return totals


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Totals:
    return {
        name: (str(before.get(name, 0)), str(value))
        for name, value in after.items()
        if before.get(name, 0) != value
    }
