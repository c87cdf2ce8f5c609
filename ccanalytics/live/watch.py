"""Folders and files -> a stamp that differs after any change."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_NO_SESSIONS = "tool-results"
"""Claude Code keeps tool outputs there; one may be a copy of a log."""

Stamp = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Watched:
    """Watches files of one extension anywhere below `folders`, and single `files`."""

    folders: tuple[Path, ...] = ()
    suffix: str = ""
    files: tuple[Path, ...] = ()

    def found(self) -> Iterator[os.stat_result]:
        """The state of each file below the folders."""
        for root in self.folders:
            for folder, below, names in os.walk(root):
                below[:] = [name for name in below if name != _NO_SESSIONS]
                for name in names:
                    if name.endswith(self.suffix) and (state := _state(Path(folder, name))):
                        yield state

    def count(self) -> int:
        """The number of files below the folders."""
        return sum(1 for _ in self.found())

    def stamp(self) -> Stamp:
        """Changes when a file was added, removed or written, and on another UTC day."""
        below = sorted(map(_mark, self.found()))
        single = [(n, *_mark(s)) for n, file in enumerate(self.files) if (s := _state(file))]
        return (datetime.now(UTC).toordinal(),), *below, *single


def _mark(state: os.stat_result) -> tuple[int, ...]:
    return state.st_ino, state.st_size, state.st_mtime_ns


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
