"""Claude Code's session logs on this machine.

    files ── log_reader ─▶ Facts ── log_frames ─▶ frames ── log_sync ─▶ days in the store

Counts follow the Analytics API. Logs do not hold who it was
(the actor is always `local`), and requests without a log line, such as titles and summaries. Before
April 2026 most answers were logged with a placeholder for their output tokens, so output and cost
are then a lower bound; the column `final` of requests says which are.

The log folders are only ever read.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ccanalytics.errors import SettingsError
from ccanalytics.logs.log_reader import Ledger, LogReader
from ccanalytics.prices import has_price
from ccanalytics.settings import read_settings
from ccanalytics.sources.registry import Access, Source

log = logging.getLogger(__name__)


class LocalLogs(Source):
    """The session logs of some folders.

    `folders` are Claude Code configuration folders (`~/.claude`) or any folders with session
    files below them. When none of them has logs that is a `SettingsError`; with `may_be_gone` it is
    kept as `missing`, for a store that has what the logs once held. `models` says which model an id
    of a gateway stands for.
    """

    name = "local"

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        may_be_gone: bool = False,
        models: Mapping[str, str] | None = None,
    ) -> None:
        if not folders:
            raise SettingsError("No log folder given: name one with --logs DIR.")
        self.folders = sorted({Path(folder).resolve() for folder in folders})
        self.models = dict(models or {})
        for name, model in self.models.items():
            if not has_price(model):
                raise SettingsError(
                    f"The setting models says that {name!r} is {model!r}, a model without a known "
                    "price: name it as Anthropic does, such as claude-opus-4-6."
                )
        self._unreadable: Counter[str] = Counter()
        self._files, self.missing = _log_files(self.folders, self._unreadable)
        if self.missing and not may_be_gone:
            raise SettingsError(self.missing)

    def news(self, ledger: Ledger | None = None) -> LogReader:
        """What is new in the files since the `ledger`; unchanged files are not opened."""
        reader = LogReader(ledger or Ledger(), self.models, self._unreadable)
        for path in self._files:
            reader.read(path)
        for text in reader.warnings():
            log.warning(text)
        return reader


def log_folders(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Where Claude Code keeps its logs: `$CLAUDE_CONFIG_DIR`, or its default folders.

    The variable may name several folders, separated by commas. Without it, and without any log
    so far, the usual folder is returned anyway, so that an error can name it.
    """
    named = [part.strip() for part in environ.get("CLAUDE_CONFIG_DIR", "").split(",")]
    if any(named):
        return [Path(part).expanduser() for part in named if part]
    config = environ.get("XDG_CONFIG_HOME") or home / ".config"
    usual = [home / ".claude", Path(config) / "claude"]
    return [folder for folder in usual if (folder / "projects").is_dir()] or usual[:1]


def _log_files(folders: Sequence[Path], unreadable: Counter[str]) -> tuple[list[str], str]:
    """The session files of all folders, and why there are none; empty when there are some.

    Unreadable ones are counted by reason. The order of the files does not depend on the
    folders' names.
    """
    found: list[tuple[str, str]] = []
    missing = []
    for folder in folders:
        root = _root(folder)
        if not folder.is_dir():
            missing.append(
                f"The log folder {folder} does not exist: set CLAUDE_CONFIG_DIR, or name a folder "
                "with --logs DIR."
            )
            continue
        files = [(path.removeprefix(root), path) for path in _walk(root, unreadable)]
        if not files:
            missing.append(
                f"The log folder {folder} holds no session logs (projects/*/*.jsonl): has Claude "
                "Code been used here, with logs not switched off? Or name a folder with --logs DIR."
            )
        found += files
    if not found:
        return [], missing[-1]
    for text in missing:
        log.warning(text)
    return [path for _, path in sorted(found)], ""


def _root(folder: Path) -> str:
    return str(folder / "projects" if (folder / "projects").is_dir() else folder)


def _walk(root: str, unreadable: Counter[str]) -> Iterator[str]:
    def note(error: OSError) -> None:
        log.warning("Cannot read %s: %s", error.filename, error.strerror)
        unreadable[str(error.strerror)] += 1

    seen: set[str] = set()
    for folder, below, names in os.walk(root, followlinks=True, onerror=note):
        real = os.path.realpath(folder)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        # Tool outputs are kept next to the sessions; one may be a copy of a log.
        below[:] = [name for name in below if name != "tool-results"]
        for path in (os.path.join(folder, name) for name in names if name.endswith(".jsonl")):
            if path == path.encode("utf-8", "replace").decode():
                yield path
            else:
                note(OSError(None, "Its name is no text", ascii(path)))


def opened(access: Access) -> LocalLogs:
    """The logs of the given folders, or of Claude Code's default folders."""
    folders = access.folders or log_folders(access.environ, Path.home())
    models = read_settings(access.environ, Path.cwd()).models
    return LocalLogs(folders, may_be_gone=True, models=models)


def followed_folders(access: Access) -> list[Path]:
    """The folders in which session files are written."""
    folders = access.folders or log_folders(access.environ, Path.home())
    return [Path(_root(folder)).absolute() for folder in map(Path, folders)]
