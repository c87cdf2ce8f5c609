"""The Claude Code Analytics API: records of one UTC day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec

from ccanalytics.fake_api.routes import Json, PagedQuery, World, page_json, page_of, route
from ccanalytics.wire.claude_code import Page, Record

FRESHNESS = timedelta(hours=1)


class RecordsQuery(PagedQuery, frozen=True, kw_only=True):
    """Which records."""

    starting_at: date
    """The UTC day, and only that day; a moment is refused."""


@route(
    "/v1/organizations/usage_report/claude_code",
    group="Claude Code",
    gives=Page,
    example={"starting_at": "2026-11-20", "limit": "2"},
)
def list_claude_code_records(world: World, query: RecordsQuery) -> Json:
    """Claude Code records of one UTC day.

    One record per actor, terminal, customer type and remote or not. There are only records of what
    is at least an hour old. A day without use is an empty list, never a 404. Follow `next_page`
    until `has_more` is false; a part of a day is not the day.
    """
    records, cursor = page_of(world, query, lambda: _visible(world, query.starting_at))
    return page_json([world.shape(as_sent(record)) for record in records], cursor)


def _visible(world: World, day: date) -> Sequence[Record]:
    """Of today only what is an hour old, of tomorrow nothing."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    share = (world.now() - FRESHNESS - begin) / timedelta(days=1)
    if share <= 0:
        return []
    records = world.records(day)
    return records if share >= 1 else records[: int(share * len(records))]


def as_sent(record: Record) -> Json:
    """`record` as the service writes it: amounts as numbers, no `project`."""
    row: Json = msgspec.to_builtins(record, builtin_types=(Decimal,))
    del row["project"]
    for usage in row["model_breakdown"]:
        cost = usage["estimated_cost"]
        if cost["amount"] is not None:
            whole = cost["amount"] == cost["amount"].to_integral_value()
            cost["amount"] = int(cost["amount"]) if whole else float(cost["amount"])
    return row
