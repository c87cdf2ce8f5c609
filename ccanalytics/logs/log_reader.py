"""Session logs -> facts: which files are read, and what is said about it.

    LogReader ── LogFile ─▶ Facts

A file is read as a whole, and again when it has changed: no text but a session's title is kept.
"""

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from stat import S_ISREG

import msgspec

from ccanalytics.logs.log_facts import Facts
from ccanalytics.logs.log_file import LogFile
from ccanalytics.words import counted

log = logging.getLogger(__name__)

DRIFT = 0.01
"""If more lines than this share need repair, the format may have changed."""


class ReadFile(msgspec.Struct, frozen=True, gc=False):
    """A file when it was last read."""

    state: tuple[int, int]
    """Its size, and when it was last written; a program can reset one of its two times."""
    project: str | None = None
    """The folder it started in: subfolders belong to the same project."""


class Ledger(msgspec.Struct):
    """Which logs were read, and what of them the frames do not hold.

    Only valid for the code that wrote it: with other rules or prices everything is read again.
    """

    version: str = ""
    files: dict[str, ReadFile] = {}
    models: dict[str, str] = {}
    """The model aliases when the files were read."""
    continued: dict[str, str] = {}
    """Sessions continued under another id, which was not read so far."""


class LogReader:
    """The facts of the files read so far, which files these are, and what was wrong in them."""

    def __init__(self, ledger: Ledger, models: Mapping[str, str], unreadable: Counter[str]) -> None:
        self.facts = Facts()
        self.files: dict[str, ReadFile] = {}
        self.models = ledger.models | dict(models)
        self.files_read = self.lines_read = 0
        self.unreadable_files = Counter(unreadable)
        """Unreadable files and folders, by reason."""
        self.faults = Counter[str]()
        """Dropped and repaired lines, by what was wrong."""
        self._known = ledger.files

    def read(self, path: str) -> None:
        """Read a file if it is new or changed; an unreadable one costs only itself."""
        known = self._known.get(path)
        if known:
            self.files[path] = known
        try:
            stat = os.stat(path)
            if known and known.state == _state_of(stat):
                return
            if not S_ISREG(stat.st_mode):
                raise OSError(None, "It is not a file")
            # Not memory-mapped: truncating a mapped file would kill the process.
            with open(path, "rb") as file:
                stat, data = os.fstat(file.fileno()), file.read()
        except OSError as error:
            log.warning("Cannot read %s: %s", path, error.strerror)
            self.unreadable_files[str(error.strerror)] += 1
            return
        self.files_read += 1
        part = LogFile(self, Path(path))
        part.read(data)
        self.files[path] = ReadFile(_state_of(stat), part.project)

    def project_around(self, path: Path) -> str | None:
        """The project of the session whose subagents write to a file, if it was read."""
        session, _, _ = str(path).rpartition(f"{os.sep}subagents{os.sep}")
        known = self.files.get(f"{session}.jsonl")
        return known.project if known else None

    def model(self, name: str) -> str:
        """The model an id in the log stands for, also with a mark such as "[1m]" behind it."""
        return self.models.get(name) or self.models.get(name.partition("[")[0], name)

    def unpriced_models(self) -> Counter[str]:
        """Requests by model without a known price; their cost is null."""
        requests = self.facts.requests.values()
        calls = (used for one in requests for used in (one.used, *one.advisors))
        return Counter(used.model for used in calls if used.cost is None)

    def fault_texts(self) -> list[str]:
        """ "2 log lines dropped: not JSON" for each fault."""
        return [f"{counted(n, 'log line')} {fault}" for fault, n in sorted(self.faults.items())]

    def warnings(self) -> Iterator[str]:
        """What a person who reads the numbers needs to know."""
        if unpriced := sorted(self.unpriced_models().items()):
            models = ", ".join(f"{model} ({n})" for model, n in unpriced)
            yield f"No price is known for {models}; the cost of these requests is null."
        yield from (f"{text}." for text in self.fault_texts())
        odd = sum(n for fault, n in self.faults.items() if fault.startswith("repaired"))
        if odd >= DRIFT * self.lines_read and odd >= 20:
            yield (
                "So many repaired lines mean that the log format may have changed: "
                "compare a day with another tool, and update ccanalytics."
            )


def _state_of(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_size, max(stat.st_mtime_ns, stat.st_ctime_ns)


@cache
def code_version() -> str:
    """A digest of the rules and prices."""
    folder, prices = Path(__file__).parent, find_spec("genai_prices")
    files = [*sorted(folder.glob("*.py")), folder.parent / "prices.py"]
    if prices and prices.origin:
        files.append(Path(prices.origin).with_name("data.py"))
    return hashlib.blake2b(b"".join(map(Path.read_bytes, files)), digest_size=8).hexdigest()
