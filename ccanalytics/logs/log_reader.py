"""Lines of session logs -> facts.

A tool call and its result stand on two lines, at times in the wrong order and seldom in two files.
What a file leaves open is remembered by its place and read there again when the other half turns
up: no text but a session's title is kept.
"""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import msgspec

from ccanalytics.logs.edits import (
    ACCEPTED,
    AGENT_TOOLS,
    Call,
    may_count,
    outcome,
    result_of,
    started_agent,
)
from ccanalytics.logs.log_facts import (
    DAY,
    Event,
    Facts,
    LoggedRequest,
    Origin,
    Place,
    RequestKey,
    Session,
    ToolCall,
    Used,
    day_of,
    put,
)
from ccanalytics.logs.log_index import TAIL, LogIndex, ReadFile, Spot
from ccanalytics.logs.log_lines import (
    SYNTHETIC,
    ContentBlock,
    Line,
    LoggedUsage,
    Message,
    Progress,
    Turn,
    decode_line,
    other_calls,
    split_lines,
    tokens,
)
from ccanalytics.logs.log_repair import repaired
from ccanalytics.prices import Prices, Tariff

UNKNOWN_MODEL = "unknown"
"""The model of a request whose lines name none."""

EVENTS = {
    "compact_boundary": "compaction",
    "microcompact_boundary": "microcompaction",
    "away_summary": "recap",
    "api_error": "api_error",
}
"""Kinds of `log_events` by the subtype of their line."""


START = datetime(2025, 1, 1, tzinfo=UTC)
"""Before this there was no Claude Code: what is dated earlier has a wrong clock."""

FIRST = int(START.timestamp()) * 1000


Half = tuple[ContentBlock, Turn, int, Place, bool]
"""A tool result, and when, where and by whom its line was written."""


