"""One session log -> facts, line by line.

line ─┬─ message ─┬─ usage ─────────▶ LoggedRequest
      │           ├─ content ─▶ Half ─▶ ToolCall, when both halves are read
      │           └─ its moment ────▶ Session
      └─ subtype, title, fault ─────▶ Event
"""

from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import msgspec

from ccanalytics.logs.edits import ToolUse
from ccanalytics.logs.log_facts import (
    Event,
    LoggedRequest,
    Session,
    ToolCall,
    Used,
    origin_of,
    place_of,
    project_of,
    put,
    session_only,
)
from ccanalytics.logs.log_lines import (
    GLUED,
    NO_DATE,
    NOT_JSON,
    SYNTHETIC,
    ContentBlock,
    Line,
    LoggedUsage,
    Message,
    context_tokens,
    decoded,
    milliseconds,
    other_calls,
    split_lines,
    tokens,
)
from ccanalytics.logs.log_repair import records
from ccanalytics.logs.log_turns import Said, Turns
from ccanalytics.prices import Tariff

if TYPE_CHECKING:
    from ccanalytics.logs.log_reader import LogReader

EVENTS = {
    "compact_boundary": "compaction",
    "microcompact_boundary": "microcompaction",
    "away_summary": "recap",
    "api_error": "api_error",
}
"""Kinds of `log_events` by the subtype of their line."""


_what_it_says = attrgetter(
    *("place", "side", "asked_at", "answers", "line.request_id", "line.advisor_model"),
    *("line.agent_id", "line.attribution_skill", "line.attribution_mcp_server"),
    *("message.id", "message.model", "message.stop_reason", "message.usage"),
)
"""All that a request is made of, except when it was said."""


HalfKey = tuple[str, str]
"""The session and the id of a tool call, which may be another call's in another session."""


class Half(msgspec.Struct, gc=False):
    """A tool call without its result, or a result without its call."""

    key: HalfKey
    block: ContentBlock
    said: Said

    def detached(self) -> "Half":
        """The same without holding the whole file in memory."""
        block, line = self.block, self.said.line
        block.input, block.content = block.input.copy(), block.content.copy()
        line.tool_use_result = line.tool_use_result.copy()
        return self


