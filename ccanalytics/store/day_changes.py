"""The frames of a UTC day compared with those of an earlier fetch, and the result of a sync."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.frames.schemas import Frames

Changes = dict[date, Literal["new", "same", "changed"]]
"""What writing each day did."""

Totals = dict[str, tuple[str, str]]
"""Old and new value of each changed measure, such as activity.commits; exact, as text."""


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


@dataclass(frozen=True)
class SyncResult:
    """The result of a sync: days by outcome, in order."""

    new: tuple[date, ...] = ()
    changed: tuple[date, ...] = ()
    same: tuple[date, ...] = ()
    final: tuple[date, ...] = ()
    """Days that were not fetched again."""
    open: tuple[date, ...] = ()
    """Days that are not over or not counted yet: not stored, except from logs."""
    newest: date | None = None
    """The newest day the service has, when a later one was requested."""
    remark: str = ""
    """What the service refused besides; what is stored of it is unchanged."""

    @classmethod
    def of(cls, changes: Changes, **others: Any) -> "SyncResult":
        """The days of `changes` by outcome; `others` are the further fields."""

        def days(kind: str) -> tuple[date, ...]:
            return tuple(day for day in sorted(changes) if changes[day] == kind)

        return cls(days("new"), days("changed"), days("same"), **others)

    @property
    def fetched(self) -> int:
        """The number of days read from the source."""
        return len(self.new) + len(self.changed) + len(self.same)

    def __str__(self) -> str:
        parts = [
            f"{len(self.new)} new",
            f"{len(self.changed)} changed",
            f"{len(self.same) + len(self.final)} unchanged",
            *([f"{len(self.open)} not closed yet"] if self.open else []),
        ]
        newest = f" The newest the service has counted is {self.newest}." if self.newest else ""
        return f"Days: {', '.join(parts)}.{newest}{' ' if self.remark else ''}{self.remark}"


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


def restatement(
    day: date, times: tuple[datetime, datetime], before: Frames, after: Frames
) -> Restatement:
    """How a day fetched again differs; `times` are those of the two fetches."""
    old, new = _totals(before), _totals(after)
    measures = {
        name: (str(old.get(name, 0)), str(value))
        for name, value in new.items()
        if old.get(name, 0) != value
    }
    return Restatement(day, *times, measures, _people_changed(before, after))


def _totals(frames: Frames) -> Mapping[str, Any]:
    """The number of rows, and the sum of each number, of each frame."""
    totals = {f"{name}.rows": len(table) for name, table in frames.items()}
    for name, table in frames.items():
        for field in table.schema:
            if pa.types.is_integer(field.type) or pa.types.is_decimal(field.type):
                totals[f"{name}.{field.name}"] = pc.sum(table[field.name], min_count=0).as_py()
    return totals


def _people_changed(before: Frames, after: Frames) -> int:
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
