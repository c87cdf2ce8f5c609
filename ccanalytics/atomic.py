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
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

log = logging.getLogger(__name__)

ASIDE = ".cca-writing-"  # prefix of files being written, and of folders for them


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


def make_private(folder: Path) -> None:
    """Create a folder and its parents, accessible to their owner only."""
    for parent in reversed((folder, *folder.parents)):
        if not parent.exists():
            parent.mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def alone(
    lock: Path, *, waiting: str = "", shared: bool = False, wait: bool = True
) -> Iterator[None]:
    """Hold `lock`, a file created for it; others who ask for it wait, and log `waiting`.

    Those who hold it `shared` hold it together. Without `wait` it is an `OSError` that it is held.
    """
    try:
        make_private(lock.parent)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        if not shared:
            raise
        # Nobody can write here, and perhaps nobody ever did.
        handle = os.open(lock if lock.exists() else os.devnull, os.O_RDONLY)
    try:
        try:
            _take(handle, shared=shared, wait=False)
        except OSError:
            if not wait:
                raise
            if waiting:
                log.warning("%s", waiting)
            _take(handle, shared=shared, wait=True)
        yield
    finally:
        os.close(handle)


def _take(handle: int, *, shared: bool, wait: bool) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(handle, kind | (0 if wait else fcntl.LOCK_NB))


class AtomicFolder:
    """A folder in which sets of files are replaced atomically, by many processes and threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.aside = root / ".tmp"
        self._lock, self._commit = self.aside / "lock", self.aside / "commit"

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """While this is open no file is moved, and all files belong to complete sets."""
        while self.root.is_dir():
            with alone(self._lock, shared=True):
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
        with alone(self.aside / "write.lock"):
            if self._commit.exists():
                with alone(self._lock):
                    self._finish()
            for stray in self.aside.glob("write-*"):
                shutil.rmtree(stray, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix="write-", dir=self.aside))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def commit(self, folder: Path) -> None:
        """Move the files of `folder`, which `writing` gave, into place."""
        files = _files(folder)
        for path in files:
            path.chmod(0o600)
        for path in [*files, *{path.parent for path in files}]:
            _flush(path)
        with alone(self._lock):
            os.rename(folder, self._commit)
            _flush(self.aside)
            self._finish()
            for links in self.aside.glob("read-*"):
                # Those of a dead process: its lock has ended with it.
                with contextlib.suppress(OSError), alone(links / "lock", wait=False):
                    shutil.rmtree(links, ignore_errors=True)

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

    def pin(self, paths: Iterable[Path]) -> Path:
        """A folder, laid out as the root, in which these files stay as they are until this process
        ends; the root itself where links cannot be made. Only while `reading`.
        """
        opened = contextlib.ExitStack()
        atexit.register(opened.close)
        try:
            # No writer looks at it before it is locked: it would have to wait for this reader.
            folder = Path(tempfile.mkdtemp(prefix="read-", dir=self.aside))
            opened.callback(shutil.rmtree, folder, ignore_errors=True)
            opened.enter_context(alone(folder / "lock"))
            for path in paths:
                link = folder / path.relative_to(self.root)
                make_private(link.parent)
                os.link(path, link)
        except OSError:
            return self.root
        return folder


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
