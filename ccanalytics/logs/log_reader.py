"""Session logs -> facts: what files share, and what one file leaves open for another.

    LogReader ── LogFile ─▶ Facts

A tool call and its result stand on two lines, at times in the wrong order and seldom in two files.
A file is read as a whole, and again when it has changed, or when another file turns up with the
other half of one of its tool calls: no text but a session's title is kept.
"""

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from stat import S_ISREG

import msgspec

from ccanalytics.logs.log_fact_set import Copies, Facts
from ccanalytics.logs.log_facts import UNKNOWN_MODEL, day_of
from ccanalytics.logs.log_file import Half, HalfKey, LogFile, tool_call
from ccanalytics.prices import price_list
from ccanalytics.words import counted

log = logging.getLogger(__name__)

DRIFT = 0.01
"""If more lines than this share need repair, the format may have changed."""


class ReadFile(msgspec.Struct, frozen=True, gc=False):
    """A file when it was last read."""

    state: tuple[int, int]
    project: str | None = None
    """The folder it started in: subfolders belong to the same project."""
    open: frozenset[HalfKey] = frozenset()
    """The tool calls of which it has one half: another file may have the other one."""


def state_of(stat: os.stat_result) -> tuple[int, int]:
    """The size of a file and when it was last written; a program can reset one of the two times."""
    return stat.st_size, max(stat.st_mtime_ns, stat.st_ctime_ns)


class LogIndex(msgspec.Struct):
    """Every file that was read, so that the next reading only opens new and changed ones.

    Only valid for the code that wrote it: with other rules or prices everything is read again.
    """

    files: dict[str, ReadFile] = {}
    models: dict[str, str] = {}
    """The model aliases when the files were read."""


class LogReport(msgspec.Struct):
    """What was read, and its caveats."""

    unreadable_files: Counter[str]
    """Unreadable files and folders, by reason."""
    files: int = 0
    lines: int = 0
    dropped: Counter[str] = msgspec.field(default_factory=Counter)
    """Dropped lines, by reason."""
    repaired: Counter[str] = msgspec.field(default_factory=Counter)
    """Repaired lines, by reason."""
    unpriced_models: Counter[str] = msgspec.field(default_factory=Counter)
    """Requests by model without a known price; their cost is null."""

    def faults(self) -> Iterator[str]:
        """ "2 log lines dropped: not JSON" for each reason."""
        for what, counts in (("dropped", self.dropped), ("read in part", self.repaired)):
            for reason, count in sorted(counts.items()):
                yield f"{counted(count, 'log line')} {what}: {reason}"

    def warnings(self) -> Iterator[str]:
        """What a person who reads the numbers needs to know."""
        if self.unpriced_models:
            models = ", ".join(f"{m} ({n})" for m, n in sorted(self.unpriced_models.items()))
            yield f"No price is known for {models}; the cost of these requests is null."
        yield from (f"{fault}." for fault in self.faults())
        odd = self.repaired.total()
        if odd >= DRIFT * self.lines and odd >= 20:
            yield (
                "So many repaired lines mean that the log format may have changed: "
                "compare a day with another tool, and update ccanalytics."
            )


class LogReader:
    """The facts of the files read so far, and which files these are: the `index`."""

    def __init__(self, models: Mapping[str, str], unreadable: Mapping[str, int]) -> None:
        self.facts = Facts()
        self.index = LogIndex({}, dict(models))
        self.report = LogReport(Counter(unreadable))
        self._calls: dict[HalfKey, Half] = {}
        self._results: dict[HalfKey, Half] = {}

    def read_changed(
        self, paths: Sequence[str], known: Mapping[str, ReadFile], copies: Copies
    ) -> None:
        """Read those files that are new or changed since they were `known`.

        One that cannot be read is counted and costs only itself. A known file is read again when it
        has the other half of a tool call, or when its original or copy has changed: which of the
        two it is may have, too.
        """
        before = {path: known[path] for path in paths if path in known}
        self.index.files = dict(before)
        for path in paths:
            self._read_changed(path)
        halves = self._calls.keys() | self._results.keys()
        changed = {Path(p).stem for p, now in self.index.files.items() if before.get(p) is not now}
        related = {name for pair in copies if not changed.isdisjoint(pair) for name in pair}
        for path, file in before.items():
            concerned = not halves.isdisjoint(file.open) or (related and Path(path).stem in related)
            if self.index.files[path] is file and concerned:
                del self.index.files[path]
                self._read_changed(path)
        self._settle()
        self._price()

    def _read_changed(self, path: str) -> None:
        try:
            stat, known = os.stat(path), self.index.files.get(path)
            if known and known.state == state_of(stat):
                return
            if not S_ISREG(stat.st_mode):
                raise OSError(None, "It is not a file")
            # Not memory-mapped: truncating a mapped file would kill the process.
            with open(path, "rb") as file:
                stat, data = os.fstat(file.fileno()), file.read()
        except OSError as error:
            log.warning("Cannot read %s: %s", path, error.strerror)
            self.report.unreadable_files[str(error.strerror)] += 1
            return
        self.report.files += 1
        part = LogFile(self, Path(path))
        part.read(data)
        for halves, mine in ((self._calls, part.calls), (self._results, part.results)):
            halves.update((key, half.detached()) for key, half in mine.items())
        open_halves = frozenset(part.calls.keys() | part.results.keys())
        self.index.files[path] = ReadFile(state_of(stat), part.project, open_halves)

    def project_around(self, path: Path) -> str | None:
        """The project of the session whose subagents write to a file, if it was read."""
        session, _, _ = str(path).rpartition(f"{os.sep}subagents{os.sep}")
        known = self.index.files.get(f"{session}.jsonl")
        return known.project if known else None

    def _price(self) -> None:
        """Fill in the cost of the requests."""
        for request in self.facts.requests.values():
            day = day_of(request.at)
            for used in request.calls():
                if price := price_list(used.tariff, day):
                    used.cost, used.uncached_cost = price.costs(used.tokens)
                else:
                    self.report.unpriced_models[used.tariff.model] += 1

    def _settle(self) -> None:
        """Join tool calls of two files, and decide which session owns each fact."""
        for key in self._calls.keys() & self._results.keys():
            call, _ = tool_call(self._calls[key], self._results[key])
            self.facts.add(self.facts.calls, call.key, call)
        self.facts.settle()

    def model(self, name: str | None) -> str:
        """The model an id in the log stands for, also with a mark such as "[1m]" behind it."""
        name = name or UNKNOWN_MODEL
        models = self.index.models
        return models.get(name) or models.get(name.partition("[")[0], name)


@cache
def code_version() -> str:
    """A digest of the rules and prices."""
    folder, prices = Path(__file__).parent, find_spec("genai_prices")
    files = [*sorted(folder.glob("*.py")), folder.parent / "prices.py"]
    if prices and prices.origin:
        files.append(Path(prices.origin).with_name("data.py"))
    return hashlib.blake2b(b"".join(map(Path.read_bytes, files)), digest_size=8).hexdigest()
