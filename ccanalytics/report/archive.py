"""The folder of reports: one file per issue (the report of a week), with a JSON block about it.

Other files in the folder are left alone. Files appear complete or not at
all, and one process at a time writes. `docs/json.md` lists what programs get of an issue.
"""

import contextlib
import logging
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

from ccanalytics.atomic import ASIDE, alone, write_text
from ccanalytics.errors import ReportError
from ccanalytics.weeks import parse_week
from ccanalytics.words import counted, day_words

log = logging.getLogger(__name__)

INDEX = "index.html"
COMPANIONS = {"email": ".eml", "pdf": ".pdf"}
"""The optional files next to a page, and their suffixes."""

_BLOCK = re.compile(
    rb'<script type="application/json" id="ccanalytics-issue">(.*?)</script>', re.DOTALL
)
_HEAD = 262_144  # bytes read of each file; the block stands near the top
_NUMBERS = ("value", "low", "high", "previous", "change", "n", "recent", "sustained")


class Card(msgspec.Struct, frozen=True):
    """A headline of an issue, as texts; `figures` are its numbers."""

    metric: str = ""
    label: str = ""
    value: str = ""
    unit: str = ""
    verdict: str = ""
    figures: dict[str, Any] = {}


class Issue(msgspec.Struct, frozen=True, rename={"cards": "headlines"}):
    """One report, and what its page stores for the index and for later issues."""

    file: str = ""
    week: str = ""
    title: str = ""
    source: str = ""
    status: str = ""
    """complete, or failed."""
    cards: tuple[Card, ...] = ()
    data: str = ""
    """A digest of its records."""
    definitions: dict[str, int] = {}
    """The version of each metric."""
    numbers: dict[str, dict[str, float]] = {}
    """The values of each metric by Monday, as shown."""
    parameters: dict[str, Any] = {}
    """The parameters of its notebooks."""
    findings: list[Any] = []
    checks: list[Any] = []
    restated: list[Any] = []

    @property
    def failed(self) -> bool:
        return self.status != "complete"

    @property
    def name(self) -> str:
        return f"the report {self.file.removesuffix('.html')}"

    @property
    def stored(self) -> dict[str, object]:
        """What its page stores for later issues."""
        names = ("data", "definitions", "numbers", "parameters")
        return {name: getattr(self, name) for name in names}

    @property
    def headlines(self) -> dict[str, str]:
        """The value of each card by its label."""
        return {card.label: card.value for card in self.cards}

    @property
    def scope(self) -> tuple[str, str, str]:
        """Source, team and identity: issues with equal ones are about the same people."""
        team, identity = (str(self.parameters.get(key) or "") for key in ("team", "identity"))
        return self.source, team, identity

    @property
    def monday(self) -> date | None:
        """The Monday of its week, or None."""
        with contextlib.suppress(ValueError, OverflowError):  # the last week of year 9999
            monday = parse_week(self.week)
            return monday if monday + timedelta(days=7) else None
        return None

    @property
    def dates(self) -> str:
        """Its first and last day: "16 Nov to 22 Nov 2026"."""
        if monday := self.monday:
            sunday = monday + timedelta(days=6)
            return f"{day_words(monday, '%b')} to {day_words(sunday, '%b %Y')}"
        return ""


def write_issue(
    folder: Path, name: str, page: str, companions: Mapping[str, str | None] | None = None
) -> Path:
    """Write `page` as `<name>.html`, last; an older one is replaced in one step. Returns its path.

    `companions` are files next to it, by suffix. None removes one that an
    earlier run left, so that they always match the issue.
    """
    if not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
        raise ValueError(f"{name!r} cannot be the name of a report file.")
    path = folder / f"{name}.html"
    with writing(path):
        for suffix, text in (companions or {}).items():
            companion = folder / f"{name}{suffix}"
            if text is None:
                companion.unlink(missing_ok=True)
            else:
                companion.parent.mkdir(exist_ok=True)
                put(companion, text)
        put(path, page)
    return path


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Hold the write lock of the folder of `path`, which is created.

    Files left by dead writers are removed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone(path.parent / ".lock"):
            for stray in (*path.parent.glob(f"{ASIDE}*"), *path.parent.glob(f"*/{ASIDE}*")):
                shutil.rmtree(stray) if stray.is_dir() else stray.unlink()
            yield
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}.") from error


def put(path: Path, text: str) -> None:
    """Write `text`, readable by others; only while `writing`."""
    write_text(path, text, mode=0o644)


