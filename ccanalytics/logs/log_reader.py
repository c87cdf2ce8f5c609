"""Lines of session logs -> facts.

A tool call and its result stand on two lines, at times in the wrong order and seldom in two files.
What a file leaves open is remembered by its place and read there again when the other half turns
up: no text but a session's title is kept.
"""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from zlib import crc32

import msgspec

from ccanalytics.logs.log_calls import CallHalf, Half, HalfKey, OpenHalves, ResultHalf, paired
from ccanalytics.logs.log_fact_set import Facts
from ccanalytics.logs.log_facts import (
    DAY,
    Event,
    LoggedRequest,
    Origin,
    Place,
    Session,
    ToolCall,
    Used,
    day_of,
    put,
)
from ccanalytics.logs.log_index import TAIL, LogIndex, OpenSpots, ReadFile, Spot, written_at
from ccanalytics.logs.log_lines import (
    GLUED,
    NO_DATE,
    NOT_JSON,
    SYNTHETIC,
    ContentBlock,
    Line,
    LoggedUsage,
    Message,
    Progress,
    Turn,
    context_tokens,
    decoded,
    first_line,
    milliseconds,
    other_calls,
    split_lines,
    tokens,
)
from ccanalytics.logs.log_projects import is_within, project_of
from ccanalytics.logs.log_repair import records
from ccanalytics.logs.log_turns import Said, Turns
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


class LogReader:
    """Everything the lines read so far tell; `read` takes one file after the other."""

    def __init__(self, index: LogIndex, models: Mapping[str, str]) -> None:
        self.facts = Facts()
        self.files = dict(index.files)
        self.models = models
        self.bytes = 0
        self.lines = 0
        self.usage_lines = 0
        self.dropped: Counter[str] = Counter()
        self.repaired: Counter[str] = Counter()
        self.open_calls: OpenSpots = dict(index.open_calls)
        self.open_results: OpenSpots = dict(index.open_results)
        self._tariffs: dict[tuple[str | None, ...], Tariff] = {}
        self._places: dict[tuple[str | None, ...], Place] = {}
        self._origins: dict[tuple[str | None, ...], Origin] = {}

    def read(self, path: Path) -> None:
        """Takes what was added to a file, or all of it when it is not the file that was known."""
        known = self.files.get(str(path))
        # Not mapped into memory: a file cut short meanwhile would kill the process.
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            start = max(known.end - TAIL, 0) if known else 0
            file.seek(start)
            data = file.read()
            cut = known.end - start if known else 0
            rewritten = known and stat.st_size <= known.size
            if known and (rewritten or not known.goes_on(data[:cut])):
                self.forget(str(path))
                known, start, cut = None, 0, 0
                file.seek(0)
                data = file.read()
        self.bytes += len(data) - cut
        part = _File(self, path, known)
        part.read(data, cut, start)
        # A file without any date is read again as a whole, when there may be one.
        end = data.rfind(b"\n") + 1 if part.at else 0
        tail = crc32(data[max(end - TAIL, 0) : end])
        state = (part.at, part.turns.conversations, part.project) if end else ()
        self.files[str(path)] = ReadFile(stat.st_size, written_at(stat), start + end, tail, *state)

    def project_around(self, path: Path) -> str | None:
        """The project of the session whose subagents write to a file, when that was read."""
        session, _, _ = str(path).rpartition(f"{os.sep}subagents{os.sep}")
        known = self.files.get(f"{session}.jsonl")
        return known.project if known else None

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

    def place(self, line: Line, began: str | None) -> Place:
        """Where a line was written, in a file that `began` there; the same object for the same."""
        key = line.session(), line.cwd, line.git_branch, line.entrypoint, began
        place = self._places.get(key)
        if place is None:
            project = project_of(line.cwd)
            project = began if is_within(project, began) else project
            place = Place(key[0], project, line.git_branch, line.entrypoint)
            self._places[key] = place
        return place

    def origin(self, line: Line) -> Origin:
        """On whose behalf a line was written; the same object for the same."""
        agent = line.data.agent_id if type(line.data) is Progress else line.agent_id
        key = agent, line.attribution_skill, line.attribution_mcp_server
        origin = self._origins.get(key)
        if origin is None:
            origin = self._origins[key] = Origin._make(key)
        return origin

    def forget(self, path: str) -> None:
        """Lets go of what was left open in a file."""
        for spots in (self.open_calls, self.open_results):
            for name in [name for name, spot in spots.items() if spot.path == path]:
                del spots[name]

    def settle(self) -> None:
        """Joins the halves of tool calls read at different times, and decides whose all is."""
        for key in self.open_calls.keys() & self.open_results.keys():
            call_spot, result_spot = self.open_calls.pop(key), self.open_results.pop(key)
            call, result = self._again(call_spot, key[1]), self._again(result_spot, key[1])
            if isinstance(call, CallHalf) and isinstance(result, ResultHalf):
                self.add_call(paired(call._replace(turn=call_spot.turn), result)[0])
            else:
                self.dropped["a tool call that is gone from its file"] += 1
        self.facts.settle()

    def add_call(self, call: ToolCall) -> None:
        """Adds a tool call whose two halves are known."""
        self.facts.add(self.facts.calls, call.key, call)

    def _again(self, spot: Spot, name: str) -> Half | None:
        """The half of a tool call that a line read before has; None when it is gone."""
        path = Path(spot.path)
        try:
            with path.open("rb") as log:
                log.seek(spot.offset)
                line = first_line(log.readline())
        except OSError:
            return None
        turn = line.turn() if line else None
        message = turn.message if turn else None
        at = milliseconds(line.timestamp) if line else None
        if not line or not turn or type(message) is not Message or at is None:
            return None
        file = _File(self, path)
        file.project = spot.project
        said = file.said(line, turn, message, at)
        blocks = message.content if type(message.content) is list else ()
        halves = [file.half(block, said) for block in blocks if type(block) is ContentBlock]
        return next((half[1] for half in halves if half and half[0][1] == name), None)

    def model(self, name: str | None) -> str:
        """The model an id in the log stands for."""
        return self.models.get(name or "", name) or UNKNOWN_MODEL

    def tariff(self, model: str | None, usage: LoggedUsage, refused: bool) -> Tariff:
        """What decides the rates of a request; the same object for the same rates."""
        key = model, usage.speed, usage.inference_geo, str(refused)
        tariff = self._tariffs.get(key)
        if tariff is None:
            fast, us_only = usage.speed == "fast", usage.inference_geo == "us"
            tariff = self._tariffs[key] = Tariff(self.model(model), fast, us_only, refused)
        return tariff


