"""Folders and files -> a stamp that differs after any change."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

TICK = 1.0
"""The shortest time between two scans in seconds."""

SHARE = 20
"""After a scan, wait this many times its processor time."""

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


async def changes(watched: Watched) -> AsyncIterator[None]:
    """Once for each look that finds something changed; never ends by itself."""
    before, took = await asyncio.to_thread(_look, watched)
    while True:
        await asyncio.sleep(max(TICK, SHARE * took))
        stamp, took = await asyncio.to_thread(_look, watched)
        if stamp != before:
            before = stamp
            yield


def _look(watched: Watched) -> tuple[Stamp, float]:
    """The stamp, and the processor time it took in seconds."""
    begun = time.thread_time()
    stamp = watched.stamp()
    return stamp, time.thread_time() - begun


def _mark(state: os.stat_result) -> tuple[int, ...]:
    return state.st_ino, state.st_size, state.st_mtime_ns


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
