"""The folder of reports as a static site: an index, and links from issue to issue.

    index.html       a line for each headline over the issues, and every issue with its numbers
    2026-W47.html    an issue, with links to the one before, the one after, and the index

Everything is made from what the issues say of themselves, so the same issues give the same bytes.
All addresses are relative: the folder works from disk, under any address, in an object store.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from ccanalytics.report.archive import INDEX, Issue, issues, one_a_week, put, writing
from ccanalytics.report.page import index_page, links_between
from ccanalytics.report.sparks import Spark, sparks

log = logging.getLogger(__name__)

_OPEN, _CLOSE = "<!--other issues-->", "<!--/other issues-->"
"""What stands around the links in a page; a page without it is left as it is."""


@dataclass(frozen=True)
class Group:
    """The issues of one scope, newest first, with a line for each headline."""

    source: str
    team: str
    identity: str
    issues: list[Issue]
    sparks: list[Spark]
    columns: list[str]
    """The headlines that at least one of them has."""

    @property
    def sample(self) -> bool:
        """Whether it is about the invented organisation."""
        return self.source == "sample"

    def row(self, issue: Issue) -> list[str]:
        """The values of one issue under the columns."""
        values = dict(issue.headlines)
        return [values.get(column, "") for column in self.columns]


def write_site(folder: Path, *, title: str = "Weekly reports") -> Path:
    """The path of `index.html`; it and the links between issues are written anew."""
    index = folder / INDEX
    with writing(index):
        found = issues(folder)
        for issue in found:
            _link(folder, issue, found)
        put(index, index_page(groups(found), title=title))
    return index


def groups(found: Sequence[Issue]) -> list[Group]:
    """The issues by scope; first that with the newest week, of these that of everybody."""
    scopes = groupby(sorted(found, key=lambda one: one.scope), key=lambda one: one.scope)
    made = [_group(list(of_scope)) for _, of_scope in scopes]
    made.sort(key=lambda one: (one.sample, one.team, one.source))
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


def _link(folder: Path, issue: Issue, found: Sequence[Issue]) -> None:
    """Write the links of one page into it, when they are others than those it has."""
    path = folder / issue.file
    try:
        page = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        log.warning("%s gets no links: %s", path, error)
        return
    before, opening, rest = page.partition(_OPEN)
    _, closing, after = rest.partition(_CLOSE)
    linked = "".join([before, opening, links_between(*_neighbours(issue, found)), closing, after])
    if closing and linked != page:
        put(path, linked)


def _neighbours(issue: Issue, found: Sequence[Issue]) -> tuple[Issue | None, Issue | None]:
    """The whole issues about the same people in the nearest week before, and after."""
    monday = issue.monday
    if monday is None:
        return None, None
    same = one_a_week(one for one in found if (one.source, one.team) == (issue.source, issue.team))
    before = [one for one in same if one.monday and one.monday < monday]
    after = [one for one in same if one.monday and one.monday > monday]
    return (before[-1] if before else None), (after[0] if after else None)
