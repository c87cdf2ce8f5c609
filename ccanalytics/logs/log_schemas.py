"""The frames only session logs fill, because they have times.

sessions      one row per session              when, where, and its sums
requests      one row per call of a model      tokens, cost_usd, uncached_cost_usd
tool_calls    one row per tool call            decision, lines, commits
log_events    one row per event logged in passing, such as a compaction
"""

import pyarrow as pa

from ccanalytics.frames.schemas import USD, field

_count = pa.int64()


def _frame(day: str, *columns: pa.Field) -> pa.Schema:
    return pa.schema([field("date", pa.timestamp("ms"), day), *columns])


_SUMS = [
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
"""What a session has of its requests and calls."""

SESSIONS = _frame(
    "UTC day the session started",
    field("session", pa.string(), "session id"),
    field("project", pa.string(), "working folder at the start, of a worktree its repository's"),
    field("branch", pa.string(), "git branch at the start; null when not logged"),
    field("terminal", pa.string(), "entrypoint; null before it was logged"),
    field("started_at", pa.timestamp("ms"), "first prompt or answer, UTC"),
    field("ended_at", pa.timestamp("ms"), "last prompt or answer, UTC"),
    *_SUMS,
    field("kind", pa.string(), "bg in the background; fork; named at once; else null"),
    field("continues", pa.string(), "session it is the rest of: it counts as none itself"),
)

_WHERE = [
    field("session", pa.string(), "session id; null when not logged"),
    field("project", pa.string(), "working folder, of a worktree its repository's; else null"),
    field("branch", pa.string(), "git branch; null when not logged"),
    field("terminal", pa.string(), "entrypoint; null before it was logged"),
]

LOG_SCHEMAS = {
    "sessions": SESSIONS,
    "requests": _frame(
        "UTC day, at its midnight",
        *_WHERE,
        field("at", pa.timestamp("ms"), "moment of its fullest line, UTC"),
        field("message", pa.string(), "message id; null when not logged"),
        field("request", pa.string(), "request id; null when not logged"),
        field("turn", pa.string(), "what it answers, if an id is missing or short; else null"),
        field("asked_at", pa.timestamp("ms"), "of the prompt or tool result before it, UTC"),
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
        field("context_tokens", _count, "that went into its last call, not all its calls"),
        field("agent_id", pa.string(), "subagent that asked; null when not logged"),
        field("skill", pa.string(), "skill it was for; null when not logged"),
        field("mcp_server", pa.string(), "MCP server it was for; null when not logged"),
    ),
    "tool_calls": _frame(
        "UTC day of the result, at its midnight",
        *_WHERE,
        field("at", pa.timestamp("ms"), "moment of the result, UTC"),
        field("call", pa.string(), "id of the call"),
        field("message", pa.string(), "id of the message it stands in; null when not logged"),
        field("turn", pa.string(), "as in requests"),
        field("tool", pa.string(), "name of the tool, an open set"),
        field("agent", pa.string(), "main or subagent"),
        field("decision", pa.string(), "accepted; rejected by a person or rule; error"),
        field("lines_added", _count, "by edit tools"),
        field("lines_removed", _count, "by edit tools"),
        field("commits", _count, "git commits the call made"),
        field("pull_requests", _count, "pull requests the call opened"),
        field("started_agent_id", pa.string(), "subagent the call started, else null"),
        field("started_agent_type", pa.string(), "type of that subagent, such as Explore"),
    ),
    "log_events": _frame(
        "UTC day, at its midnight",
        field("session", pa.string(), "session id"),
        field("at", pa.timestamp("ms"), "moment, UTC; of an undated line, that of its neighbour"),
        field(
            "event", pa.string(), "id of the line; of a title, a digest; continued: that session"
        ),
        field("kind", pa.string(), "compaction, title, name (by a person), continued, ...: open"),
        field("tokens", _count, "of a compaction, the context before it; else null"),
        field("text", pa.string(), "of a title or name, its words; else null"),
    ),
}
"""The frames only session logs fill; all are optional in a store."""

ACCOUNTS = LOG_SCHEMAS | {"sessions": pa.schema([one for one in SESSIONS if one not in _SUMS])}
"""What the logs themselves say of each fact; a row is an account of one."""

IDS = {
    "sessions": ["session"],
    "requests": ["message", "request", "turn"],
    "tool_calls": ["call", "message", "turn"],
    "log_events": ["event"],
}
"""The identity of the facts in each frame."""

ORDER = {name: ["started_at" if name == "sessions" else "at", *ids] for name, ids in IDS.items()}
"""The columns by which each frame is sorted: a moment, and what tells its rows apart."""
