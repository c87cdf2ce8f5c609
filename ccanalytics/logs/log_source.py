"""Claude Code's session logs on this machine.

    files ── LogReader, LogFile ─▶ Facts ── log_frames ─▶ frames ── log_sync ─▶ days in the store

Counts follow the Analytics API. Logs do not hold who it was
(the actor is always `local`), and requests without a log line, such as titles and summaries. Before
April 2026 most answers were logged with a placeholder for their output tokens, so output and cost
are then a lower bound; the column `final` of requests says which are.

The log folders are only ever read. A file is read as a whole, and again when it has changed: no
text but a session's title is kept.
"""

import gc
import hashlib
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from stat import S_ISREG

import msgspec
import pyarrow.compute as pc

from ccanalytics.errors import SettingsError
from ccanalytics.frames.schemas import Frames
from ccanalytics.logs.log_facts import Row, accounts_of
from ccanalytics.logs.log_file import LogFile
from ccanalytics.logs.log_schemas import ACCOUNTS, IDS
from ccanalytics.prices import has_price
from ccanalytics.settings import read_settings
from ccanalytics.sources.registry import Access, Source
from ccanalytics.words import counted

log = logging.getLogger(__name__)


class Ledger(msgspec.Struct):
    """Which logs were read, and with which settings.

    Only valid for the code that wrote it: with other rules or prices everything is read again.
    """

    version: str = ""
    files: dict[str, tuple[int, int]] = {}
    """The size of each file, and when it was last written; a program can reset one of two times."""
    models: dict[str, str] = {}  # the aliases when the files were read


class LogReader:
    """The facts of the files read so far, which files these are, and what was wrong in them."""

    def __init__(self, ledger: Ledger, models: Mapping[str, str], unreadable: Counter[str]) -> None:
        self.rows: dict[str, list[Row]] = {name: [] for name in ACCOUNTS}
        self.accounts: Frames = {}  # the tables of the rows, once all files are read
        self.files: dict[str, tuple[int, int]] = {}
        self.models = ledger.models | dict(models)
        self.files_read = self.lines_read = 0
        self.unreadable_files = Counter(unreadable)  # files and folders, by reason
        self.faults = Counter[str]()  # dropped and repaired lines, by what was wrong
        self._known = ledger.files

    def read(self, path: str) -> None:
        """Read a file if it is new or changed; an unreadable one costs only itself."""
        if known := self._known.get(path):
            self.files[path] = known
        try:
            stat = os.stat(path)
            state = stat.st_size, max(stat.st_mtime_ns, stat.st_ctime_ns)
            if state == known:
                return
            if not S_ISREG(stat.st_mode):
                raise OSError(None, "It is not a file")
            # Not memory-mapped: truncating a mapped file would kill the process.
            data = Path(path).read_bytes()
        except OSError as error:
            log.warning("Cannot read %s: %s", path, error.strerror)
            self.unreadable_files[str(error.strerror)] += 1
            return
        self.files_read += 1
        LogFile(self, Path(path)).read(data)
        # What is written after `stat` is read again.
        self.files[path] = state

    def fault_texts(self) -> list[str]:
        """ "2 log lines dropped: not JSON" for each fault."""
        return [f"{counted(n, 'log line')} {fault}" for fault, n in sorted(self.faults.items())]

    def warnings(self) -> Iterator[str]:
        """What a person who reads the numbers needs to know."""
        if unpriced := Counter(self._unpriced_models()):
            models = ", ".join(f"{model} ({n})" for model, n in sorted(unpriced.items()))
            yield f"No price is known for {models}; the cost of these requests is null."
        yield from (f"{text}." for text in self.fault_texts())
        odd = sum(n for fault, n in self.faults.items() if fault.startswith("repaired"))
        if odd >= max(20, self.lines_read / 100):
            yield (
                "So many repaired lines mean that the log format may have changed: "
                "compare a day with another tool, and update ccanalytics."
            )

    def _unpriced_models(self) -> list[str]:
        requests = self.accounts["requests"]
        if not requests["cost_usd"].null_count:
            return []
        answers = requests.group_by([*IDS["requests"], "agent"])
        answers = answers.aggregate([("cost_usd", "max"), ("model", "min")])
        unpriced = answers.filter(pc.is_null(answers["cost_usd_max"]))
        models: list[str] = unpriced["model_min"].to_pylist()
        return models


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
        self._files: list[str] = []
        absent = []
        for folder in self.folders:
            files = list(_walk(_root(folder), self._unreadable))
            if not files:
                absent.append(
                    f"There are no session logs (projects/*/*.jsonl) in {folder}: "
                    "set CLAUDE_CONFIG_DIR, or name a folder with --logs DIR."
                )
            self._files += files
        self.missing = "" if self._files else " ".join(absent)
        for text in absent if self._files else ():
            log.warning(text)

    def news(self, ledger: Ledger | None = None) -> LogReader:
        """What is new in the files since the `ledger`; unchanged files are not opened."""
        reader = LogReader(ledger or Ledger(), self.models, self._unreadable)
        collects = gc.isenabled()
        gc.disable()  # a million rows have no cycles, and would be scanned again and again
        try:
            for path in self._files:
                reader.read(path)
            reader.accounts = accounts_of(reader.rows)
            reader.rows.clear()
        finally:
            if collects:
                gc.enable()
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


@cache
def code_version() -> str:
    """A digest of the rules and prices."""
    folder = Path(__file__).parent
    files = (*sorted(folder.glob("*.py")), folder.parent / "prices.py")
    rules = b"".join(map(Path.read_bytes, files)) + version("genai-prices").encode()
    return hashlib.blake2b(rules, digest_size=8).hexdigest()
