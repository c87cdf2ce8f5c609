"""The folder of reports as a static site: an index, and links from issue to issue.

    index.html       a sparkline for each headline, and every issue with its numbers
    2026-W47.html    an issue, with links to the one before, the one after, and the index

Everything comes from the issues themselves, so equal issues give equal bytes.
All addresses are relative: the folder works from disk, under any address, in an object store.
"""

import logging
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from ccanalytics.display.sparkline import Sparkline, sparkline
from ccanalytics.report.archive import INDEX, Issue, changes_of, issues, one_a_week, put, writing
from ccanalytics.report.page import index_page, render
from ccanalytics.words import counted

log = logging.getLogger(__name__)

_LINKS = re.compile("(?<=<!--other issues-->).*?(?=<!--/other issues-->)", re.DOTALL)
"""The place of the links in a page; a page without it is left unchanged."""


class Spark(NamedTuple):
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
        """How many of its figures the newest later issue with its week changed; empty for none."""
        monday = str(issue.monday)
        for one in self.issues:
            has_it = any(monday in weeks for weeks in one.numbers.values())
            if one.week > issue.week and has_it and not one.failed:
                changed = sum(week == monday for _, _, week, *_ in changes_of(one, [issue]))
                return f"{counted(changed, 'figure')} restated since" if changed else ""
        return ""


def write_site(folder: Path) -> Path:
    """Write `index.html` and the links between issues; returns the path of the index."""
    index = folder / INDEX
    with writing(index):
        found = issues(folder)
        for issue in found:
            _link(folder / issue.file, issue, found)
        put(index, index_page(groups(found)))
    return index


def groups(newest_first: Sequence[Issue]) -> list[Group]:
    """The issues by scope: the newest week first, and everybody before teams."""
    scopes: dict[tuple[str, str, str], list[Issue]] = {}
    for issue in newest_first:
        scopes.setdefault(issue.scope, []).append(issue)
    made = []
    for scope, found in scopes.items():
        columns = dict.fromkeys(label for issue in found for label in issue.headlines)
        made.append(Group(*scope, found, _sparks(one_a_week(found)), [*columns]))
    made.sort(key=lambda one: (one.source == "sample", one.team, one.source))
    return sorted(made, key=lambda one: one.issues[0].week, reverse=True)


def _sparks(issues: Sequence[Issue]) -> list[Spark]:
    """One sparkline per headline of `issues` of one scope, one a week, oldest first.

    Lines of one unit share one scale. An issue with another definition than the newest one has no
    point: its number cannot be compared.
    """
    newest = {card.metric: (issue, card) for issue in issues for card in issue.cards}
    order = dict.fromkeys(card.metric for issue in reversed(issues) for card in issue.cards)
    lines: dict[str, list[float]] = {}
    tops: dict[str, float] = defaultdict(float)
    for metric in order:
        last, card = newest[metric]
        lines[metric] = [
            one.numbers.get(metric, {}).get(str(one.monday), math.nan)
            if one.definitions.get(metric) == last.definitions.get(metric)
            else math.nan
            for one in issues
        ]
        tops[card.unit] = max(tops[card.unit], *(n for n in lines[metric] if n > 0), 0.0)
    sparks = []
    for metric, numbers in lines.items():
        card, weeks = newest[metric][1], list(zip(issues, numbers, strict=True))
        known = [(n, _text(metric, one, n)) for one, n in weeks if not math.isnan(n)]
        if not known:
            continue
        words = counted(len(known), "report")
        if len(known) > 1:
            words += f" from {min(known)[1]} to {max(known)[1]}"
        if missing := len(numbers) - len(known):
            words += f"; {counted(missing, 'report')} without a comparable number"
        value = "n/a" if math.isnan(numbers[-1]) else known[-1][1]
        line = sparkline([(one.monday, n) for one, n in weeks if one.monday], tops[card.unit])
        sparks.append(Spark(card.label, value, card.unit, words, line))
    return sparks


def _text(metric: str, issue: Issue, number: float) -> str:
    return next((one.value for one in issue.cards if one.metric == metric), f"{number:,.4g}")


def _link(path: Path, issue: Issue, found: Sequence[Issue]) -> None:
    """Write the links of one page to the nearest complete issues of the same source and team."""
    try:
        page = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        log.warning("%s gets no links: %s", path, error)
        return
    same = one_a_week(one for one in found if one.scope[:2] == issue.scope[:2] and issue.monday)
    week = attrgetter("week")
    before = max((one for one in same if one.week < issue.week), key=week, default=None)
    after = min((one for one in same if one.week > issue.week), key=week, default=None)
    # They point to files next to the page. A page that was sent to somebody has none, so it says
    # where they are, and its script removes them where there can be no folder.
    links = render("others.html.j2", before=before, after=after, index=INDEX)
    linked = _LINKS.sub(lambda _: links, page, count=1)
    if linked != page:
        put(path, linked)
