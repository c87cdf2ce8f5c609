"""How far each session log was read, so that the next reading continues there.

An index is only valid for the code that wrote it: with other rules or prices everything is
read again. It holds no text of a log, only positions of what is open at the end of a file.
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
"""Bytes before the read position by which a file is recognised."""


class Spot(NamedTuple):
    """The position of a line with one half of a tool call."""

    path: str
    offset: int
    project: str | None = None
    turn: str | None = None
    """The prompt of a call, known only from the lines before it."""


OpenSpots = dict[tuple[str, str], Spot]
"""By session and id of the call."""


class Given(msgspec.Struct, gc=False):
    """An answer with both ids, which another answer may repeat."""

    ids: tuple[str, str]
    into: int
    at: int


class Conversation(msgspec.Struct, gc=False):
    """How far a conversation of a file was read."""

    prompt: str
    prompted_at: int
    asked_at: int
    """The time of the last prompt or tool result."""
    given: Given | None = None
    """The last answer whose ids no earlier answer has."""


class ReadFile(msgspec.Struct, frozen=True, gc=False):
    """How far a file was read: `end` is after its last complete line."""

    size: int
    written_at: int
    end: int = 0
    tail: int = 0
    at: int | None = None
    """The last time in it so far."""
    conversations: dict[str, Conversation] = {}
    """How far each conversation in it was read."""
    project: str | None = None
    """The folder it started in: subfolders belong to the same project."""

    def goes_on(self, before: bytes) -> bool:
        """Whether the file is unchanged before `end`."""
        return len(before) == min(TAIL, self.end) and crc32(before) == self.tail


def written_at(stat: os.stat_result) -> int:
    """When a file was last written; a program can reset one of the two times."""
    return max(stat.st_mtime_ns, stat.st_ctime_ns)


class LogIndex(msgspec.Struct):
    """Every file that was read, and the tool calls with one half missing."""

    files: dict[str, ReadFile] = {}
    open_calls: OpenSpots = {}
    open_results: OpenSpots = {}
    models: dict[str, str] = {}
    """The model aliases when the files were read."""

    def without(self, paths: Iterable[str]) -> "LogIndex":
        """The index without these files."""
        gone = set(paths)
        return LogIndex(
            {path: file for path, file in self.files.items() if path not in gone},
            {name: spot for name, spot in self.open_calls.items() if spot.path not in gone},
            {name: spot for name, spot in self.open_results.items() if spot.path not in gone},
            self.models,
        )


@cache
def code_version() -> str:
    """A digest of the rules and prices."""
    folder, prices = Path(__file__).parent, find_spec("genai_prices")
    files = [*sorted(folder.glob("*.py")), folder.parent / "prices.py"]
    if prices and prices.origin:
        files.append(Path(prices.origin).with_name("data.py"))
    return hashlib.blake2b(b"".join(map(Path.read_bytes, files)), digest_size=8).hexdigest()
