"""What the controls ask -> the chart, notes, table and code that answer it, or why not."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from altair.utils.schemapi import debug_mode

import ccanalytics
from ccanalytics.charts.draw import chart
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.loading import load
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.metrics.by_week import MetricFrame, Period
from ccanalytics.metrics.definitions import METRICS, ActorKind, amount_words, column_words
from ccanalytics.metrics.own_shapes import NO_ROSTER
from ccanalytics.showing import Note, Sentence, WarningNote
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

REFUSALS = (CCAnalyticsError, ValueError, OSError)
"""What says in a sentence why there is no answer."""


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
        several = len(self.teams) > 1
        if several and self.by not in ("", "team"):
            raise ValueError(f"Several teams are split by team, not by {self.by}: choose one.")
        if self.teams and self.actor_kind == "api_key":
            raise ValueError("API keys have no team: choose everybody, or people.")
        split = {"by": "team" if several else self.by, "actor_kind": self.actor_kind}
        split = {name: value for name, value in split.items() if value not in ("", "user")}
        if self.metric_id in SHAPES:
            if split or self.period != "week":
                name = METRICS[self.metric_id].name
                raise ValueError(f"{name} cannot be split or shown by {self.period}.")
            return "metric_frame", (self.metric_id,), {}
        if self.metric_id == OWN_RATIO:
            if self.period != "week":
                raise ValueError("A ratio of your own is by week.")
            return "ratio_by_week", (self.top, self.bottom), split
        if self.period == "week":
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
        with suppress(*REFUSALS):
            return sorted(self.all_of(source).roster["team"].dropna().unique())
        return []

    def newest(self, source: str, weeks: int) -> tuple[date | None, date | None]:
        """The first and last day of the newest closed weeks; none without data."""
        with suppress(*REFUSALS, IndexError):
            last = self.all_of(source).weeks[-1].date()
            return last - timedelta(weeks=weeks - 1), last + timedelta(days=6)
        return None, None

    def still_there(self, question: Question, weeks: int) -> Question:
        """`question` without teams that are gone, in the newest weeks where its own are gone."""
        known, (since, until) = self.teams(question.source), self.newest(question.source, weeks)
        if until and question.since and question.until:
            data = self.all_of(question.source)
            if question.since <= data.until and data.since <= question.until:
                since, until = question.since, question.until
        teams = tuple(team for team in question.teams if team in known)
        return replace(question, teams=teams, since=since, until=until)


@lru_cache(maxsize=8)  # a metric of a dataset is worked out once
def _cut(data: Dataset, since: date, until: date, team: str) -> Dataset:
    return (data.of_team(team) if team else data).between(since, until)


@dataclass(frozen=True, eq=False)
class View:
    """The answer to a question; without a chart the first note says why.

    `frame` is the metric frame, `spec` its chart as Vega-Lite, `code` makes both again.
    """

    question: Question
    notes: tuple[Sentence, ...]
    frame: MetricFrame | None = None
    chart: Any = None
    spec: dict[str, Any] = field(default_factory=dict)
    code: str = "# Nothing to show, so there is no code.\n"


def answer(question: Question, loaded: LoadedData) -> View:
    """The view of a question; an obstacle is shown as a sentence."""
    try:
        data, (function, args, split) = loaded.days_of(question), question.call()
        frame = getattr(ccanalytics, function)(data, *args, **split)
    except REFUSALS as error:
        return View(question, (WarningNote(str(error)),))
    if len(question.teams) > 1:
        frame = frame[frame["team"].isin(question.teams)]
    metric, missing = frame.metric, _missing(question, data, frame)
    about = Sentence(" ".join([f"{metric.name}: {metric.formula}", *metric.caveats]))
    known = frame["value"].notna()
    if metric.numerator:  # a true zero of nobody is not drawn
        known &= frame["n_actors"] > 0
    if not known.any():
        why = missing or "Nobody was active, or too few people to show it."
        return View(question, (WarningNote(f"Nothing to show. {why}"), about), frame)
    # Half of an answer's time is Altair's schema validation; the charts of the package are
    # validated by its tests.
    with debug_mode(False):
        drawn = chart(frame)
        spec = drawn.to_dict()
    notes = (Note(missing), about) if missing else (about,)
    return View(question, notes, frame, drawn, spec, question.code())


_FOUND = "could be found by subtraction, or nearly all of one"


def _missing(question: Question, data: Dataset, frame: MetricFrame) -> str:
    """Why values are missing, and how many."""
    metric, kind, missing = frame.metric, question.actor_kind, frame["value"].isna()
    if frame.empty and question.period == "month":
        return "No month has all its weeks in the range, those whose Thursday is in it."
    if "unavailable" in frame.attrs:
        return f"{metric.name}: not known from source {question.source}."
    if data.roster.empty and metric.id in ("active_rate", "roster_use", "time_to_first_use"):
        return NO_ROSTER
    if "n_actors" not in frame:
        return ""
    hidden = missing & frame["n_actors"].isna()
    few = f"{data.minimum_group} {column_words('active', kind)}"
    floor = amount_words(max(metric.minimum_denominator, 1), metric.denominator or "active", kind)
    price = ", or too few tokens have a known price" if "priced_share" in frame else ""
    reasons = {
        f"withheld: fewer than {few}, {_FOUND}": hidden.sum(),
        f"without a value: fewer than {floor}{price}": (missing & ~hidden).sum(),
    }
    return " ".join(
        f"{count} of {len(frame)} {'is' if count == 1 else 'are'} {why}."
        for why, count in reasons.items()
        if count
    )
