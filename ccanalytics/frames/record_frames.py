"""Records of one UTC day -> its three tidy Arrow tables; `schemas` describes them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa

from ccanalytics.errors import SchemaError
from ccanalytics.frames.schemas import SCHEMAS, USD, Frames, field
from ccanalytics.wire.claude_code import MOST_CENTS, ApiActor, EstimatedCost, Record, UserActor

_count = pa.int64()
_cent = pa.decimal128(18, 6)

SESSIONS = pa.schema(
    [
        field("date", pa.timestamp("ms"), "UTC day the session started"),
        field("session", pa.string(), "session id"),
        field("project", pa.string(), "working folder at the start"),
        field("branch", pa.string(), "git branch at the start; null when not logged"),
        field("terminal", pa.string(), "entrypoint; null before it was logged"),
        field("started_at", pa.timestamp("ms"), "first prompt or answer, UTC"),
        field("ended_at", pa.timestamp("ms"), "last prompt or answer, UTC"),
        field("models", pa.list_(pa.string()), "models that answered, sorted"),
        field("requests", _count, "answers of the service, each counted once"),
        field("final_requests", _count, "of these, with the final token count in the log"),
        field("input_tokens", _count, "as in model_usage"),
        field("output_tokens", _count, "as in model_usage; a lower bound where not final"),
        field("cache_read_tokens", _count, "as in model_usage"),
        field("cache_creation_tokens", _count, "as in model_usage"),
        field("cost_usd", USD, "estimate at list price; null when a model has no known price"),
        field("lines_added", _count, "as in activity"),
        field("lines_removed", _count, "as in activity"),
        field("commits", _count, "as in activity"),
        field("pull_requests", _count, "as in activity"),
    ]
)


_WHERE = [
    field("session", pa.string(), "session id; null when not logged"),
    field("project", pa.string(), "working folder; null when not logged"),
    field("branch", pa.string(), "git branch; null when not logged"),
    field("terminal", pa.string(), "entrypoint; null before it was logged"),
]

LOG_SCHEMAS = {
    "sessions": SESSIONS,
    "requests": pa.schema(
        [
            field("date", pa.timestamp("ms"), "UTC day, at its midnight"),
            *_WHERE,
            field("at", pa.timestamp("ms"), "moment of its fullest line, UTC"),
            field("message", pa.string(), "message id; its place in the log when it has none"),
            field("request", pa.string(), "request id; null when not logged"),
            field("model", pa.string(), "model that answered, an open set"),
            field("agent", pa.string(), "main, subagent, or advisor: asked by another model"),
            field("final", pa.bool_(), "the final token count is in the log"),
            field("input_tokens", _count, "neither read from nor written to cache"),
            field("output_tokens", _count, "a lower bound where not final"),
            field("cache_read_tokens", _count, "read from the cache"),
            field("cache_write_5m_tokens", _count, "written to the cache for five minutes"),
            field("cache_write_1h_tokens", _count, "written to the cache for an hour"),
            field("web_searches", _count, "paid searches the service made"),
            field("cost_usd", USD, "estimate at the day's list price; null when unknown"),
            field("uncached_cost_usd", USD, "the same, had every cached token been input"),
        ]
    ),
    "tool_calls": pa.schema(
        [
            field("date", pa.timestamp("ms"), "UTC day of the result, at its midnight"),
            *_WHERE,
            field("at", pa.timestamp("ms"), "moment of the result, UTC"),
            field("call", pa.string(), "id of the call"),
            field("tool", pa.string(), "name of the tool, an open set"),
            field("agent", pa.string(), "main or subagent"),
            field("decision", pa.string(), "accepted; rejected by a person or rule; error"),
            field("lines_added", _count, "by edit tools"),
            field("lines_removed", _count, "by edit tools"),
            field("commits", _count, "git commits the call made"),
            field("pull_requests", _count, "pull requests the call opened"),
        ]
    ),
    "log_events": pa.schema(
        [
            field("date", pa.timestamp("ms"), "UTC day, at its midnight"),
            field("session", pa.string(), "session id"),
            field(
                "at", pa.timestamp("ms"), "moment, UTC; of an undated line, that of its neighbour"
            ),
            field("event", pa.string(), "id of the line; of a title, a digest"),
            field("kind", pa.string(), "compaction, title, recap, api_error, ...: an open set"),
            field("tokens", _count, "of a compaction, the context before it; else null"),
        ]
    ),
}
"""The frames only local logs fill, all of them optional in a store."""


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
        pa.array(["api_key" if isinstance(a, ApiActor) else "user" for a in actors], text),
        pa.array([record.customer_type for record in records], text),
        pa.array([record.subscription_type for record in records], text),
        pa.array([record.terminal_type for record in records], text),
        pa.array([record.is_remote for record in records], pa.bool_()),
        pa.array([record.project for record in records], text),
    ]


def _actor_name(actor: UserActor | ApiActor) -> str:
    return actor.api_key_name if isinstance(actor, ApiActor) else actor.email_address


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
    actions = [item for record in records for item in record.tool_actions.items()]
    measures = [
        pa.array([tool for tool, _ in actions], pa.string()),
        pa.array([action.accepted for _, action in actions], _count),
        pa.array([action.rejected for _, action in actions], _count),
    ]
    repeats = [len(record.tool_actions) for record in records]
    return pa.table([*_repeat(keys, repeats), *measures], schema=SCHEMAS["tool_actions"])


def _repeat(keys: list[pa.Array], repeats: list[int]) -> list[pa.Array]:
    rows = pa.array(np.repeat(np.arange(len(repeats)), repeats))
    return [key.take(rows) for key in keys]


def _usd(costs: Sequence[EstimatedCost]) -> pa.Array:
    """Exact dollars of amounts in cents."""
    foreign = sorted({cost.currency for cost in costs} - {"USD"})
    if foreign:
        raise SchemaError(f"A cost is in {', '.join(foreign)}; only USD can be added up here.")
    cents = _cents([cost.amount for cost in costs])
    # Cents with 6 decimals and dollars with 8 are the same integers, so no digit is touched.
    return pa.Array.from_buffers(USD, len(cents), cents.buffers())


def _cents(amounts: Sequence[Decimal | None]) -> pa.Array:
    """Amounts in cents to six decimals; further digits are noise of binary fractions."""
    given = [one for one in amounts if one is not None]
    out_of_range = [one for one in given if not one.is_finite() or abs(one) >= MOST_CENTS]
    if out_of_range:
        raise SchemaError(f"A cost of {out_of_range[0]} cents is out of range.")
    try:
        return pa.array(amounts, _cent)
    except pa.ArrowException:
        return pa.array([None if one is None else round(one, 6) for one in amounts], _cent)
