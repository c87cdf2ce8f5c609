"""The folder of reports: one file per issue, which says what it is in a JSON block of its own.

Nothing else is stored. Whatever else lies in the folder is left alone. Files appear whole or not
at all, and one process at a time writes.
"""

import contextlib
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ccanalytics.atomic import alone, write_text
from ccanalytics.errors import ReportError
from ccanalytics.report.history import NOTHING, Remembered, remembered
from ccanalytics.weeks import parse_week

log = logging.getLogger(__name__)

INDEX = "index.html"
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
_BLOCK = re.compile(
    rb'<script type="application/json" id="ccanalytics-issue">(.*?)</script>', re.DOTALL
)
_HEAD = 262_144  # bytes read of each file; the block stands near the top


@dataclass(frozen=True)
class Issue:
    """What the folder knows of one report; `updated` is when it last said something else."""

    file: str
    week: str
    title: str
    subtitle: str
    source: str
    failed: bool
    team: str = ""
    identity: str = ""
    cards: tuple[Mapping[str, str], ...] = ()
    memory: Remembered = NOTHING
    updated: datetime = BEFORE_ALL

    @property
    def sample(self) -> bool:
        """Whether it is about the invented organisation."""
        return self.source == "sample"

    @property
    def headlines(self) -> tuple[tuple[str, str], ...]:
        """The label and the value of each card."""
        return tuple((card["label"], card["value"]) for card in self.cards)

    @property
    def scope(self) -> tuple[str, str, str]:
        """Issues of the same scope are about the same people, and may stand in one line."""
        return self.source, self.team, self.identity

    @property
    def monday(self) -> date | None:
        """The Monday of its week; None when it does not say one."""
        with contextlib.suppress(ValueError, OverflowError):  # the last week of year 9999
            monday = parse_week(self.week)
            return monday if monday + timedelta(days=7) else None
        return None

    @property
    def dates(self) -> str:
        """Its first and last day: "16 Nov to 22 Nov 2026"."""
        if self.monday is None:
            return ""
        sunday = self.monday + timedelta(days=6)
        return f"{self.monday.day} {self.monday:%b} to {sunday.day} {sunday:%b %Y}"


def write_issue(folder: Path, name: str, page: str) -> Path:
    """The path of `page`, written as `<name>.html`; an older one is replaced in one step."""
    if not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
        raise ValueError(f"{name!r} cannot be the name of a report file.")
    path = folder / f"{name}.html"
    with writing(path):
        put(path, page)
    return path


def write_beside(page: Path, beside: Mapping[str, str | None]) -> None:
    """Write what belongs to `page`, named by ends such as ".eml"; None takes away an older one.

    What lies next to an issue says the same as the issue, or is not there. An issue of its own,
    such as that of a team called email, is neither replaced nor taken away.
    """
    with writing(page):
        for end, text in beside.items():
            path = page.with_name(f"{page.stem}{end}")
            own = path.suffix == ".html" and path.exists() and read_issue(path) is not None
            if own and text is not None:
                raise ReportError(f"{path} is an issue; what would replace it is not written.")
            if text is not None:
                put(path, text)
            elif not own:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """While this is open no other process writes in the folder of `path`, which is made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone(path.parent / ".lock"):
            yield
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}.") from error


def put(path: Path, text: str) -> None:
    """`path` holding `text`; a report is to be read by others. Only while `writing`."""
    write_text(path, text, mode=0o644)


def issues(folder: Path) -> list[Issue]:
    """The issues in `folder`, newest week first; files that are none are passed over."""
    found = (read_issue(path) for path in sorted(folder.glob("*.html")) if _may_be_issue(path))
    return sorted(
        (issue for issue in found if issue), key=lambda one: (one.week, one.file), reverse=True
    )


def read_issue(path: Path) -> Issue | None:
    """What `path` says of itself, or None when it is not an issue of ours."""
    said = block_of(path)
    try:
        return _issue(path, said) if said is not None else None
    except (TypeError, AttributeError) as error:
        log.warning("%s is left out of the index: %s", path, error)
        return None


def memories(folder: Path) -> list[Remembered]:
    """What the whole issues in `folder` remember, newest week first."""
    return [issue.memory for issue in issues(folder) if not issue.failed]


def one_a_week(found: Iterable[Issue]) -> list[Issue]:
    """Of each week the whole issue, oldest first; of copies the one with the shortest name."""
    by_week: dict[date, Issue] = {}
    for issue in sorted(found, key=lambda one: (len(one.file), one.file)):
        if issue.monday and not issue.failed:
            by_week.setdefault(issue.monday, issue)
    return [by_week[monday] for monday in sorted(by_week)]


def block_of(path: Path) -> dict[str, Any] | None:
    """The JSON block of a page; None when it has none, or cannot be read."""
    try:
        with path.open("rb") as file:
            block = _BLOCK.search(file.read(_HEAD))
        said = json.loads(block[1]) if block else None
        if said is None or isinstance(said, dict):
            return said
        raise ValueError("its block is no object")
    except (OSError, ValueError) as error:
        log.warning("%s is passed over: %s", path, error)
        return None


_CARD = ("metric", "label", "value", "unit", "verdict")


def _issue(path: Path, said: Mapping[str, Any]) -> Issue:
    cards = said.get("headlines")
    week = _text(said.get("week"))
    memory = remembered(f"the issue {path.stem}", said)
    return Issue(
        file=path.name,
        week=week,
        title=_text(said.get("title")),
        subtitle=_text(said.get("subtitle")),
        source=_text(said.get("source")),
        failed=said.get("status") != "complete",
        team=_text(memory.parameters.get("team")),
        identity=_text(memory.parameters.get("identity")),
        cards=tuple(
            {name: _text(card.get(name)) for name in _CARD}
            for card in (cards if isinstance(cards, list) else [])
        ),
        memory=memory,
        updated=_moment(said.get("updated"), week),
    )


def _text(value: object) -> str:
    """`value` as text that can be written: half of a surrogate pair becomes "?"."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode()


def _moment(value: object, week: str) -> datetime:
    """The time an issue gives; the end of its week where it gives none."""
    with contextlib.suppress(ValueError, OverflowError):
        given = datetime.fromisoformat(str(value))
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.combine(parse_week(week) + timedelta(days=7), time(), UTC)
    return BEFORE_ALL


def _may_be_issue(path: Path) -> bool:
    return path.name != INDEX and not path.name.startswith(".")
