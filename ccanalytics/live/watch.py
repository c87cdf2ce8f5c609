"""Folders and files -> a sign of life whenever one of them has changed."""

import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
from watchfiles import Change, awatch

log = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between looks at single files, at folders that are not there yet, and at the date."""

QUIET, LONGEST = 50, 400
"""Milliseconds without a change after which it is told, and the longest a burst is held back."""

_NO_SESSIONS = "tool-results"
"""Claude Code keeps outputs of tools there; one may be a copy of somebody's log."""

Marks = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Watched:
    """What is watched: files of one ending anywhere below `folders`, and single `files`."""

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
        """How many files there are below the folders."""
        return sum(1 for _ in self.found())

    def stamp(self) -> tuple[int, int, int]:
        """Another value when a file below the folders was added, removed or written to."""
        states = [(one.st_size, one.st_mtime_ns) for one in self.found()]
        return len(states), sum(size for size, _ in states), max((t for _, t in states), default=0)

    def roots(self) -> Marks:
        """Which of the folders there are; one made anew is another one."""
        states = [(at, _state(folder)) for at, folder in enumerate(self.folders)]
        return tuple((at, state.st_dev, state.st_ino) for at, state in states if state)

    def marks(self) -> Marks:
        """Another value when a single file has changed, or the UTC day."""
        states = [(at, _state(file)) for at, file in enumerate(self.files)]
        day = datetime.now(UTC).toordinal()
        return (day,), *((at, s.st_ino, s.st_size, s.st_mtime_ns) for at, s in states if s)


async def changes(watched: Watched) -> AsyncIterator[None]:
    """Once for each burst of changes, soon after its end; never ends by itself."""
    marks, stamp = watched.marks(), watched.stamp()
    while True:
        roots = watched.roots()
        begun = False
        async with aclosing(_signs(watched, roots)) as signs:
            async for sign in signs:
                # Between the first look and the start of the watch something may have happened.
                missed = not begun and watched.stamp() != stamp
                begun = True
                before, marks = marks, watched.marks()
                moved = watched.roots() != roots
                if moved:
                    stamp = watched.stamp()
                if sign or missed or moved or marks != before:
                    yield
                if moved:
                    break


async def _signs(watched: Watched, roots: Marks) -> AsyncGenerator[bool]:
    """True for a burst of changes below the folders there are, False each tick without one."""
    there = [watched.folders[at] for at, *_ in roots]

    def wanted(change: Change, path: str) -> bool:
        # A folder may have got its first file before it was watched itself.
        appeared = change == Change.added and os.path.isdir(path)
        aside = f"{os.sep}{_NO_SESSIONS}{os.sep}" in path
        return not aside and (path.endswith(watched.suffix) or appeared)

    polling = False
    while there:
        try:
            async for found in awatch(
                *there,
                watch_filter=wanted,
                step=QUIET,
                debounce=LONGEST,
                rust_timeout=int(TICK * 1000),
                yield_on_timeout=True,
                force_polling=polling or None,
                poll_delay_ms=int(TICK * 1000),
            ):
                yield bool(found)
        except FileNotFoundError:
            await anyio.sleep(TICK)  # gone in this moment; the next look says so
            yield False
        except OSError as error:
            if polling:
                raise
            log.warning("Folders cannot be watched (%s); they are looked through instead.", error)
            polling = True
    while True:
        await anyio.sleep(TICK)
        yield False


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
