"""Datasets kept in memory, so that a changed control is answered at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.loading import load
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.explore.question import Question
from ccanalytics.weeks import days_between, parse_week

LOOK_BACK = 52
"""Weeks that are loaded at first; a range outside them is loaded when it is asked for."""


class Shelf:
    """Datasets by source, loaded once; ranges and teams of them are cut out in memory."""

    def __init__(self, identity: str, load: Callable[..., Dataset] = load) -> None:
        self.identity = identity
        self._load = load
        self._whole: dict[str, Dataset] = {}
        self._asked: dict[str, tuple[date, date]] = {}
        self._of_team = lru_cache(maxsize=16)(self._team_of)
        self._cut = lru_cache(maxsize=32)(self._cut_out)

    def whole(self, source: str) -> Dataset:
        """All that is in memory of a source: at first its newest 52 weeks."""
        if source not in self._whole:
            data = self._load(weeks=LOOK_BACK, source=source, identity=self.identity)
            self._whole[source] = data
            self._asked[source] = data.until - timedelta(weeks=LOOK_BACK), data.until
        return self._whole[source]

    def range(self, source: str, since: date, until: date, team: str) -> Dataset:
        """The days of a range that there are, of everybody or of one team."""
        self.whole(source)
        days_between(since, until)
        first, last = self._asked[source]
        if since < first or until > last:
            wider = min(since, first), max(until, last)
            self._whole[source] = self._load(*wider, source=source, identity=self.identity)
            self._asked[source] = wider
            self._of_team.cache_clear()
            self._cut.cache_clear()
        return self._cut(source, since, until, team)

    def _cut_out(self, source: str, since: date, until: date, team: str) -> Dataset:
        return self._of_team(source, team).between(since, until)

    def _team_of(self, source: str, team: str) -> Dataset:
        return self._whole[source].of_team(team) if team else self._whole[source]


def first_question(
    shelf: Shelf, source: str, week: str = "", weeks: int = 12, team: str = ""
) -> Question:
    """The question to begin with: `weeks` closed weeks ending with `week`, or the newest one."""
    if weeks < 1:
        raise ValueError(f"weeks is {weeks}; it is 1 or more.")
    asked = Question(source, None, None, team=team, identity=shelf.identity)
    try:
        last = parse_week(week) if week else shelf.whole(source).weeks[-1].date()
    except CCAnalyticsError:
        return asked  # of a source without data there is no newest week; the view says why
    since = last - timedelta(weeks=weeks - 1)
    return replace(asked, since=since, until=last + timedelta(days=6))