class LogReader:
    """Everything the lines read so far tell; `read` takes one file after the other."""

    def __init__(self, index: LogIndex) -> None:
        self.facts = Facts()
        self.bytes = 0
        self.lines = 0
        self.broken_lines = 0
        self.foreign_lines = 0
        self.usage_lines = 0
        self.repaired_lines: Counter[str] = Counter()
        self.open_calls = dict(index.open_calls)
        self.open_results = dict(index.open_results)
        self._tariffs: dict[tuple[str | None, ...], Tariff] = {}
        self._places: dict[tuple[str | None, ...], Place] = {}
        self._origins: dict[tuple[str | None, ...], Origin] = {}

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
        prices, lists = Prices(), {}
        for request in self.facts.requests.values():
            for used in request.calls():
                key = used.tariff, request.at // DAY
                if key not in lists:
                    lists[key] = prices.price_list(used.tariff, day_of(request.at))
                price = lists[key]
                if price:
                    used.cost, used.uncached_cost = price.costs(used.tokens)

    def place(self, line: Line) -> Place:
        """Where a line was written; the same object for the same place."""
        key = line.session_id, line.cwd, line.git_branch, line.entrypoint
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = Place._make(key)
        return place

    def origin(self, line: Line) -> Origin:
        """On whose behalf a line was written; the same object for the same."""
        agent = line.data.agent_id if type(line.data) is Progress else line.agent_id
        key = agent, line.attribution_skill, line.attribution_mcp_server
        origin = self._origins.get(key)
        if origin is None:
            origin = self._origins[key] = Origin._make(key)
        return origin

    def decode(self, raw: memoryview, *, cut_off: bool) -> Line | None:
        """The fields of one line, if it is one of Claude Code; one still being written may be."""
        self.lines += 1
        try:
            line = decode_line(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            found = None if cut_off else repaired(bytes(raw), Line)
            if found is None:
                foreign = isinstance(error, msgspec.ValidationError)
                self.foreign_lines += foreign
                self.broken_lines += not foreign and not cut_off
                return None
            line, reason = found
            if line.message is None and line.data is None:
                self.foreign_lines += 1
                return None
            self.repaired_lines[reason] += line.type is not None
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
            if isinstance(call, ContentBlock) and isinstance(half, tuple):
                self.settle(name, call, half)

    def settle(self, name: str, call: ContentBlock, half: Half) -> None:
        """Counts a tool call whose two halves are known."""
        tool, (block, turn, at, place, side) = call.name or "", half
        done = ACCEPTED
        started: tuple[str | None, str | None] = None, None
        asked, result = Call(tool, call.input), result_of(block, turn)
        if block.is_error or turn.tool_denial_kind is not None or may_count(tool):
            done = outcome(asked, result)
        elif tool in AGENT_TOOLS:
            started = started_agent(asked, result)
        put(self.facts.calls, name, ToolCall(at, place, name, tool, side, done, started))

    def tariff(self, model: str | None, usage: LoggedUsage, refused: bool) -> Tariff:
        """What decides the rates of a request; the same object for the same rates."""
        key = model, usage.speed, usage.inference_geo, str(refused)
        tariff = self._tariffs.get(key)
        if tariff is None:
            fast, us_only = usage.speed == "fast", usage.inference_geo == "us"
            tariff = self._tariffs[key] = Tariff(model or UNKNOWN_MODEL, fast, us_only, refused)
        return tariff


class _File:
    """One file while it is read."""

    def __init__(self, reader: LogReader, path: Path, at: int | None = None) -> None:
        self.reader = reader
        self.path = path
        self.at = at
        self.main = not (path.name.startswith("agent-") or path.parent.name == "subagents")
        self.sessions: dict[str, Session] = {}
        self.undated: list[tuple[str, str, str | None]] = []
        self.last: tuple[RequestKey, LoggedUsage, LoggedRequest] | None = None
        self.calls: dict[str, tuple[int, ContentBlock]] = {}
        self.results: dict[str, tuple[int, Half]] = {}

    def read(self, data: bytes, start: int, shift: int) -> None:
        """Takes the lines from `start` on; the data begin at `shift` in the file."""
        whole = data.rfind(b"\n") + 1
        for offset, raw in split_lines(data, start):
            line = self.reader.decode(raw, cut_off=offset >= whole)
            if line is not None:
                self._take(line, shift + offset)
        for name, session in self.sessions.items():
            self._put_session(name, session)
        for name, (offset, _) in self.calls.items():
            self.reader.open_calls[name] = Spot(str(self.path), offset)
        for name, (offset, _) in self.results.items():
            self.reader.open_results[name] = Spot(str(self.path), offset)

    def again(self, spot: Spot, name: str) -> ContentBlock | Half | None:
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
        at = _milliseconds(line.timestamp)
        if at is not None:
            self.at = at
            if self.undated:
                self._date_events(at)
        if line.message is not None or line.data is not None:
            self._take_turn(line, at, offset)
        elif line.subtype in EVENTS and at is not None:
            self._take_event(line, EVENTS[line.subtype], at)
        elif line.ai_title or line.custom_title or line.summary:
            self._take_title(line)

    def _take_turn(self, line: Line, at: int | None, offset: int) -> None:
        turn = line if line.data is None else line.turn()
        message = turn.message
        if type(message) is not Message:
            return
        if at is None:
            self.reader.foreign_lines += 1
            return
        place = self.reader.place(line)
        side = line.is_sidechain or turn is not line or not self.main
        if not side and line.session_id and (line.type == "user" or line.type == "assistant"):
            self._see(line.session_id, at, place)
        if line.is_api_error_message:
            self._take_event(line, "api_error", at)
        if message.usage is not None and message.model != SYNTHETIC:
            origin = self.reader.origin(line)
            self._take_usage(message, message.usage, turn, offset, at, place, bool(side), origin)
        if type(message.content) is list:
            for block in message.content:
                if type(block) is ContentBlock:
                    if block.tool_use_id and block.type == "tool_result":
                        half = block, turn, at, place, bool(side)
                        self._take_result(block.tool_use_id, half, offset)
                    elif block.id and block.name and block.type == "tool_use":
                        self._take_call(block.id, block, offset)

    def _see(self, name: str, at: int, place: Place) -> None:
        """Widens the session of a prompt or answer to reach it."""
        known = self.sessions.get(name)
        if known is None:
            self.sessions[name] = Session(at, at, place)
        elif at > known.ended_at:
            known.ended_at = at
        elif at < known.started_at:
            known.started_at, known.place = at, place

    def _put_session(self, name: str, session: Session) -> None:
        facts = self.reader.facts
        if name == self.path.stem:
            put(facts.own, name, session)
        else:
            put(facts.borrowed, (name, self.path.stem), session)

    def _take_usage(
        self,
        message: Message,
        usage: LoggedUsage,
        turn: Turn,
        offset: int,
        at: int,
        place: Place,
        side: bool,
        origin: Origin,
    ) -> None:
        self.reader.usage_lines += 1
        name = message.id or turn.uuid or f"{self.path.name}@{offset}"
        key, final = (name, turn.request_id), message.stop_reason is not None
        refused = message.stop_reason == "refusal" and not usage.output_tokens
        last = self.last
        if last and last[0] == key and last[1] == usage and last[2].side is side:
            # Most lines of a message only repeat its usage.
            if (
                final
                and not refused
                and not last[2].final
                and self.reader.facts.requests[key] is last[2]
            ):
                last[2].final = True
                return
            if not refused and at >= last[2].at and last[2].final >= final:
                return
        used = Used(self.reader.tariff(message.model, usage, refused), tokens(usage))
        request = LoggedRequest(at, place, *key, side, final, used, [], origin)
        if usage.iterations:
            request.advisors = [
                Used(Tariff(model or UNKNOWN_MODEL, free=who == "fallback" and not its.output), its)
                for who, model, its in other_calls(usage, message.model, None)
            ]
        put(self.reader.facts.requests, key, request)
        self.last = key, usage, self.reader.facts.requests[key]

    def _take_call(self, name: str, block: ContentBlock, offset: int) -> None:
        if name in self.results:
            self.reader.settle(name, block, self.results.pop(name)[1])
        else:
            self.calls[name] = offset, block

    def _take_result(self, name: str, half: Half, offset: int) -> None:
        call = self.calls.pop(name, None)
        if call is not None:
            self.reader.settle(name, call[1], half)
        else:
            self.results[name] = offset, half

    def _take_event(self, line: Line, kind: str, at: int) -> None:
        name = line.uuid or f"{line.session_id}:{kind}:{at}"
        session = line.session_id or self.path.stem
        size = line.compact_metadata.pre_tokens if line.compact_metadata else None
        put(self.reader.facts.events, name, Event(at, session, name, kind, size))

    def _take_title(self, line: Line) -> None:
        """A title or summary has no date: it takes that of the dated line before or after it.

        A summary may be of another session, so its words are no title.
        """
        title = line.custom_title or line.ai_title
        text = title or line.summary or ""
        session = line.session_id or self.path.stem
        self.undated.append((session, f"{session}:title:{crc32(text.encode()):08x}", title))
        if self.at is not None:
            self._date_events(self.at)

    def _date_events(self, at: int) -> None:
        for session, name, title in self.undated:
            put(self.reader.facts.events, name, Event(at, session, name, "title", text=title))
        self.undated.clear()


def _milliseconds(moment: datetime | None) -> int | None:
    """The moment in milliseconds since 1970, UTC; None when there is none that can be."""
    if moment is None:
        return None
    try:
        past = moment - START
    except TypeError:  # no time zone is told
        past = moment.replace(tzinfo=UTC) - START
    if past.days < 0:
        return None
    return FIRST + past.days * DAY + past.seconds * 1000 + past.microseconds // 1000
