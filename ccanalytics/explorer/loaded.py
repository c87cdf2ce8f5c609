"""Datasets kept in memory, so that a changed control is answered at once."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.loading import load
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.explorer.question import Question
from ccanalytics.weeks import days_between, parse_week

LOOK_BACK = 52
"""Weeks that are loaded at first; a range outside them is loaded when it is asked for."""


class LoadedData:
    """Datasets by source, loaded once; ranges and teams of them are cut out in memory."""

    def __init__(self, identity: str, load: Callable[..., Dataset] = load) -> None:
        self.identity = identity
        self._load = load
        self._all: dict[str, Dataset] = {}
        self._requested: dict[str, tuple[date, date]] = {}
        self._cut = lru_cache(maxsize=32)(self._cut_out)

    def all_of(self, source: str) -> Dataset:
        """All that is in memory of a source: at first its newest 52 weeks."""
        if source not in self._all:
            data = self._load(weeks=LOOK_BACK, source=source, identity=self.identity)
            self._all[source] = data
            self._requested[source] = data.until - timedelta(weeks=LOOK_BACK), data.until
        return self._all[source]

    def range(self, source: str, since: date, until: date, team: str) -> Dataset:
        """The days of a range that there are, of everybody or of one team."""
        self.all_of(source)
        days_between(since, until)
        first, last = self._requested[source]
        if since < first or until > last:
            wider = min(since, first), max(until, last)
            self._all[source] = self._load(*wider, source=source, identity=self.identity)
            self._requested[source] = wider
            self._cut.cache_clear()
        return self._cut(source, since, until, team)

    def _cut_out(self, source: str, since: date, until: date, team: str) -> Dataset:
        data = self._all[source]
        return (data.of_team(team) if team else data).between(since, until)


def first_question(
    loaded: LoadedData, source: str, week: str = "", weeks: int = 12, team: str = ""
) -> Question:
    """The question to begin with: `weeks` closed weeks ending with `week`, or the newest one."""
    if weeks < 1:
        raise ValueError(f"weeks is {weeks}; it is 1 or more.")
    since = until = None
    try:
        last = parse_week(week) if week else loaded.all_of(source).weeks[-1].date()
        since, until = last - timedelta(weeks=weeks - 1), last + timedelta(days=6)
    except (CCAnalyticsError, IndexError):
        pass  # a source without data has no newest week; the answer says why
    return Question(source, since, until, team=team, identity=loaded.identity)
