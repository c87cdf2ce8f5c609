"""One line of a Claude Code session log -> typed fields, and the usage in it -> calls with tokens.

    Line ─┬─ message ─┬─ usage      tokens; `iterations` hold the calls behind them
          │           └─ content    ContentBlock: a tool call (`tool_use`) or its `tool_result`
          ├─ data ── message        the copy of a subagent's message in an `agent_progress` line
          └─ subtype, ai_title ...  what else happened

The format is internal to Claude Code and changes without notice. So only the fields needed here
are decoded, each may be absent or null, and everything else is skipped without becoming a Python
object. Texts of prompts, answers and files are never kept; titles of sessions are.

Claude Code cuts texts in the middle of an emoji, leaves zero bytes where it crashed, and gateways
write numbers as text. What can be read is read; what was dropped or changed is counted.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import reduce
from operator import getitem
from typing import Annotated, Any

import msgspec
from msgspec import Raw

from ccanalytics.prices import Tokens, model_name

Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]  # a plausible number of tokens


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

NOT_JSON, NO_DATE = "dropped: not JSON", "dropped: no possible date"
NOT_A_LINE = "dropped: not a line of Claude Code"
GLUED, DAMAGED = "repaired: several records", "repaired: a damaged value"
"""What can be wrong with a line; it is an event in the store, and counted by `sync` and `check`."""

_DECODER = json.JSONDecoder(strict=False)
_BETWEEN = " \t\r\n\0,[]"  # separators between two records
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
"""A step of the path in an error of msgspec: a field, or a place in a list."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000 for year in (2025, 2100))
"""Claude Code did not exist before: a time outside of these is that of a wrong clock."""


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


def records(line: bytes) -> Iterator[tuple[int, bytes]]:
    """The records on one line and the text between them, each with its position.

    Two processes writing at once can omit a line break, and a killed process leaves
    half a record before the next one.
    """
    # In Latin-1 each byte is a character, so text positions are byte positions.
    text = line.decode("latin-1")
    start = done = 0
    while (start := text.find("{", start)) >= 0:
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            start += 1
            continue
        lost = text[done:start].strip(_BETWEEN)
        # After half a record, only an object that names its session is a record, not a part of one.
        if not lost or "sessionId" in value:
            if lost:
                yield done, line[done:start]
            yield start, line[start:end]
            done = end
        start = end
    if text[done:].strip(_BETWEEN):
        yield done, line[done:]


def repaired(data: bytes, kind: Any) -> Any:
    """`data` as `kind`, without the values that do not fit; None when it is no JSON of that shape.

    Half characters are replaced, and numbers are rounded: nothing in a log counts parts.
    """
    text = data.replace(b"\0", b"").removeprefix(BOM_UTF8).decode("utf-8", "replace")
    try:
        value = _whole(json.loads(text, strict=False))
        for _ in range(1000):  # a line with more values that do not fit is none of Claude Code
            try:
                return msgspec.json.decode(msgspec.json.encode(value), type=kind, strict=False)
            except msgspec.ValidationError as error:
                place = str(error).partition(" - at `$")[2]
                *around, last = [int(n) if n else name for name, n in _STEP.findall(place)]
                part = reduce(getitem, around, value)
                if last == "timestamp" and isinstance(part[last], int) and part[last] > 10**11:
                    part[last] //= 1000  # milliseconds
                else:
                    del part[last]
    except (ValueError, RecursionError, msgspec.MsgspecError, TypeError, LookupError):
        pass  # of another shape as a whole, or not readable at all
    return None


def _whole(value: Any) -> Any:
    """The value with whole characters and numbers that JSON has, as integers."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(key): _whole(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole(part) for part in value]
    if isinstance(value, int | float) and not abs(value) < 2**63:  # NaN and infinity are not
        return None
    return round(value) if isinstance(value, float) else value


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
