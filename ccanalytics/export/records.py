"""Stored days -> parts of an export: the frames as they are stored, and a sum per person and day.

    source, date, ..., team     every frame of the store, actors called as the policy says
    actor_days                  one row per UTC day and actor: all measures side by side
    exports                     one row per UTC day: what was exported, and whether it may change

Columns are flat, since not every tool reads a list: a list is written as JSON text. A date is a
date, money an exact decimal.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.export.parts import Part, Tables, digest_of
from ccanalytics.frames.record_frames import SCHEMAS, USD, Frames, to_pandas
from ccanalytics.metrics.actor_weeks import day_sums
from ccanalytics.metrics.availability import USAGE
from ccanalytics.people.identity import apply_identity, fingerprint
from ccanalytics.people.roster import normalised_actors, with_teams
from ccanalytics.sources.registry import source_spec
from ccanalytics.store.day_store import Store, StoredDay
from ccanalytics.store.layout import frame_schemas, layout_of
from ccanalytics.weeks import monday

LAYOUT = 1
"""Raised when the same stored day gives other rows, so that every day is exported again."""


BATCH = 20_000
"""Records that are made ready together, or one day where that has more."""


def _field(name: str, kind: pa.DataType, text: str) -> pa.Field:
    return pa.field(name, kind, metadata={"description": text})


SOURCE = _field("source", pa.string(), "api, local or another: where the records come from")
DATE = _field("date", pa.date32(), "UTC day")
WEEK = _field("week", pa.date32(), "Monday of the ISO week of the date")
TEAM = _field("team", pa.string(), "the actor's team on the roster of that day; null for none")

_count = pa.int64()

ACTOR_DAYS = pa.schema(
    [
        SOURCE,
        DATE,
        WEEK,
        _field("weekday", _count, "1 is Monday, 7 is Sunday"),
        _field("actor", pa.string(), "as in activity"),
        _field("actor_kind", pa.string(), "user: a person; api_key: a key, never a person"),
        TEAM,
        _field("active", _count, "1 when anything was done: the people of a week with any 1"),
        _field("sessions", _count, "sessions started"),
        _field("lines_added", _count, "lines added by Claude Code"),
        _field("lines_removed", _count, "lines removed by Claude Code"),
        _field("commits", _count, "commits made through Claude Code"),
        _field("pull_requests", _count, "pull requests created through Claude Code"),
        _field("input_tokens", _count, "neither read from nor written to the cache"),
        _field("output_tokens", _count, "tokens answered"),
        _field("cache_read_tokens", _count, "tokens read from the cache"),
        _field("cache_creation_tokens", _count, "tokens written to the cache"),
        _field("unpriced_tokens", _count, "tokens of models whose price is not known"),
        _field("cost_usd", USD, "estimated US dollars of what has a price: not an invoice"),
        _field("accepted", _count, "accepted proposals of the tools that edit files"),
        _field("rejected", _count, "rejected proposals of the tools that edit files"),
        _field("decisions", _count, "decided proposals of all tools"),
    ]
)

EXPORTS = pa.schema(
    [
        SOURCE,
        DATE,
        WEEK,
        _field("closed", pa.bool_(), "fetched when all of the day was there"),
        _field("final", pa.bool_(), "fetched so late that the day should not change any more"),
        _field("records", _count, "records of the day"),
        _field("fetched_at", pa.timestamp("ms"), "when these records were fetched, UTC"),
        _field("floor", _count, "fewest people a weekly number must be of; null of billing"),
        _field("digest", pa.string(), "of the day as exported; another one is exported again"),
    ]
)

DESCRIPTIONS = {
    "activity": "One row per record: sessions, lines, commits, pull requests.",
    "model_usage": "One row per record and model: tokens and estimated cost.",
    "tool_actions": "One row per record and tool: proposals accepted and rejected.",
    "sessions": "One row per session of the local logs.",
    "requests": "One row per answer of the service in the local logs.",
    "tool_calls": "One row per call of a tool in the local logs.",
    "log_events": "One row per other event in the local logs, such as a compaction.",
    "seats": "One row per UTC day: seats of the plan.",
    "billed": "One row per UTC day, workspace and kind of cost: US dollars billed.",
    "billed_tokens": "One row per UTC day, workspace and model: tokens billed.",
    "actor_days": "One row per UTC day and actor: all measures, each summed to here by itself.",
    "exports": "One row per exported UTC day; written by ccanalytics in one transaction with it.",
}
"""What one row of each table is."""


def exported_schema(stored: pa.Schema) -> pa.Schema:
    """The columns of a stored frame as they are exported: with source and, of actors, the team."""
    fields = [SOURCE]
    for one in stored:
        kind = one.type
        if pa.types.is_nested(kind):
            kind = pa.string()
        fields.append(DATE if one.name == "date" else one.with_type(kind))
        if one.name == ("project" if "project" in stored.names else "actor") and _of_actors(stored):
            fields.append(TEAM)
    return pa.schema(fields)


@dataclass(frozen=True)
class Records:
    """The plan to export the records of stored days, with a name or a pseudonym for each actor."""

    store: Store
    source: str
    since: date
    until: date
    roster: pd.DataFrame
    identity: str
    secret: bytes = b""
    contents: str = "records"

    @property
    def policy(self) -> str:
        """Named, or pseudonym and whose."""
        if self.identity == "named":
            return self.identity
        return f"{self.identity} {fingerprint(self.secret)}"

    @cached_property
    def schemas(self) -> Mapping[str, pa.Schema]:
        """Every frame of the source, then what is made of them."""
        frames = {n: exported_schema(frame_schemas()[n]) for n in layout_of(self.source).frames}
        if self._of_people:
            frames["actor_days"] = ACTOR_DAYS
        return {**frames, "exports": EXPORTS}

    @property
    def _of_people(self) -> bool:
        """Not so what was billed, which is a source of its own."""
        return "activity" in layout_of(self.source).frames

    @cached_property
    def known(self) -> Mapping[date, str]:
        """All stored days."""
        return {day: self._digest(stored) for day, stored in self._days.items()}

    @property
    def closed_weeks(self) -> list[date]:
        """The Mondays of the weeks of which all seven days are stored and closed."""
        closed = {day for day, stored in self._days.items() if stored.closed}
        mondays = sorted({monday(day) for day in closed})
        return [m for m in mondays if all(m + timedelta(n) in closed for n in range(7))]

    @property
    def parts(self) -> Mapping[date, str]:
        """The stored days from `since` to `until`."""
        return {d: digest for d, digest in self.known.items() if self.since <= d <= self.until}

    def build(self, firsts: Iterable[date]) -> Iterator[Part]:
        """The rows of these days, one part each."""
        for batch in self._batches(firsts):
            read = [self.store.read_day(self.source, day) for day in batch]
            names = read[0][1]
            together = {n: pa.concat_tables([frames[n] for _, frames in read]) for n in names}
            tables = self._tables(together)
            for stored, _ in read:
                digest = self._digest(stored)
                of_day = {n: _of_day(table, stored.day) for n, table in tables.items()}
                row = self._export(stored, digest)
                of_day["exports"] = pa.Table.from_pylist([row], EXPORTS)
                yield Part(stored.day, digest, of_day)

    def _batches(self, days: Iterable[date]) -> Iterator[list[date]]:
        """The days in groups of so many records that memory is bounded and little is repeated."""
        batch: list[date] = []
        records = 0
        for day in days:
            records += self._days[day].rows
            if batch and records > BATCH:
                yield batch
                batch, records = [], self._days[day].rows
            batch.append(day)
        if batch:
            yield batch

    def _tables(self, frames: Frames) -> Tables:
        pandas = {
            name: with_teams(normalised_actors(to_pandas(table)), self.roster)
            for name, table in frames.items()
            if _of_actors(table.schema)
        }
        shown = apply_identity(pandas, self.identity, self.secret)
        tables = {
            name: _table(shown[name] if name in shown else frames[name], schema, self.source)
            for name, schema in self.schemas.items()
            if name in frames
        }
        if self._of_people:
            tables["actor_days"] = _table(_actor_days(shown, self.source), ACTOR_DAYS, self.source)
        return tables

    def _export(self, stored: StoredDay, digest: str) -> dict[str, object]:
        return {
            "source": self.source,
            "date": stored.day,
            "week": monday(stored.day),
            "closed": stored.closed,
            "final": stored.final,
            "records": stored.rows,
            "fetched_at": stored.fetched_at.replace(tzinfo=None),
            "floor": self._floor if self._of_people else None,
            "digest": digest,
        }

    @property
    def _floor(self) -> int:
        return source_spec(self.source).minimum_group

    def _digest(self, stored: StoredDay) -> str:
        state = (stored.closed, stored.final)
        return digest_of(self._layout, stored.digest, *state, self._teams_on(stored.day))

    @cached_property
    def _days(self) -> Mapping[date, StoredDay]:
        return self.store.days(self.source)

    @cached_property
    def _layout(self) -> str:
        columns = {n: [(f.name, f.type) for f in s] for n, s in self.schemas.items()}
        return digest_of(LAYOUT, self.policy, columns)

    def _teams_on(self, day: date) -> int:
        """A number that is another one when somebody is in another team on that day."""
        starts, ends, marks = self._stays
        at = np.datetime64(day)
        return int(marks[~(starts > at) & ~(ends < at)].sum(dtype="uint64"))

    @cached_property
    def _stays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        marks = pd.util.hash_pandas_object(self.roster[["actor", "team"]], index=False)
        return (
            self.roster["start"].to_numpy(),
            self.roster["end"].to_numpy(),
            marks.to_numpy(dtype="uint64"),
        )


def _of_actors(schema: pa.Schema) -> bool:
    return "actor" in schema.names


def _actor_days(frames: Mapping[str, pd.DataFrame], source: str) -> pd.DataFrame:
    days = day_sums({n: frames[n] for n in SCHEMAS}, ["date", "actor_kind", "actor", "team"])
    if not source_spec(source).has_usage:
        days = days.assign(**dict.fromkeys(USAGE & set(days), np.nan))
    return days.assign(weekday=days["date"].dt.day_of_week + 1)


def _of_day(table: pa.Table, day: date) -> pa.Table:
    return table.filter(pc.equal(table["date"], pa.scalar(day, pa.date32())))


def _table(frame: pd.DataFrame | pa.Table, schema: pa.Schema, source: str) -> pa.Table:
    """The columns of `schema`, taken from `frame`."""
    columns = [
        pa.array([source]).take(pa.array(np.zeros(len(frame), dtype="int64")))
        if field.name == "source"
        else _column(frame[field.name], field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _column(values: pd.Series | pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    array = values if isinstance(values, pa.ChunkedArray) else pa.Array.from_pandas(values)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_nested(array.type):
        lists = array.to_pylist()
        return pa.array([None if one is None else json.dumps(one) for one in lists], kind)
    if pa.types.is_floating(array.type) and pa.types.is_decimal(kind):
        array = pc.round(array, kind.scale)
    return array.cast(kind)
