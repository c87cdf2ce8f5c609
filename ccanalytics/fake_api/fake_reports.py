"""The Admin API's reports of what was billed: UTC days, ends exclusive, cents as text."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from ccanalytics.fake_api.queries import Json, Paged, World, page_json

UsageDimension = Literal["account_id", "api_key_id", "context_window", "inference_geo", "model",
                         "service_account_id", "service_tier", "speed", "workspace_id"]  # fmt: skip
DESCRIBED = ("cost_type", "token_type", "model", "service_tier", "context_window",
             "inference_geo", "description")  # fmt: skip
"""The dimensions of costs that come with `description`."""


class ReportQuery(Paged, frozen=True, kw_only=True):
    """Which days of a report."""

    starting_at: Annotated[datetime, Meta(tz=True, examples=["2026-11-16T00:00:00Z"])]
    """The first moment, with its time zone; snapped down to a UTC day."""
    ending_at: Annotated[datetime, Meta(tz=True, examples=["2026-11-18T00:00:00Z"])] | UnsetType = (
        UNSET
    )
    """The moment after the last one: a day ends with the midnight after it."""
    bucket_width: Literal["1d"] = "1d"
    """Days are all this fake has."""
    limit: Annotated[int, Meta(ge=1, le=31, examples=[2])] = 7
    """Days per page."""

    def __post_init__(self) -> None:
        if self.ending_at and _day(self.ending_at) <= _day(self.starting_at):
            raise ValueError("Invalid date range: ending date must be after starting date")

    def days(self, now: datetime) -> range:
        """The UTC days as ordinals; without an end up to today, which is not among them."""
        start = _day(self.starting_at)
        return range(start, _day(self.ending_at) if self.ending_at else max(start, _day(now)))


class CostsQuery(ReportQuery, frozen=True, kw_only=True):
    """Which costs."""

    group_by: list[Literal["workspace_id", "description"]] = field(
        name="group_by[]", default_factory=list
    )
    """Dimensions to tell apart; the others are null."""


class UsageQuery(ReportQuery, frozen=True, kw_only=True):
    """Which tokens."""

    group_by: Annotated[list[UsageDimension], Meta(max_length=5)] = field(
        name="group_by[]", default_factory=list
    )
    """Dimensions to tell apart; the others are null."""


def list_costs(world: World, query: CostsQuery) -> Json:
    """What was billed, by UTC day.

    Amounts are text: US cents with decimals. A day on which nothing was billed is an empty bucket.
    Never by person or key. What Claude Code cost API customers is in it.
    """
    described = DESCRIBED if "description" in query.group_by else ()
    kept = {*described, *({"workspace_id"} & set(query.group_by))}
    dimensions = (*DESCRIBED, "workspace_id")
    return _page(world, query, lambda day: _sums(world.bill(day).costs, dimensions, kept))


def list_message_usage(world: World, query: UsageQuery) -> Json:
    """Tokens of everything that used the API, by UTC day.

    In Claude Code or not. A day without use is an empty bucket.
    """
    kept, dimensions = set[str](query.group_by), get_args(UsageDimension)
    return _page(world, query, lambda day: _sums(world.bill(day).usage, dimensions, kept))


def _page(world: World, query: ReportQuery, results: Callable[[date], list[Json]]) -> Json:
    # The days stay numbers until they are on a page: nobody limits how long a range may be.
    ordinals, cursor = query.one_page(query.days(world.now()))
    return page_json([bucket(day, results(day)) for day in map(date.fromordinal, ordinals)], cursor)


def _day(moment: datetime) -> int:
    return moment.astimezone(UTC).date().toordinal()


def bucket(day: date, results: Sequence[Json]) -> Json:
    """The results of one UTC day."""
    start, end = f"{day}T00:00:00Z", f"{day + timedelta(days=1)}T00:00:00Z"
    return {"starting_at": start, "ending_at": end, "results": results}


def _sums(rows: Iterable[msgspec.Struct], dimensions: Sequence[str], kept: set[str]) -> list[Json]:
    """The sums of `rows` by the dimensions that are `kept`; the others are null."""
    sums: dict[tuple[str | None, ...], Json] = {}
    for struct in rows:
        # Amounts stay exact: only when they are sent they become text.
        row = msgspec.to_builtins(struct, builtin_types=(Decimal,))
        key = {name: row.get(name) if name in kept else None for name in dimensions}
        group = tuple(key.values())
        sums[group] = added(sums[group], row | key) if group in sums else row | key
    return list(sums.values())


def added(one: Any, other: Any) -> Any:
    """Numbers added up, at any depth; what is no number is the same in both."""
    if isinstance(one, dict):
        return {name: added(value, other[name]) for name, value in one.items()}
    return one + other if isinstance(one, int | Decimal) else one
