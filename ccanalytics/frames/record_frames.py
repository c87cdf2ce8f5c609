"""Records of one UTC day -> its tidy Arrow tables; `schemas` describes them."""

from collections.abc import Iterable, Sequence
from datetime import date
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from ccanalytics.errors import SchemaError
from ccanalytics.frames.arrow_tables import table_of
from ccanalytics.frames.schemas import ADDRESSES, KEYS, SCHEMAS, SEATS, USD, Frames
from ccanalytics.wire.claude_code import (
    MOST_CENTS,
    ApiActor,
    EstimatedCost,
    OtherActor,
    Record,
    UserActor,
)
from ccanalytics.wire.enterprise import Summary

# Where the columns are in a record, a `ModelUsage` and a `ToolAction`, in their order.
_DIMENSIONS = ("customer_type", "subscription_type", "terminal_type", "is_remote", "project")
_ACTIVITY = (
    "core_metrics.num_sessions",
    "core_metrics.lines_of_code.added",
    "core_metrics.lines_of_code.removed",
    "core_metrics.commits_by_claude_code",
    "core_metrics.pull_requests_by_claude_code",
)
_USAGE = (
    "model",
    "tokens.input",
    "tokens.output",
    "tokens.cache_read",
    "tokens.cache_creation",
    "estimated_cost",
)
_ACTION = ("accepted", "rejected")

_CENT = pa.decimal128(18, 6)  # amounts have fractions of a cent


def build_frames(day: date, records: Sequence[Record]) -> Frames:
    """The three tables of one UTC day; no rows when there are no records.

    `SchemaError` when a record is of another day, a count is out of range, or a cost is not a
    finite amount in US dollars.
    """
    wanted = day.isoformat()
    for record in records:
        if record.date[:10] != wanted:
            raise SchemaError(
                f"A record is dated {record.date!r}, but {wanted} was asked for: "
                "its day would be counted wrongly."
            )
    usages = [usage for record in records for usage in record.model_breakdown]
    actions = [action for record in records for action in record.tool_actions.values()]
    tools = [tool for record in records for tool in record.tool_actions]
    keys = _keys(day, records)
    used = _repeated(keys, [len(record.model_breakdown) for record in records])
    acted = _repeated(keys, [len(record.tool_actions) for record in records])
    try:
        return {
            "activity": _table("activity", keys, _columns(records, _ACTIVITY)),
            "model_usage": _table("model_usage", used, _columns(usages, _USAGE)),
            "tool_actions": _table("tool_actions", acted, [tools, *_columns(actions, _ACTION)]),
        }
    except OverflowError as error:
        raise SchemaError(f"A count of {day} is out of range: {error}.") from error


def build_addresses(day: date, records: Sequence[Record]) -> pa.Table:
    """One row per person of the day with an id of the source."""
    people = (one.actor for one in records if isinstance(one.actor, UserActor))
    known = {(one.id, one.email_address) for one in people if one.id}
    return table_of(ADDRESSES, day, sorted(known))


def build_seats(day: date, summary: Summary | None) -> pa.Table:
    """The seats of one UTC day: one row, or none when the service sent nothing."""
    rows = [(summary.assigned_seat_count, summary.pending_invite_count)] if summary else []
    return table_of(SEATS, day, rows)


def _keys(day: date, records: Sequence[Record]) -> list[pa.Array]:
    who = [_name_and_kind(record.actor) for record in records]
    values = [
        [record.organization_id or None for record in records],
        [name for name, _ in who],
        [kind for _, kind in who],
        *_columns(records, _DIMENSIONS),
    ]
    arrays = [pa.array(one, key.type) for one, key in zip(values, KEYS[1:], strict=True)]
    return [pa.repeat(pa.scalar(day).cast(KEYS[0].type), len(records)), *arrays]


def _repeated(keys: list[pa.Array], times: list[int]) -> list[pa.Array]:
    rows = pa.array(np.repeat(np.arange(len(times)), times))
    return [key.take(rows) for key in keys]


def _name_and_kind(actor: UserActor | ApiActor | OtherActor) -> tuple[str, str]:
    if isinstance(actor, UserActor):
        return actor.email_address, "user"
    if isinstance(actor, ApiActor):
        return actor.api_key_name, "api_key"
    return actor.name, actor.kind.removesuffix("_actor")


def _columns(rows: Sequence[object], paths: Iterable[str]) -> list[list[Any]]:
    return [list(map(attrgetter(path), rows)) for path in paths]


def _table(name: str, keys: list[pa.Array], columns: Iterable[Sequence[Any]]) -> pa.Table:
    kinds = SCHEMAS[name].types[len(KEYS) :]
    measures = [
        _usd(values) if kind == USD else pa.array(values, kind)
        for values, kind in zip(columns, kinds, strict=True)
    ]
    return pa.table([*keys, *measures], schema=SCHEMAS[name])


def _usd(costs: Sequence[EstimatedCost]) -> pa.Array:
    """Exact dollars of amounts in cents, to six decimals of a cent."""
    foreign = sorted({cost.currency.upper() for cost in costs} - {"USD"})
    if foreign:
        raise SchemaError(f"A cost is in {', '.join(foreign)}; only USD can be summed.")
    amounts = [cost.amount for cost in costs]
    try:
        # Nearly always this is all: looking at each amount first would cost more than this.
        cents = pa.array(amounts, _CENT)
    except pa.ArrowException:
        for one in amounts:
            if one is not None and not (one.is_finite() and abs(one) < MOST_CENTS):
                raise SchemaError(f"A cost of {one} cents is out of range.") from None
        # Further digits are noise of binary fractions.
        cents = pa.array([None if one is None else round(one, 6) for one in amounts], _CENT)
    # Cents with 6 decimals and dollars with 8 are the same integers, so no digit changes.
    return pa.Array.from_buffers(USD, len(cents), cents.buffers())
