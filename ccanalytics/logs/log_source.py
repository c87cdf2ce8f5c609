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
    files below them; `missing` says that none of them has any. `models` says which model an id of
    a gateway stands for.
    """

    name = "local"

    def __init__(self, folders: Sequence[Path], models: Mapping[str, str] | None = None) -> None:
        self.folders = sorted({Path(folder).resolve() for folder in folders})
        self.models = dict(models or {})
        for name, model in self.models.items():
            if not has_price(model):
                raise SettingsError(
                    f"The setting models says that {name!r} is {model!r}, a model without a known "
                    "price: name it as Anthropic does, such as claude-opus-4-6."
                )
        self._unreadable: Counter[str] = Counter()
        files = {folder: list(_walk(_root(folder), self._unreadable)) for folder in self.folders}
        # A session before the subagents in a folder of its name: they belong to its project.
        self._files = sorted(path for paths in files.values() for path in paths)
        self.missing = ""
        for folder in (folder for folder, paths in files.items() if not paths):
            has = (
                "holds no session logs (projects/*/*.jsonl)"
                if folder.is_dir()
                else "does not exist"
            )
            text = (
                f"The log folder {folder} {has}: set CLAUDE_CONFIG_DIR, or name it with --logs DIR."
            )
            if self._files:
                log.warning(text)
            else:
                self.missing = text

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
    return LocalLogs(folders, read_settings(access.environ, Path.cwd()).models)


def followed_folders(access: Access) -> list[Path]:
    """The folders in which session files are written."""
    folders = access.folders or log_folders(access.environ, Path.home())
    return [Path(_root(Path(folder))).absolute() for folder in folders]
