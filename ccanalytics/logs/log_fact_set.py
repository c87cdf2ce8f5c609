"""The facts of some session logs: every fact once."""

from datetime import date
from itertools import chain
from typing import Any, TypeVar

import msgspec

from ccanalytics.logs.log_facts import (
    DAY,
    KINDS,
    CallKey,
    Dated,
    Event,
    LoggedRequest,
    RequestKey,
    Session,
    ToolCall,
    day_of,
    put,
)

Copies = set[tuple[str, str | None]]

T = TypeVar("T", LoggedRequest, ToolCall, Event)


class Facts:
    """Facts of each kind, each once.

    A fork's file can start with a copy of another session's lines, under that session's id. So a
    session found only in a file named after another one (`borrowed`) counts as long as neither it
    nor that other one has a file of its own.

    The copy may also carry the new session's id, as when a session moves to the background. Then
    one fact has accounts of several sessions: it belongs to the original, and the others are
    `copies`, which begin with the first thing of their own.
    """

    def __init__(self) -> None:
        self.requests: dict[RequestKey, LoggedRequest] = {}
        self.calls: dict[CallKey, ToolCall] = {}
        self.events: dict[str, Event] = {}
        self.own: dict[str, Session] = {}
        self.borrowed: dict[tuple[str, str], Session] = {}
        self.continued: dict[str, str] = {}
        """The session each of these is the rest of."""
        self.copies: Copies = set()
        """Each copy with its original."""
        self._contested: dict[tuple[int, Any, str | None], Dated] = {}

    def add(self, kind: dict[Any, T], key: Any, fact: T) -> None:
        """Add an account of a fact."""
        known = kind.get(key)
        if known is None or known.place.session == fact.place.session:
            put(kind, key, fact)
        else:  # Its owner can only be decided when both sessions are known completely.
            put(self._contested, (id(kind), key, fact.place.session), fact)

    def settle(self) -> None:
        """Decide which session owns each fact, and whose the requests without an id are."""
        kinds = {id(kind): kind for kind in self._kinds()}
        for (number, key, _), fact in self._contested.items():
            self._put(kinds[number], key, fact)
        self._contested.clear()
        self._match_incomplete()

    def sessions(self) -> dict[str, Session]:
        """All sessions that count."""
        found = dict(self.own)
        for name, _, session in self.borrowed_only():
            put(found, name, session)
        for name, at in self._first_own().items():
            if name in found and at > found[name].started_at:
                found[name] = msgspec.structs.replace(found[name], started_at=at)
        for name in self.continued.keys() & found.keys():
            found[name] = msgspec.structs.replace(found[name], continues=self.continued[name])
        return found

    def counted_requests(self) -> list[LoggedRequest]:
        """The requests that count: a message repeated by a side conversation does not.

        The repetition has the same message id, and the same tokens went in.
        """
        originals = {_answer(r) for r in self.requests.values() if not r.side and r.message}
        return [r for r in self.requests.values() if not (r.side and _answer(r) in originals)]

    def days(self) -> set[date]:
        """The UTC days of all facts."""
        kinds = *self._kinds(), self.sessions()
        numbers = {fact.at // DAY for kind in kinds for fact in kind.values()}
        return {day_of(number * DAY) for number in numbers}

    def _kinds(self) -> tuple[dict[Any, Any], ...]:
        return self.requests, self.calls, self.events

    def borrowed_only(self) -> list[tuple[str, str, Session]]:
        """What is still borrowed, without sessions that have a file of their own."""
        return [
            (name, file, session)
            for (name, file), session in self.borrowed.items()
            if name not in self.own and file not in self.own
        ]

    def join(self, news: "Facts", *, newest: bool = False) -> None:
        """Join other facts; the `newest` replace what older rules made of the same lines."""
        for name, session in news.own.items():
            put(self.own, name, session)
        for key, session in news.borrowed.items():
            put(self.borrowed, key, session)
        self.continued |= news.continued
        for pair in news.copies:
            self._mark_copy(*pair)
        for mine, others in zip(self._kinds(), news._kinds(), strict=True):
            for key, fact in others.items():
                self._put(mine, key, fact, newest)
        self._match_incomplete()

    def _put(self, kind: dict[Any, Any], key: Any, fact: Any, newest: bool = False) -> None:
        """Add an account of a fact."""
        known = kind.get(key)
        if known is None:
            kind[key] = fact
        elif isinstance(fact, LoggedRequest) and fact.is_another(known):
            # A gateway gave one pair of ids to two sessions: the earlier answer keeps them.
            kind[key], later = sorted((known, fact), key=_asked)
            later = msgspec.structs.replace(later, turn=f"{later.asked_at or later.at}")
            self._put(kind, later.key, later, newest)
        else:
            kind[key] = self._of_original(known, fact, newest)

    def _of_original(self, known: T, fact: T, newest: bool = False) -> T:
        """Two accounts as one, under the original session if one is a copy."""
        best = fact if newest else known.joined(fact)
        if known.place.session == fact.place.session:
            return best
        owner, copy = sorted((known, fact), key=self._rank)
        name = copy.place.session
        if name:
            self._mark_copy(name, owner.place.session)
            session, whose = self.own.get(name), owner.place.session
            if session and session.kind == "bg" and whose:
                self.continued[name] = min(whose, self.continued.get(name, whose))
        return msgspec.structs.replace(best, place=owner.place)

    def _mark_copy(self, copy: str, original: str | None) -> None:
        """Note which is the copy: while both grow, it may have been the other one so far."""
        self.copies -= {(original or "", copy)}
        self.copies.add((copy, original))

    def _rank(self, fact: Dated) -> tuple[object, ...]:
        """The original comes first: the one not marked as a copy, else the shorter session."""
        name = fact.place.session or ""
        session = self.own.get(name)
        if session is None:
            return True, 0, 0, name
        rest = name in self.continued or session.continues is not None
        return rest, KINDS.index(session.kind), session.ended_at, name

    def _first_own(self) -> dict[str, int]:
        """The start of the first own fact of each copy that has any."""
        first: dict[str, int] = {}
        facts: chain[LoggedRequest | ToolCall] = chain(self.requests.values(), self.calls.values())
        copies = {copy for copy, _ in self.copies}
        for fact in facts if copies else ():
            name = fact.place.session
            if name in copies:
                at = (isinstance(fact, LoggedRequest) and fact.asked_at) or fact.at
                first[name] = min(at, first.get(name, at))
        return first

    def _match_incomplete(self) -> None:
        """Join each request without an id with the request of its session it is part of.

        That one has both ids, and as much went in.
        """
        incomplete = [r for r in self.requests.values() if not (r.message and r.request)]
        names = {request.message or request.request for request in incomplete}
        known: dict[tuple[object, ...], RequestKey] = {}
        for request in self.requests.values() if incomplete else ():
            if request.message and request.request and request.turn is None:
                for name in names.intersection((request.message, request.request)):
                    place = request.place.session, name, request.used.tokens.into
                    known[place] = min(known.get(place, request.key), request.key, key=str)
        for request in incomplete:
            named = request.message or request.request
            whole = known.get((request.place.session, named, request.used.tokens.into))
            if whole is not None:
                joined = self.requests[whole].joined(self.requests.pop(request.key))
                ids = dict(zip(("message", "request", "turn"), whole, strict=True))
                self.requests[whole] = msgspec.structs.replace(joined, **ids)


def _answer(request: LoggedRequest) -> tuple[object, ...]:
    return request.place.session, request.message, request.used.tokens.into


def _asked(request: LoggedRequest) -> tuple[object, ...]:
    return request.asked_at or request.at, request.at, request.place.session or ""