class LogFile:
    """One file while it is being read."""

    def __init__(self, reader: "LogReader", path: Path) -> None:
        self.reader = reader
        self.facts = reader.facts
        self.path = path
        self.project = reader.project_around(path)
        self.calls: dict[HalfKey, Half] = {}
        self.results: dict[HalfKey, Half] = {}
        self._turns = Turns()
        self._main = not (path.name.startswith("agent-") or path.parent.name == "subagents")
        self._sessions: dict[str, Session] = {}
        self._forked = False
        self._at: int | None = None
        self._last: tuple[object, int] = None, 0
        self._undated: list[Event] = []

    def read(self, data: bytes) -> None:
        """Read all lines."""
        whole = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        for offset, raw in split_lines(data):
            self.reader.report.lines += 1
            line, fault = decoded(raw)
            # A last line that is still being written is read again once it is complete.
            if line is None and offset >= whole:
                continue
            if fault is NOT_JSON:
                self._take_records(bytes(raw), offset)
            else:
                self._take_or_note(line, fault, offset)
        for name, session in self._sessions.items():
            if name != self.path.stem:
                put(self.facts.borrowed, (name, self.path.stem), session)
                continue
            if self._forked and session.kind != "bg":
                session.kind = "fork"
            put(self.facts.own, name, session)

    def _take_records(self, raw: bytes, offset: int) -> None:
        """Read a line that is no JSON, but may have several records."""
        parts = [(at, *decoded(part)) for at, part in records(raw)]
        for at, line, fault in parts:
            self._take_or_note(line, fault, offset + at)
        if sum(line is not None for _, line, _ in parts) > 1:
            self._note(GLUED, offset, repaired=True)

    def _take_or_note(self, line: Line | None, fault: str, offset: int) -> None:
        if line is not None and not self._take(line, offset):
            line, fault = None, NO_DATE
        if fault:
            self._note(fault, offset, repaired=line is not None)

    def _note(self, reason: str, offset: int, *, repaired: bool) -> None:
        """Count a line that is dropped or repaired, in this reading and in the store."""
        report, kind = self.reader.report, "repaired" if repaired else "dropped"
        (report.repaired if repaired else report.dropped)[reason] += 1
        self._put_event(f"{kind}: {reason}", f"{self.path.stem}@{offset}")

    def _take(self, line: Line, offset: int) -> bool:
        """Read a line; False when it needs a date and has no valid one."""
        at = milliseconds(line.timestamp)
        if at is not None:
            if self._at is None:
                for event in self._undated:
                    event.at = at
                    self.facts.add(self.facts.events, event.event, event)
            self._at = at
        if line.message is not None or line.data is not None:
            said = line.reported()
            if type(said.message) is Message and at is not None:
                self._take_said(self._said(said, said.message, at), offset)
            return at is not None or type(said.message) is not Message
        if line.subtype in EVENTS and at is not None:
            self._take_event(line, EVENTS[line.subtype], at)
        elif title := line.custom_title or line.ai_title or line.summary:
            # A summary can be about another session, so it is not a title.
            kind, text = ("name", title) if line.custom_title else ("title", line.ai_title)
            name = f"{line.session() or self.path.stem}:{kind}:{crc32(title.encode()):08x}"
            self._put_event(kind, name, line.session(), text=text)
        elif line.continued_in_session_id and line.session_id:
            self.facts.continued[line.continued_in_session_id] = line.session_id
        return True

    def _said(self, line: Line, message: Message, at: int) -> Said:
        """The message of a line, with where and who wrote it."""
        if self.project is None:
            self.project = project_of(line.cwd)
        where = line.session(), line.cwd, line.git_branch or None, line.entrypoint or None
        place = place_of(self.project, *where)
        return Said(line, message, at, place, bool(line.is_sidechain or not self._main))

    def _take_said(self, said: Said, offset: int) -> None:
        line, content = said.line, said.message.content
        if not said.side and said.place.session and line.type in ("user", "assistant"):
            self._see(said.place.session, said)
        if line.is_api_error_message:
            self._take_event(line, "api_error", said.at)
        if line.type != "user":
            self._take_answer(said)
        is_result = False
        for block in content if type(content) is list else ():
            if type(block) is ContentBlock and (name := block.call_id()):
                self._take_half(Half((said.place.session or "", name), block, said), offset)
                is_result = True
        if line.type == "user":
            self._turns.ask(said, is_result=is_result)

    def _see(self, name: str, said: Said) -> None:
        """Extend the session of a prompt or answer to include it."""
        line, at = said.line, said.at
        known = self._sessions.get(name)
        self._forked = self._forked or line.forked_from is not None
        if known and known.started_at <= at:
            known.ended_at = max(at, known.ended_at)
            return
        kind = "bg" if line.session_kind == "bg" else "named" if line.slug else None
        self._sessions[name] = Session(at, known.ended_at if known else at, said.place, kind)

    def _take_answer(self, said: Said) -> None:
        usage = said.message.usage
        self._turns.hear(said)
        if usage is None or said.message.model == SYNTHETIC:
            return
        # An answer has a line for each of its blocks, and most say nothing new.
        last, self._last = self._last, (_what_it_says(said), said.at)
        if self._last[0] != last[0] or said.at < last[1]:
            request = self._request(said, usage)
            self.facts.add(self.facts.requests, request.key, request)

    def _request(self, said: Said, usage: LoggedUsage) -> LoggedRequest:
        line, message, model, counts = said.line, said.message, self.reader.model, tokens(usage)
        refused = message.stop_reason == "refusal" and not usage.output_tokens
        fast, us_only = usage.speed == "fast", usage.inference_geo == "us"
        request = LoggedRequest(
            said.at,
            said.place,
            message.id or None,
            line.request_id or None,
            said.side,
            message.stop_reason is not None,
            Used(Tariff(model(message.model), fast, us_only, refused), counts),
            said.answers,
            said.asked_at,
            counts.into,
            [],
            origin_of(line.agent_id, line.attribution_skill, line.attribution_mcp_server),
        )
        if usage.iterations:
            request.context = context_tokens(usage, message.model)
            for who, other, its in other_calls(usage, message.model, line.advisor_model):
                free = who == "fallback" and not its.output
                request.advisors.append(Used(Tariff(model(other), free=free), its))
        return request

    def _take_half(self, half: Half, offset: int) -> None:
        """Join two halves to a tool call; a single half waits for the other."""
        is_call = half.block.type == "tool_use"
        mine, others = (self.calls, self.results) if is_call else (self.results, self.calls)
        other = others.pop(half.key, None)
        if other is None:
            mine[half.key] = half
            return
        call, faults = tool_call(half, other) if is_call else tool_call(other, half)
        self.facts.add(self.facts.calls, call.key, call)
        if faults:
            self._note(faults[0], offset, repaired=True)

    def _take_event(self, line: Line, kind: str, at: int) -> None:
        size = line.compact_metadata.pre_tokens if line.compact_metadata else None
        name = line.uuid or f"{line.session() or self.path.stem}:{kind}:{at}"
        self._put_event(kind, name, line.session(), tokens=size)

    def _put_event(self, kind: str, name: str, session: str | None = None, **about: Any) -> None:
        """An event has the moment of its line, else of the dated line before or after it."""
        event = Event(self._at or 0, session_only(session or self.path.stem), name, kind, **about)
        if self._at is None:
            self._undated.append(event)
        else:
            self.facts.add(self.facts.events, name, event)


def tool_call(call: Half, result: Half) -> tuple[ToolCall, list[str]]:
    """The tool call of two halves, and the faults of its values."""
    tool, said, asked, block = call.block.name or "", result.said, call.said, result.block
    denied, account = said.line.tool_denial_kind is not None, said.line.tool_use_result
    use = ToolUse(tool, call.block.input, block.content, account, bool(block.is_error), denied)
    about = said.at, said.place, call.key[1], tool, said.side, use.outcome()
    return ToolCall(*about, asked.message.id, asked.answers, use.started_agent()), use.faults
