"""What session logs tell, each fact once, however often and in whatever order it is told.

    Request    a call of a model     known by message id and request id
    ToolCall   a tool call           known by the id of the call
    Session    a session             known by its id
    Event      anything else         known by the id of its line

A log repeats itself: one line per block of a message, each with the usage so far; a subagent's
messages in a file of their own and again as progress of the parent; whole histories copied by a
fork. So two accounts of one fact are joined, and joining is the same in any order and as often as
one likes. That is why files may be read in parts and again, and why the facts of two machines unite.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec

from ccanalytics.sources.edits import Outcome
from ccanalytics.sources.log_lines import Tokens
from ccanalytics.sources.prices import Tariff


class Place(NamedTuple):
    """Where something happened."""

    session: str | None
    project: str | None
    branch: str | None
    terminal: str | None


class Used(msgspec.Struct, gc=False):
    """The tokens of one call of a model, and what they cost; costs are filled in last."""

    tariff: Tariff
    tokens: Tokens
    cost: int | None = None
    uncached_cost: int | None = None


class Request(msgspec.Struct, gc=False):
    """One request to a model, with the fullest usage any of its lines has."""

    at: datetime
    place: Place
    message: str
    request: str | None
    side: bool
    """Told by a subagent or a side conversation."""
    final: bool
    used: Used
    advisors: list[Used] = []

    @property
    def total(self) -> int:
        """All tokens, those of advisors too."""
        return sum(used.tokens.total for used in self.calls())

    def calls(self) -> Iterator[Used]:
        """The call itself, and those to advisors that its own tokens leave out."""
        yield self.used
        yield from self.advisors

    def joined(self, other: "Request") -> "Request":
        """The fuller of two accounts; what was told in passing yields to the original."""
        if self.side != other.side:
            return other if self.side else self
        mine, its = self.total, other.total
        if mine == its:
            best = min(self, other, key=_request_rank)
        else:
            best = self if mine > its else other
        if best.final or not (self.final or other.final):
            return best
        return msgspec.structs.replace(best, final=True)


class ToolCall(msgspec.Struct, gc=False):
    """One tool call with a result."""

    at: datetime
    place: Place
    call: str
    tool: str
    side: bool
    done: Outcome

    def joined(self, other: "ToolCall") -> "ToolCall":
        """The account of the original, or the earlier one."""
        return min(self, other, key=_call_rank)


class Event(msgspec.Struct, gc=False):
    """Something the log mentions and no more."""

    at: datetime
    session: str
    event: str
    kind: str
    tokens: int | None = None

    def joined(self, other: "Event") -> "Event":
        """The earlier account."""
        return min(self, other, key=lambda e: (e.at, e.session, e.tokens is None, e.tokens))


class Session(msgspec.Struct, gc=False):
    """One session, as its first and last prompt or answer show it."""

    started_at: datetime
    ended_at: datetime
    place: Place

    def joined(self, other: "Session") -> "Session":
        """From the earlier start to the later end."""
        first = min(self, other, key=lambda s: (s.started_at, _plain(s.place)))
        end = max(self.ended_at, other.ended_at)
        return first if first.ended_at == end else msgspec.structs.replace(first, ended_at=end)


RequestKey = tuple[str, str | None]


class Facts:
    """Facts of each kind, each once.

    A fork's file begins with a copy of another session's lines, under that session's id. So a
    session told only by a file named after another one, `borrowed`, is one as long as neither it
    nor that other one is told by a file of its own.
    """

    def __init__(self) -> None:
        self.requests: dict[RequestKey, Request] = {}
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

    def counted_requests(self) -> list[Request]:
        """Those that count: what a side conversation tells of a message yields to the original."""
        originals = {name for (name, _), r in self.requests.items() if not r.side}
        return [r for (name, _), r in self.requests.items() if not (r.side and name in originals)]

    def days(self) -> set[date]:
        """The UTC days with anything in them."""
        told: Iterable[Request | ToolCall | Event] = (
            *self.counted_requests(),
            *self.calls.values(),
            *self.events.values(),
        )
        return {fact.at.date() for fact in told} | {
            session.started_at.date() for session in self.sessions().values()
        }


def put(facts: dict[Any, Any], key: object, fact: Any) -> None:
    """Adds one account of a fact to those known."""
    known = facts.get(key)
    facts[key] = fact if known is None else known.joined(fact)


def _request_rank(request: Request) -> tuple[object, ...]:
    used = request.used
    return request.at, _plain(request.place), used.tariff.model, used.tokens


def _call_rank(call: ToolCall) -> tuple[object, ...]:
    return call.side, call.at, _plain(call.place), call.tool, call.done


def _plain(place: Place) -> tuple[str, ...]:
    return tuple(part or "" for part in place)
