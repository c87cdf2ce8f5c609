"""What session logs tell, each fact once, however often and in whatever order it is told.

    LoggedRequest    a call of a model     known by message id and request id
    ToolCall   a tool call           known by the id of the call
    Session    a session             known by its id
    Event      anything else         known by the id of its line

A log repeats itself: one line per block of a message, each with the usage so far; a subagent's
messages in a file of their own and again as progress of the parent; whole histories copied by a
fork. So two accounts of one fact are joined, and joining is the same in any order and as often as
one likes. That is why files may be read in parts and again, and facts of two machines united.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from ccanalytics.logs.edits import Outcome
from ccanalytics.prices import Tariff, Tokens

DAY = 86_400_000
"""Milliseconds of a day; moments are milliseconds since 1970, UTC."""

EPOCH = date(1970, 1, 1).toordinal()


def day_of(at: int) -> date:
    """The UTC day of a moment."""
    return date.fromordinal(EPOCH + at // DAY)


class Place(NamedTuple):
    """Where something happened."""

    session: str | None
    project: str | None
    branch: str | None
    terminal: str | None


class Origin(NamedTuple):
    """On whose behalf a model was called, as far as the log says so."""

    agent_id: str | None = None
    skill: str | None = None
    mcp_server: str | None = None

    def joined(self, other: "Origin") -> "Origin":
        """What either of them says."""
        if self == other:
            return self
        pairs = zip(self, other, strict=True)
        return Origin._make(max(mine or "", its or "") or None for mine, its in pairs)


class Used(msgspec.Struct, gc=False):
    """The tokens of one call of a model, and what they cost; costs are filled in last."""

    tariff: Tariff
    tokens: Tokens
    cost: int | None = None
    uncached_cost: int | None = None


class LoggedRequest(msgspec.Struct, gc=False):
    """One request to a model, with the fullest usage any of its lines has."""

    at: int
    place: Place
    message: str
    request: str | None
    side: bool
    """Told by a subagent or a side conversation."""
    final: bool
    used: Used
    advisors: list[Used] = []
    origin: Origin = Origin()

    @property
    def total(self) -> int:
        """All tokens, those of advisors too."""
        own = self.used.tokens.total
        return own + sum(used.tokens.total for used in self.advisors) if self.advisors else own

    def calls(self) -> Iterator[Used]:
        """The call itself, and those to advisors that its own tokens leave out."""
        yield self.used
        yield from self.advisors

    def joined(self, other: "LoggedRequest") -> "LoggedRequest":
        """The fuller of two accounts; what was told in passing yields to the original."""
        if self.side != other.side:
            return other if self.side else self
        mine, its = self.total, other.total
        best = self if mine > its else other if mine < its else min(self, other, key=_request_rank)
        final, origin = self.final or other.final, self.origin.joined(other.origin)
        if (best.final, best.origin) == (final, origin):
            return best
        return msgspec.structs.replace(best, final=final, origin=origin)


class ToolCall(msgspec.Struct, gc=False):
    """One tool call with a result."""

    at: int
    place: Place
    call: str
    tool: str
    side: bool
    done: Outcome
    started: tuple[str | None, str | None] = (None, None)
    """Id and type of the subagent it started."""

    def joined(self, other: "ToolCall") -> "ToolCall":
        """The account of the original, or the earlier one."""
        return min(self, other, key=_call_rank)


class Event(msgspec.Struct, gc=False):
    """Something the log mentions and no more."""

    at: int
    session: str
    event: str
    kind: str
    tokens: int | None = None
    text: str | None = None
    """The title of a session."""

    def joined(self, other: "Event") -> "Event":
        """The earlier account."""
        return min(self, other, key=_event_rank)


class Session(msgspec.Struct, gc=False):
    """One session, as its first and last prompt or answer show it."""

    started_at: int
    ended_at: int
    place: Place

    def joined(self, other: "Session") -> "Session":
        """From the earlier start to the later end."""
        first = min(self, other, key=lambda s: (s.started_at, _plain(s.place)))
        end = max(self.ended_at, other.ended_at)
        return first if first.ended_at == end else msgspec.structs.replace(first, ended_at=end)


Dated = LoggedRequest | ToolCall | Event

RequestKey = tuple[str, str | None]


class Facts:
    """Facts of each kind, each once.

    A fork's file begins with a copy of another session's lines, under that session's id. So a
    session told only by a file named after another one, `borrowed`, is one as long as neither it
    nor that other one is told by a file of its own.
    """

    def __init__(self) -> None:
        self.requests: dict[RequestKey, LoggedRequest] = {}
        self.calls: dict[str, ToolCall] = {}
        self.events: dict[str, Event] = {}
        self.own: dict[str, Session] = {}
        self.borrowed: dict[tuple[str, str], Session] = {}

    def sessions(self) -> dict[str, Session]:
        """All that count as sessions."""
        found = dict(self.own)
        for (name, file), session in self.borrowed.items():
            if name not in self.own and file not in self.own:
                put(found, name, session)
        return found

    def counted_requests(self) -> list[LoggedRequest]:
        """Those that count: what a side conversation tells of a message yields to the original."""
        originals = {name for (name, _), r in self.requests.items() if not r.side}
        return [r for (name, _), r in self.requests.items() if not (r.side and name in originals)]

    def days(self) -> set[date]:
        """The UTC days of all facts but sessions, which are told by what is done in them."""
        facts: Iterable[Dated] = chain(
            self.requests.values(), self.calls.values(), self.events.values()
        )
        return {day_of(fact.at) for fact in facts}

    def sessions_told_with(self, other: "Facts") -> set[str | None]:
        """The sessions of those facts the other has an account of too."""
        messages = {name for name, _ in other.requests}
        return {
            *(r.place.session for (name, _), r in self.requests.items() if name in messages),
            *(c.place.session for name, c in self.calls.items() if name in other.calls),
        }

    def borrowed_only(self) -> list[tuple[str, str, Session]]:
        """What is still borrowed: what has a file of its own is not."""
        return [
            (name, file, session)
            for (name, file), session in self.borrowed.items()
            if name not in self.own and file not in self.own
        ]

    def join(self, news: "Facts", *, newest: bool = False) -> tuple[set[date], set[str | None]]:
        """Joins the accounts of others; the days and sessions which are not unchanged.

        The `newest` accounts stand in place of what other rules made of the same lines.
        """
        before, changed = self.sessions(), self._join_dated(news, newest)
        for name, session in news.own.items():
            put(self.own, name, session)
        for key, session in news.borrowed.items():
            put(self.borrowed, key, session)
        after = self.sessions()
        names = {fact.place.session for fact in changed if not isinstance(fact, Event)}
        names |= {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
        sessions = [known[name] for known in (before, after) for name in names if name in known]
        moments = {fact.at // DAY * DAY for fact in changed} | {s.started_at for s in sessions}
        return set(map(day_of, moments)), names

    def _join_dated(self, news: "Facts", newest: bool) -> list[Dated]:
        """What changed: each such fact as it was and as it is, and copies that may now yield."""
        changed: list[Dated] = []
        kinds: list[tuple[dict[Any, Any], dict[Any, Any]]] = [
            (self.requests, news.requests),
            (self.calls, news.calls),
            (self.events, news.events),
        ]
        for mine, others in kinds:
            if not mine:
                mine.update(others)
                changed += others.values()
                continue
            for key, fact in others.items():
                known = mine.get(key)
                mine[key] = fact if known is None or newest else known.joined(fact)
                if mine[key] != known:
                    changed += [mine[key]] if known is None else [known, mine[key]]
        messages = {name for name, _ in news.requests}
        return changed + [r for r in self.requests.values() if r.side and r.message in messages]


def put(facts: dict[Any, Any], key: object, fact: Any) -> None:
    """Adds one account of a fact to those known."""
    known = facts.get(key)
    facts[key] = fact if known is None else known.joined(fact)


def _request_rank(request: LoggedRequest) -> tuple[object, ...]:
    used = request.used
    billed = not (used.tariff.free or used.cost == 0)
    return billed, request.at, _plain(request.place), used.tariff.model, used.tokens


def _call_rank(call: ToolCall) -> tuple[object, ...]:
    started = tuple(part or "" for part in call.started)
    return call.side, call.at, _plain(call.place), call.tool, call.done, started


def _event_rank(event: Event) -> tuple[object, ...]:
    tokens, text = event.tokens, event.text
    return event.at, event.session, tokens is None, tokens, text is None, text


def _plain(place: Place) -> tuple[str, ...]:
    return tuple(part or "" for part in place)
