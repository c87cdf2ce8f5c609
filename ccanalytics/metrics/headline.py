"""One metric in the last closed week, and whether it moved: the figure on a card.

The week before is only described; what is judged is said in `change`.
"""

import math
from dataclasses import dataclass, replace

import pandas as pd

from ccanalytics.dataset.coverage import NO_COVERAGE, NO_USAGE, Coverage, coverage_of
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.availability import UNAVAILABLE, basis_of, is_known
from ccanalytics.metrics.change import (
    RECENT_WEEKS,
    SUSTAINED_WEEKS,
    Comparison,
    Verdict,
    comparisons,
)
from ccanalytics.metrics.definitions import SECTION_TESTS, Metric, amount_words
from ccanalytics.metrics.ratios import (
    MINIMUM_PRICED,
    matrix,
    rows_of,
    summable,
    week_frame,
    week_sums,
)
from ccanalytics.metrics.withholding import why_withheld
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
        if self.withheld or not self.is_known:
            return self.withheld or UNAVAILABLE
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
        verb = "were" if self.metric.is_plural else "was"
        estimated = "an estimated " if self.metric.unit == "usd" else ""
        value = estimated + self.metric.format(self.value)
        basis = ", ".join(self._basis())
        known = f" ({basis})" if basis else ""
        return f"{self.metric.name} {verb} {value}{known}; {self.comparison()}."

    def _basis(self) -> list[str]:
        """The evidence of the value: its interval, its denominator, its people."""
        parts = []
        if not math.isnan(self.low):
            ends = f"{self.metric.format(self.low)} to {self.metric.format(self.high)}"
            parts.append(f"90 % interval {ends}")
        if self.metric.denominator not in (None, "active"):
            parts.append(amount_words(self.denominator, self.metric.denominator))
        if self.metric.numerator != "active":
            parts.append(amount_words(self.n_actors, "active"))
        if self.priced_share < 1:
            parts.append(f"{100 * self.priced_share:.1f} % of tokens priced")
        return parts

    def comparison(self) -> str:
        """The verdict with its evidence, and the value of the previous week."""
        text = self.shown.sentence(self.metric)
        if self.metric.id not in SECTION_TESTS and not self.recent.weeks_before:
            text = "described, not judged"
        if self.shown.weeks > 1 and self.shown.is_change:
            text = f"its last {self.shown.weeks} weeks were {text}"
        if math.isnan(self.previous):
            return text
        return f"{text}; the week before it was {self.metric.format(self.previous)}"

    @property
    def is_answerable(self) -> bool:
        """Whether the metric has what it needs, such as a roster or a previous week."""
        of_people = self.metric.denominator in ("on_roster", "active_before")
        return self.is_known and (not of_people or self.denominator > 0 or bool(self.withheld))

    @property
    def missing(self) -> str:
        """Of whom there is nobody the figure could be of, in at most four words."""
        if self.metric.denominator in _NOBODY:
            return "" if self.denominator > 0 else _NOBODY[self.metric.denominator]
        return "" if self.n_actors or pd.isna(self.week) else "nobody was active"

    def why_null(self) -> str:
        """Why there is no figure, as text after a colon."""
        if not self.is_known or self.withheld:
            return self.withheld or UNAVAILABLE
        if self.missing:
            before = self.metric.format(self.previous)
            return self.missing + ("" if before == "n/a" else f"; the week before it was {before}")
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
    value = float(last["value"])
    previous = float(frame.loc[frame["week"] == week - _WEEK, "value"].sum(min_count=1))
    hidden = known and pd.isna(last["n_actors"])
    return Headline(
        metric,
        week=week,
        value=value,
        low=float(last["low"]),
        high=float(last["high"]),
        numerator=float(last["numerator"]),
        denominator=float(last["denominator"]),
        previous=previous,
        change=value - previous,
        n_actors=0 if pd.isna(last["n_actors"]) else int(last["n_actors"]),
        priced_share=float(last.get("priced_share", 1.0)),
        coverage=coverage_of(data, money=metric.is_money, people=True) if known else NO_USAGE,
        is_known=known,
        withheld=why_withheld(data, rows_of(data, metric), week, metric) if hidden else "",
        line=tuple(frame[["week", "value"]].tail(RECENT_WEEKS).itertuples(index=False, name=None)),
    )


def headline(data: Dataset, metric_id: str) -> Headline:
    """The last closed week of a ratio or total, and whether it or the last four weeks moved."""
    found = described(data, metric_id)
    if not found.is_known or math.isnan(found.value):
        return found
    rows = rows_of(data, found.metric)
    sums = week_sums(data, found.metric)
    actors = matrix(rows, data.weeks[-RECENT_WEEKS:], found.metric)
    recent, sustained = comparisons(data, found.metric, sums, actors)
    return replace(found, recent=recent, sustained=sustained)
