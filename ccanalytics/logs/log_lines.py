"""One line of a Claude Code session log -> typed fields, and the usage in it -> calls with tokens.

    Line ─┬─ message ─┬─ usage      tokens; `iterations` hold the calls behind them
          │           └─ content    ContentBlock: a tool call (`tool_use`) or its `tool_result`
          ├─ data ── message        the copy of a subagent's message in an `agent_progress` line
          └─ subtype, ai_title ...  what else happened

The format is internal to Claude Code and changes without notice. So only the fields needed here
are decoded, each may be absent or null, and everything else is skipped without becoming a Python
object. Texts of prompts, answers and files are never kept; titles of sessions are.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Raw

from ccanalytics.logs.log_repair import repaired
from ccanalytics.prices import Tokens, model_name

SYNTHETIC = "<synthetic>"
"""The model of error texts that Claude Code writes itself, without any request."""

Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
"""A plausible number of tokens."""


class LogPart(msgspec.Struct, gc=False, rename="camel"):
    """Base of the log's own objects, with camelCase keys."""


class ApiPart(msgspec.Struct, gc=False):
    """Base of objects from the model's API, with snake_case keys."""


class LoggedCacheCreation(ApiPart):
    """Cache writes by how long they live."""

    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class LoggedServerTools(ApiPart):
    """Requests made by the service's own tools."""

    web_search_requests: Count | None = None


class LoggedUsage(ApiPart):
    """The tokens of one message, so far: output grows from line to line; or of a call behind it."""

    type: str | None = None
    model: str | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: LoggedCacheCreation | None = None
    server_tool_use: LoggedServerTools | None = None
    iterations: "list[LoggedUsage] | None" = None
    speed: str | None = None
    inference_geo: str | None = None


class ContentBlock(ApiPart):
    """A block of a message's content; only tool calls and tool results matter."""

    type: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = Raw()
    tool_use_id: str | None = None
    is_error: bool | None = None
    content: Raw = Raw()

    def call_id(self) -> str | None:
        """The id of the tool call that it is, or that it is the result of."""
        if self.type == "tool_result":
            return self.tool_use_id
        return self.id if self.type == "tool_use" and self.name else None


class Message(ApiPart):
    """A message of the model's API; one line holds one block of it."""

    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: LoggedUsage | None = None
    content: str | list[ContentBlock | str] | None = None


class Progress(ApiPart):
    """What a `progress` line reports on: of a subagent, a line of its own."""

    type: str | None = None
    message: "Line | str | None" = None
    agent_id: str | None = msgspec.field(name="agentId", default=None)


class Compaction(LogPart):
    """What a `compact_boundary` says of the context before it."""

    pre_tokens: Count | None = None


class Line(LogPart):
    """One line of a log: what happened, where and when."""

    type: str | None = None
    message: Message | str | None = None
    request_id: str | None = None
    uuid: str | None = None
    tool_use_result: Raw = Raw()
    tool_denial_kind: str | None = None
    subtype: str | None = None
    session_id: str | None = None
    timestamp: datetime | None = None
    cwd: str | None = None
    entrypoint: str | None = None
    git_branch: str | None = None
    is_sidechain: bool | None = None
    is_meta: bool | None = None
    agent_id: str | None = None
    advisor_model: str | None = None
    session_kind: str | None = None
    slug: str | None = None
    forked_from: "Line | None" = None
    continued_in_session_id: str | None = None
    data: Progress | str | list[object] | None = None
    ai_title: str | None = None
    custom_title: str | None = None
    summary: str | None = None
    attribution_skill: str | None = None
    attribution_mcp_server: str | None = None
    compact_metadata: Compaction | None = None

    def reported(self) -> "Line":
        """The line of a subagent that this one reports, where and when it did; else itself."""
        data = self.data
        if type(data) is not Progress or data.type != "agent_progress":
            return self
        own = data.message if type(data.message) is Line else Line()
        said = {name: getattr(own, name) for name in _SAID}
        return msgspec.structs.replace(
            self, **said, data=None, is_sidechain=True, agent_id=data.agent_id or self.agent_id
        )

    def session(self) -> str | None:
        """The session it was written in; a fork's copy names the original."""
        return (self.forked_from and self.forked_from.session_id) or self.session_id

    def stream(self) -> str:
        """The conversation it belongs to: a subagent's, or the session's own."""
        return self.agent_id or ("side" if self.is_sidechain else "")


