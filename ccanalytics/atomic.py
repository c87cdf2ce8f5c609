"""A set of files, written aside -> all of them in place or none, even if killed halfway.

    root/.tmp/write-1a2b/   being written; never read
            │ rename: from here on the set counts as written
    root/.tmp/commit/       complete; its files are being renamed into place
            │
    root/...                in place
    root/.tmp/read-3c4d/    links to a fixed set of files for a long-running reader

One process at a time writes, under `write.lock`; it moves files under `lock`, which readers share.
A lock ends with its process. The next holder that finds a `commit` finishes it first,
so a crash leaves the old files or the new, never a mixture.
"""

import atexit
import contextlib
import errno
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ccanalytics.errors import StoreError

log = logging.getLogger(__name__)

ASIDE = ".cca-writing-"
"""Prefix of files being written, and of folders for them."""

_NO_ACCESS = (errno.EACCES, errno.EPERM, errno.EROFS)

if sys.platform == "win32":
    import msvcrt

    def _take_lock(handle: int, *, shared: bool = False, wait: bool = True) -> None:
        msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take_lock(handle: int, *, shared: bool = False, wait: bool = True) -> None:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(handle, kind | (0 if wait else fcntl.LOCK_NB))


def write_text(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write `text` to a file next to `path` and rename it: readers see the old file or the new."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=ASIDE)
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


def private(path: Any, flags: int) -> int:
    """For `open(..., opener=private)`: a new file is readable and writable by its owner only."""
    return os.open(path, flags, 0o600)


def make_private(folder: Path) -> None:
    """Create a folder and its parents, accessible to their owner only."""
    for parent in reversed((folder, *folder.parents)):
        if not parent.exists():
            parent.mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def own_folder(prefix: str) -> Iterator[Path]:
    """A private temporary folder; those that killed processes left are removed.

    A folder without a lock is not one of them, whatever its name, and is left alone.
    """
    for lock in Path(tempfile.gettempdir()).glob(f"{prefix}*/lock"):
        with contextlib.suppress(OSError):  # of another user, or of a process that lives
            _remove_unlocked(lock.parent)
    new = Path(tempfile.mkdtemp(prefix=f"new-{prefix}"))
    with _held(_open_lock(new / "lock")):
        # Only now does it have the name of those that are removed.
        folder = new.rename(new.with_name(new.name.removeprefix("new-")))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_unlocked(folder: Path) -> None:
    with _held(_open_lock(folder / "lock"), wait=False):
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold `lock`, a file created for it; others who ask for it wait."""
    with _held(_open_lock(lock)):
        yield


class AtomicFolder:
    """A folder in which sets of files are replaced atomically, by many processes and threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._aside = root / ".tmp"
        self._commit = self._aside / "commit"

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """While this is open no file is moved, and all files belong to complete sets."""
        while self.root.is_dir():
            with self._shared():
                # Under the lock, a commit can only be left over from a crash.
                if not self._commit.exists():
                    yield
                    return
            with self.writing():  # finishes it
                pass
        yield

    @contextlib.contextmanager
    def writing(self) -> Iterator[Path]:
        """A new folder for a set of files, laid out as under the root.

        There is one writer at a time; reading continues. Leftovers of dead writers are removed.
        """
        with self.alone("write.lock"):
            if self._commit.exists():
                with self.alone("lock"):
                    self._finish()
            for stray in self._aside.glob("write-*"):
                shutil.rmtree(stray, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix="write-", dir=self._aside))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def alone(self, lock: str, *, waiting: str = "") -> Iterator[None]:
        """Hold the lock of one kind of work; reading continues.

        `waiting` is logged when somebody else does it, and has to be waited for.
        """
        try:
            make_private(self._aside)
            handle = _open_lock(self._aside / lock)
        except OSError as error:
            raise StoreError(f"{self.root} cannot be written to: {error.strerror}.") from error
        with _held(handle, waiting=waiting):
            yield

    def commit(self, folder: Path) -> None:
        """Move the files of `folder`, which `writing` gave, into place."""
        files = _files(folder)
        for path in files:
            path.chmod(0o600)
        for path in [*files, *{path.parent for path in files}]:
            _flush(path)
        with self.alone("lock"):
            os.rename(folder, self._commit)
            _flush(self._aside)
            self._finish()
            # Links of dead processes; under the lock nobody is creating any.
            for links in self._aside.glob("read-*"):
                with contextlib.suppress(OSError):
                    _remove_unlocked(links)

    def pin(self, paths: Iterable[Path]) -> Path:
        """A folder, laid out as the root, in which these files stay as they are until this process
        ends; the root itself where there can be no links. Only while `reading`.
        """
        try:
            folder = Path(tempfile.mkdtemp(prefix="read-", dir=self._aside))
            _take_lock(_open_lock(folder / "lock"))  # held, as never closed, by this process
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            for path in paths:
                link = folder / path.relative_to(self.root)
                make_private(link.parent)
                os.link(path, link)
        except OSError as error:
            if error.errno not in (*_NO_ACCESS, errno.ENOTSUP, errno.EMLINK, errno.ENOENT):
                raise
            return self.root
        return folder

    def _finish(self) -> None:
        """Move what is in `commit`."""
        folders = set()
        for path in sorted(_files(self._commit)):
            target = self.root / path.relative_to(self._commit)
            make_private(target.parent)
            os.replace(path, target)
            folders.add(target.parent)
        for folder in folders:
            _flush(folder)
        shutil.rmtree(self._commit)

    @contextlib.contextmanager
    def _shared(self) -> Iterator[None]:
        """The lock that readers share; none where nobody can write and nobody ever did."""
        path = self._aside / "lock"
        try:
            make_private(self._aside)
            handle = _open_lock(path)
        except OSError as error:
            if error.errno not in _NO_ACCESS:
                raise
            handle = os.open(path if path.exists() else os.devnull, os.O_RDONLY)
        with _held(handle, shared=True):
            yield


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


@contextlib.contextmanager
def _held(
    handle: int, *, shared: bool = False, wait: bool = True, waiting: str = ""
) -> Iterator[None]:
    """While this is open the lock is ours; `waiting` is logged when it has to be waited for."""
    try:
        try:
            _take_lock(handle, shared=shared, wait=wait and not waiting)
        except OSError:
            if not waiting:
                raise
            log.warning("%s", waiting)
            _take_lock(handle, shared=shared)
        yield
    finally:
        os.close(handle)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _flush(path: Path) -> None:
    """Flush a file, or the entries of a folder, which Windows flushes by itself."""
    is_folder = path.is_dir()
    if is_folder and sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
