"""Frames of one UTC day -> their digest and their totals, by which a later fetch is compared."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.frames.schemas import Frames

Totals = dict[str, tuple[str, str]]
"""Before and after of each measure that changed, such as activity.commits; exact, as text."""


def digest_of(frames: Frames) -> str:
    """The same for the same rows in any order, whatever is written about the columns."""
    digest = hashlib.blake2b(digest_size=16)
    for name, table in sorted(frames.items()):
        if not len(table):  # a frame without rows is the same as no frame
            continue
        order = [(f.name, "ascending") for f in table.schema if not pa.types.is_nested(f.type)]
        rows = table.sort_by(order).combine_chunks()
        batch = pa.record_batch([c.chunk(0) for c in rows.columns], names=rows.column_names)
        digest.update(json.dumps([name, rows.column_names]).encode())
        digest.update(batch.serialize())
    return digest.hexdigest()


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