def issues(folder: Path) -> list[Issue]:
    """The issues in `folder`, newest week first; other files are skipped."""
    pages = [path for path in folder.glob("*.html") if path.name != INDEX and path.name[0] != "."]
    found = filter(None, map(read_issue, sorted(pages)))
    return sorted(found, key=lambda issue: (issue.week, issue.file), reverse=True)


def one_a_week(found: Iterable[Issue]) -> list[Issue]:
    """The complete issue of each week, oldest first; of copies the one with the shortest name."""
    shortest_last = sorted(found, key=lambda one: (len(one.file), one.file), reverse=True)
    by_week = {one.monday: one for one in shortest_last if one.monday and not one.failed}
    return [by_week[monday] for monday in sorted(by_week)]


def read_issue(path: Path) -> Issue | None:
    """The description in `path`; None for another file, or one that is unreadable."""
    try:
        with path.open("rb") as file:
            found = _BLOCK.search(file.read(_HEAD))
        issue = msgspec.json.decode(found[1], type=Issue, strict=False) if found else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, msgspec.DecodeError) as error:
        log.warning("%s is skipped: %s", path, error)
        return None
    return msgspec.structs.replace(issue, file=path.name) if issue else None


def report_as_json(page: Path) -> dict[str, Any]:
    """The values of a page for programs; null where it has none."""
    issue = read_issue(page)
    if issue is None:
        raise ReportError(f"{page} is not the page of a report.")
    source, team, identity = issue.scope
    files = {"page": page, "index": page.with_name(INDEX), "notebooks": page.with_name(page.stem)}
    files |= {name: page.with_name(page.stem + suffix) for name, suffix in COMPANIONS.items()}
    headlines = []
    for card in issue.cards:
        words = {"id": card.metric, "label": card.label, "unit": card.unit, "text": card.value}
        figures = {name: card.figures.get(name) for name in _NUMBERS}
        headlines.append({**words, "verdict": card.verdict, **figures})
    return {
        "week": issue.week,
        "source": source,
        "team": team,
        "identity": identity,
        "paths": {name: str(path.absolute()) for name, path in files.items() if path.exists()},
        "findings": issue.findings,
        "headlines": headlines,
        "checks": issue.checks,
        "restatements": issue.restated,
    }


# The numbers earlier issues stored, and how later data changed them.

NOTICED = 0.0005
"""The smallest relative difference that is listed: 0.05 %."""

SHOWN = 8
"""The most differences listed, the largest."""


Change = tuple[float, str, str, float, float, str]
"""The relative difference, metric, Monday, the earlier value, the value now, and who said it."""


def changes_of(now: Issue, earlier: list[Issue]) -> Iterator[Change]:
    """The numbers that differ from the first of `earlier` that has their week."""
    for metric, weeks in now.numbers.items():
        for week, value in weeks.items():
            known = (one for one in earlier if week in one.numbers.get(metric, {}))
            if issue := next(known, None):
                before = issue.numbers[metric][week]
                share = value / before - 1 if before else 0.0
                same = issue.definitions.get(metric) == now.definitions.get(metric)
                if same and abs(share) >= NOTICED:
                    yield share, metric, week, before, value, issue.name


def restatements(
    now: Issue, earlier: Iterable[Issue], words: Callable[[str, float], str]
) -> list[str]:
    """One sentence per number of an earlier issue that differs now, largest change first.

    `earlier` is newest first; each week is compared with the newest issue that has it. A metric
    whose definition changed is not compared, and a sentence says so. `words` formats a metric and
    a value of it, such as "cost $1,200".
    """
    comparable = [issue for issue in earlier if issue.scope == now.scope]
    changes = sorted(changes_of(now, comparable), key=lambda one: -abs(one[0]))
    listed = []
    for share, metric, week, before, value, issue in changes[:SHOWN]:
        number = date.fromisoformat(week).isocalendar().week
        said = words(metric, before).rsplit(" ", 1)[-1]
        listed.append(
            f"Week {number}: {words(metric, value)}, restated by {100 * share:+.1f} % by later "
            f"data; {issue} said {said}."
        )
    if len(changes) > SHOWN:
        listed.append(f"Not listed: {counted(len(changes) - SHOWN, 'smaller difference')}.")
    for newest in comparable[:1]:
        for metric, old in newest.definitions.items():
            new = now.definitions.get(metric, old)
            if new != old and metric in now.numbers:
                name = words(metric, 0.0).rsplit(" ", 1)[0]
                listed.append(
                    f"The definition of {name} changed (version {old} to {new}): it is not "
                    f"compared with {newest.name}."
                )
    return listed
