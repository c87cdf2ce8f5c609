"""Frames of one UTC day -> their digest and totals, to compare with a later fetch."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.frames.schemas import Frames

Totals = dict[str, tuple[str, str]]
"""Old and new value of each changed measure, such as activity.commits; exact, as text."""


class DayChange(msgspec.Struct, frozen=True):
    """What writing a day did; `measures` are the totals that changed."""

    day: date
    kind: Literal["new", "same", "changed"]
    measures: Totals = {}
    people: int = 0
    """How many people a `changed` day has other rows of."""


class Restatement(msgspec.Struct, frozen=True):
    """A stored day that had changed when it was fetched again.

    Without `measures` only keys changed, such as a terminal, and no totals.
    """

    day: date
    fetched_before: datetime
    fetched_after: datetime
    measures: Totals
    people: int = 0
    """How many people have other rows than before."""


def digest_of(frames: Frames) -> str:
    """A digest of the rows, independent of their order and of column metadata."""
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
    """The number of rows, and the sum of each number, of each frame."""
    totals = {f"{name}.rows": len(table) for name, table in frames.items()}
    for name, table in frames.items():
        for field in table.schema:
            if pa.types.is_integer(field.type) or pa.types.is_decimal(field.type):
                totals[f"{name}.{field.name}"] = pc.sum(table[field.name], min_count=0).as_py()
    return totals


def change_of(day: date, before: Frames, after: Frames) -> DayChange:
    """What a fetched day has differently."""
    measures = differences(totals_of(before), totals_of(after))
    return DayChange(day, "changed", measures, people_changed(before, after))


def people_changed(before: Frames, after: Frames) -> int:
    """How many people have other rows than before, in any frame."""
    people: set[str] = set()
    for name, table in after.items():
        if "actor_kind" not in table.column_names:
            continue
        old = before[name].select(table.column_names).cast(table.schema)
        signed = [rows.append_column("times", pa.repeat(pa.scalar(sign), len(rows)))
                  for rows, sign in ((old, -1), (table, 1))]  # fmt: skip
        sums = pa.concat_tables(signed).group_by(table.column_names).aggregate([("times", "sum")])
        is_user = pc.equal(sums["actor_kind"], "user")
        other = sums.filter(pc.and_(is_user, pc.not_equal(sums["times_sum"], 0)))
        people.update(other["actor"].to_pylist())
    return len(people)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Totals:
    return {
        name: (str(before.get(name, 0)), str(value))
        for name, value in after.items()
        if before.get(name, 0) != value
    }
