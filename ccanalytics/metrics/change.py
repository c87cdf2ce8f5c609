"""The last closed week against the one before: how much it moved, and whether that is noise.

The same actors are drawn in both weeks, out of everybody active in either, so what people keep
from one week to the next does not count as change.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from ccanalytics.dataset.coverage import NO_COVERAGE, NO_USAGE, Coverage, coverage_of
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.availability import UNAVAILABLE
from ccanalytics.metrics.definitions import ActorKind, Metric, column_words, singular
from ccanalytics.metrics.intervals import (
    MINIMUM_ACTORS,
    Floats,
    interval,
    ratio,
    resampled_sums,
)
from ccanalytics.metrics.ratios import MINIMUM_PRICED, Matrix, matrix, rows_of, summable, week_frame
from ccanalytics.showing import Results, ShowsItself

Verdict = Literal[
    "up",
    "down",
    "no detectable change",
    "too few to say",
    "nothing to compare",
    "not known from this source",
]

WEEK_BEFORE = "the week before"
_WEEK = pd.Timedelta(days=7)


@dataclass(frozen=True)
class Headline(ShowsItself):
    """One metric in the last closed week, next to an earlier value (`against` says which).

    Numbers are NaN where there is none; `week` is NaT while no week is closed. The change has no
    numbers when there are too few actors or events to say something about it.
    """

    shown_by = "display.cards:headline_bundle"

    metric: Metric
    week: pd.Timestamp
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    numerator: float = math.nan
    denominator: float = math.nan
    n_actors: int = 0
    priced_share: float = 1.0
    against: str = WEEK_BEFORE
    previous: float = math.nan
    change: float = math.nan
    change_low: float = math.nan
    change_high: float = math.nan
    verdict: Verdict = "nothing to compare"
    coverage: Coverage = NO_COVERAGE
    usual: "Headline | None" = None
    """The same week next to the median of the four before it."""

    @property
    def relative_change(self) -> float:
        """The change as a fraction of the previous value; NaN where that is 0 or unknown."""
        return self.change / self.previous if self.previous else math.nan

    def sentence(self) -> str:
        """The headline in plain English, with what it rests on."""
        if pd.isna(self.week):
            return f"{self.metric.name}: no week is closed yet."
        if math.isnan(self.value):
            return f"{self.metric.name}: {self._why_null()}."
        verb = "were" if self.metric.is_plural else "was"
        estimated = "an estimated " if self.metric.unit == "usd" else ""
        value = estimated + self.metric.format(self.value)
        basis = ", ".join(self._basis())
        known = f" ({basis})" if basis else ""
        has_usual = self.usual is not None and not math.isnan(self.usual.previous)
        usual = f"; {self.usual.comparison()}" if self.usual and has_usual else ""
        return f"{self.metric.name} {verb} {value}{known}; {self.comparison()}{usual}."

    def _basis(self) -> list[str]:
        """What the value rests on: its interval, its denominator, its people."""
        parts = []
        if not math.isnan(self.low):
            ends = f"{self.metric.format(self.low)} to {self.metric.format(self.high)}"
            parts.append(f"90 % interval {ends}")
        if self.metric.denominator not in (None, "active"):
            parts.append(counted(self.denominator, self.metric.denominator))
        if self.metric.numerator != "active":
            parts.append(counted(self.n_actors, "active"))
        if self.priced_share < 1:
            parts.append(f"{100 * self.priced_share:.1f} % of tokens priced")
        return parts

    def comparison(self) -> str:
        """The verdict and the earlier value, in words."""
        if math.isnan(self.previous):
            return f"there is no value of {self.against} to compare it with"
        joint = "whether it moved from" if self.verdict == "too few to say" else "from"
        comma = "" if self.against == WEEK_BEFORE else ","
        return f"{self.verdict} {joint} {self.metric.format(self.previous)}{comma} {self.against}"

    def _why_null(self) -> str:
        if self.verdict == UNAVAILABLE:
            return UNAVAILABLE
        if self.metric.denominator == "on_roster" and not self.denominator > 0:
            return "there is no roster of the week to divide by, or too few people to show it"
        if self.metric.denominator == "active_before" and not self.denominator > 0:
            return "there is no week before, or too few people to show it"
        if self.n_actors == 0:
            return "nobody was active, or too few people to show it"
        if self.priced_share < MINIMUM_PRICED:
            return f"only {100 * self.priced_share:.0f} % of the tokens have a known price"
        floor = self.metric.minimum_denominator
        count = counted(self.denominator, self.metric.denominator)
        return f"too few to say with {count} (at least {floor})"


def headline(data: Dataset, metric_id: str) -> Headline:
    """The last closed week of a ratio or total, against the week directly before it.

    `usual` is the same week against the median of the four weeks before.
    """
    found, frame = _last_week(data, metric_id)
    found = replace(found, usual=_against_median(data, found, frame, 4))
    base = frame.iloc[-2:-1]
    if base.empty or base["week"].iloc[0] != found.week - _WEEK:
        return found
    return _compared(data, found, base)


class Headlines(Results):
    """Headlines side by side; more than a few of them are a table of changes."""

    shown_by = "display.cards:headlines_bundle"


def headlines(data: Dataset, metric_ids: Iterable[str]) -> Headlines:
    """The headline of each metric, in the order asked for."""
    return Headlines(headline(data, metric_id) for metric_id in metric_ids)


def against_median(data: Dataset, metric_id: str, weeks: int = 4) -> Headline:
    """The last closed week against the median of the closed `weeks` before it."""
    return _against_median(data, *_last_week(data, metric_id), weeks)


def _against_median(data: Dataset, found: Headline, frame: pd.DataFrame, weeks: int) -> Headline:
    found = replace(found, against=f"the median of the {weeks} weeks before")
    base = frame.iloc[-weeks - 1 : -1]
    return _compared(data, found, base) if len(base) == weeks else found


def _last_week(data: Dataset, metric_id: str) -> tuple[Headline, pd.DataFrame]:
    """The newest row of the metric frame as a headline that is not compared yet, and the frame."""
    metric = summable(metric_id)
    frame = week_frame(data, metric_id)
    if frame.empty:
        return Headline(metric, pd.NaT), frame
    last = frame.iloc[-1]
    found = Headline(
        metric,
        week=last["week"],
        value=float(last["value"]),
        low=float(last["low"]),
        high=float(last["high"]),
        numerator=float(last["numerator"]),
        denominator=float(last["denominator"]),
        n_actors=0 if pd.isna(last["n_actors"]) else int(last["n_actors"]),
        priced_share=float(last.get("priced_share", 1.0)),
        coverage=coverage_of(data, money=metric.is_money, people=True),
    )
    if metric.needs_usage and not data.spec.has_usage:
        found = replace(found, verdict=UNAVAILABLE, coverage=NO_USAGE)
    return found, frame


def _compared(data: Dataset, found: Headline, base: pd.DataFrame) -> Headline:
    """`found` with the median of `base` as its previous value, the change and the verdict."""
    if base["value"].isna().any():
        return found
    found = replace(found, previous=float(base["value"].median()))
    weeks = pd.DatetimeIndex([*base["week"], found.week])
    actors = matrix(rows_of(data, found.metric), weeks, found.metric)
    if math.isnan(found.value) or _too_few(found, base, len(actors.top)):
        return replace(found, verdict="too few to say")
    change = found.value - found.previous
    low, high = change_interval(change, actors, found.metric)
    if math.isnan(low):
        return replace(found, verdict="too few to say")
    return replace(
        found, change=change, change_low=low, change_high=high, verdict=verdict_of(low, high)
    )


def _too_few(found: Headline, base: pd.DataFrame, n_actors: int) -> bool:
    events = [found.denominator, *base["denominator"]] if found.metric.is_ratio else []
    return n_actors < MINIMUM_ACTORS or min(events, default=math.inf) < (
        found.metric.verdict_denominator
    )


def verdict_of(low: float, high: float) -> Verdict:
    """What the 90 % interval of a change says of its direction."""
    if low > 0:
        return "up"
    return "down" if high < 0 else "no detectable change"


def change_interval(change: float, actors: Matrix, metric: Metric) -> tuple[float, float]:
    """90 % interval of the last week's value minus the median of the weeks before it."""
    replicates = _weekly(resampled_sums(np.hstack([actors.top, actors.bottom])), metric)
    changes = replicates[:, -1] - np.median(replicates[:, :-1], axis=1)
    return interval(change, changes, _influence(actors, metric))


def _weekly(sums: Floats, metric: Metric) -> Floats:
    """The value of each week (column) in each replicate (row)."""
    top, bottom = np.hsplit(sums, 2)
    return ratio(top, bottom) if metric.is_ratio else top


def _influence(actors: Matrix, metric: Metric) -> Floats:
    """What each actor adds to the error of the change; that of a median as if it were a mean."""
    each = actors.top
    if metric.is_ratio:
        total = actors.bottom.sum(axis=0)
        each = (each - actors.top.sum(axis=0) / total * actors.bottom) / total
    influence: Floats = each[:, -1] - each[:, :-1].mean(axis=1)
    return influence


def counted(value: float, column: str | None, actor_kind: ActorKind = "user") -> str:
    """How many of what: "412 commits", "1 person"."""
    if column == "cost_usd":
        return f"${value:,.0f}"
    words = column_words(str(column), actor_kind)
    if value >= 10_000_000:
        return f"{value / 1e6:,.0f} million {words}"
    return f"{value:,.0f} {singular(words) if value == 1 else words}"
