"""The facts in session logs, each once, however often and in whatever order logs repeat it.

    LoggedRequest    a call of a model    message id and request id
    ToolCall         a tool call          its id, and the message it stands in
    Event            anything else        the id of its line
    Session          a session            its id

Logs repeat: one line per block of a message, each with the usage so far; a subagent's
messages in a file of their own and again as progress of the parent; whole histories copied by a
fork. So two accounts of one fact are joined, and joining is the same in any order and as often as
one likes. That is why files may be read in parts and again, and facts of two machines united.

Ids are not always unique: gateways repeat message ids, leave out request ids, number tool calls
from 1 in each turn. Where an id is missing, the `turn` stands for it: the prompt, and what went in.
"""

import ntpath
import posixpath
import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from ccanalytics.logs.edits import Outcome
from ccanalytics.prices import Tariff, Tokens

DAY = 86_400_000
"""Milliseconds of a day; times are milliseconds since 1970, UTC."""

OF_A_GATEWAY = 20
"""A longer request id is one of a kind, as those of the API are: "req_" and 24 characters."""

EPOCH = date(1970, 1, 1).toordinal()

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
    """The UTC day of a time."""
    return date.fromordinal(EPOCH + at // DAY)


class Place(NamedTuple):
    """Where something happened."""

    session: str | None
    project: str | None
    branch: str | None
    terminal: str | None


def session_only(session: str | None) -> Place:
    """A place with only its session known."""
    return Place(session, None, None, None)


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
def place_of(began: str | None, session: str | None, cwd: str | None, *rest: str | None) -> Place:
    """Where a line was written, in a file that started in the project `began`."""
    project = project_of(cwd)
    if project and began and project.startswith((f"{began}/", f"{began}\\")):
        project = began
    return Place(session, project, *rest)


class Origin(NamedTuple):
    """Who called the model, as far as the log says."""

    agent_id: str | None = None
    skill: str | None = None
    mcp_server: str | None = None

    def joined(self, other: "Origin") -> "Origin":
        """The values either of them has."""
        if self == other:
            return self
        pairs = zip(self, other, strict=True)
        return Origin._make(max(mine or "", its or "") or None for mine, its in pairs)


origin_of = lru_cache(10_000)(Origin)


class Used(msgspec.Struct, gc=False):
    """The tokens of one call of a model, and their cost, which is filled in last."""

    tariff: Tariff
    tokens: Tokens
    cost: int | None = None
    uncached_cost: int | None = None


class LoggedRequest(msgspec.Struct, gc=False):
    """One request to a model, with the most complete usage of its lines."""

    at: int
    place: Place
    message: str | None
    request: str | None
    side: bool
    """Logged by a subagent or a side conversation."""
    final: bool
    used: Used
    turn: str | None = None
    """What it answers, if an id is missing or another answer has both ids; else null."""
    asked_at: int | None = None
    """The time of the prompt or tool result it answers."""
    context: int | None = None
    """The input tokens of its last own call."""
    advisors: list[Used] = []
    origin: Origin = Origin()

    @property
    def key(self) -> "RequestKey":
        """Its identity."""
        return self.message, self.request, self.turn

    def calls(self) -> Iterator[Used]:
        """The call itself, and calls to advisors that its own tokens leave out."""
        yield self.used
        yield from self.advisors

    def is_another(self, other: "LoggedRequest") -> bool:
        """Whether it is no copy of a request with the same ids in another session.

        Lines keep their moments in a copy, and so do the lines they answer.
        """
        if self.side or other.side or self.place.session == other.place.session:
            return False
        if len(self.request or "") > OF_A_GATEWAY:
            return False
        if self.asked_at and other.asked_at:
            return self.at != other.at and self.asked_at != other.asked_at
        return self.at != other.at and self.used.tokens.into != other.used.tokens.into

    def joined(self, other: "LoggedRequest") -> "LoggedRequest":
        """The more complete of two accounts; a side conversation yields to the original."""
        if self.side != other.side:
            return other if self.side else self
        best = min(self, other, key=LoggedRequest._rank)
        final, origin = self.final or other.final, self.origin.joined(other.origin)
        asked_at = min(filter(None, (self.asked_at, other.asked_at)), default=None)
        if (best.final, best.origin, best.asked_at) == (final, origin, asked_at):
            return best
        return msgspec.structs.replace(best, final=final, origin=origin, asked_at=asked_at)

    def _rank(self) -> tuple[object, ...]:
        used, model = self.used, self.used.tariff.model
        billed = not (used.tariff.free or used.cost == 0)
        tokens, place = sum(one.tokens.total for one in self.calls()), _plain(self.place)
        return -tokens, model == UNKNOWN_MODEL, billed, self.at, place, model, used.tokens


class ToolCall(msgspec.Struct, gc=False):
    """One tool call with a result."""

    at: int
    place: Place
    call: str
    tool: str
    side: bool
    done: Outcome
    message: str | None = None
    turn: str | None = None
    """As in a request."""
    started: tuple[str | None, str | None] = (None, None)
    """The id and type of the subagent it started."""

    @property
    def key(self) -> "CallKey":
        """Its identity."""
        return self.call, self.message, self.turn

    def joined(self, other: "ToolCall") -> "ToolCall":
        """The account of the original, else the earlier one."""
        return min(self, other, key=ToolCall._rank)

    def _rank(self) -> tuple[object, ...]:
        started = tuple(part or "" for part in self.started)
        return self.side, self.at, _plain(self.place), self.tool, self.done, started


class Event(msgspec.Struct, gc=False):
    """Something the log only mentions."""

    at: int
    place: Place
    """Only its session is known."""
    event: str
    kind: str
    tokens: int | None = None
    text: str | None = None
    """The title of a session."""

    def joined(self, other: "Event") -> "Event":
        """The earlier account."""
        return min(self, other, key=Event._rank)

    def _rank(self) -> tuple[object, ...]:
        tokens, text = self.tokens, self.text
        return self.at, _plain(self.place), tokens is None, tokens, text is None, text


class Session(msgspec.Struct, gc=False):
    """One session, from its first to its last prompt or answer."""

    started_at: int
    ended_at: int
    place: Place
    kind: str | None = None
    """What its file shows; see `KINDS`."""
    continues: str | None = None
    """The session it continues."""

    @property
    def at(self) -> int:
        """When it started."""
        return self.started_at

    def joined(self, other: "Session") -> "Session":
        """From the earlier start to the later end."""
        first = min(self, other, key=lambda s: (s.started_at, _plain(s.place), s.kind or ""))
        end = max(self.ended_at, other.ended_at)
        continues = min(filter(None, (self.continues, other.continues)), default=None)
        if (first.ended_at, first.continues) == (end, continues):
            return first
        return msgspec.structs.replace(first, ended_at=end, continues=continues)


Dated = LoggedRequest | ToolCall | Event
Fact = Dated | Session

RequestKey = tuple[str | None, str | None, str | None]
CallKey = tuple[str, str | None, str | None]


def put(facts: dict[Any, Any], key: object, fact: Any) -> None:
    """Add one account of a fact to the known ones."""
    known = facts.get(key)
    facts[key] = fact if known is None else known.joined(fact)


def _plain(place: Place) -> tuple[str, ...]:
    return tuple(part or "" for part in place)
