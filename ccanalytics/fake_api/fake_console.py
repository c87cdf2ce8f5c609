"""The Admin API of an organization: Claude Code records by day, members, API keys."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from ccanalytics.fake_api.faults import Refused
from ccanalytics.fake_api.queries import Day, Json, Limit, Paged, Query, World, page_json
from ccanalytics.wire.claude_code import Record

FRESHNESS = timedelta(hours=1)


class RecordsQuery(Paged, frozen=True, kw_only=True):
    """Claude Code records of one UTC day.

    One record per actor, terminal, customer type and remote or not. There are only records of what
    is at least an hour old. A day without use is an empty list, never a 404. Follow `next_page`
    until `has_more` is false; a part of a day is not the day.
    """

    starting_at: Day
    """The UTC day, and only that day; a moment is refused."""

    def answer(self, world: World) -> Json:
        share = world.share_of(self.starting_at, FRESHNESS)
        # Of a day that has not begun nothing is generated.
        records = world.records(self.starting_at) if share else []
        found, cursor = self.one_page(records[: int(share * len(records))])
        return page_json([world.shape(as_sent(record)) for record in found], cursor)


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


class OrganizationQuery(Query, frozen=True):
    """The organization of the key.

    The cheapest way to check a key, and to see whose it is.
    """

    def answer(self, world: World) -> Json:
        return {"id": world.organization, "name": "Corvid", "type": "organization"}


class ListQuery(Query, frozen=True, kw_only=True):
    """A list; the service ignores an `offset` and answers with the first page."""

    limit: Limit = 20
    """Rows per page."""
    after_id: str | UnsetType = UNSET
    """The `last_id` of the answer before: the page after it."""

    def page_of(self, rows: Sequence[Json]) -> Json:
        """The rows after `after_id`."""
        ids = [None, *(row["id"] for row in rows)]
        after = self.after_id or None
        if after not in ids:
            raise Refused(400, f"There is no row {after!r}.")
        start = ids.index(after)
        page = rows[start : start + self.limit]
        first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        more = start + self.limit < len(rows)
        return {"data": page, "has_more": more, "first_id": first, "last_id": last}


class UsersQuery(ListQuery, frozen=True):
    """Current members.

    Most recently added first. Who left is no longer here but stays in old records.
    """

    def answer(self, world: World) -> Json:
        return self.page_of(world.members())


class ApiKeysQuery(ListQuery, frozen=True):
    """API keys.

    Their names by their ids, never the keys themselves.
    """

    def answer(self, world: World) -> Json:
        return self.page_of(world.api_keys())
