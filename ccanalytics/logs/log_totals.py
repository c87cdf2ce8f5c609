"""Facts of session logs -> for each UTC day the records, and the frames only logs can fill."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec

from ccanalytics.frames.schemas import Frames
from ccanalytics.logs.edits import ACCEPTED, EDIT_TOOLS
from ccanalytics.logs.log_fact_set import Facts
from ccanalytics.logs.log_facts import (
    DAY,
    Event,
    LoggedRequest,
    Place,
    Session,
    ToolCall,
    Used,
    day_of,
)
from ccanalytics.logs.log_frames import Row, tables_of
from ccanalytics.wire.claude_code import (
    CoreMetrics,
    EstimatedCost,
    LinesOfCode,
    ModelUsage,
    Record,
    TokenCounts,
    ToolAction,
    UserActor,
)

ACTOR = "local"
"""Whose logs they are: no line says."""


class RecordKey(NamedTuple):
    """What one record is about."""

    terminal: str | None
    project: str | None


class Spent(msgspec.Struct, gc=False):
    """Tokens and their price; a single unknown price makes the sum unknown."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    cost: int | None = 0

    def add(self, used: Used) -> None:
        """Adds a call and its price."""
        new, out, read, short, long, _ = used.tokens
        self.input += new
        self.output += out
        self.cache_read += read
        self.cache_creation += short + long
        self.cost = None if self.cost is None or used.cost is None else self.cost + used.cost


class Sums(msgspec.Struct, gc=False):
    """What was done in one place or session."""

    sessions: int = 0
    requests: int = 0
    final: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    commits: int = 0
    pull_requests: int = 0
    models: dict[str, Spent] = {}
    decisions: dict[tuple[str, str], int] = {}

    def add_request(self, request: LoggedRequest) -> None:
        """Counts one request with all its calls."""
        self.requests += 1
        self.final += request.final
        for used in request.calls():
            spent = self.models.get(used.tariff.model)
            if spent is None:
                spent = self.models[used.tariff.model] = Spent()
            spent.add(used)

    def add_call(self, call: ToolCall) -> None:
        """Counts one tool call."""
        done = call.done
        if done is ACCEPTED and call.tool not in EDIT_TOOLS:
            return
        self.lines_added += done.lines_added
        self.lines_removed += done.lines_removed
        self.commits += done.commits
        self.pull_requests += done.pull_requests
        if call.tool in EDIT_TOOLS and done.decision != "error":
            key = EDIT_TOOLS[call.tool], done.decision
            self.decisions[key] = self.decisions.get(key, 0) + 1


class Day(msgspec.Struct, gc=False):
    """The facts of one UTC day."""

    requests: list[LoggedRequest] = []
    calls: list[ToolCall] = []
    events: list[Event] = []
    sessions: list[tuple[str, Session]] = []


class LogTotals:
    """Records and frames of days, out of facts.

    `known_rows` are those of sessions of which not all facts are at hand, and none has changed.
    """

    def __init__(self, facts: Facts, known_rows: Mapping[str, Row] | None = None) -> None:
        self._known_rows = known_rows or {}
        self.days: dict[date, Day] = defaultdict(Day)
        self._by_number: dict[int, Day] = {}
        self._of_session: dict[str | None, Sums] = defaultdict(Sums)
        for request in facts.counted_requests():
            self._day(request.at).requests.append(request)
            self._of_session[request.place.session].add_request(request)
        for call in facts.calls.values():
            self._day(call.at).calls.append(call)
            self._of_session[call.place.session].add_call(call)
        for event in facts.events.values():
            self._day(event.at).events.append(event)
        for name, session in facts.sessions().items():
            self._day(session.started_at).sessions.append((name, session))

    def _day(self, at: int) -> Day:
        """The day of a moment."""
        number = at // DAY
        day = self._by_number.get(number)
        if day is None:
            day = self._by_number[number] = self.days[day_of(at)]
        return day

    def records(self, day: date, organization_id: str) -> list[Record]:
        """One record per terminal and project of a UTC day."""
        facts = self.days.get(day, Day())
        sums: dict[RecordKey, Sums] = defaultdict(Sums)
        for request in facts.requests:
            sums[_key(request.place)].add_request(request)
        for call in facts.calls:
            if call.tool in EDIT_TOOLS or call.done.commits or call.done.pull_requests:
                sums[_key(call.place)].add_call(call)
        for _, session in facts.sessions:
            sums[_key(session.place)].sessions += session.continues is None
        order = sorted(sums, key=lambda key: (key.terminal or "", key.project or ""))
        return [_record(day, key, sums[key], organization_id) for key in order if _any(sums[key])]

    def frames(self, day: date) -> Frames:
        """The four frames of a UTC day that only logs can fill, in order of time."""
        facts = self.days.get(day, Day())
        sessions = [
            self._known_rows.get(name) or _session_row(name, session, self._of_session[name])
            for name, session in facts.sessions
        ]
        return tables_of(day, sessions, facts.requests, facts.calls, facts.events)


def _key(place: Place) -> RecordKey:
    return RecordKey(place.terminal, place.project)


def _any(sums: Sums) -> bool:
    """Whether there is anything to record; a tool that failed is nothing."""
    return sums != Sums()


def _record(day: date, key: RecordKey, sums: Sums, organization_id: str) -> Record:
    return Record(
        date=f"{day}T00:00:00Z",
        actor=UserActor(ACTOR),
        organization_id=organization_id,
        customer_type="local",
        terminal_type=key.terminal,
        core_metrics=CoreMetrics(
            sums.sessions,
            LinesOfCode(sums.lines_added, sums.lines_removed),
            sums.commits,
            sums.pull_requests,
        ),
        tool_actions=_tool_actions(sums),
        model_breakdown=[_model_usage(*item) for item in sorted(sums.models.items())],
        project=key.project,
    )


def _tool_actions(sums: Sums) -> dict[str, ToolAction]:
    def count(tool: str, decision: str) -> int:
        return sums.decisions.get((tool, decision), 0)

    tools = {tool for tool, _ in sums.decisions}
    return {
        tool: ToolAction(count(tool, "accepted"), count(tool, "rejected"))
        for tool in EDIT_TOOLS.values()
        if tool in tools
    }


def _model_usage(model: str, spent: Spent) -> ModelUsage:
    # A unit of cost is a millionth of a cent.
    cents = None if spent.cost is None else Decimal(spent.cost).scaleb(-6)
    return ModelUsage(
        model,
        TokenCounts(spent.input, spent.output, spent.cache_read, spent.cache_creation),
        EstimatedCost(cents),
    )


def _session_row(name: str, session: Session, sums: Sums) -> Row:
    spent, place = sums.models.values(), session.place
    costs = [one.cost for one in spent]
    return (
        name,
        place.project,
        place.branch,
        place.terminal,
        session.started_at,
        session.ended_at,
        sorted(sums.models),
        sums.requests,
        sums.final,
        sum(one.input for one in spent),
        sum(one.output for one in spent),
        sum(one.cache_read for one in spent),
        sum(one.cache_creation for one in spent),
        None if None in costs else sum(cost for cost in costs if cost is not None),
        sums.lines_added,
        sums.lines_removed,
        sums.commits,
        sums.pull_requests,
        session.kind,
        session.continues,
    )
