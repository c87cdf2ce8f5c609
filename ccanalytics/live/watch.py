"""Folders, files and the clock -> a stamp that differs after any change."""

import os
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

_NO_SESSIONS = "tool-results"
"""Claude Code keeps tool outputs there; one may be a copy of a log."""

Mark = tuple[int, int, int]


class Stamp(NamedTuple):
    """Changes when a file was added, removed or written, and with every hour of this machine and
    day of UTC: the page says what was used in them."""

    time: tuple[datetime, date]
    logs: list[Mark]
    """A mark of each log below the folders."""
    single: list[Mark | None]


def stamp_of(folders: Iterable[Path], files: Iterable[Path] = ()) -> Stamp:
    """The state of all logs anywhere below `folders`, and of single `files`."""
    logs = []
    for root in folders:
        for folder, inside, names in os.walk(root):
            inside[:] = [name for name in inside if name != _NO_SESSIONS]
            logs += [_mark(Path(folder, name)) for name in names if name.endswith(".jsonl")]
    hour = datetime.now().replace(minute=0, second=0, microsecond=0)
    today = datetime.now(UTC).date()
    return Stamp((hour, today), sorted(mark for mark in logs if mark), [*map(_mark, files)])


def _mark(path: Path) -> Mark | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns
