"""The analytics cost report: money by UTC day, actor, model and kind, cents as text."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from ccanalytics.fake_api.faults import Refused
from ccanalytics.fake_api.queries import Json, Paged, World, page_json

FLOOR, OLDEST, LONGEST = date(2026, 1, 1), timedelta(days=365), timedelta(days=31)
"""The first day the report has, how far back it reaches, and the longest range of a request."""

Moment = Annotated[datetime, Meta(tz=True, examples=["2026-11-16T00:00:00Z"])]
Dimension = Literal["actor", "model", "product", "cost_type", "token_type", "workspace_id",
                    "api_key_id", "rbac_group_id", "service_tier"]  # fmt: skip
KINDS = {"cost_type", "token_type"}
"""Dimensions that count neither towards the five there may be, nor towards `limit`."""

AMOUNTS = ("amount", "list_amount")


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
        if len(set(self.group_by) - KINDS) > 5:
            raise ValueError("Cannot specify more than 5 group_by[] dimensions.")
        if not timedelta(0) < self.ending_at - self.starting_at <= LONGEST:
            raise ValueError("Invalid date range: ending_at must be up to 31 days after the start")

    def answer(self, world: World) -> Json:
        if not world.may_ask_cost:
            raise Refused(400, "The cost report is not available for this organization.")
        start = self.starting_at.astimezone(UTC).date()
        if start < max(FLOOR, (world.now() - OLDEST).date()):
            raise Refused(400, "starting_at must be within the last 365 days")
        span = range((self.ending_at.astimezone(UTC).date() - start).days)
        groups = [rows for n in span for rows in self._groups(world, start + timedelta(days=n))]
        found, cursor = self.one_page(groups)
        refreshed = (world.now() - world.refresh_delay).isoformat()
        about = {"data_refreshed_at": refreshed, "organization_id": world.organization}
        return page_json([_as_sent(row) for rows in found for row in rows], cursor) | about

    def _groups(self, world: World, day: date) -> list[list[Json]]:
        """The rows of one day, those that count as one together; later days have a part of theirs.

        A row has the dimensions that were asked for; the others are null.
        """
        if self.products and "claude_code" not in self.products:
            return []
        items = world.charges(day)
        groups: dict[str, dict[str, Json]] = defaultdict(dict)
        for item in items[: int(world.share_of(day, world.refresh_delay) * len(items))]:
            row: Json = msgspec.to_builtins(item, builtin_types=(Decimal,))
            row["group"] |= dict.fromkeys(row["group"].keys() - self.group_by)
            same = groups[str(row["group"] | dict.fromkeys(KINDS))]
            known = same.setdefault(str(row["group"]), row)
            if known is not row:
                for name in AMOUNTS:
                    known["cost"][name] += row["cost"][name]
        return [list(same.values()) for same in groups.values()]


def _as_sent(row: Json) -> Json:
    amounts = {name: f"{row['cost'][name]:.6f}" for name in AMOUNTS}
    return {**row, "cost": {**row["cost"], **amounts}}
