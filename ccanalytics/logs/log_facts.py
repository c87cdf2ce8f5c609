"""The facts in session logs, each once, however often and in whatever order logs repeat it.

    LoggedRequest    a call of a model    message id, request id, turn
    ToolCall         a tool call          its id, those of the message it stands in: id, turn
    Event            anything else        the id of its line
    Session          a session            its id

Logs repeat: one line per block of a message, each with the usage so far; a subagent's
messages in a file of their own and again as progress of the parent; whole histories copied by a
fork. So two accounts of one fact are joined, and joining is the same in any order and as often as
one likes. That is why files may be read again, and facts of two machines united.

Ids are not always unique: gateways repeat message ids, leave out request ids, number tool calls
from 1 in each turn. There the `turn` is part of the identity: the prompt, and what went in.
"""

import ntpath
import posixpath
import re
import unicodedata
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from ccanalytics.logs.edits import Outcome
from ccanalytics.prices import Tokens

UNKNOWN_MODEL = "unknown"
"""The model of a request without a model."""

_DRIVE = re.compile(r"(?:[\\/]{2}[?.][\\/])?([A-Za-z]):(?=[\\/]|$)|/mnt/([A-Za-z])(?=/|$)")
_WORKTREE = re.compile(
    r"([\\/])(?:\.claude[\\/]worktrees|\.worktrees)[\\/].*"
    r"|(?<=[\\/]\.claude-worktrees[\\/])([^\\/]+)[\\/].*"
)

KINDS = (None, "named", "fork", "bg")
"""What a session's file shows, from the likely original to the likely copy: nothing; a name in its
first line, which sessions get later on; lines forked from another; that it runs in the background.
"""


