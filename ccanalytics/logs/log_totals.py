"""Facts of session logs -> the frames of each UTC day: those of every source, and those of logs.

facts ─┬─ by day, terminal, project ─▶ activity, model_usage, tool_actions
       ├─ by session ────────────────▶ sessions
       └─ each ──────────────────────▶ requests, tool_calls, log_events
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import starmap
from typing import TypeVar

import msgspec

from ccanalytics.frames.arrow_tables import table_of
from ccanalytics.frames.schemas import SCHEMAS, Frames
from ccanalytics.logs.edits import ACCEPTED, EDIT_TOOLS
from ccanalytics.logs.log_fact_set import Facts
from ccanalytics.logs.log_facts import (
    DAY,
    Event,
    LoggedRequest,
    Session,
    ToolCall,
    Used,
    day_of,
)
from ccanalytics.logs.log_frames import Row, call_row, event_row, request_rows
from ccanalytics.logs.log_schemas import LOG_SCHEMAS

WHO = ("local", "user", "local", None)
"""Actor, kind of actor, customer and subscription: logs do not say who wrote them."""


class Spent(msgspec.Struct, gc=False):
    """Tokens and their price; one unknown price makes the sum unknown."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    cost: int | None = 0

    def add(self, used: Used) -> None:
        """Add a call and its price."""
        new, out, read, short, long, _ = used.tokens
        self.input += new
        self.output += out
        self.cache_read += read
        self.cache_creation += short + long
        self.cost = None if self.cost is None or used.cost is None else self.cost + used.cost


class Sums(msgspec.Struct, gc=False):
    """What was done in one place or session."""

    sessions: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    commits: int = 0
    pull_requests: int = 0
    requests: int = 0
    final: int = 0
    models: dict[str, Spent] = {}
    decisions: dict[str, list[int]] = {}
    """Accepted and rejected calls by edit tool."""

    def add_request(self, request: LoggedRequest) -> None:
        """Count one request with all its calls."""
        self.requests += 1
        self.final += request.final
        for used in request.calls():
            spent = self.models.get(used.tariff.model)
            if spent is None:
                spent = self.models[used.tariff.model] = Spent()
            spent.add(used)

    def add_call(self, call: ToolCall) -> None:
        """Count one tool call; a failed call has no counts."""
        done = call.done
        if done is ACCEPTED and call.tool not in EDIT_TOOLS:
            return
        self.lines_added += done.lines_added
        self.lines_removed += done.lines_removed
        self.commits += done.commits
        self.pull_requests += done.pull_requests
        if call.tool in EDIT_TOOLS and done.decision != "error":
            decided = self.decisions.setdefault(EDIT_TOOLS[call.tool], [0, 0])
            decided[done.decision == "rejected"] += 1

    def work(self) -> Row:
        """Lines, commits and pull requests, in the order of the frames."""
        return self.lines_added, self.lines_removed, self.commits, self.pull_requests


T = TypeVar("T", LoggedRequest, ToolCall)


class Day(msgspec.Struct, gc=False):
    """The facts of one UTC day."""

    requests: list[LoggedRequest] = []
    calls: list[ToolCall] = []
    events: list[Event] = []
    sessions: list[tuple[str, Session]] = []


class LogTotals:
    """Facts -> frames of days.

    `known_rows` are rows of unchanged sessions whose facts are not all loaded.
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
        number = at // DAY
        day = self._by_number.get(number)
        if day is None:
            day = self._by_number[number] = self.days[day_of(at)]
        return day

    def frames(self, day: date, organization: str | None) -> Frames:
        """The frames of a UTC day; those of logs are ordered by time."""
        facts = self.days.get(day, Day())
        rows: dict[str, list[Row]] = {
            "activity": [],
            "model_usage": [],
            "tool_actions": [],
            "sessions": sorted(
                starmap(self._session_row, facts.sessions), key=lambda row: (row[4], row[0])
            ),
            "requests": [row for one in _in_order(facts.requests) for row in request_rows(one)],
            "tool_calls": list(map(call_row, _in_order(facts.calls))),
            "log_events": [
                event_row(e) for e in sorted(facts.events, key=lambda e: (e.at, e.event))
            ],
        }
        for (terminal, project), sums in _by_place(facts):
            key = organization or None, *WHO, terminal, None, project
            rows["activity"].append((*key, sums.sessions, *sums.work()))
            for model, spent in sorted(sums.models.items()):
                rows["model_usage"].append((*key, model, *msgspec.structs.astuple(spent)))
            for tool in EDIT_TOOLS.values():
                if tool in sums.decisions:
                    rows["tool_actions"].append((*key, tool, *sums.decisions[tool]))
        schemas = SCHEMAS | LOG_SCHEMAS
        return {name: table_of(schemas[name], day, table) for name, table in rows.items()}

    def _session_row(self, name: str, session: Session) -> Row:
        if name in self._known_rows:
            return self._known_rows[name]
        sums, place = self._of_session[name], session.place
        spent = [msgspec.structs.astuple(one) for one in sums.models.values()] or [(0,) * 5]
        *tokens, costs = zip(*spent, strict=True)
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
            *map(sum, tokens),
            None if None in costs else sum(costs),
            *sums.work(),
            session.kind,
            session.continues,
        )


def _by_place(facts: Day) -> list[tuple[tuple[str | None, str | None], Sums]]:
    """The sums by terminal and project, where there are any."""
    found: dict[tuple[str | None, str | None], Sums] = defaultdict(Sums)
    for request in facts.requests:
        found[request.place.terminal, request.place.project].add_request(request)
    for call in facts.calls:
        if call.tool in EDIT_TOOLS or call.done.commits or call.done.pull_requests:
            found[call.place.terminal, call.place.project].add_call(call)
    for _, session in facts.sessions:
        place = session.place
        found[place.terminal, place.project].sessions += session.continues is None
    order = sorted(found, key=lambda key: tuple(part or "" for part in key))
    return [(key, found[key]) for key in order if found[key] != Sums()]


def _in_order(facts: Iterable[T]) -> list[T]:
    return sorted(facts, key=lambda fact: (fact.at, *(part or "" for part in fact.key)))
