"""Lines of session logs -> facts.

A tool call and its result stand on two lines, at times in the wrong order and seldom in two files.
What a file leaves open is remembered by its place and read there again when the other half turns
up: no text is kept.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import msgspec

from ccanalytics.sources.edits import Call, Result, outcome, result_of
from ccanalytics.sources.log_facts import (
    Event,
    Facts,
    Place,
    Request,
    Session,
    ToolCall,
    Used,
    put,
)
from ccanalytics.sources.log_index import TAIL, LogIndex, ReadFile, Spot
from ccanalytics.sources.log_lines import (
    SYNTHETIC,
    Block,
    Line,
    Message,
    Turn,
    Usage,
    advisor_calls,
    decode_line,
    split_lines,
    tokens,
)
from ccanalytics.sources.prices import Prices, Tariff

UNKNOWN_MODEL = "unknown"
"""The model of a request whose lines name none."""

EVENTS = {
    "compact_boundary": "compaction",
    "microcompact_boundary": "microcompaction",
    "away_summary": "recap",
    "api_error": "api_error",
}
"""Kinds of `log_events` by the subtype of their line."""


class Half(NamedTuple):
    """A tool result, and what its line says about it."""

    result: Result
    at: datetime
    place: Place
    side: bool


class LogReader:
    """Everything the lines read so far tell; `read` takes one file after the other."""

    def __init__(self, index: LogIndex) -> None:
        self.facts = Facts()
        self.bytes = 0
        self.lines = 0
        self.broken_lines = 0
        self.foreign_lines = 0
        self.usage_lines = 0
        self.open_calls = dict(index.open_calls)
        self.open_results = dict(index.open_results)
        self._places: dict[Place, Place] = {}

    def read(self, path: Path, known: ReadFile | None) -> ReadFile:
        """Takes what was added to a file, or all of it when it is not the file that was known."""
        # Not mapped into memory: a file cut short meanwhile would kill the process.
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            start = max(known.end - TAIL, 0) if known else 0
            file.seek(start)
            data = file.read()
            cut = known.end - start if known else 0
            if known and not known.goes_on(data[:cut]):
                self.forget(str(path))
                known, start, cut = None, 0, 0
                file.seek(0)
                data = file.read()
        self.bytes += len(data) - cut
        part = _File(self, path, known.at if known else None)
        part.read(data, cut, start)
        # A file without any date is read again as a whole, when there may be one.
        end = data.rfind(b"\n") + 1 if part.at else 0
        tail = crc32(data[max(end - TAIL, 0) : end])
        return ReadFile(stat.st_size, stat.st_mtime_ns, start + end, tail, part.at)

    def price(self) -> None:
        """Fills in what the requests cost."""
        prices = Prices()
        for request in self.facts.requests.values():
            for used in request.calls():
                day = request.at.date()
                used.cost, used.uncached_cost = prices.costs(used.tariff, day, used.tokens)

    def place(self, line: Line) -> Place:
        """Where a line was written; the same object for the same place."""
        place = Place(line.session_id, line.cwd, line.git_branch, line.entrypoint)
        return self._places.setdefault(place, place)

    def decode(self, raw: memoryview) -> Line | None:
        """The fields of one line, if it is one of Claude Code."""
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

    def forget(self, path: str) -> None:
        """Lets go of what was left open in a file."""
        for spots in (self.open_calls, self.open_results):
            for name in [name for name, spot in spots.items() if spot.path == path]:
                del spots[name]

    def settle_open(self) -> None:
        """Brings together the halves of tool calls that were read at different times."""
        for name in self.open_calls.keys() & self.open_results.keys():
            spots = self.open_calls.pop(name), self.open_results.pop(name)
            (call, half) = (_File(self, Path(spot.path)).again(spot, name) for spot in spots)
            if isinstance(call, Call) and isinstance(half, Half):
                self.settle(name, call, half)

    def settle(self, name: str, call: Call, half: Half) -> None:
        """Counts a tool call whose two halves are known."""
        done = outcome(call, half.result)
        fact = ToolCall(half.at, half.place, name, call.tool, half.side, done)
        put(self.facts.calls, name, fact)


class _File:
    """One file while it is read."""

    def __init__(self, reader: LogReader, path: Path, at: datetime | None = None) -> None:
        self.reader = reader
        self.path = path
        self.at = at
        self.main = not (path.name.startswith("agent-") or "subagents" in path.parts)
        self.sessions: dict[str, Session] = {}
        self.undated: list[tuple[str, str]] = []
        self.calls: dict[str, tuple[int, Call]] = {}
        self.results: dict[str, tuple[int, Half]] = {}

    def read(self, data: bytes, start: int, shift: int) -> None:
        """Takes the lines from `start` on; the data begin at `shift` in the file."""
        for offset, raw in split_lines(data, start):
            line = self.reader.decode(raw)
            if line is not None:
                self._take(line, shift + offset)
        for name, session in self.sessions.items():
            self._put_session(name, session)
        for name, (offset, _) in self.calls.items():
            self.reader.open_calls[name] = Spot(str(self.path), offset)
        for name, (offset, _) in self.results.items():
            self.reader.open_results[name] = Spot(str(self.path), offset)

    def again(self, spot: Spot, name: str) -> Call | Half | None:
        """The half of a tool call that a line read before has; None when it is gone."""
        try:
            with self.path.open("rb") as file:
                file.seek(spot.offset)
                line = decode_line(file.readline())
        except (OSError, ValueError):
            return None
        self._take(line, spot.offset)
        call, half = self.calls.get(name), self.results.get(name)
        return call[1] if call else half[1] if half else None

    def _take(self, line: Line, offset: int) -> None:
        at = _utc(line.timestamp)
        if at is not None:
            self.at = at
            self._date_events(at)
        if line.message is not None or line.data is not None:
            self._take_turn(line, at, offset)
        elif line.subtype in EVENTS and at is not None:
            self._take_event(line, EVENTS[line.subtype], at)
        elif line.ai_title or line.summary:
            self._take_title(line)

    def _take_turn(self, line: Line, at: datetime | None, offset: int) -> None:
        turn = line.turn()
        message = turn.message
        if not isinstance(message, Message):
            return
        if at is None:
            self.reader.foreign_lines += 1
            return
        place = self.reader.place(line)
        side = bool(line.is_sidechain) or turn is not line or not self.main
        if self.main and not line.is_sidechain and line.type in ("user", "assistant"):
            self._see(at, place)
        if line.is_api_error_message:
            self._take_event(line, "api_error", at)
        if message.usage and message.model != SYNTHETIC:
            name = message.id or turn.uuid or line.uuid or f"{self.path.name}@{offset}"
            self._take_request(
                Request(
                    at,
                    place,
                    name,
                    turn.request_id,
                    side,
                    message.stop_reason is not None,
                    Used(
                        _tariff(message.model or UNKNOWN_MODEL, message.usage),
                        tokens(message.usage),
                    ),
                    [Used(Tariff(model), used) for model, used in advisor_calls(message.usage)],
                )
            )
        if isinstance(message.content, list):
            for block in message.content:
                self._take_block(block, turn, offset, at, place, side)

    def _see(self, at: datetime, place: Place) -> None:
        """Widens the session of a prompt or answer to reach it."""
        name = place.session
        if name is None:
            return
        known = self.sessions.get(name)
        if known is None:
            self.sessions[name] = Session(at, at, place)
        elif at < known.started_at:
            known.started_at, known.place = at, place
        elif at > known.ended_at:
            known.ended_at = at

    def _put_session(self, name: str, session: Session) -> None:
        facts = self.reader.facts
        if name == self.path.stem:
            put(facts.own, name, session)
        else:
            put(facts.borrowed, (name, self.path.stem), session)

    def _take_request(self, request: Request) -> None:
        self.reader.usage_lines += 1
        put(self.reader.facts.requests, (request.message, request.request), request)

    def _take_block(
        self, block: Block | str, turn: Turn, offset: int, at: datetime, place: Place, side: bool
    ) -> None:
        if isinstance(block, str):
            return
        if block.type == "tool_use" and block.id and block.name:
            call = Call(block.name, block.input)
            if block.id in self.results:
                self.reader.settle(block.id, call, self.results.pop(block.id)[1])
            else:
                self.calls[block.id] = offset, call
        elif block.type == "tool_result" and block.tool_use_id:
            name = block.tool_use_id
            half = Half(result_of(block, turn), at, place, side)
            if name in self.calls:
                self.reader.settle(name, self.calls.pop(name)[1], half)
            else:
                self.results[name] = offset, half

    def _take_event(self, line: Line, kind: str, at: datetime) -> None:
        name = line.uuid or f"{line.session_id}:{kind}:{at.isoformat()}"
        session = line.session_id or self.path.stem
        size = line.compact_metadata.pre_tokens if line.compact_metadata else None
        put(self.reader.facts.events, name, Event(at, session, name, kind, size))

    def _take_title(self, line: Line) -> None:
        """A title or summary has no date: it takes that of the dated line before or after it."""
        text = line.ai_title or line.summary or ""
        session = line.session_id or self.path.stem
        self.undated.append((session, f"{session}:title:{crc32(text.encode()):08x}"))
        if self.at is not None:
            self._date_events(self.at)

    def _date_events(self, at: datetime) -> None:
        for session, name in self.undated:
            put(self.reader.facts.events, name, Event(at, session, name, "title"))
        self.undated.clear()


def _tariff(model: str, usage: Usage) -> Tariff:
    return Tariff(model, usage.speed == "fast", usage.inference_geo == "us")


def _utc(moment: datetime | None) -> datetime | None:
    """The moment in UTC, without saying so; None when there is none that can be told."""
    if moment is None or moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
