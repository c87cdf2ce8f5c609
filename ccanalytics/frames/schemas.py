"""The data dictionary: the columns of the three frames that every source fills.

    activity      one row per record             sessions, lines, commits, pull requests
    model_usage   one row per record and model   tokens, cost_usd
    tool_actions  one row per record and tool    accepted, rejected

All start with the same key columns, so each can be grouped alone. They have different grains: sum
each to what you want to compare, then join the sums. An empty day has the same columns and types as
a full one. Only Enterprise has `addresses` and `seats`; the frames of wings have schemas there.
"""

import pyarrow as pa

Frames = dict[str, pa.Table]

USD = pa.decimal128(18, 8)  # US dollars, exact: cents and six more digits
WORDS = pa.dictionary(pa.int32(), pa.string())  # dictionary-encoded text


def field(name: str, kind: pa.DataType, text: str) -> pa.Field:
    """A column with its line of the data dictionary."""
    return pa.field(name, kind, metadata={"description": text})


def encoded(schema: pa.Schema) -> pa.Schema:
    """`schema` with text as dictionaries, so that a name is stored once, not per row."""
    return pa.schema([f.with_type(WORDS) if f.type == pa.string() else f for f in schema])


_text, _count = pa.string(), pa.int64()

KEYS = [
    field("date", pa.timestamp("ms"), "UTC day, at its midnight"),
    field("organization", _text, "organization_id; null when not known"),
    field("actor", _text, "actor.email_address or actor.api_key_name, as sent"),
    field("actor_kind", _text, "user: a person; api_key: a key, never a person; others as sent"),
    field("customer_type", _text, "api: pay as you go; subscription: a seat; null: not known"),
    field("subscription_type", _text, "enterprise or team; null when not sent"),
    field("terminal", _text, "terminal_type, an open set; null when not known"),
    field("is_remote", pa.bool_(), "a remote session such as on the web; null when not sent"),
    field("project", _text, "working folder; session logs only"),
]

_MEASURES = {
    "activity": [
        field("sessions", _count, "core_metrics.num_sessions: sessions started; null: not known"),
        field("lines_added", _count, "core_metrics.lines_of_code.added"),
        field("lines_removed", _count, "core_metrics.lines_of_code.removed"),
        field("commits", _count, "core_metrics.commits_by_claude_code"),
        field("pull_requests", _count, "core_metrics.pull_requests_by_claude_code"),
    ],
    "model_usage": [
        field("model", _text, "model_breakdown[].model, an open set"),
        field("input_tokens", _count, "tokens.input: neither read from nor written to cache"),
        field("output_tokens", _count, "tokens.output"),
        field("cache_read_tokens", _count, "tokens.cache_read"),
        field("cache_creation_tokens", _count, "tokens.cache_creation"),
        field("cost_usd", USD, "estimated_cost.amount / 100: US dollars, an estimate"),
    ],
    "tool_actions": [
        field("tool", _text, "key of tool_actions, an open set"),
        field("accepted", _count, "proposals accepted"),
        field("rejected", _count, "proposals rejected"),
    ],
}
SCHEMAS = {name: pa.schema([*KEYS, *measures]) for name, measures in _MEASURES.items()}

TOKENS = [name for name in SCHEMAS["model_usage"].names if name.endswith("_tokens")]

ADDRESSES = pa.schema(
    [
        KEYS[0],
        field("actor_id", _text, "user.id: the same when the address changes"),
        field("actor", _text, "the address on that day, as sent"),
    ]
)
"""The addresses of people and the source's own ids, where it has them."""

SEATS = pa.schema(
    [
        KEYS[0],
        field("assigned_seats", _count, "assigned_seat_count: seats of any kind; null: not known"),
        field("pending_invites", _count, "pending_invite_count; null when not known"),
    ]
)
"""The seats of an organisation, known to the Enterprise API only."""
