"""The folder of reports as a static site: an index, and links from issue to issue.

    index.html       a sparkline for each headline, and every issue with its numbers
    2026-W47.html    an issue, with links to the one before, the one after, and the index

Everything comes from the issues themselves, so equal issues give equal bytes.
All addresses are relative: the folder works from disk, under any address, in an object store.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from ccanalytics.report.archive import INDEX, Issue, issues, one_a_week, put, writing
from ccanalytics.report.history import changed_since
from ccanalytics.report.page import index_page, links_between
from ccanalytics.report.sparks import Spark, sparks
from ccanalytics.words import counted

log = logging.getLogger(__name__)

_LINKS = re.compile("(?<=<!--other issues-->).*?(?=<!--/other issues-->)", re.DOTALL)
"""The place of the links in a page; a page without it is left unchanged."""


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

    def row(self, issue: Issue) -> list[str]:
        """The values of one issue under the columns."""
        values = dict(issue.headlines)
        return [values.get(column, "") for column in self.columns]

    def restated(self, issue: Issue) -> str:
        """How many of its figures later issues changed; empty for none."""
        later = [one.memory for one in self.issues if one.week > issue.week and not one.failed]
        changed = changed_since(issue.memory, str(issue.monday), later)
        return f"{counted(len(changed), 'figure')} restated since" if changed else ""


def write_site(folder: Path, *, title: str = "Weekly reports") -> Path:
    """Write `index.html` and the links between issues; returns the path of the index."""
    index = folder / INDEX
    with writing(index):
        found = issues(folder)
        for issue in found:
            _link(folder / issue.file, issue, found)
        put(index, index_page(groups(found), title=title))
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
        sparks=sparks(one_a_week(of_scope)),
        columns=list(dict.fromkeys(labels)),
    )


def _link(path: Path, issue: Issue, found: Sequence[Issue]) -> None:
    """Write the links of one page, if they changed."""
    try:
        page = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        log.warning("%s gets no links: %s", path, error)
        return
    links = links_between(*_neighbours(issue, found))
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
