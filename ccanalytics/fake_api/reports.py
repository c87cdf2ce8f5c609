"""The Admin API's reports of what was billed: UTC days, ends exclusive, cents as text."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from ccanalytics.fake_api.messages import bad_request
from ccanalytics.fake_api.routes import PAGE, Asked, Route, RouteParameter, World, limit
from ccanalytics.fake_api.walks import Later, encode_slice
from ccanalytics.wire.cost_report import Cost, CostPage, Usage, UsagePage

COSTS = "/v1/organizations/cost_report"
USAGE = "/v1/organizations/usage_report/messages"
DEFAULT_DAYS, MOST_DAYS = 7, 31

_DIMENSIONS = ("account_id", "api_key_id", "context_window", "inference_geo", "model",
               "service_account_id", "service_tier", "speed", "workspace_id")  # fmt: skip
_DESCRIBED = ("cost_type", "token_type", "model", "service_tier", "context_window",
              "inference_geo", "description")  # fmt: skip

Row = dict[str, Any]
Add = Callable[[Row, Row], Row]


def page_of_costs(world: World, asked: Asked) -> bytes:
    """What was billed on each day, by the dimensions asked for."""
    kept = [name for name in asked["group_by[]"] if name != "description"]
    kept += _DESCRIBED if "description" in asked["group_by[]"] else ()
    wanted = [name for name in Cost.__struct_fields__ if name not in ("amount", "currency")]

    def rows(day: date) -> list[Row]:
        return _grouped(map(_cost, world.bill(day).costs), kept, wanted, _added_cost)

    return _page(world, asked, "cost_report", rows)


def page_of_usage(world: World, asked: Asked) -> bytes:
    """The tokens of each day, by the dimensions asked for."""

    def rows(day: date) -> list[Row]:
        found = map(_usage, world.bill(day).usage)
        return _grouped(found, asked["group_by[]"], _DIMENSIONS, _added_usage)

    return _page(world, asked, "messages", rows)


def _page(world: World, asked: Asked, report: str, rows: Callable[[date], Sequence[Row]]) -> bytes:
    days, cursor = _days(world, asked), asked["page"]
    question = f"{report} {days} {asked['group_by[]']}"

    def bucket(ordinal: int) -> bytes:
        day = date.fromordinal(ordinal)
        return json.dumps(_bucket(day, rows(day))).encode()

    # Nobody says how long a range may be, and most of a long one is never read.
    walk, start = (
        world.walks.found(cursor, question)
        if cursor is not None
        else (world.walks.begin(Later(days, bucket)), 0)
    )
    page = world.walks.slice(walk, start, asked["limit"], question, repeat=asked.repeat)
    return encode_slice(page)


def _days(world: World, asked: Asked) -> range:
    """The UTC days, as ordinals, from the start, snapped down to one, to the end, exclusive.

    Without an end they go up to today, also exclusive.
    """
    start = _day(asked["starting_at"])
    if asked["ending_at"] is None:
        return range(start, max(start, world.now().astimezone(UTC).date().toordinal()))
    end = _day(asked["ending_at"])
    if end <= start:
        raise bad_request("Invalid date range: ending date must be after starting date")
    return range(start, end)


def _day(moment: str) -> int:
    return datetime.fromisoformat(moment).astimezone(UTC).date().toordinal()


def _bucket(day: date, rows: Sequence[Row]) -> Row:
    end = day + timedelta(days=1)
    return {
        "starting_at": f"{day}T00:00:00Z",
        "ending_at": f"{end}T00:00:00Z",
        "results": rows,
    }


def _grouped(
    rows: Iterable[Row], kept: Sequence[str], dimensions: Sequence[str], add: Add
) -> list[Row]:
    """The sums of `rows` by the dimensions that are `kept`; the others are null."""
    sums: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = {name: row.get(name) if name in kept else None for name in dimensions}
        place = tuple(key.values())
        sums[place] = add(sums[place], row) if place in sums else {**row, **key}
    return list(sums.values())


def _cost(cost: Cost) -> Row:
    row: Row = msgspec.to_builtins(cost)
    return row | {"amount": format(cost.amount, "f")}


def _added_cost(old: Row, new: Row) -> Row:
    return old | {"amount": format(Decimal(old["amount"]) + Decimal(new["amount"]), "f")}


def _usage(usage: Usage) -> Row:
    row: Row = msgspec.to_builtins(usage)
    return row


def _added_usage(old: Row, new: Row) -> Row:
    """Counts added up, also those a level below."""
    sums: Row = defaultdict(dict)
    for name, value in old.items():
        if isinstance(value, dict):
            sums[name] = {key: count + new[name][key] for key, count in value.items()}
        else:
            sums[name] = value + new[name] if isinstance(value, int) else value
    return dict(sums)


def _parameters(*dimensions: str) -> tuple[RouteParameter, ...]:
    return (
        RouteParameter(
            name="starting_at",
            about="The first moment, with its time zone; snapped down to a UTC day.",
            required=True,
            format="date-time",
            example="2026-11-16T00:00:00Z",
        ),
        RouteParameter(
            name="ending_at",
            about="The moment after the last one: a day ends with the midnight after it.",
            format="date-time",
        ),
        RouteParameter(
            name="bucket_width", about="Days are all this fake has.", choices=("1d",), default="1d"
        ),
        RouteParameter(
            name="group_by[]",
            about="Dimensions to tell apart; those not asked for are null.",
            choices=dimensions,
            many=True,
            most=5,
        ),
        limit("Days per page.", default=DEFAULT_DAYS, most=MOST_DAYS),
        PAGE,
    )


_EXAMPLE = {"starting_at": "2026-11-16T00:00:00Z", "ending_at": "2026-11-18T00:00:00Z"}

ROUTES = (
    Route(
        path=COSTS,
        name="list_costs",
        summary="What was billed, by UTC day",
        about=(
            "Amounts are text: US cents with decimals. A day on which nothing was billed is an "
            "empty bucket. Never by person or key. What Claude Code cost API customers is in it."
        ),
        group="Cost and usage",
        parameters=_parameters("workspace_id", "description"),
        gives=CostPage,
        answer=page_of_costs,
        errors=(400,),
        example=_EXAMPLE,
    ),
    Route(
        path=USAGE,
        name="list_message_usage",
        summary="Tokens of everything that used the API, by UTC day",
        about="In Claude Code or not. A day without use is an empty bucket.",
        group="Cost and usage",
        parameters=_parameters(*_DIMENSIONS),
        gives=UsagePage,
        answer=page_of_usage,
        errors=(400,),
        example=_EXAMPLE,
    ),
)
