"""One session log -> facts, line by line.

line ─┬─ message ─┬─ usage ─────────▶ LoggedRequest
      │           ├─ content ───────▶ ToolCall, when the call and its result are read
      │           └─ its moment ────▶ Session
      └─ subtype, title, fault ─────▶ Event

Ids do not always identify an answer: gateways leave them out, or give every answer the
same. Then the prompt before it and its input tokens do: its `turn`.
"""

import re
from bisect import bisect_right, insort
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import msgspec

from ccanalytics.logs.edits import ToolUse
from ccanalytics.logs.log_facts import (
    UNKNOWN_MODEL,
    Event,
    LoggedRequest,
    Place,
    Session,
    ToolCall,
    Used,
    day_of,
    place_of,
)
from ccanalytics.logs.log_lines import (
    DAMAGED,
    GLUED,
    NO_DATE,
    NOT_JSON,
    ContentBlock,
    Line,
    LoggedUsage,
    Message,
    calls_behind,
    decoded,
    milliseconds,
    records,
    split_lines,
    tokens,
)
from ccanalytics.prices import Tariff, Tokens, price_list

if TYPE_CHECKING:
    from ccanalytics.logs.log_source import LogReader

EVENTS = {"compact_boundary": "compaction", "away_summary": "recap", "api_error": "api_error"}
"""Kinds of `log_events` by the subtype of their line."""

SESSION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The name of a session's own file; a file that a person renamed has other names."""

OF_A_GATEWAY = 20
"""A longer request id is one of a kind, as those of the API are: "req_" and 24 characters."""


class Prompt(msgspec.Struct, gc=False):
    """What the next answer of a conversation answers."""

    at: int
    name: str | None
    asked_at: int
    """The time of the prompt, or of the last tool result after it."""


class Said(msgspec.Struct, gc=False):
    """A message, with where and who wrote it."""

    line: Line
    message: Message
    at: int
    place: Place
    agent: str
    asked_at: int | None = None
    """Of an answer, the moment of the prompt or tool result before it."""
    turn: str | None = None
    """What is part of the identity of an answer that lacks ids or may share them; else null."""


_what_it_says = attrgetter(
    *("place", "agent", "asked_at", "turn", "line.request_id", "line.advisor_model"),
    *("line.agent_id", "line.attribution_skill", "line.attribution_mcp_server"),
    *("message.id", "message.model", "message.stop_reason", "message.usage"),
)
"""All that a request is made of, except when it was said."""

_prompted_at = attrgetter("at")


