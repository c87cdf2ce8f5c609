"""A set of files, written aside -> all of them in place, or none, whatever is killed when.

    root/.tmp/write-1a2b/   being written; nobody looks here
            │ rename: from here on the set counts as written
    root/.tmp/commit/       complete; its files are moved to their places, one rename each
            │
    root/...                in place

The commit is done under a lock that dies with its process. Whoever takes the lock next and still
finds a `commit` finishes it first, so a crash leaves the old files or the new, never a mixture.
"""

import contextlib
import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ccanalytics.errors import StoreError

STALE_SECONDS = 24 * 3600
"""How much older than ours an unfinished write is when its process must be dead."""

if sys.platform == "win32":
    import msvcrt

    def _take_lock(file: IO[bytes], *, shared: bool) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _take_lock(file: IO[bytes], *, shared: bool) -> None:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)


def write_text(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write `text` to a file next to `path` and rename it: readers see the old file or the new."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    aside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(mode)
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """While this is open nobody else who asks for the same `lock`, a file made for it, goes on."""
    with lock.open("ab") as file:
        _take_lock(file, shared=False)
        yield


class AtomicFolder:
    """A folder whose files are replaced several at a time, by many processes and threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._aside = root / ".tmp"
        self._commit = self._aside / "commit"

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """While this is open no file is moved, and all files are of whole sets."""
        while self.root.is_dir():
            with self._locked(shared=True) as may_write:
                # Under the lock a commit can only be what a crash left.
                if not (self._commit.exists() and may_write):
                    yield
                    return
            with self.writing():
                pass
        yield

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """While this is open nobody else reads or writes."""
        self._aside.mkdir(parents=True, exist_ok=True)
        with self._locked(shared=False) as may_write:
            if not may_write:
                raise StoreError(f"The folder {self.root} cannot be written to.")
            if self._commit.exists():
                self._finish()
            yield

    @contextlib.contextmanager
    def alone(self, work: str) -> Iterator[None]:
        """While this is open nobody else does the same work; reading goes on."""
        self._aside.mkdir(parents=True, exist_ok=True)
        with self._locked(shared=False, name=f"{work}.lock") as may_write:
            if not may_write:
                raise StoreError(f"The store {self.root} cannot be written to.")
            yield

    @contextlib.contextmanager
    def aside(self) -> Iterator[Path]:
        """A new folder to write a set of files in, laid out as under the root."""
        self._aside.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="write-", dir=self._aside))
        self._clear_stale(folder.stat().st_mtime - STALE_SECONDS)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def commit(self, folder: Path) -> None:
        """Move the files of `folder`, which is `aside`, to their places; only while `writing`."""
        for path in _files(folder):
            _flush(path)
        for below in sorted({path.parent for path in _files(folder)}):
            _flush_folder(below)
        os.rename(folder, self._commit)
        _flush_folder(self._aside)
        self._finish()

    def _finish(self) -> None:
        """Move what is in `commit`; last what comes first in the alphabet, so `activity`."""
        folders = set()
        for path in sorted(_files(self._commit), reverse=True):
            target = self.root / path.relative_to(self._commit)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)
            folders.add(target.parent)
        for folder in folders:
            _flush_folder(folder)
        shutil.rmtree(self._commit)

    @contextlib.contextmanager
    def _locked(self, *, shared: bool, name: str = "lock") -> Iterator[bool]:
        """Whether the lock could be had: in a folder one may only read there is none to take."""
        try:
            self._aside.mkdir(exist_ok=True)
            file = (self._aside / name).open("ab")
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            yield False
            return
        with file:
            _take_lock(file, shared=shared)
            yield True

    def _clear_stale(self, before: float) -> None:
        for folder in self._aside.glob("write-*"):
            with contextlib.suppress(FileNotFoundError):
                if folder.stat().st_mtime < before:
                    shutil.rmtree(folder, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _flush(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if sys.platform != "win32":  # Windows flushes a folder's entries by itself
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