_SAID = ("type", "message", "request_id", "uuid", "tool_use_result", "tool_denial_kind")
"""The fields of a subagent's own line; the others are those of the line that reports it."""


decode_line = msgspec.json.Decoder(Line).decode
"""The fields of one line; `msgspec.ValidationError` for JSON of another shape."""


NOT_JSON, NOT_A_LINE, NO_DATE = (
    "dropped: not JSON",
    "dropped: not a line of Claude Code",
    "dropped: no possible date",
)
GLUED, DAMAGED = "repaired: several records", "repaired: a damaged value"
"""What can be wrong with a line; it is an event in the store, and counted by `sync` and `check`."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FIRST = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * 1000
"""Claude Code did not exist before: an earlier time is that of a wrong clock."""

LAST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 1000
"""So is a later one."""


def decoded(raw: memoryview | bytes) -> tuple[Line | None, str]:
    """The fields of one line, if it is one of Claude Code, and what is wrong with it."""
    try:
        line, fault = decode_line(raw), ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        line, fault = repaired(bytes(raw), Line), DAMAGED
        if line is None:
            is_json = isinstance(error, msgspec.ValidationError)
            return None, NOT_A_LINE if is_json else NOT_JSON
    is_line = line.type or type(line.message) is Message
    return (line, fault) if is_line else (None, NOT_A_LINE)


def milliseconds(moment: datetime | None) -> int | None:
    """The moment in milliseconds since 1970, UTC; None when there is none that can be."""
    if moment is None:
        return None
    past = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
    # Division by a millisecond would take twice as long.
    at = past.days * 86_400_000 + past.seconds * 1000 + past.microseconds // 1000
    return at if FIRST <= at < LAST else None


def split_lines(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """The lines that are not blank, and where they begin.

    As views: copies would cost a quarter more.
    """
    view, start = memoryview(data), 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = view[start:end]
        if end > start and (data[start] > 32 or bytes(line).strip()):
            yield start, line
        start = end + 1


def tokens(usage: LoggedUsage) -> Tokens:
    """The tokens of one call.

    The cache writes of the total and its breakdown may disagree either way: the larger one
    counts, and what the breakdown leaves open is a five-minute write.
    """
    split, write, long = usage.cache_creation, usage.cache_creation_input_tokens or 0, 0
    if split is not None:
        long = split.ephemeral_1h_input_tokens or 0
        write = max(write, long + (split.ephemeral_5m_input_tokens or 0))
    tools = usage.server_tool_use
    return Tokens(
        usage.input_tokens or 0,
        usage.output_tokens or 0,
        usage.cache_read_input_tokens or 0,
        write - long,
        long,
        (tools.web_search_requests or 0) if tools else 0,
    )


def calls_behind(
    usage: LoggedUsage, model: str | None, advisor: str | None
) -> tuple[int | None, list[tuple[str | None, Tokens, bool]]]:
    """The input tokens of the message's last own call, and the calls its own totals leave out.

    Those are an advisor, a summary of what went before (`compaction`), or an attempt of another
    model before this one answered. Of each: the model, its tokens, and whether it is not billed.
    """
    context, others = None, []
    for part in usage.iterations or ():
        counts = tokens(part)
        if part.type == "advisor_message":
            others.append((part.model or advisor, counts, False))
        elif part.type == "compaction":
            others.append((part.model or model, counts, False))
        elif part.model and model_name(part.model) != model_name(model or ""):
            others.append((part.model, counts, not counts.output))
        else:
            context = counts.into or context
    return context, others
