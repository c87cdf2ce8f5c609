"""Folders, files and the clock -> a stamp that differs after any change."""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

_NO_SESSIONS = "tool-results"
"""Claude Code keeps tool outputs there; one may be a copy of a log."""

Stamp = tuple[object, ...]


def stamp_of(folders: Iterable[Path], files: Iterable[Path] = ()) -> tuple[Stamp, int]:
    """The state of the logs anywhere below `folders` and of single `files`; and how many logs.

    It changes when one was added, removed or written, and with every hour of this machine and
    day of UTC: the page says what was used in them.
    """
    logs: list[str] = []
    for root in folders:
        for folder, inside, names in os.walk(root):
            inside[:] = [name for name in inside if name != _NO_SESSIONS]
            logs += [os.path.join(folder, name) for name in names if name.endswith(".jsonl")]
    hour = datetime.now().replace(minute=0, second=0, microsecond=0)
    stamp: list[object] = [hour, datetime.now(UTC).date()]
    for path in (*sorted(logs), *map(str, files)):
        with suppress(OSError):
            state = os.stat(path)
            stamp.append((path, state.st_ino, state.st_size, state.st_mtime_ns))
    return tuple(stamp), len(logs)
