"""One session log -> rows of facts, line by line.

line ─┬─ message ─┬─ usage ─────────▶ requests
      │           ├─ content ───────▶ tool_calls, when the call and its result are read
      │           └─ its moment ────▶ sessions
      └─ subtype, title, fault ─────▶ log_events

A row lacks the first column of its frame, the day. Ids do not always identify an answer: gateways
leave them out, or give every answer the same. Then the prompt before it and its input tokens do:
its `turn`.
"""

import ntpath
import posixpath
import re
import unicodedata
from bisect import bisect_right, insort
from collections import defaultdict
from datetime import date
from functools import lru_cache
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import msgspec

from ccanalytics.logs.edits import ToolUse
from ccanalytics.logs.log_facts import CONTINUED, UNKNOWN_MODEL, Row
from ccanalytics.logs.log_lines import (
    DAMAGED,
    GLUED,
    NO_DATE,
    NOT_JSON,
    ContentBlock,
    Line,
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

_DRIVE = re.compile(r"(?:[\\/]{2}[?.][\\/])?([A-Za-z]):(?=[\\/]|$)|/mnt/([A-Za-z])(?=/|$)")
_WORKTREE = re.compile(
    r"([\\/])(?:\.claude[\\/]worktrees|\.worktrees)[\\/].*"
    r"|(?<=[\\/]\.claude-worktrees[\\/])([^\\/]+)[\\/].*"
)


class Place(NamedTuple):
    """Where something happened."""

    session: str | None
    project: str | None
    branch: str | None
    terminal: str | None


@lru_cache(10_000)  # a hundred thousand lines have a few hundred folders
def project_of(folder: str | None) -> str | None:
    r"""The project of a folder: worktrees belong to their repository, drives are upper case.

    >>> project_of("/home/a/app/.claude/worktrees/fix-1/src"), project_of("/home/a/app/")
    ('/home/a/app', '/home/a/app')
    >>> project_of("c:\\app") == project_of("\\\\?\\C:\\app\\") == project_of("/mnt/c/app")
    True
    """
    if not folder:
        return None
    # macOS writes an accent as a character of its own.
    folder, tidied = unicodedata.normalize("NFC", folder), posixpath.normpath
    if drive := _DRIVE.match(folder):
        letter, tidied = drive[1] or drive[2], ntpath.normpath
        folder = f"{letter.upper()}:\\{folder[drive.end() :]}"
    folder = _WORKTREE.sub(lambda found: found[2] or "", folder)
    return tidied(folder).removesuffix("\\")


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

_prompted_at, _moment = attrgetter("at"), itemgetter(0)

_EPOCH_DAY = date(1970, 1, 1).toordinal()


class LogFile:
    """One file while it is being read."""

    def __init__(self, reader: "LogReader", path: Path) -> None:
        self.rows, self.reader, self.path = reader.rows, reader, path
        self._main = not (path.name.startswith("agent-") or path.parent.name == "subagents")
        # By session: the moment, kind and place of each line.
        self._sessions: dict[str, list[tuple[int, str | None, Place]]] = defaultdict(list)
        self._forked = False
        self._events: list[Row] = []
        self._first_at: int | None = None
        self._at: int | None = None
        self._last: tuple[object, int] = None, 0
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
        # An event without a moment has that of the dated line before or after it.
        if first := self._first_at:
            self.rows["log_events"] += [(one[0], one[1] or first, *one[2:]) for one in self._events]
        # What a fork copies keeps the id of its session, which is counted by a file of its own.
        is_own = SESSION_ID.fullmatch(self.path.stem)
        for name, lines in self._sessions.items():
            started_at, kind, place = min(lines, key=_moment)
            if self._forked and name == self.path.stem and kind != "bg":
                kind = "fork"
            if name == self.path.stem or not is_own:
                row = *place, started_at, max(lines, key=_moment)[0], kind, None
                self.rows["sessions"].append(row)

    def _note(self, fault: str, offset: int) -> None:
        """Count a line that is dropped or repaired, in this reading and in the store."""
        self.reader.faults[fault] += 1
        self._add_event(fault, f"{self.path.stem}@{offset}", self.path.stem, None, None)

    def _add_event(self, kind: str, name: str, session: str, *about: int | str | None) -> None:
        self._events.append((session, self._at, name, kind, *about))

    def _take(self, line: Line, offset: int) -> bool:
        """Read a line; False when it needs a date and has no valid one."""
        at = milliseconds(line.timestamp)
        if at is not None:
            self._at, self._first_at = at, self._first_at or at
        if line.message is not None or line.data is not None:
            said = line.reported()
            if type(said.message) is not Message:
                return True
            if at is not None:
                self._hear(said, said.message, at, offset)
            return at is not None
        session = line.session() or self.path.stem
        if line.subtype in EVENTS and at is not None:
            kind = EVENTS[line.subtype]
            size = line.compact_metadata.pre_tokens if line.compact_metadata else None
            self._add_event(kind, line.uuid or f"{session}:{kind}:{at}", session, size, None)
        elif title := line.custom_title or line.ai_title or line.summary:
            # A summary can be about another session, so it is not a title.
            kind, text = ("name", title) if line.custom_title else ("title", line.ai_title)
            name = f"{session}:{kind}:{crc32(title.encode()):08x}"
            self._add_event(kind, name, session, None, text)
        elif line.continued_in_session_id and line.session_id:
            self._add_event(CONTINUED, line.continued_in_session_id, line.session_id, None, None)
        return True

    def _hear(self, line: Line, message: Message, at: int, offset: int) -> None:
        """Read the message of a line."""
        branch, terminal = line.git_branch or None, line.entrypoint or None
        place = Place(line.session(), project_of(line.cwd), branch, terminal)
        agent = "main" if self._main and not line.is_sidechain else "subagent"
        said = Said(line, message, at, place, agent)
        if agent == "main" and place.session and line.type in ("user", "assistant"):
            kind = "bg" if line.session_kind == "bg" else "named" if line.slug else None
            self._sessions[place.session].append((at, kind, place))
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
        line, message, usage = said.line, said.message, said.message.usage
        self._place_turn(said)
        # Claude Code writes error texts itself, without any request.
        if usage is None or message.model == "<synthetic>":
            return
        # An answer has a line for each of its blocks, and most say nothing new.
        last, self._last = self._last, (_what_it_says(said), said.at)
        if self._last[0] == last[0] and said.at >= last[1]:
            return
        counts = tokens(usage)
        refused = message.stop_reason == "refusal" and not counts.output
        tariff = usage.speed == "fast", usage.inference_geo == "us", refused
        context, others = calls_behind(usage, message.model, line.advisor_model)
        context = context or counts.into
        self._add_request(said, said.agent, message.model, counts, context, *tariff)
        for model, its, is_free in others:
            self._add_request(said, "advisor", model, its, its.into, False, False, is_free)

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

    def _add_request(
        self, said: Said, agent: str, name: str | None, counts: Tokens, context: int, *tariff: bool
    ) -> None:
        line, message, models = said.line, said.message, self.reader.models
        name = name or UNKNOWN_MODEL
        # An alias also stands for its id with a mark such as "[1m]" behind it.
        model = models.get(name) or models.get(name.partition("[")[0], name)
        day = date.fromordinal(_EPOCH_DAY + said.at // 86_400_000)
        prices = price_list(Tariff(model, *tariff), day)
        ids = message.id or None, line.request_id or None, said.turn
        final = message.stop_reason is not None
        costs = prices.costs(counts) if prices else (None, None)
        origin = line.agent_id, line.attribution_skill, line.attribution_mcp_server
        about = said.asked_at, model, agent, final
        self.rows["requests"].append(
            (*said.place, said.at, *ids, *about, *counts, *costs, context, *origin)
        )

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
        row = *answer.place, answer.at, *ids, use.tool, answer.agent, *done
        self.rows["tool_calls"].append(row)
        if use.is_damaged:
            self._note(DAMAGED, offset)
