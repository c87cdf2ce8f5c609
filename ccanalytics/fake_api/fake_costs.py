"""The analytics cost report: money by UTC day, actor, model and kind, cents as text."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from ccanalytics.fake_api.faults import Refused
from ccanalytics.fake_api.queries import Json, Paged, World, page_json
from ccanalytics.wire.analytics_cost import CostItem

FLOOR, OLDEST, LONGEST = date(2026, 1, 1), timedelta(days=365), timedelta(days=31)

Moment = Annotated[datetime, Meta(tz=True, examples=["2026-11-16T00:00:00Z"])]
Dimension = Literal["actor", "model", "product", "cost_type", "token_type", "workspace_id",
                    "api_key_id", "rbac_group_id", "service_tier"]  # fmt: skip
KINDS = ("cost_type", "token_type")
"""Dimensions that count neither towards the five there may be, nor towards `limit`."""


class CostQuery(Paged, frozen=True, kw_only=True):
    """Which costs, and by what."""

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
        if len(set(self.group_by) - set(KINDS)) > 5:
            raise ValueError("Cannot specify more than 5 group_by[] dimensions.")
        if not timedelta(0) < self.ending_at - self.starting_at <= LONGEST:
            raise ValueError("Invalid date range: ending_at must be up to 31 days after the start")


def list_analytics_cost(world: World, query: CostQuery) -> Json:
    """Cost by UTC day and any dimensions.

    `amount` is after discounts and before credits, `list_amount` at list prices, both text: US
    cents with decimals. Only what cost something has a row; without an actor it cannot be
    attributed. Days that end after `data_refreshed_at` are not complete, and for 30 days they may
    be revised. Not for organizations with HIPAA readiness.
    """
    if not world.may_ask_cost:
        raise Refused(400, "The cost report is not available for this organization.")
    start = query.starting_at.astimezone(UTC).date()
    if start < max(FLOOR, (world.now() - OLDEST).date()):
        raise Refused(400, "starting_at must be within the last 365 days")
    days = (query.ending_at.astimezone(UTC).date() - start).days
    refreshed = world.refreshed_at()
    groups = [group for n in range(days)
              for group in _groups(world, start + timedelta(days=n), query, refreshed)]  # fmt: skip
    found, cursor = query.one_page(groups)
    about = {"data_refreshed_at": refreshed.isoformat(), "organization_id": world.organization}
    return page_json([row for rows in found for row in rows], cursor) | about


def _groups(world: World, day: date, query: CostQuery, refreshed: datetime) -> list[list[Json]]:
    """The rows of one day, those that count as one together; later days have a part of theirs."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    share = min(1.0, max(0.0, (refreshed - begin) / timedelta(days=1)))
    if query.products and "claude_code" not in query.products:
        return []
    items = world.charges(day)
    sums: dict[bytes, dict[bytes, Json]] = defaultdict(dict)
    for item in items[: int(share * len(items))]:
        row = _row(item, query.group_by)
        whole, kinds = ({name: value for name, value in row["group"].items()
                         if (name in KINDS) == of_kind} for of_kind in (False, True))  # fmt: skip
        known = sums[msgspec.json.encode(whole)].setdefault(msgspec.json.encode(kinds), row)
        if known is not row:
            pairs = ((name, one, row["cost"][name]) for name, one in known["cost"].items())
            known["cost"] = {name: one + other if isinstance(one, int | Decimal) else one
                             for name, one, other in pairs}  # fmt: skip
    return [[_as_text(row) for row in group.values()] for group in sums.values()]


def _row(item: CostItem, kept: Sequence[str]) -> Json:
    """A row with the dimensions that were asked for; the others are null."""
    row: dict[str, Any] = msgspec.to_builtins(item, builtin_types=(Decimal,))
    group = {name: value if name in kept else None for name, value in row["group"].items()}
    if set(KINDS) & set(kept):
        row["cost"]["requests"] = None
    return {**row, "group": group}


def _as_text(row: Json) -> Json:
    amounts = {name: f"{row['cost'][name]:.6f}" for name in ("amount", "list_amount")}
    return {**row, "cost": {**row["cost"], **amounts}}
