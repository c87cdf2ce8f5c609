"""Which session logs were read, so that the next reading only opens new and changed files.

An index is only valid for the code that wrote it: with other rules or prices everything is
read again. It holds no text of a log.
"""

import hashlib
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgspec

HalfKey = tuple[str, str]
"""The session and the id of a tool call, which may be another call's in another session."""


class ReadFile(msgspec.Struct, frozen=True, gc=False):
    """A file when it was last read."""

    size: int
    written_at: int
    project: str | None = None
    """The folder it started in: subfolders belong to the same project."""
    open: frozenset[HalfKey] = frozenset()
    """The tool calls of which it has one half: another file may have the other one."""

    def is_like(self, stat: os.stat_result) -> bool:
        """Whether nothing was written since."""
        return (self.size, self.written_at) == (stat.st_size, written_at(stat))


def written_at(stat: os.stat_result) -> int:
    """When a file was last written; a program can reset one of the two times."""
    return max(stat.st_mtime_ns, stat.st_ctime_ns)


class LogIndex(msgspec.Struct):
    """Every file that was read."""

    files: dict[str, ReadFile] = {}
    models: dict[str, str] = {}
    """The model aliases when the files were read."""


@cache
def code_version() -> str:
    """A digest of the rules and prices."""
    folder, prices = Path(__file__).parent, find_spec("genai_prices")
    files = [*sorted(folder.glob("*.py")), folder.parent / "prices.py"]
    if prices and prices.origin:
        files.append(Path(prices.origin).with_name("data.py"))
    return hashlib.blake2b(b"".join(map(Path.read_bytes, files)), digest_size=8).hexdigest()
