"""The Admin API of an organization: Claude Code records by day, members, API keys."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ccanalytics.fake_api.faults import Refused
from ccanalytics.fake_api.queries import Json, Limit, Paged, Query, World, page_json
from ccanalytics.wire.claude_code import Record

FRESHNESS = timedelta(hours=1)

Day = Annotated[date, Meta(examples=["2026-11-20"])]


class RecordsQuery(Paged, frozen=True, kw_only=True):
    """Which records."""

    starting_at: Day
    """The UTC day, and only that day; a moment is refused."""


class NoParameters(Query, frozen=True):
    """Nothing can be chosen."""


class ListQuery(Query, frozen=True, kw_only=True):
    """Which page of a list; the service ignores an `offset` and answers with the first page."""

    limit: Limit = 20
    """Rows per page."""
    after_id: str | UnsetType = UNSET
    """The `last_id` of the answer before: the page after it."""


def list_claude_code_records(world: World, query: RecordsQuery) -> Json:
    """Claude Code records of one UTC day.

    One record per actor, terminal, customer type and remote or not. There are only records of what
    is at least an hour old. A day without use is an empty list, never a 404. Follow `next_page`
    until `has_more` is false; a part of a day is not the day.
    """
    records, cursor = query.one_page(_visible(world, query.starting_at))
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
        amount = usage["estimated_cost"]["amount"]
        if amount is not None:
            whole = amount == amount.to_integral_value()
            usage["estimated_cost"]["amount"] = int(amount) if whole else float(amount)
    return row


def retrieve_organization(world: World, query: NoParameters) -> Json:
    """The organization of the key.

    The cheapest way to check a key, and to see whose it is.
    """
    return {"id": world.organization, "name": "Corvid", "type": "organization"}


def list_users(world: World, query: ListQuery) -> Json:
    """Current members.

    Most recently added first. Who left is no longer here but stays in old records.
    """
    return _listing(query, world.members())


def list_api_keys(world: World, query: ListQuery) -> Json:
    """API keys.

    Their names by their ids, never the keys themselves.
    """
    return _listing(query, world.api_keys())


def _listing(query: ListQuery, rows: Sequence[Json]) -> Json:
    ids = [None, *(row["id"] for row in rows)]
    after = query.after_id or None
    if after not in ids:
        raise Refused(400, f"There is no row {after!r}.")
    start = ids.index(after)
    page = rows[start : start + query.limit]
    first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    more = start + query.limit < len(rows)
    return {"data": page, "has_more": more, "first_id": first, "last_id": last}