class LogFile:
    """One file while it is being read."""

    def __init__(self, reader: "LogReader", path: Path) -> None:
        self.facts, self.reader, self.path = reader.facts, reader, path
        self._main = not (path.name.startswith("agent-") or path.parent.name == "subagents")
        self._sessions: dict[str, Session] = {}
        self._forked = False
        self._at: int | None = None
        self._last: tuple[object, int] = None, 0
        self._undated: list[Event] = []
        self._prompts: dict[str, list[Prompt]] = {}
        # By conversation and ids: the prompt, what asked, the tokens and turn of the last answer.
        self._answers: dict[tuple[str | None, ...], tuple[Any, ...]] = {}
        # Calls without a result so far, and results that stand before their call.
        self._open: tuple[dict[Any, Any], dict[Any, Any]] = {}, {}

    def read(self, data: bytes) -> None:
        """Read all lines."""
        whole = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        for offset, raw in split_lines(data):
            self.reader.lines_read += 1
            line, fault = decoded(raw)
            # A last line that is still being written is read again once it is complete.
            if line is None and offset >= whole:
                continue
            parts = [(offset, line, fault)]
            if fault is NOT_JSON:
                parts = [(offset + at, *decoded(part)) for at, part in records(bytes(raw))]
                if sum(line is not None for _, line, _ in parts) > 1:
                    parts.append((offset, None, GLUED))
            for at, line, fault in parts:
                if line is not None and not self._take(line, at):
                    fault = NO_DATE
                if fault:
                    self._note(fault, at)
        # What a fork copies keeps the id of its session, which is counted by a file of its own.
        is_own = SESSION_ID.fullmatch(self.path.stem)
        for name, session in self._sessions.items():
            if self._forked and name == self.path.stem and session.kind != "bg":
                session.kind = "fork"
            if name == self.path.stem or not is_own:
                self.facts.see(name, session)

    def _note(self, fault: str, offset: int) -> None:
        """Count a line that is dropped or repaired, in this reading and in the store."""
        self.reader.faults[fault] += 1
        self._add_event(fault, f"{self.path.stem}@{offset}")

    def _take(self, line: Line, offset: int) -> bool:
        """Read a line; False when it needs a date and has no valid one."""
        at = milliseconds(line.timestamp)
        if at is not None:
            self._at = at
            for event in self._undated:
                event.at = at
                self.facts.add(event)
            self._undated.clear()
        if line.message is not None or line.data is not None:
            said = line.reported()
            if type(said.message) is not Message:
                return True
            if at is not None:
                self._hear(said, said.message, at, offset)
            return at is not None
        if line.subtype in EVENTS and at is not None:
            kind = EVENTS[line.subtype]
            size = line.compact_metadata.pre_tokens if line.compact_metadata else None
            name = line.uuid or f"{line.session() or self.path.stem}:{kind}:{at}"
            self._add_event(kind, name, line.session(), tokens=size)
        elif title := line.custom_title or line.ai_title or line.summary:
            # A summary can be about another session, so it is not a title.
            kind, text = ("name", title) if line.custom_title else ("title", line.ai_title)
            name = f"{line.session() or self.path.stem}:{kind}:{crc32(title.encode()):08x}"
            self._add_event(kind, name, line.session(), text=text)
        elif line.continued_in_session_id and line.session_id:
            self.facts.continued[line.continued_in_session_id] = line.session_id
        return True

    def _hear(self, line: Line, message: Message, at: int, offset: int) -> None:
        """Read the message of a line."""
        where = line.session(), line.cwd, line.git_branch or None, line.entrypoint or None
        place = place_of(*where)
        agent = "main" if self._main and not line.is_sidechain else "subagent"
        said = Said(line, message, at, place, agent)
        if agent == "main" and place.session and line.type in ("user", "assistant"):
            known = self._sessions.get(place.session)
            if known and known.started_at <= at:
                known.ended_at = max(at, known.ended_at)
            else:
                kind = "bg" if line.session_kind == "bg" else "named" if line.slug else None
                begun = Session(at, known.ended_at if known else at, place, kind)
                self._sessions[place.session] = begun
            self._forked = self._forked or line.forked_from is not None
        if line.type != "user":
            self._take_answer(said)
        is_result = False
        for block in message.content if type(message.content) is list else ():
            if type(block) is ContentBlock and (name := block.call_id()):
                self._take_half(name, block, said, offset)
                is_result = True
        if line.type == "user":
            self._ask(said, is_result=is_result)

    def _ask(self, said: Said, *, is_result: bool) -> None:
        """Remember what the next answer answers: a prompt, or the result of a tool."""
        prompt, line, at = self._prompt_before(said), said.line, said.at
        # Claude Code adds lines of its own between the blocks of one answer.
        is_prompt = not (is_result or line.is_meta)
        if prompt is not None and not is_prompt:
            prompt.asked_at = at
            return
        name = (line.uuid or f"{line.session()}:{at}") if is_prompt else line.session()
        prompts = self._prompts.setdefault(line.stream(), [])
        insort(prompts, Prompt(at, name, at), key=_prompted_at)

    def _prompt_before(self, said: Said) -> Prompt | None:
        """The last prompt before a line, by time: a compaction copies lines behind later ones."""
        prompts = self._prompts.get(said.line.stream(), [])
        place = bisect_right(prompts, said.at, key=_prompted_at)
        return prompts[place - 1] if place else None

    def _take_answer(self, said: Said) -> None:
        usage = said.message.usage
        self._place_turn(said)
        # Claude Code writes error texts itself, without any request.
        if usage is None or said.message.model == "<synthetic>":
            return
        # An answer has a line for each of its blocks, and most say nothing new.
        last, self._last = self._last, (_what_it_says(said), said.at)
        if self._last[0] != last[0] or said.at < last[1]:
            self.facts.add(self._request(said, usage))

    def _place_turn(self, said: Said) -> None:
        """Note what an answer answers.

        Within one prompt what goes in grows with every answer. Results of tools do not tell: they
        are written between the blocks of one answer too. What a subagent says stands in two files,
        of which one may lack the prompt.
        """
        line, message = said.line, said.message
        prompt, ids = self._prompt_before(said), (message.id, line.request_id)
        said.asked_at = prompt.asked_at if prompt else None
        if all(ids) and len(ids[1] or "") > OF_A_GATEWAY:
            return
        into = tokens(message.usage).into if message.usage else 0
        whose = prompt and prompt.name
        if said.agent != "main":
            whose = f"{line.session()}:{line.stream()}"
        since = 0 if all(ids) else said.asked_at or 0
        said.turn = f"{whose or line.session()}/{into or since}"
        # Some gateways count what goes in only at the end of an answer.
        name = line.stream(), *ids
        last = self._answers.get(name)
        if last and last[:2] == (whose, said.asked_at) and (not into or last[2] in (0, into)):
            into, said.turn = into or last[2], last[3]
        self._answers[name] = whose, said.asked_at, into, said.turn

    def _request(self, said: Said, usage: LoggedUsage) -> LoggedRequest:
        line, message, counts = said.line, said.message, tokens(usage)
        fast, us_only = usage.speed == "fast", usage.inference_geo == "us"
        refused = message.stop_reason == "refusal" and not counts.output
        used = self._used(said, message.model, counts, fast, us_only, refused)
        context, others = calls_behind(usage, message.model, line.advisor_model)
        return LoggedRequest(
            said.place,
            said.at,
            (message.id or None, line.request_id or None, said.turn),
            said.asked_at,
            said.agent,
            message.stop_reason is not None,
            used,
            context or counts.into,
            (line.agent_id, line.attribution_skill, line.attribution_mcp_server),
            [self._used(said, model, its, False, False, free) for model, its, free in others],
        )

    def _used(self, said: Said, name: str | None, counts: Tokens, *about: bool) -> Used:
        name, models = name or UNKNOWN_MODEL, self.reader.models
        # An alias also stands for its id with a mark such as "[1m]" behind it.
        model = models.get(name) or models.get(name.partition("[")[0], name)
        prices = price_list(Tariff(model, *about), day_of(said.at))
        return Used(model, counts, *(prices.costs(counts) if prices else (None, None)))

    def _take_half(self, name: str, block: ContentBlock, said: Said, offset: int) -> None:
        """Join a call and its result; the first of them waits for the other.

        Another session may have a call of this name.
        """
        key, is_result = (said.place.session, name), block.type == "tool_result"
        other = self._open[not is_result].pop(key, None)
        if other is None:
            self._open[is_result][key] = block, said
            return
        call, asked = other if is_result else (block, said)
        result, answer = (block, said) if is_result else other
        use = ToolUse(call, result, answer.line)
        ids, done = (name, asked.message.id, asked.turn), use.outcome()
        about = answer.place, answer.at, ids, use.tool, answer.agent, done, use.started_agent()
        self.facts.add(ToolCall(*about))
        if use.is_damaged:
            self._note(DAMAGED, offset)

    def _add_event(self, kind: str, name: str, session: str | None = None, **about: Any) -> None:
        """An event has the moment of its line, else of the dated line before or after it."""
        event = Event(Place(session or self.path.stem), self._at or 0, (name,), kind, **about)
        if self._at is None:
            self._undated.append(event)
        else:
            self.facts.add(event)