def day_of(at: int) -> date:
    """The UTC day of a time, which is in milliseconds since 1970."""
    return date.fromordinal(719_163 + at // 86_400_000)  # of 1970-01-01, and a day


class Place(NamedTuple):
    """Where something happened."""

    session: str | None
    project: str | None = None
    branch: str | None = None
    terminal: str | None = None


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


# Equal values share one object: a hundred thousand lines have a few hundred of each.
@lru_cache(10_000)
def place_of(session: str | None, cwd: str | None, *rest: str | None) -> Place:
    """Where a line was written."""
    return Place(session, project_of(cwd), *rest)


class Used(NamedTuple):
    """The tokens of one call of a model, and their cost in units, if the price is known."""

    model: str
    tokens: Tokens
    cost: int | None
    uncached_cost: int | None


Ids = tuple[str | None, ...]


class Fact(msgspec.Struct, gc=False):
    """What happened once, however many accounts of it there are."""

    place: Place
    at: int
    ids: Ids
    """Its identity, as in the table above; the turn is null where the others are enough."""

    def joined(self, other: Any) -> Any:
        """The account of the original, else the earlier one."""
        return min(self, other, key=lambda one: (one.at, repr(one)))


class LoggedRequest(Fact, gc=False):
    """One request to a model, with the most complete usage of its lines."""

    asked_at: int | None
    """The time of the prompt or tool result it answers."""
    agent: str
    """`main`, or `subagent` for any side conversation."""
    final: bool
    used: Used
    context: int | None
    """The input tokens of its last own call."""
    origin: tuple[str | None, ...]
    """The subagent, skill and MCP server it was for, as far as the log says."""
    advisors: list[Used] = []
    """Calls that its own tokens leave out."""

    def joined(self, other: "LoggedRequest") -> "LoggedRequest":
        """The more complete of two accounts; a side conversation yields to the original."""
        if self.agent != other.agent:
            return self if self.agent == "main" else other
        best = min(self, other, key=LoggedRequest._rank)
        final = self.final or other.final
        asked_at = min(filter(None, (self.asked_at, other.asked_at)), default=None)
        return msgspec.structs.replace(best, final=final, asked_at=asked_at)

    def _rank(self) -> tuple[object, ...]:
        used, total = self.used, sum(one.tokens.total for one in (self.used, *self.advisors))
        # An answer that is known to be refused goes before its line that may still be billed.
        told = -total, used.model == UNKNOWN_MODEL, used.cost != 0
        where = [part or "" for part in (*self.place, *self.origin)]
        return *told, self.at, where, used.model, used.tokens


class ToolCall(Fact, gc=False):
    """One tool call with a result."""

    tool: str
    agent: str
    done: Outcome
    started: tuple[str | None, str | None]
    """The id and type of the subagent it started."""


class Event(Fact, gc=False):
    """Something the log only mentions; of its place only the session is known."""

    kind: str
    tokens: int | None = None
    text: str | None = None
    """The title of a session."""


class Session(msgspec.Struct, gc=False):
    """One session, from its first to its last prompt or answer."""

    started_at: int
    ended_at: int
    place: Place
    kind: str | None = None
    """What its file shows; see `KINDS`."""
    continues: str | None = None
    """The session it continues."""

    def joined(self, other: "Session") -> "Session":
        """From the earlier start to the later end."""
        first = min(self, other, key=lambda s: (s.started_at, repr(s.place), s.kind or ""))
        end = max(self.ended_at, other.ended_at)
        continues = min(filter(None, (self.continues, other.continues)), default=None)
        return msgspec.structs.replace(first, ended_at=end, continues=continues)


Accounts = dict[tuple[Ids, str | None], Any]
"""Facts of one kind by their identity and session."""


class Facts:
    """The facts of some logs.

    When a session moves to the background, or is forked, a copy of its lines gets a session id of
    its own. So one fact can have accounts of several sessions until all are read; `settle` leaves
    it to the original, and a copy begins with the first thing of its own.
    """

    def __init__(self) -> None:
        self.requests: Accounts = {}
        self.calls: Accounts = {}
        self.events: Accounts = {}
        self.sessions: dict[str, Session] = {}
        self.continued: dict[str, str] = {}
        """The session each of these is the rest of."""
        kinds = LoggedRequest, ToolCall, Event
        self._kinds = dict(zip(kinds, (self.requests, self.calls, self.events), strict=True))

    def add(self, fact: Fact) -> None:
        """Add an account of a fact."""
        kind, key = self._kinds[type(fact)], (fact.ids, fact.place.session)
        known = kind.get(key)
        kind[key] = fact if known is None else known.joined(fact)

    def see(self, name: str, session: Session) -> None:
        """Add an account of a session."""
        known = self.sessions.get(name)
        self.sessions[name] = known.joined(session) if known else session

    def join(self, news: "Facts", *, newest: bool = False) -> None:
        """Add other facts; the `newest` replace what older rules made of the same lines."""
        for name, session in news.sessions.items():
            self.see(name, session)
        self.continued |= news.continued
        for kind, accounts in news._kinds.items():
            if newest:
                self._kinds[kind].update(accounts)
            else:
                for fact in accounts.values():
                    self.add(fact)

    def settle(self) -> None:
        """Leave one account of each fact."""
        copies: set[str | None] = set()
        for kind in self._kinds.values():
            places: dict[Ids, tuple[Ids, str | None]] = {}
            for key in list(kind):
                first = places.setdefault(key[0], key)
                if first is key:
                    continue
                known, fact = kind.pop(first), kind.pop(key)
                owner, copy = sorted((known.place, fact.place), key=self._rank)
                copies.add(copy.session)
                places[key[0]] = place = key[0], owner.session
                kind[place] = msgspec.structs.replace(known.joined(fact), place=owner)
                session = self.sessions.get(copy.session or "")
                if session and session.kind == "bg" and owner.session:
                    whole = self.continued.get(copy.session, owner.session)
                    self.continued[copy.session] = min(owner.session, whole)
        self._match_incomplete()
        self._place_sessions(copies)

    def counted_requests(self) -> list[LoggedRequest]:
        """The requests that count: not those in which a side conversation repeats a message.

        The repetition has the same message id, and the same tokens went in.
        """

        def answer(one: LoggedRequest) -> tuple[object, ...]:
            return one.place.session, one.ids[0], one.used.tokens.into

        own = {answer(one) for one in self.requests.values() if one.agent == "main" and one.ids[0]}
        return [r for r in self.requests.values() if r.agent == "main" or answer(r) not in own]

    def place(self, fact: Fact) -> Place:
        """Where it happened: in the project its session began in, if that is around its folder."""
        place, session = fact.place, self.sessions.get(fact.place.session or "")
        began = session and session.place.project
        if began and (place.project or "").startswith((f"{began}/", f"{began}\\")):
            return place._replace(project=began)
        return place

    def days(self) -> set[date]:
        """The UTC days of all facts."""
        moments = {fact.at for kind in self._kinds.values() for fact in kind.values()}
        moments |= {session.started_at for session in self.sessions.values()}
        return set(map(day_of, moments))

    def names(self) -> set[str | None]:
        """The first id of each fact, and all sessions."""
        pairs = chain.from_iterable(self._kinds.values())
        found = {name for key, session in pairs for name in (key[0], session)}
        return found.union(self.sessions, self.continued)

    def _rank(self, place: Place) -> tuple[object, ...]:
        """The original comes first: the one not marked as a copy, else the shorter session."""
        name = place.session or ""
        session = self.sessions.get(name)
        if session is None:
            return True, 0, 0, name
        rest = session.kind == "bg" or name in self.continued or session.continues is not None
        return rest, KINDS.index(session.kind), session.ended_at, name

    def _match_incomplete(self) -> None:
        """Join each request without an id with the request of its session it is part of.

        That one has both ids, as much went in, and it answers the same.
        """
        incomplete = [r for r in self.requests.values() if not all(r.ids[:2])]
        names = {one.ids[0] or one.ids[1] for one in incomplete}
        whole: dict[tuple[object, ...], Ids] = {}
        for one in self.requests.values() if incomplete else ():
            *both, turn = one.ids
            for name in names.intersection(both) if all(both) else ():
                place = one.place.session, name, one.used.tokens.into, turn
                whole[place] = min(whole.get(place, one.ids), one.ids, key=str)
        for one in incomplete:
            message, request, turn = one.ids
            what = one.place.session, message or request, one.used.tokens.into
            ids = whole.get((*what, turn)) or whole.get((*what, None))
            if ids is not None:
                del self.requests[one.ids, one.place.session]
                joined = self.requests[ids, one.place.session].joined(one)
                self.requests[ids, one.place.session] = msgspec.structs.replace(joined, ids=ids)

    def _place_sessions(self, copies: set[str | None]) -> None:
        """Start copies with their first own request, and note what continues what."""
        rest = {name for name, session in self.sessions.items() if session.continues}
        copies |= rest | self.continued.keys()
        first: dict[str, int] = {}
        for one in self.requests.values() if copies else ():
            name, at = one.place.session or "", one.asked_at or one.at
            if name in copies:
                first[name] = min(at, first.get(name, at))
        for name in self.sessions.keys() & (first.keys() | self.continued.keys()):
            session = self.sessions[name]
            self.sessions[name] = msgspec.structs.replace(
                session,
                started_at=max(session.started_at, first.get(name, 0)),
                continues=self.continued.get(name, session.continues),
            )
