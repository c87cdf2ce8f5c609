"""Records of one UTC day -> its three tidy Arrow tables; `schemas` describes them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa

from ccanalytics.errors import SchemaError
from ccanalytics.frames.schemas import SCHEMAS, USD, Frames
from ccanalytics.wire.claude_code import (
    MOST_CENTS,
    ApiActor,
    EstimatedCost,
    OtherActor,
    Record,
    UserActor,
)

Actor = UserActor | ApiActor | OtherActor

_count = pa.int64()
_cent = pa.decimal128(18, 6)


def build_frames(day: date, records: Sequence[Record]) -> Frames:
    """The three tables of one UTC day; no rows when there are no records.

    `SchemaError` when a record is of another day, a count is out of range, or a cost is not a
    finite amount in US dollars.
    """
    _check(day, records)
    keys = _key_table(day, records)
    try:
        return {
            "activity": _activity(keys, records),
            "model_usage": _model_usage(keys, records),
            "tool_actions": _tool_actions(keys, records),
        }
    except OverflowError as error:
        raise SchemaError(f"A count of {day} is out of range: {error}.") from error


def _check(day: date, records: Sequence[Record]) -> None:
    wanted = day.isoformat()
    for record in records:
        if record.date[:10] != wanted:
            raise SchemaError(
                f"A record is dated {record.date!r}, but {wanted} was asked for: "
                "its day would be counted wrongly."
            )


def _key_table(day: date, records: Sequence[Record]) -> list[pa.Array]:
    midnight = datetime(day.year, day.month, day.day)
    actors = [record.actor for record in records]
    text = pa.string()
    return [
        pa.array([midnight], pa.timestamp("ms")).take(
            pa.array(np.zeros(len(records), dtype=np.int64))
        ),
        pa.array([record.organization_id or None for record in records], text),
        pa.array([_actor_name(actor) for actor in actors], text),
        pa.array([_actor_kind(actor) for actor in actors], text),
        pa.array([record.customer_type for record in records], text),
        pa.array([record.subscription_type for record in records], text),
        pa.array([record.terminal_type for record in records], text),
        pa.array([record.is_remote for record in records], pa.bool_()),
        pa.array([record.project for record in records], text),
    ]


def _actor_name(actor: Actor) -> str:
    if isinstance(actor, OtherActor):
        return actor.name
    return actor.api_key_name if isinstance(actor, ApiActor) else actor.email_address


def _actor_kind(actor: Actor) -> str:
    if isinstance(actor, OtherActor):
        return actor.kind.removesuffix("_actor")
    return "api_key" if isinstance(actor, ApiActor) else "user"


def _activity(keys: list[pa.Array], records: Sequence[Record]) -> pa.Table:
    core = [record.core_metrics for record in records]
    measures = [
        pa.array([c.num_sessions for c in core], _count),
        pa.array([c.lines_of_code.added for c in core], _count),
        pa.array([c.lines_of_code.removed for c in core], _count),
        pa.array([c.commits_by_claude_code for c in core], _count),
        pa.array([c.pull_requests_by_claude_code for c in core], _count),
    ]
    return pa.table([*keys, *measures], schema=SCHEMAS["activity"])


def _model_usage(keys: list[pa.Array], records: Sequence[Record]) -> pa.Table:
    usages = [usage for record in records for usage in record.model_breakdown]
    tokens = [usage.tokens for usage in usages]
    measures = [
        pa.array([usage.model for usage in usages], pa.string()),
        pa.array([t.input for t in tokens], _count),
        pa.array([t.output for t in tokens], _count),
        pa.array([t.cache_read for t in tokens], _count),
        pa.array([t.cache_creation for t in tokens], _count),
        _usd([usage.estimated_cost for usage in usages]),
    ]
    repeats = [len(record.model_breakdown) for record in records]
    return pa.table([*_repeat(keys, repeats), *measures], schema=SCHEMAS["model_usage"])


def _tool_actions(keys: list[pa.Array], records: Sequence[Record]) -> pa.Table:
    actions = [action for record in records for action in record.tool_actions.values()]
    measures = [
        pa.array([tool for record in records for tool in record.tool_actions], pa.string()),
        pa.array([action.accepted for action in actions], _count),
        pa.array([action.rejected for action in actions], _count),
    ]
    repeats = [len(record.tool_actions) for record in records]
    return pa.table([*_repeat(keys, repeats), *measures], schema=SCHEMAS["tool_actions"])


def _repeat(keys: list[pa.Array], repeats: list[int]) -> list[pa.Array]:
    rows = pa.array(np.repeat(np.arange(len(repeats)), repeats))
    return [key.take(rows) for key in keys]


def _usd(costs: Sequence[EstimatedCost]) -> pa.Array:
    """Exact dollars of amounts in cents."""
    foreign = sorted({cost.currency.upper() for cost in costs} - {"USD"})
    if foreign:
        raise SchemaError(f"A cost is in {', '.join(foreign)}; only USD can be summed.")
    cents = _cents([cost.amount for cost in costs])
    # Cents with 6 decimals and dollars with 8 are the same integers, so no digit changes.
    return pa.Array.from_buffers(USD, len(cents), cents.buffers())


def _cents(amounts: Sequence[Decimal | None]) -> pa.Array:
    """Amounts in cents to six decimals; further digits are noise of binary fractions."""
    try:
        # Nearly always this is all: looking at each amount first would cost more than this.
        return pa.array(amounts, _cent)
    except pa.ArrowException:
        for one in amounts:
            if one is not None and not (one.is_finite() and abs(one) < MOST_CENTS):
                raise SchemaError(f"A cost of {one} cents is out of range.") from None
        return pa.array([None if one is None else round(one, 6) for one in amounts], _cent)
