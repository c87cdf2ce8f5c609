"""Folders, files and the clock -> a stamp that differs after any change."""

import os
from dataclasses import dataclass
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
    below: list[Mark]
    """A mark of each file below the folders."""
    single: list[Mark | None]


@dataclass(frozen=True)
class Watched:
    """Watches files of one extension anywhere below `folders`, and single `files`."""

    folders: tuple[Path, ...] = ()
    suffix: str = ""
    files: tuple[Path, ...] = ()

    def stamp(self) -> Stamp:
        """The state of all files."""
        below = []
        for root in self.folders:
            for folder, inside, names in os.walk(root):
                inside[:] = [name for name in inside if name != _NO_SESSIONS]
                below += [_mark(Path(folder, name)) for name in names if name.endswith(self.suffix)]
        found = sorted(mark for mark in below if mark)
        return Stamp(_hour_and_day(), found, list(map(_mark, self.files)))


def _hour_and_day() -> tuple[datetime, date]:
    now = datetime.now()
    return now.replace(minute=0, second=0, microsecond=0), datetime.now(UTC).date()


def _mark(path: Path) -> Mark | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns
