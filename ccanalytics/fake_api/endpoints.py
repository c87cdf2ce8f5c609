"""What each endpoint is asked and answers.

The Admin API has Claude Code records by day, members and API keys; the cost report money by UTC
day; Claude Enterprise the people of a UTC day, and seats by day. It is the same organisation
everywhere: for Enterprise, keys are left out, terminals are added up, and some members who used
another product only are there with zeros.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from ccanalytics.fake_api.faults import Refused
from ccanalytics.fake_api.queries import Day, Json, Limit, Paged, Query, World
from ccanalytics.wire.claude_code import EDIT_TOOLS, Record, UserActor
from ccanalytics.wire.enterprise import Counters, Decisions, Lines

FRESHNESS = timedelta(hours=1)  # the age of the newest records
COUNTED_AT = timedelta(hours=10)  # of the next UTC day, when a day of Enterprise is available
FLOOR = date(2026, 1, 1)  # the first day of Enterprise and of the cost report
OLDEST, LONGEST = timedelta(days=365), timedelta(days=31)  # age and range of a cost report
LONGEST_SPAN = timedelta(days=366)  # of seats

Moment = Annotated[datetime, Meta(tz=True, examples=["2026-11-16T00:00:00Z"])]
Dimension = Literal[
    "actor",
    "model",
    "product",
    "cost_type",
    "token_type",
    "workspace_id",
    "api_key_id",
    "rbac_group_id",
    "service_tier",
]

_encode = msgspec.json.Encoder(decimal_format="number").encode


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
        page = self.page_of(records[: int(share * len(records))])
        return page | {"data": [world.shape(as_sent(record)) for record in page["data"]]}


def as_sent(record: Record) -> Json:
    """`record` as the service writes it: amounts as numbers, no `project`."""
    row: Json = msgspec.json.decode(_encode(record))
    del row["project"]
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


class CostQuery(Paged, frozen=True, kw_only=True):
    """Cost by UTC day and any dimensions.

    `amount` is after discounts and before credits, `list_amount` at list prices, both text: US
    cents with decimals. Only what cost something has a row; without an actor it cannot be
    attributed. Days that end after `data_refreshed_at` are not complete, and for 30 days they may
    be revised. Not for organizations with HIPAA readiness.
    """

    starting_at: Moment
    """The first moment, with its time zone; within the last 365 days."""
    ending_at: Annotated[datetime, Meta(tz=True, examples=["2026-11-18T00:00:00Z"])]
    """The moment after the last one; at most 31 days later."""
    time_bucket_width: Literal["1d"] = "1d"
    """Days are all this fake has."""
    order_by: Literal["amount", "list_amount", "time"] = "amount"
    """The order of the rows; this fake has them by time."""
    products: list[str] = field(name="products[]", default_factory=list)
    """Products such as `claude_code`; all of them without."""
    group_by: list[Dimension] = field(name="group_by[]", default_factory=list)
    """At most 5 dimensions to group by, `cost_type` and `token_type` not counted."""

    def __post_init__(self) -> None:
        if len(set(self.group_by) - {"cost_type", "token_type"}) > 5:
            raise ValueError("Cannot specify more than 5 group_by[] dimensions.")
        if not timedelta(0) < self.ending_at - self.starting_at <= LONGEST:
            raise ValueError("Invalid date range: ending_at must be up to 31 days after the start")

    def answer(self, world: World) -> Json:
        start = self.starting_at.astimezone(UTC).date()
        if start < max(FLOOR, (world.now() - OLDEST).date()):
            raise Refused(400, "starting_at must be within the last 365 days")
        span = range((self.ending_at.astimezone(UTC).date() - start).days)
        rows = [row for n in span for row in self._rows(world, start + timedelta(days=n))]
        refreshed = (world.now() - world.refresh_delay).isoformat()
        about = {"data_refreshed_at": refreshed, "organization_id": world.organization}
        return self.page_of(rows) | about

    def _rows(self, world: World, day: date) -> list[Json]:
        """The rows of one day; later days have a part of theirs.

        A row has the dimensions that were asked for; the others are null.
        """
        if self.products and "claude_code" not in self.products:
            return []
        items, groups = world.charges(day), defaultdict[str, list[Json]](list)
        for item in items[: int(world.share_of(day, world.refresh_delay) * len(items))]:
            row = msgspec.to_builtins(item, builtin_types=(Decimal,))
            row["group"] |= dict.fromkeys(row["group"].keys() - self.group_by)
            groups[str(row["group"])].append(row)
        for rows in groups.values():
            for name in ("amount", "list_amount"):
                rows[0]["cost"][name] = f"{sum(row['cost'][name] for row in rows):.6f}"
        return [rows[0] for rows in groups.values()]


class PeopleQuery(Paged, frozen=True, kw_only=True):
    """People of one UTC day.

    One row per person, whichever product they used; the day is not in the row. There is no
    `has_more`: the last page has a null `next_page`. A day that is not counted yet is a 400 that
    names the newest one; an expired cursor is a 410.
    """

    date: Day
    """The UTC day, counted at ten in the morning of the next."""
    limit: Limit = 100
    """People per page."""

    def answer(self, world: World) -> Json:
        _check_counted(world, self.date)
        ids = {row["email"].lower(): row["id"] for row in world.members()}
        used = defaultdict[str, list[Record]](list)
        for record in world.records(self.date):
            if isinstance(record.actor, UserActor):  # keys are nobody
                used[record.actor.email_address.strip().lower()].append(record)
        idle = [who for n, who in enumerate(ids) if n % 3 == 0 and who not in used]
        page = self.page_of([*used.items(), *((who, []) for who in idle)])
        rows = [_person(ids.get(who, f"user_{who}"), who, found) for who, found in page["data"]]
        return {"data": rows, "next_page": page["next_page"]}


class SummariesQuery(Query, frozen=True, kw_only=True):
    """Seats by UTC day.

    Seats are of all products. The envelope is `summaries`, or `data` with `beta=true`.
    """

    starting_date: Day
    """The first UTC day."""
    ending_date: Annotated[date, Meta(examples=["2026-11-22"])] | UnsetType = UNSET
    """The day after the last one."""
    beta: bool = False
    """The later envelope."""

    def answer(self, world: World) -> Json:
        start, one = self.starting_date, timedelta(days=1)
        end = self.ending_date or _newest_day(world) + one
        if not timedelta(0) < end - start <= LONGEST_SPAN:
            raise Refused(400, "ending_date must be after starting_date, by at most 366 days")
        _check_counted(world, start)
        _check_counted(world, end - one)
        added, rows = [row["added_at"][:10] for row in world.members()], []
        for day in (str(start + n * one) for n in range((end - start).days)):
            seats = sum(since <= day for since in added) or None
            counts = {"assigned_seat_count": seats, "pending_invite_count": 3 if seats else None}
            rows.append({"starting_at": f"{day}T00:00:00Z", **counts})
        return {"data": rows, "next_page": None} if self.beta else {"summaries": rows}


def _newest_day(world: World) -> date:
    """The newest day that is counted by now."""
    return (world.now().astimezone(UTC) - COUNTED_AT).date() - timedelta(days=1)


def _check_counted(world: World, day: date) -> None:
    if day < FLOOR:
        raise Refused(400, f"Data is available from {FLOOR} on.")
    newest = _newest_day(world)
    if day > newest:
        raise Refused(400, f"Data is not available yet. The latest available day: {newest}")


def _person(id: str, who: str, records: Sequence[Record]) -> Json:
    """The counters of a person's records; tools are always the same four."""
    decided = {
        tool: [record.tool_actions[tool] for record in records if tool in record.tool_actions]
        for tool in EDIT_TOOLS
    }
    return {
        "user": {"id": id, "email_address": who},
        "claude_code_metrics": {
            "core_metrics": _summed(Counters, [record.core_metrics for record in records]),
            "tool_actions": {tool: _summed(Decisions, some) for tool, some in decided.items()},
        },
        "chat_metrics": {"message_count": 0 if records else 4},
    }