class _File:
    """One file while it is read."""

    def __init__(self, reader: LogReader, path: Path, known: ReadFile | None = None) -> None:
        self.reader = reader
        self.path = path
        self.at = known.at if known else None
        self.turns = Turns(known.conversations if known else {})
        self.project = known.project if known else reader.project_around(path)
        self.main = not (path.name.startswith("agent-") or path.parent.name == "subagents")
        self.sessions: dict[str, Session] = {}
        self.forked = False
        self.undated: list[Event] = []
        self.last: tuple[object, LoggedUsage, LoggedRequest] | None = None
        self.open = OpenHalves()

    def read(self, data: bytes, start: int, shift: int) -> None:
        """Takes the lines from `start` on; the data begin at `shift` in the file."""
        whole = data.rfind(b"\n") + 1
        for offset, raw in split_lines(data, start):
            self.reader.lines += 1
            line, fault = decoded(raw)
            # A last line that is still being written is read again when it is whole.
            if line is None and offset >= whole:
                continue
            if fault is NOT_JSON:
                self._read_parts(bytes(raw), shift + offset)
            else:
                self._take_or_note(line, fault, shift + offset)
        for name, session in self.sessions.items():
            self._put_session(name, session)
        for key, (offset, call) in self.open.calls.items():
            self.reader.open_calls[key] = Spot(str(self.path), offset, self.project, call.turn)
        for key, (offset, _) in self.open.results.items():
            self.reader.open_results[key] = Spot(str(self.path), offset, self.project)

    def _read_parts(self, raw: bytes, offset: int) -> None:
        """Takes each record of a line that is not one record."""
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

    def _take(self, line: Line, offset: int) -> bool:
        """Takes what a line says; False when it is to be dated and has no possible date."""
        at = milliseconds(line.timestamp)
        if at is not None:
            self.at = at
            if self.undated:
                self._date_events(at)
        if line.message is not None or line.data is not None:
            return self._take_turn(line, at, offset)
        if line.subtype in EVENTS and at is not None:
            self._take_event(line, EVENTS[line.subtype], at)
        elif line.ai_title or line.custom_title or line.summary:
            self._take_title(line)
        elif line.continued_in_session_id and line.session_id:
            self.reader.facts.continued[line.continued_in_session_id] = line.session_id
        return True

    def _take_turn(self, line: Line, at: int | None, offset: int) -> bool:
        turn = line if line.data is None else line.turn()
        message = turn.message
        if type(message) is not Message:
            return True
        if at is None:
            return False
        said = self.said(line, turn, message, at)
        if not said.side and said.place.session and line.type in ("user", "assistant"):
            self._see(said.place.session, said)
        if line.is_api_error_message:
            self._take_event(line, "api_error", at)
        if message.usage is not None and message.model != SYNTHETIC:
            self._take_usage(message.usage, said)
        if type(message.content) is list:
            for block in message.content:
                half = self.half(block, said) if type(block) is ContentBlock else None
                halves = self.open.take(*half, offset) if half else None
                if halves is not None:
                    call, faults = paired(*halves)
                    self.reader.add_call(call)
                    for fault in faults[:1]:
                        self._note(fault, offset, repaired=True)
        if turn.type == "user":
            self.turns.ask(said)
        return True

    def said(self, line: Line, turn: Turn, message: Message, at: int) -> Said:
        """A message with where and by whom it was written."""
        if self.project is None:
            self.project = project_of(line.cwd)
        side = bool(line.is_sidechain or turn is not line or not self.main)
        place = self.reader.place(line, self.project)
        return Said(line, turn, message, at, place, side, line.stream())

    def half(self, block: ContentBlock, said: Said) -> tuple[HalfKey, Half] | None:
        """One half of a tool call, by session and id of the call."""
        _, turn, message, at, place, side, _ = said
        session = place.session or ""
        if block.type == "tool_result" and block.tool_use_id:
            return (session, block.tool_use_id), ResultHalf(block, turn, at, place, side)
        if block.type == "tool_use" and block.id and block.name:
            return (session, block.id), CallHalf(block, message.id, self.turns.turn(said))
        return None

    def _see(self, name: str, said: Said) -> None:
        """Widens the session of a prompt or answer to reach it."""
        line, at = said.line, said.at
        known = self.sessions.get(name)
        self.forked = self.forked or line.forked_from is not None
        if known and known.started_at <= at:
            known.ended_at = max(at, known.ended_at)
            return
        kind = "bg" if line.session_kind == "bg" else "named" if line.slug else None
        self.sessions[name] = Session(at, known.ended_at if known else at, said.place, kind)

    def _put_session(self, name: str, session: Session) -> None:
        facts = self.reader.facts
        if name == self.path.stem:
            if self.forked and session.kind != "bg":
                session.kind = "fork"
            put(facts.own, name, session)
        else:
            put(facts.borrowed, (name, self.path.stem), session)

    def _take_usage(self, usage: LoggedUsage, said: Said) -> None:
        line, turn, message, at, place, side, stream = said
        self.reader.usage_lines += 1
        final = message.stop_reason is not None
        key = message.id or None, turn.request_id or None, self.turns.turn(said)
        refused = message.stop_reason == "refusal" and not usage.output_tokens
        asked_at = self.turns.asked_at(stream)
        last = self.last
        if last and last[0] == key and last[1] == usage and last[2].side is side and not refused:
            # Most lines of a message only repeat its usage.
            known = last[2]
            if at >= known.at and (
                asked_at is None or (known.asked_at or asked_at + 1) <= asked_at
            ):
                known.final = known.final or final
                return
        used = Used(self.reader.tariff(message.model, usage, refused), tokens(usage))
        context = used.tokens.into
        if usage.iterations:
            context = context_tokens(usage, message.model)
        request = LoggedRequest(
            at, place, *key[:2], side, final, used, key[2], asked_at,
            context, [], self.reader.origin(line),
        )  # fmt: skip
        if usage.iterations:
            request.advisors = [
                Used(
                    Tariff(self.reader.model(model), free=who == "fallback" and not its.output), its
                )
                for who, model, its in other_calls(usage, message.model, line.advisor_model)
            ]
        request = self.reader.facts.add(self.reader.facts.requests, key, request)
        self.last = key, usage, request

    def _take_event(self, line: Line, kind: str, at: int) -> None:
        session = line.session() or self.path.stem
        size = line.compact_metadata.pre_tokens if line.compact_metadata else None
        name = line.uuid or f"{session}:{kind}:{at}"
        self._put_event(Event(at, _only(session), name, kind, size))

    def _put_event(self, event: Event) -> None:
        self.reader.facts.add(self.reader.facts.events, event.event, event)

    def _note(self, reason: str, offset: int, *, repaired: bool) -> None:
        """Counts a line that is dropped or read in part, now and in the store."""
        (self.reader.repaired if repaired else self.reader.dropped)[reason] += 1
        kind = f"{'repaired' if repaired else 'dropped'}: {reason}"
        name = f"{self.path.stem}@{offset}"
        self._put_undated(Event(0, _only(self.path.stem), name, kind))

    def _put_undated(self, event: Event) -> None:
        """Gives an event without a date that of the dated line before or after it."""
        self.undated.append(event)
        if self.at is not None:
            self._date_events(self.at)

    def _take_title(self, line: Line) -> None:
        """A summary may be of another session, so its words are no title."""
        title = line.custom_title or line.ai_title
        text = title or line.summary or ""
        session = line.session() or self.path.stem
        name = f"{session}:title:{crc32(text.encode()):08x}"
        self._put_undated(Event(0, _only(session), name, "title", text=title))

    def _date_events(self, at: int) -> None:
        for event in self.undated:
            self._put_event(msgspec.structs.replace(event, at=at))
        self.undated.clear()


def _only(session: str) -> Place:
    """A place of which only the session is known."""
    return Place(session, None, None, None)
