"""The folder of reports: one file per issue, and an index made from the files themselves.

Nothing else is stored. An issue says what it is in a JSON block of its own; whatever else lies in
the folder is left alone. Files appear whole or not at all.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ccanalytics.atomic import write_text
from ccanalytics.errors import ReportError
from ccanalytics.report.history import Remembered, remembered
from ccanalytics.report.page import index_page

log = logging.getLogger(__name__)

INDEX = "index.html"
_BLOCK = re.compile(
    rb'<script type="application/json" id="ccanalytics-issue">(.*?)</script>', re.DOTALL
)
_HEAD = 262_144  # bytes read of each file; the block stands near the top


@dataclass(frozen=True)
class Issue:
    """What the index says of one report."""

    file: str
    week: str
    title: str
    subtitle: str
    source: str
    sample: bool
    failed: bool
    headlines: tuple[tuple[str, str], ...]


def write_issue(folder: Path, name: str, page: str) -> Path:
    """The path of `page`, written as `<name>.html`; an older one is replaced in one step."""
    if not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
        raise ValueError(f"{name!r} cannot be the name of a report file.")
    return _write(folder / f"{name}.html", page)


def write_index(folder: Path, *, title: str = "Weekly reports") -> Path:
    """The path of `index.html`, listing every issue found in `folder`, newest first.

    Two runs may write it at once: whoever writes last looks again, so no issue is missed.
    """
    while True:
        before = _stamps(folder)
        path = _write(folder / INDEX, index_page(issues(folder), title=title))
        if _stamps(folder) == before:
            return path


def issues(folder: Path) -> list[Issue]:
    """The issues in `folder`, newest week first; files that are none are passed over."""
    found = (read_issue(path) for path in _pages(folder))
    return sorted(
        (issue for issue in found if issue), key=lambda one: (one.week, one.file), reverse=True
    )


def read_issue(path: Path) -> Issue | None:
    """What `path` says of itself, or None when it is not an issue of ours."""
    said = _said(path)
    try:
        return _issue(path.name, said) if said is not None else None
    except (TypeError, AttributeError) as error:
        log.warning("%s is left out of the index: %s", path, error)
        return None


def memories(folder: Path) -> list[Remembered]:
    """What the whole issues in `folder` remember, newest week first."""
    found = []
    for path in _pages(folder):
        said = _said(path)
        if said and said.get("status") == "complete":
            week = str(said.get("week", ""))
            found.append((week, path.name, remembered(f"the issue {path.stem}", said)))
    return [one for _, _, one in sorted(found, key=lambda one: one[:2], reverse=True)]


def _said(path: Path) -> dict[str, object] | None:
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


def _issue(file: str, said: dict[str, object]) -> Issue:
    cards = said.get("headlines")
    headlines = tuple(
        (str(card.get("label", "")), str(card.get("value", "")))
        for card in (cards if isinstance(cards, list) else [])
    )
    return Issue(
        file=file,
        week=str(said.get("week", "")),
        title=str(said.get("title", "")),
        subtitle=str(said.get("subtitle", "")),
        source=str(said.get("source", "")),
        sample=said.get("source") == "sample",
        failed=said.get("status") != "complete",
        headlines=headlines,
    )


def _pages(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*.html")):
        if path.name != INDEX and not path.name.startswith("."):
            yield path


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Which pages there are, and which writing of each."""
    stamps = {}
    for path in _pages(folder):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        stamps[path.name] = (status.st_mtime_ns, status.st_ino)
    return stamps


def _write(path: Path, text: str) -> Path:
    """`path` holding `text`; a report is to be read by others."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text, mode=0o644)
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}.") from error
    return path
