"""Session logs -> facts: what files share, and what one file leaves open for another.

    LogReader ── LogFile ─▶ Facts

A tool call and its result stand on two lines, at times in the wrong order and seldom in two files.
What a file leaves open is remembered by position and read again when the other half turns
up: no text but a session's title is kept.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from zlib import crc32

import msgspec

from ccanalytics.logs.log_fact_set import Facts
from ccanalytics.logs.log_facts import DAY, UNKNOWN_MODEL, Origin, Place, day_of
from ccanalytics.logs.log_file import Half, LogFile, tool_call
from ccanalytics.logs.log_index import TAIL, LogIndex, OpenSpots, ReadFile, Spot, written_at
from ccanalytics.logs.log_lines import Line, LoggedUsage, Progress, first_line, milliseconds
from ccanalytics.logs.log_projects import is_within, project_of
from ccanalytics.prices import PriceList, Tariff, price_list
from ccanalytics.words import counted

DRIFT = 0.01
"""If more lines than this share need repair, the format may have changed."""


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
    """The facts of all lines read so far; `read` adds one file after another."""

    def __init__(
        self, index: LogIndex, models: Mapping[str, str], unreadable: Mapping[str, int]
    ) -> None:
        self.facts = Facts()
        self.files = dict(index.files)
        self.models = dict(models)
        self.report = LogReport(Counter(unreadable))
        self.open_calls: OpenSpots = dict(index.open_calls)
        self.open_results: OpenSpots = dict(index.open_results)
        # Equal values share one object: a hundred thousand lines have a few hundred of each.
        self._tariffs: dict[tuple[object, ...], Tariff] = {}
        self._places: dict[tuple[str | None, ...], Place] = {}
        self._origins: dict[tuple[str | None, ...], Origin] = {}

    def read(self, path: Path) -> None:
        """Read what was added to a file, or all of it when it is not the known file."""
        known = self.files.get(str(path))
        # Not memory-mapped: truncating a mapped file would kill the process.
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            start = max(known.end - TAIL, 0) if known else 0
            file.seek(start)
            data = file.read()
            cut = known.end - start if known else 0
            if known and (stat.st_size <= known.size or not known.goes_on(data[:cut])):
                self._forget(str(path))
                known, start, cut = None, 0, 0
                file.seek(0)
                data = file.read()
        self.report.files += 1
        part = LogFile(self, path, known)
        part.read(data, cut, start)
        self._leave_open(part)
        # A file without any date is read again completely when it has grown.
        end = data.rfind(b"\n") + 1 if part.at else 0
        tail = crc32(data[max(end - TAIL, 0) : end])
        state = (part.at, part.turns.conversations, part.project) if end else ()
        self.files[str(path)] = ReadFile(stat.st_size, written_at(stat), start + end, tail, *state)

    def project_around(self, path: Path) -> str | None:
        """The project of the session whose subagents write to a file, if it was read."""
        session, _, _ = str(path).rpartition(f"{os.sep}subagents{os.sep}")
        known = self.files.get(f"{session}.jsonl")
        return known.project if known else None

    def price(self) -> None:
        """Fill in the cost of the requests."""
        lists: dict[tuple[Tariff, int], PriceList | None] = {}
        for request in self.facts.requests.values():
            for used in request.calls():
                key = used.tariff, request.at // DAY
                if key not in lists:
                    lists[key] = price_list(used.tariff, day_of(request.at))
                price = lists[key]
                if price:
                    used.cost, used.uncached_cost = price.costs(used.tokens)
                else:
                    self.report.unpriced_models[used.tariff.model] += 1

    def index(self) -> LogIndex:
        """How far the files are read now."""
        return LogIndex(self.files, self.open_calls, self.open_results, self.models)

    def settle(self) -> None:
        """Join tool calls read at different times, and decide which session owns each fact."""
        for key in self.open_calls.keys() & self.open_results.keys():
            spot = self.open_calls.pop(key)
            call = self._again(spot, key, "tool_use")
            result = self._again(self.open_results.pop(key), key, "tool_result")
            if call and result:
                call.said.answers = spot.turn
                made, _ = tool_call(call, result)
                self.facts.add(self.facts.calls, made.key, made)
            else:
                self.report.dropped["a tool call that is gone from its file"] += 1
        self.facts.settle()

    def place(self, line: Line, began: str | None) -> Place:
        """Where a line was written, in a file that started in `began`."""
        key = line.session(), line.cwd, line.git_branch, line.entrypoint, began
        place = self._places.get(key)
        if place is None:
            project = project_of(line.cwd)
            project = began if is_within(project, began) else project
            place = self._places[key] = Place(key[0], project, line.git_branch, line.entrypoint)
        return place

    def origin(self, line: Line) -> Origin:
        """Who a line was written for."""
        agent = line.data.agent_id if type(line.data) is Progress else line.agent_id
        key = agent, line.attribution_skill, line.attribution_mcp_server
        origin = self._origins.get(key)
        if origin is None:
            origin = self._origins[key] = Origin._make(key)
        return origin

    def model(self, name: str | None) -> str:
        """The model an id in the log stands for, also with a mark such as "[1m]" behind it."""
        name = name or UNKNOWN_MODEL
        return self.models.get(name) or self.models.get(name.partition("[")[0], name)

    def tariff(self, model: str | None, usage: LoggedUsage, refused: bool) -> Tariff:
        """What decides the rates of a request."""
        key = model, usage.speed, usage.inference_geo, refused
        tariff = self._tariffs.get(key)
        if tariff is None:
            fast, us_only = usage.speed == "fast", usage.inference_geo == "us"
            tariff = self._tariffs[key] = Tariff(self.model(model), fast, us_only, refused)
        return tariff

    def _forget(self, path: str) -> None:
        for spots in (self.open_calls, self.open_results):
            for name in [name for name, spot in spots.items() if spot.path == path]:
                del spots[name]

    def _leave_open(self, part: LogFile) -> None:
        for spots, halves in ((self.open_calls, part.calls), (self.open_results, part.results)):
            for key, half in halves.items():
                spots[key] = Spot(str(part.path), half.offset, part.project, half.said.answers)

    def _again(self, spot: Spot, key: tuple[str, str], kind: str) -> Half | None:
        """The half of a tool call on a line that was read before; None when it is gone."""
        path = Path(spot.path)
        try:
            with path.open("rb") as log:
                log.seek(spot.offset)
                line = first_line(log.readline())
        except OSError:
            return None
        file = LogFile(self, path)
        file.project = spot.project
        said = file.said(line, milliseconds(line.timestamp)) if line else None
        if said is None:
            return None
        return next((h for h in file.halves(said) if h.key == key and h.block.type == kind), None)
