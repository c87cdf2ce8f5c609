"""What the controls ask, of which data, and the same calls as code."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.loading import load
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.metrics.by_week import Period
from ccanalytics.metrics.definitions import METRICS, ActorKind
from ccanalytics.weeks import days_between

SHAPES = ("active_actors_by_day", "roster_use", "retention", "time_to_first_use", "daily_cost")
"""Metrics with a function of their own: people only, no split."""

OWN_RATIO = "own_ratio"
"""The choice of a ratio of any two columns."""

CHOICES = tuple(
    name for name, metric in METRICS.items() if metric.numerator or metric.frame or name in SHAPES
)
"""The available metrics, in the order of the report."""

COLUMNS = (
    *("active_days", "sessions", "commits", "pull_requests", "lines_added", "lines_removed"),
    *("cost_usd", "total_tokens", "input_tokens", "output_tokens", "cache_read_tokens"),
    *("accepted", "rejected", "proposals", "active"),
)
"""The columns for a ratio of one's own."""

LOOK_BACK = 52
"""Weeks loaded at first; an earlier range is loaded when needed."""


@dataclass(frozen=True)
class Question:
    """A question; no team means everybody, several teams are shown next to each other."""

    source: str
    since: date | None
    until: date | None
    teams: tuple[str, ...] = ()
    actor_kind: ActorKind = "user"
    metric_id: str = "cost_per_commit"
    top: str = "lines_added"
    bottom: str = "sessions"
    period: Period = "week"
    by: str = ""

    @property
    def team(self) -> str:
        """The single team; empty for everybody and for several."""
        return self.teams[0] if len(self.teams) == 1 else ""

    def call(self) -> tuple[str, tuple[str, ...], dict[str, str]]:
        """The function of the package that returns the metric frame, and what it gets after the
        dataset; `ValueError` for an impossible combination."""
        several, weekly = len(self.teams) > 1, self.period == "week"
        if several and self.by not in ("", "team"):
            raise ValueError(f"Several teams are split by team, not by {self.by}: choose one.")
        if self.teams and self.actor_kind == "api_key":
            raise ValueError("API keys have no team: choose everybody, or people.")
        split = {"by": "team" if several else self.by, "actor_kind": self.actor_kind}
        split = {name: value for name, value in split.items() if value not in ("", "user")}
        if self.metric_id in SHAPES:
            if split or not weekly:
                name = METRICS[self.metric_id].name
                raise ValueError(f"{name} cannot be split or shown by {self.period}.")
            return "metric_frame", (self.metric_id,), {}
        if self.metric_id == OWN_RATIO:
            if not weekly:
                raise ValueError("A ratio of your own is by week.")
            return "ratio_by_week", (self.top, self.bottom), split
        if weekly:
            return "by_week", (self.metric_id,), split
        return "by_period", (self.metric_id, self.period), split

    def code(self) -> str:
        """The lines that give the same `frame` and chart in a notebook."""

        def said(*args: str, **named: str) -> str:
            texts = [f"{name}={text!a}" for name, text in named.items() if text]
            return ", ".join([*map(ascii, args), *texts])

        name, args, split = self.call()
        how = {"source": self.source, "team": self.team}
        lines = [
            "import ccanalytics as cca\n",
            f"data = cca.load({said(str(self.since), str(self.until), **how)})",
            f"frame = cca.{name}(data, {said(*args, **split)})",
        ]
        if len(self.teams) > 1:
            lines.append(f'frame = frame[frame["team"].isin({list(self.teams)!a})]')
        return "\n".join([*lines, "cca.chart(frame)\n"])


class LoadedData:
    """Datasets loaded once, so that a changed control is answered at once; ranges and teams are
    cut out in memory."""

    def __init__(self, load: Callable[..., Dataset] = load) -> None:
        self._load = lru_cache(maxsize=4)(load)

    def all_of(self, source: str) -> Dataset:
        """The newest 52 weeks of a source."""
        return self._load(weeks=LOOK_BACK, source=source)

    def days_of(self, question: Question) -> Dataset:
        """The days asked for, of everybody or of one team; `ValueError` when no week of them is
        closed and complete."""
        data, since, until = self.all_of(question.source), question.since, question.until
        if since is None or until is None:
            raise ValueError("Choose a first and a last day.")
        days_between(since, until)
        if since < data.since or until > data.until:
            data = self._load(since, until, source=question.source)
        data = _cut(data, since, until, question.team)
        if not len(data.weeks):
            raise ValueError(
                f"No week of {since} to {until} is closed and complete: seven UTC days, Monday to "
                "Sunday, all of them in the range, stored and over."
            )
        return data

    def teams(self, source: str) -> list[str]:
        """The teams of the roster in order; none without data."""
        with suppress(CCAnalyticsError, ValueError, OSError):
            return sorted(self.all_of(source).roster["team"].dropna().unique())
        return []

    def first_question(self, source: str, weeks: int = 12) -> Question:
        """The first question: so many closed weeks up to the newest one."""
        since = until = None
        with suppress(CCAnalyticsError, IndexError):  # without data the answer says why
            last = self.all_of(source).weeks[-1].date()
            since, until = last - timedelta(weeks=weeks - 1), last + timedelta(days=6)
        return Question(source, since, until)

    def still_there(self, question: Question, first: Question) -> Question:
        """`question` without teams that its source no longer has, and in the range of `first` where
        its own is gone."""
        known = self.teams(question.source)
        question = replace(question, teams=tuple(team for team in question.teams if team in known))
        since, until = question.since, question.until
        if first.until and since and until:
            data = self.all_of(question.source)
            if since <= data.until and data.since <= until:
                return question
        return replace(question, since=first.since, until=first.until)


@lru_cache(maxsize=8)  # a metric of a dataset is worked out once
def _cut(data: Dataset, since: date, until: date, team: str) -> Dataset:
    return (data.of_team(team) if team else data).between(since, until)
