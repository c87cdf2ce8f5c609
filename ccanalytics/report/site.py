"""The folder of reports as a static site: an index, and links from issue to issue.

    index.html       a sparkline for each headline, and every issue with its numbers
    2026-W47.html    an issue, with links to the one before, the one after, and the index

Everything comes from the issues themselves, so equal issues give equal bytes.
All addresses are relative: the folder works from disk, under any address, in an object store.
"""

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from ccanalytics.display.sparkline import Sparkline, sparkline
from ccanalytics.report.archive import INDEX, Issue, issues, one_a_week, put, writing
from ccanalytics.report.history import changed_since
from ccanalytics.report.page import index_page, render
from ccanalytics.words import counted

log = logging.getLogger(__name__)

_LINKS = re.compile("(?<=<!--other issues-->).*?(?=<!--/other issues-->)", re.DOTALL)
"""The place of the links in a page; a page without it is left unchanged."""


@dataclass(frozen=True)
class Spark:
    """One headline over the issues: its newest value, the drawing, and its text alternative."""

    label: str
    value: str
    unit: str
    words: str
    line: Sparkline


@dataclass(frozen=True)
class Group:
    """The issues of one scope, newest first, with a sparkline for each headline."""

    source: str
    team: str
    identity: str
    issues: list[Issue]
    sparks: list[Spark]
    columns: list[str]
    """The headlines at least one of them has."""

    def restated(self, issue: Issue) -> str:
        """How many of its figures later issues changed; empty for none."""
        later = [one for one in self.issues if one.week > issue.week and not one.failed]
        changed = changed_since(issue, str(issue.monday), later)
        return f"{counted(len(changed), 'figure')} restated since" if changed else ""


def write_site(folder: Path) -> Path:
    """Write `index.html` and the links between issues; returns the path of the index."""
    index = folder / INDEX
    with writing(index):
        found = issues(folder)
        for issue in found:
            _link(folder / issue.file, issue, found)
        put(index, index_page(groups(found)))
    return index


def groups(found: Sequence[Issue]) -> list[Group]:
    """The issues by scope: the newest week first, and everybody before teams."""
    scopes = groupby(sorted(found, key=lambda one: one.scope), key=lambda one: one.scope)
    made = [_group(list(of_scope)) for _, of_scope in scopes]
    made.sort(key=lambda one: (one.source == "sample", one.team, one.source))
    return sorted(made, key=lambda one: one.issues[0].week, reverse=True)


def _group(of_scope: list[Issue]) -> Group:
    newest_first = sorted(of_scope, key=lambda one: (one.week, one.file), reverse=True)
    labels = (label for issue in newest_first for label, _ in issue.headlines)
    return Group(
        *newest_first[0].scope,
        issues=newest_first,
        sparks=_sparks(one_a_week(of_scope)),
        columns=list(dict.fromkeys(labels)),
    )


class _Value(NamedTuple):
    """One issue's value of a metric; `number` is NaN if missing."""

    monday: date
    number: float
    version: object
    week: str
    text: str


def _sparks(issues: Sequence[Issue]) -> list[Spark]:
    """One sparkline per headline of `issues` of one scope, one a week, oldest first.

    Lines of one unit share one scale.
    """
    cards = {card.metric: card for issue in issues for card in issue.cards}
    newest_first = dict.fromkeys(card.metric for one in reversed(issues) for card in one.cards)
    values = {metric: [_value(metric, one) for one in issues] for metric in newest_first}
    known = {metric: [v for v in of if not math.isnan(v.number)] for metric, of in values.items()}
    tops: dict[str, float] = {}
    for metric, numbers in known.items():
        unit = cards[metric].unit
        tops[unit] = max([tops.get(unit, 0.0), *(one.number for one in numbers)])
    return [
        Spark(
            label=cards[metric].label,
            value=values[metric][-1].text,
            unit=cards[metric].unit,
            words=_words(shown, missing=len(values[metric]) - len(shown)),
            line=sparkline([one[:3] for one in values[metric]], tops[cards[metric].unit]),
        )
        for metric, shown in known.items()
        if shown
    ]


def _value(metric: str, issue: Issue) -> _Value:
    assert issue.monday  # one_a_week leaves out issues without one
    number = issue.numbers.get(metric, {}).get(issue.monday.isoformat(), math.nan)
    card = next((card for card in issue.cards if card.metric == metric), None)
    text = "n/a" if math.isnan(number) else card.value if card else f"{number:,.4g}"
    return _Value(issue.monday, number, issue.definitions.get(metric), issue.week, text)


def _words(known: Sequence[_Value], missing: int) -> str:
    """The text alternative and caption of a line."""
    same = [one for one in known if one.version == known[-1].version]
    words = [_range(same)]
    if missing:
        words.append(f"{counted(missing, 'report')} without a number.")
    if len(same) < len(known):
        words.append(f"The definition changed in {same[0].week}; earlier weeks are left out here.")
    return " ".join(words)


def _range(values: Sequence[_Value]) -> str:
    low = min(values, key=lambda one: one.number)
    high = max(values, key=lambda one: one.number)
    if len(values) == 1:
        return f"One report, {low.week}."
    span = f"{len(values)} reports, {values[0].week} to {values[-1].week}"
    if low.text == high.text:
        return f"{span}: {low.text} in each."
    return f"{span}: lowest {low.text} in {low.week}, highest {high.text} in {high.week}."


def _link(path: Path, issue: Issue, found: Sequence[Issue]) -> None:
    """Write the links of one page, if they changed."""
    try:
        page = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        log.warning("%s gets no links: %s", path, error)
        return
    # They point to files next to the page. A page that was sent to somebody has none, so it says
    # where they are, and its script removes them where there can be no folder.
    before, after = _neighbours(issue, found)
    links = render("others.html.j2", before=before, after=after, index=INDEX)
    linked = _LINKS.sub(lambda _: links, page, count=1)
    if linked != page:
        put(path, linked)


def _neighbours(issue: Issue, found: Sequence[Issue]) -> tuple[Issue | None, Issue | None]:
    """The complete issues of the same source and team in the nearest weeks before and after."""
    monday = issue.monday
    if monday is None:
        return None, None
    same = one_a_week(one for one in found if one.scope[:2] == issue.scope[:2])
    before = [one for one in same if one.monday and one.monday < monday]
    after = [one for one in same if one.monday and one.monday > monday]
    return (before[-1] if before else None), (after[0] if after else None)