def _summed(kind: type[Struct], parts: Sequence[Struct]) -> Json:
    """Counters added up, under the names this API has for them."""
    total: Json = {}
    for one in msgspec.structs.fields(kind):
        values = [getattr(part, one.name) for part in parts]
        is_part = one.type is Lines
        total[one.encode_name] = _summed(Lines, values) if is_part else sum(v or 0 for v in values)
    return total


ADMIN, ENTERPRISE = "api:admin", "read:analytics"
"""What a key for the Admin API opens, and one for the Claude Enterprise Analytics API."""

# By path: what is asked there, and the kinds of keys that open it.
ENDPOINTS: dict[str, tuple[type[Query], tuple[str, ...]]] = {
    "/v1/organizations/usage_report/claude_code": (RecordsQuery, (ADMIN,)),
    "/v1/organizations/me": (OrganizationQuery, (ADMIN,)),
    "/v1/organizations/users": (UsersQuery, (ADMIN,)),
    "/v1/organizations/api_keys": (ApiKeysQuery, (ADMIN,)),
    "/v1/organizations/analytics/cost": (CostQuery, (ADMIN, ENTERPRISE)),
    "/v1/organizations/analytics/users": (PeopleQuery, (ENTERPRISE,)),
    "/v1/organizations/analytics/summaries": (SummariesQuery, (ENTERPRISE,)),
}
