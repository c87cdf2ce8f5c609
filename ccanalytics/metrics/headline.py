"""One metric in the last closed week, and whether it moved: the figure on a card.

The week before is only described; what is judged is said in `change`.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ccanalytics.dataset.coverage import NO_COVERAGE, NO_USAGE, Coverage, coverage_of
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.change import RECENT_WEEKS, SUSTAINED_WEEKS, Comparison, Verdict, changes
from ccanalytics.metrics.definitions import SECTION_TESTS, Metric, amount_words, summable
from ccanalytics.metrics.ratios import MINIMUM_PRICED, rows_of, week_frame
from ccanalytics.metrics.withholding import UNAVAILABLE, basis_of, is_known, why_withheld
from ccanalytics.showing import ShowsItself

_WEEK = pd.Timedelta(days=7)

_NO_WEEK, _NO_WEEKS = Comparison(1, 0), Comparison(SUSTAINED_WEEKS, 0)

_NOBODY = {"on_roster": "no roster of the week", "active_before": "no week before"}
"""What is missing where nobody is there to divide by."""


@dataclass(frozen=True)
class Headline(ShowsItself):
    """One metric in the last closed week, and whether it moved.

    `previous` is the previous week and `change` the difference to it: described, not judged.
    `recent` judges the last week by all recent ones, `sustained` the last four weeks by those
    before them. Numbers are NaN where there is none; `week` is NaT while no week is closed.
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
    previous: float = math.nan
    change: float = math.nan
    recent: Comparison = _NO_WEEK
    sustained: Comparison = _NO_WEEKS
    coverage: Coverage = NO_COVERAGE
    is_known: bool = True
    """Whether the source has what the metric needs."""
    withheld: str = ""
    """Why the figure is withheld, if it is."""
    line: tuple[tuple[pd.Timestamp, float], ...] = ()
    """The recent weeks, oldest first, and the value of each."""

    @property
    def shown(self) -> Comparison:
        """The comparison to show: four weeks if they moved, else the last week."""
        return self.sustained if self.sustained.is_change else self.recent

    @property
    def verdict(self) -> Verdict:
        """The verdict on the change."""
        return self.shown.verdict if self.is_known else UNAVAILABLE

    @property
    def words(self) -> str:
        """The verdict, or why there is no figure, in at most four words."""
        return self.missing or self.shown.words

    @property
    def relative_change(self) -> float:
        """The change as a fraction of the previous value; NaN if that is 0 or unknown."""
        return self.change / self.previous if self.previous else math.nan

    def sentence(self) -> str:
        """The headline in plain English, with its evidence."""
        if pd.isna(self.week):
            return f"{self.metric.name}: no week is closed yet."
        if math.isnan(self.value) or self.missing:
            return f"{self.metric.name}: {self.why_null()}."
        metric = self.metric
        is_count = not metric.is_ratio and metric.unit != "usd"  # "Commits were", "Cost was"
        verb = "were" if is_count else "was"
        estimated = "an estimated " if metric.unit == "usd" else ""
        basis = []
        if not math.isnan(self.low):
            ends = f"{metric.format(self.low)} to {metric.format(self.high)}"
            basis.append(f"90 % interval {ends}")
        if metric.denominator not in (None, "active"):
            basis.append(amount_words(self.denominator, metric.denominator))
        if metric.numerator != "active":
            basis.append(amount_words(self.n_actors, "active"))
        if self.priced_share < 1:
            basis.append(f"{100 * self.priced_share:.1f} % of tokens priced")
        known = f" ({', '.join(basis)})" if basis else ""
        value = estimated + metric.format(self.value)
        return f"{metric.name} {verb} {value}{known}; {self._compared()}."

    def _compared(self) -> str:
        """The verdict with its evidence, and the value of the previous week."""
        text = self.shown.sentence(self.metric)
        if self.metric.id not in SECTION_TESTS and not self.recent.weeks_before:
            text = "described, not judged"
        if self.shown.weeks > 1 and self.shown.is_change:
            text = f"its last {self.shown.weeks} weeks were {text}"
        return text + self._week_before()

    def _week_before(self) -> str:
        known = not math.isnan(self.previous)
        return f"; the week before it was {self.metric.format(self.previous)}" if known else ""

    @property
    def is_answerable(self) -> bool:
        """Whether the metric has what it needs, such as a roster or a previous week."""
        return self.missing not in (UNAVAILABLE, *_NOBODY.values())

    @property
    def missing(self) -> str:
        """Why there is no figure, in at most four words; empty where its events are too few."""
        if self.withheld or not self.is_known:
            return self.withheld or UNAVAILABLE
        if self.metric.denominator in _NOBODY:
            return "" if self.denominator > 0 else _NOBODY[self.metric.denominator]
        return "" if self.n_actors or pd.isna(self.week) else "nobody was active"

    def why_null(self) -> str:
        """Why there is no figure, as text after a colon."""
        if self.missing:
            is_hidden = self.withheld or not self.is_known
            return self.missing + ("" if is_hidden else self._week_before())
        if self.priced_share < MINIMUM_PRICED:
            return f"only {100 * self.priced_share:.0f} % of the tokens have a known price"
        floor = self.metric.minimum_denominator
        count = amount_words(self.denominator, self.metric.denominator)
        return f"too few to say with {count} (at least {floor})"


def described(data: Dataset, metric_id: str) -> Headline:
    """The last closed week of a ratio or total and the previous week, not judged."""
    metric = summable(metric_id)
    frame = week_frame(data, metric_id)
    if frame.empty:
        return Headline(metric, pd.NaT)
    known = is_known(basis_of(data, metric), metric)
    last, week = frame.iloc[-1], frame["week"].iloc[-1]
    numbers = ("value", "low", "high", "numerator", "denominator", "priced_share")
    known_numbers: Any = {name: float(last[name]) for name in numbers if name in last}
    previous = float(frame.loc[frame["week"] == week - _WEEK, "value"].sum(min_count=1))
    hidden = known and pd.isna(last["n_actors"])
    return Headline(
        metric,
        week=week,
        **known_numbers,
        n_actors=0 if pd.isna(last["n_actors"]) else int(last["n_actors"]),
        previous=previous,
        change=float(last["value"]) - previous,
        coverage=coverage_of(data, money=metric.is_money) if known else NO_USAGE,
        is_known=known,
        withheld=why_withheld(data, rows_of(data, metric), week, metric) if hidden else "",
        line=tuple(frame[["week", "value"]].tail(RECENT_WEEKS).itertuples(index=False, name=None)),
    )


def headline(data: Dataset, metric_id: str) -> Headline:
    """The last closed week of a ratio or total, and whether it or the last four weeks moved."""
    found = described(data, metric_id)
    if not found.is_known or math.isnan(found.value):
        return found
    recent, sustained = changes(data, found.metric)
    return replace(found, recent=recent, sustained=sustained)
