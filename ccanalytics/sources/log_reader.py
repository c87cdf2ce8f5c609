"""Lines of session logs -> requests, sessions and work, each counted once.

A log repeats itself: one line per block of a message, each with the usage so far; a subagent's
messages in a file of their own and again as progress of the parent; whole histories copied by a
fork. So a request is known by message id and request id, a tool result by the id of its call, a
session by its id, however many files they stand in.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from ccanalytics.sources.edits import (
    EDIT_TOOLS,
    Call,
    Outcome,
    Result,
    call_of,
    outcome,
    result_of,
)
from ccanalytics.sources.log_lines import (
    SYNTHETIC,
    Block,
    Line,
    Message,
    Tokens,
    Turn,
    Usage,
    advisor_calls,
    decode_line,
    split_lines,
    tokens,
)
from ccanalytics.sources.prices import Tariff

UNKNOWN_MODEL = "unknown"
"""The model of a request whose lines name none."""


class Place(NamedTuple):
    """When and where something happened."""

    day: str
    terminal: str | None
    project: str | None
    session: str | None


class Request(msgspec.Struct, gc=False):
    """One request to a model, with the fullest usage any of its lines has."""

    place: Place
    tariff: Tariff
    tokens: Tokens
    advisors: list[tuple[str, Tokens]]
    final: bool
    sidechain: bool


class Session(msgspec.Struct, gc=False):
    """One session, as its first and last prompt or answer show it."""

    started_at: datetime
    ended_at: datetime
    terminal: str | None
    project: str | None
    branch: str | None


class Work(msgspec.Struct, gc=False):
    """What tools did in one place."""

    lines_added: int = 0
    lines_removed: int = 0
    commits: int = 0
    pull_requests: int = 0
    accepted: dict[str, int] = {}
    rejected: dict[str, int] = {}

    def add(self, tool: str, done: Outcome) -> None:
        """Counts one outcome."""
        self.lines_added += done.lines_added
        self.lines_removed += done.lines_removed
        self.commits += done.commits
        self.pull_requests += done.pull_requests
        if tool in EDIT_TOOLS and done.decision != "error":
            counts = self.accepted if done.decision == "accepted" else self.rejected
            name = EDIT_TOOLS[tool]
            counts[name] = counts.get(name, 0) + 1


class LogReader:
    """Everything the lines read so far tell; `read` takes one file after the other."""

    def __init__(self) -> None:
        self.lines = 0
        self.broken_lines = 0
        self.foreign_lines = 0
        self.usage_lines = 0
        self.sessions: dict[str, Session] = {}
        self.work: dict[Place, Work] = {}
        self._requests: dict[tuple[str, str | None], Request] = {}
        self._open_calls: dict[str, Call | None] = {}
        self._early_results: dict[str, tuple[Result, Place]] = {}

    def read(self, path: Path, data: bytes) -> None:
        """Takes the lines of one file, passing over those that are broken or of another tool."""
        main = not (path.name.startswith("agent-") or "subagents" in path.parts)
        seen: dict[str, Session] = {}
        for raw in split_lines(data):
            line = self._decode(raw)
            if line is not None and (line.message or line.data):
                self._take(line, seen if main else None)
        # A fork begins with a copy of another session's lines, under that session's id.
        own = {path.stem: seen[path.stem]} if path.stem in seen else seen
        for name, session in own.items():
            known = self.sessions.get(name)
            self.sessions[name] = _joined(known, session) if known else session

    def requests(self) -> list[Request]:
        """Each request once: a side conversation's copy of a message yields to the original."""
        originals = {name for (name, _), r in self._requests.items() if not r.sidechain}
        return [
            request
            for (name, _), request in self._requests.items()
            if not (request.sidechain and name in originals)
        ]

    def _decode(self, raw: memoryview) -> Line | None:
        self.lines += 1
        try:
            line = decode_line(raw)
        except msgspec.ValidationError:
            self.foreign_lines += 1
            return None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.broken_lines += 1
            return None
        if line.type is None:
            self.foreign_lines += 1
            return None
        return line

    def _take(self, line: Line, sessions: dict[str, Session] | None) -> None:
        turn = line.turn()
        message = turn.message
        if not isinstance(message, Message):
            return
        moment = _utc(line.timestamp)
        if moment is None:
            self.foreign_lines += 1
            return
        if sessions is not None and line.type in ("user", "assistant"):
            _see(sessions, line, moment)
        place = Place(moment.date().isoformat(), line.entrypoint, line.cwd, line.session_id)
        if message.usage and message.model != SYNTHETIC:
            self._take_request(line, turn, message, message.usage, place)
        if isinstance(message.content, list):
            self._take_blocks(message.content, turn, place)

    def _take_request(
        self, line: Line, turn: Turn, message: Message, usage: Usage, place: Place
    ) -> None:
        self.usage_lines += 1
        # A line without any id counts for itself.
        name = message.id or turn.uuid or line.uuid or str(self.lines)
        key = name, turn.request_id
        used = tokens(usage)
        known = self._requests.get(key)
        sidechain = bool(line.is_sidechain) and (known is None or known.sidechain)
        if known is not None:
            known.sidechain = sidechain
            known.final = known.final or message.stop_reason is not None
            if used.total <= known.tokens.total:
                return
        self._requests[key] = Request(
            place,
            _tariff(message.model or UNKNOWN_MODEL, usage),
            used,
            advisor_calls(usage),
            message.stop_reason is not None,
            sidechain,
        )

    def _take_blocks(self, blocks: list[Block | str], turn: Turn, place: Place) -> None:
        for block in blocks:
            if isinstance(block, str):
                continue
            if block.type == "tool_use" and block.id:
                self._take_call(block.id, block)
            elif block.type == "tool_result" and block.tool_use_id:
                self._take_result(block.tool_use_id, block, turn, place)

    def _take_call(self, name: str, block: Block) -> None:
        if name in self._open_calls:
            return
        call = call_of(block)
        early = self._early_results.pop(name, None)
        self._open_calls[name] = None if early else call
        if early and call:
            self._settle(call, *early)

    def _take_result(self, name: str, block: Block, turn: Turn, place: Place) -> None:
        if name not in self._open_calls:
            self._early_results.setdefault(name, (result_of(block, turn), place))
            return
        call = self._open_calls[name]
        if call is not None:
            self._open_calls[name] = None
            self._settle(call, result_of(block, turn), place)

    def _settle(self, call: Call, result: Result, place: Place) -> None:
        done = outcome(call, result)
        if call.tool in EDIT_TOOLS or done.commits or done.pull_requests:
            self.work.setdefault(place, Work()).add(call.tool, done)


def _see(sessions: dict[str, Session], line: Line, moment: datetime) -> None:
    """Widens the session of a prompt or answer to reach it."""
    if line.session_id is None or line.is_sidechain:
        return
    known = sessions.get(line.session_id)
    if known is None or moment < known.started_at:
        ended = known.ended_at if known else moment
        sessions[line.session_id] = Session(
            moment, ended, line.entrypoint, line.cwd, line.git_branch
        )
    elif moment > known.ended_at:
        known.ended_at = moment


def _joined(one: Session, other: Session) -> Session:
    """One session that stands in two files."""
    first = one if one.started_at <= other.started_at else other
    first.ended_at = max(one.ended_at, other.ended_at)
    return first


def _tariff(model: str, usage: Usage) -> Tariff:
    return Tariff(model, usage.speed == "fast", usage.inference_geo == "us")


def _utc(timestamp: str | None) -> datetime | None:
    """The moment in UTC; None when there is none to be read."""
    try:
        moment = datetime.fromisoformat(timestamp or "")
        if moment.tzinfo is UTC:
            return moment
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
