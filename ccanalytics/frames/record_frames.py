"""Records of one UTC day -> three tidy Arrow tables, and those -> pandas.

    activity      one row per record             sessions, lines, commits, pull requests
    model_usage   one row per record and model   tokens, cost_usd
    tool_actions  one row per record and tool    accepted, rejected

All start with the same key columns, so each can be grouped alone. They have different grains:
sum each to what you want to compare, then join the sums. The schemas are the data dictionary;
an empty day has the same columns and types as a full one. `seats` is a frame only the Enterprise
API fills. Local logs alone fill four more, without those keys, because they know when each thing
happened:

    sessions      one row per session              when, where, and its sums
    requests      one row per call of a model      tokens, cost_usd, uncached_cost_usd
    tool_calls    one row per tool call            decision, lines, commits
    log_events    one row per thing logged only in passing, such as a compaction
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa

from ccanalytics.errors import SchemaError
from ccanalytics.wire.claude_code import MOST_CENTS, ApiActor, EstimatedCost, Record, UserActor
from ccanalytics.wire.enterprise import Summary

Frames = dict[str, pa.Table]

USD = pa.decimal128(18, 8)
"""US dollars, exact: a cent and six more digits."""


def field(name: str, kind: pa.DataType, text: str) -> pa.Field:
    """A column with its line of the data dictionary."""
    return pa.field(name, kind, metadata={"description": text})


KEYS = [
    field("date", pa.timestamp("ms"), "UTC day, at its midnight"),
    field("organization", pa.string(), "organization_id; null when not told"),
    field("actor", pa.string(), "actor.email_address or actor.api_key_name, as sent"),
    field("actor_kind", pa.string(), "user: a person; api_key: a key, never a person"),
    field("customer_type", pa.string(), "api: pay as you go; subscription: a seat; null: not told"),
    field("subscription_type", pa.string(), "enterprise or team; null when not sent"),
    field("terminal", pa.string(), "terminal_type, an open set; null when not told"),
    field("is_remote", pa.bool_(), "a remote session such as on the web; null when not sent"),
    field("project", pa.string(), "working folder; local logs only"),
]

_count = pa.int64()
_cent = pa.decimal128(18, 6)

SCHEMAS = {
    "activity": pa.schema(
        [
            *KEYS,
            field(
                "sessions", _count, "core_metrics.num_sessions: sessions started; null: not told"
            ),
            field("lines_added", _count, "core_metrics.lines_of_code.added"),
            field("lines_removed", _count, "core_metrics.lines_of_code.removed"),
            field("commits", _count, "core_metrics.commits_by_claude_code"),
            field("pull_requests", _count, "core_metrics.pull_requests_by_claude_code"),
        ]
    ),
    "model_usage": pa.schema(
        [
            *KEYS,
            field("model", pa.string(), "model_breakdown[].model, an open set"),
            field("input_tokens", _count, "tokens.input: neither read from nor written to cache"),
            field("output_tokens", _count, "tokens.output"),
            field("cache_read_tokens", _count, "tokens.cache_read"),
            field("cache_creation_tokens", _count, "tokens.cache_creation"),
            field("cost_usd", USD, "estimated_cost.amount / 100: US dollars, an estimate"),
        ]
    ),
    "tool_actions": pa.schema(
        [
            *KEYS,
            field("tool", pa.string(), "key of tool_actions, an open set"),
            field("accepted", _count, "proposals accepted"),
            field("rejected", _count, "proposals rejected"),
        ]
    ),
}

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


SEATS = pa.schema(
    [
        field("date", pa.timestamp("ms"), "UTC day, at its midnight"),
        field("assigned_seats", _count, "assigned_seat_count: seats of any kind; null: not told"),
        field("pending_invites", _count, "pending_invite_count; null when not told"),
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

    `SchemaError` when a record is of another day, a count beyond all bounds, or a cost no finite
    amount in US dollars.
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
        raise SchemaError(f"A count of {day} is no number that can be: {error}.") from error


def table_of(schema: pa.Schema, day: date, rows: Sequence[Sequence[object]]) -> pa.Table:
    """A table of rows without their first column, `date`; dollars are in units of USD's scale."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(schema) - 1)
    arrays = [
        _usd_of(column) if field.type == USD else pa.array(column, field.type)
        for field, column in zip(list(schema)[1:], columns, strict=True)
    ]
    dates = pa.repeat(
        pa.scalar(datetime(day.year, day.month, day.day), pa.timestamp("ms")), len(rows)
    )
    return pa.table([dates, *arrays], schema=schema)


def _usd_of(units: Sequence[int | None]) -> pa.Array:
    # A decimal is stored as its whole units, so a cast to another scale would only touch digits.
    whole = pa.array(units, pa.int64()).cast(pa.decimal128(19, 0))
    return pa.Array.from_buffers(USD, len(whole), whole.buffers())


def build_seats(day: date, summary: Summary | None) -> pa.Table:
    """The seats of one UTC day: one row, or none when the service told nothing."""
    rows = [(summary.assigned_seat_count, summary.pending_invite_count)] if summary else []
    return table_of(SEATS, day, rows)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """`table` with text keys as categories and `cost_usd` as float dollars (null is NaN)."""
    for position, column in enumerate(table.schema):
        if column.type == USD:
            table = table.set_column(
                position, column.name, table.column(position).cast(pa.float64())
            )
        elif column.type == pa.string():
            table = table.set_column(
                position, column.name, table.column(position).dictionary_encode()
            )
    frame = table.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    assert isinstance(frame, pd.DataFrame)
    return frame


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
    """Amounts in cents to six decimals: rounded where a computer's fractions add digits behind."""
    given = [one for one in amounts if one is not None]
    odd = [one for one in given if not one.is_finite() or abs(one) >= MOST_CENTS]
    if odd:
        raise SchemaError(f"A cost is {odd[0]} cents, which is no amount that can be.")
    try:
        return pa.array(amounts, _cent)
    except pa.ArrowException:
        return pa.array([None if one is None else round(one, 6) for one in amounts], _cent)
