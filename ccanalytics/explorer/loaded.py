"""Datasets in memory, so that a changed control is answered at once."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache, partial

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.loading import load
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.explorer.question import Question
from ccanalytics.weeks import days_between, parse_week

LOOK_BACK = 52
"""Weeks loaded at first; an earlier range is loaded when needed."""


class LoadedData:
    """Datasets loaded once; ranges and teams are cut out in memory."""

    def __init__(self, identity: str, load: Callable[..., Dataset] = load) -> None:
        self.identity = identity
        self._load = lru_cache(maxsize=4)(partial(load, identity=identity))

    def all_of(self, source: str) -> Dataset:
        """The newest 52 weeks of a source."""
        return self._load(weeks=LOOK_BACK, source=source)

    def range(self, source: str, since: date, until: date, team: str) -> Dataset:
        """The available days of a range, of everybody or of one team."""
        days_between(since, until)
        data = self.all_of(source)
        if since < data.since or until > data.until:
            data = self._load(since, until, source=source)
        return _cut(data, since, until, team)

    def teams(self, source: str) -> list[str]:
        """The teams of the roster in order; none without data."""
        with suppress(CCAnalyticsError, ValueError, OSError):
            return sorted(self.all_of(source).roster["team"].dropna().unique())
        return []


@lru_cache(maxsize=8)  # a metric of a dataset is worked out once
def _cut(data: Dataset, since: date, until: date, team: str) -> Dataset:
    return (data.of_team(team) if team else data).between(since, until)


def first_question(
    loaded: LoadedData, source: str, week: str = "", weeks: int = 12, team: str = ""
) -> Question:
    """The first question: `weeks` closed weeks ending with `week`, or the newest week."""
    since = until = None
    with suppress(CCAnalyticsError, IndexError):  # without data the answer says why
        last = parse_week(week) if week else loaded.all_of(source).weeks[-1].date()
        since, until = last - timedelta(weeks=weeks - 1), last + timedelta(days=6)
    teams = (team,) if team else ()
    return Question(source, since, until, teams, identity=loaded.identity)


def still_there(question: Question, loaded: LoadedData, first: Question) -> Question:
    """`question` without teams and ranges that its source no longer has."""
    known = loaded.teams(question.source)
    question = replace(question, teams=tuple(team for team in question.teams if team in known))
    since, until = question.since, question.until
    if first.until and since and until:
        data = loaded.all_of(question.source)
        if since <= data.until and data.since <= until:
            return question
    return replace(question, since=first.since, until=first.until)
