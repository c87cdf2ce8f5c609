"""Closed ISO weeks -> parts of an export that tells of nobody: the weekly metrics alone.

Under the policy `aggregate` no row about a person leaves the store. What is exported are the two
weekly views of other exports, as tables: the same names, columns and numbers, made in memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import pyarrow as pa

from ccanalytics.export.engines import DuckDatabase
from ccanalytics.export.parts import Part, digest_of
from ccanalytics.export.records import SOURCE, WEEK, Records
from ccanalytics.export.views import described_columns, view_statements

TEAM = pa.field("team", pa.string(), metadata={"description": "the team, or 'no team'"})


def _schema(*keys: pa.Field) -> pa.Schema:
    numbers = [
        pa.field(name, pa.float64(), metadata={"description": text})
        for name, text in described_columns().items()
    ]
    return pa.schema([*keys, *numbers])


WEEK_DIGEST = pa.field("digest", pa.string(), metadata={"description": "of the week as exported"})

SCHEMAS = {
    "weekly_metrics": _schema(SOURCE, WEEK),
    "weekly_team_metrics": _schema(SOURCE, WEEK, TEAM),
    "exports": pa.schema([SOURCE, WEEK, WEEK_DIGEST]),
}


@dataclass(frozen=True)
class Weekly:
    """The plan to export weekly metrics, made of the records that `records` would export."""

    records: Records
    contents: str = "weekly"
    policy: str = "aggregate"

    @property
    def source(self) -> str:
        """Where the records come from."""
        return self.records.source

    @property
    def schemas(self) -> Mapping[str, pa.Schema]:
        """The two views as tables."""
        return SCHEMAS

    @cached_property
    def known(self) -> Mapping[date, str]:
        """All closed weeks."""
        days = self.records.known
        weeks = self.records.closed_weeks
        return {week: self._digest([days[day] for day in _days(week)]) for week in weeks}

    @property
    def parts(self) -> Mapping[date, str]:
        """The closed weeks that lie in the range asked for as a whole."""
        since, until = self.records.since, self.records.until
        return {
            week: digest
            for week, digest in self.known.items()
            if since <= week and _days(week)[-1] <= until
        }

    def build(self, firsts: Iterable[date]) -> Iterator[Part]:
        """The metrics of these weeks, by way of a database in memory."""
        return map(self._week, firsts)

    def _week(self, week: date) -> Part:
        with DuckDatabase(":memory:") as database:
            digests = []
            database.set_up(self.records, replace=False)
            for part in self.records.build(_days(week)):
                digests.append(part.digest)
                database.put(self.records, part)
            tables = {
                name: _rows(database, name, SCHEMAS[name])
                for name in ("weekly_metrics", "weekly_team_metrics")
            }
        digest = self._digest(digests)
        row = {"source": self.source, "week": week, "digest": digest}
        tables["exports"] = pa.Table.from_pylist([row], SCHEMAS["exports"])
        return Part(week, digest, tables)

    def _digest(self, digests: list[str]) -> str:
        return digest_of(*view_statements().values(), *digests)


def _rows(database: DuckDatabase, view: str, schema: pa.Schema) -> pa.Table:
    return database.arrow(f"select * from {view}").select(schema.names).cast(schema)


def _days(week: date) -> list[date]:
    return [week + timedelta(n) for n in range(7)]
