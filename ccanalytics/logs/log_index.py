"""How far each session log was read, so that the next reading goes on from there.

An index is only good for the code that wrote it: with other rules or prices everything is to be
read again. It holds no text of a log; of what is open at the end of a file it has the place.
"""

import hashlib
import os
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import msgspec

TAIL = 64
"""Bytes before the end of what was read by which a file is known again."""


class Spot(NamedTuple):
    """Where a line with one half of a tool call begins."""

    path: str
    offset: int
    project: str | None = None
    turn: str | None = None
    """That of a call, which only the lines before it say."""


OpenSpots = dict[tuple[str, str], Spot]
"""By session and id of the call."""


class Given(msgspec.Struct, gc=False):
    """An answer that has both ids: they may come again with another answer."""

    ids: tuple[str, str]
    into: int
    at: int


class Conversation(msgspec.Struct, gc=False):
    """How far a conversation of a file has come."""

    prompt: str
    prompted_at: int
    asked_at: int
    """The moment of the last prompt or tool result."""
    given: Given | None = None
    """The last answer with ids that no answer before it has."""


class ReadFile(msgspec.Struct, frozen=True, gc=False):
    """How far a file was read: `end` is behind its last whole line."""

    size: int
    written_at: int
    end: int = 0
    tail: int = 0
    at: int | None = None
    """The last moment in it so far."""
    conversations: dict[str, Conversation] = {}
    """How far each conversation in it has come."""
    project: str | None = None
    """Where it began: what is done in a folder below is of the same project."""

    def goes_on(self, before: bytes) -> bool:
        """Whether what stands before the end is what was read there."""
        return len(before) == min(TAIL, self.end) and crc32(before) == self.tail


def written_at(stat: os.stat_result) -> int:
    """When a file was written last; programs that change it may put back the one of two moments."""
    return max(stat.st_mtime_ns, stat.st_ctime_ns)


class LogIndex(msgspec.Struct):
    """Every file that was read, and the tool calls of which only one half was found."""

    files: dict[str, ReadFile] = {}
    open_calls: OpenSpots = {}
    open_results: OpenSpots = {}
    models: dict[str, str] = {}
    """The models that ids stood for when they were read."""

    def without(self, paths: Iterable[str]) -> "LogIndex":
        """As if these files had never been read."""
        gone = set(paths)
        return LogIndex(
            {path: file for path, file in self.files.items() if path not in gone},
            {name: spot for name, spot in self.open_calls.items() if spot.path not in gone},
            {name: spot for name, spot in self.open_results.items() if spot.path not in gone},
            self.models,
        )


@cache
def code_version() -> str:
    """The same for the same rules and prices."""
    folder, prices = Path(__file__).parent, find_spec("genai_prices")
    files = [*sorted(folder.glob("*.py")), folder.parent / "prices.py"]
    if prices and prices.origin:
        files.append(Path(prices.origin).with_name("data.py"))
    return hashlib.blake2b(b"".join(map(Path.read_bytes, files)), digest_size=8).hexdigest()
