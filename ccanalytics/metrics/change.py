"""The last closed weeks against those before them: how much a figure moved, and whether it did.

The week before is only described. Whether something moved is judged by recent weeks, in two ways:
the last week against all of them, and the last four against the others (see `own_history`). Of
ratios it is judged on the typical person, so that one heavy user is no finding.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from ccanalytics.dataset.coverage import NO_COVERAGE, NO_USAGE, Coverage, coverage_of
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.availability import UNAVAILABLE, basis_of, is_known
from ccanalytics.metrics.definitions import (
    SECTION_TESTS,
    ActorKind,
    Metric,
    column_words,
    singular,
)
from ccanalytics.metrics.intervals import LEVEL, MINIMUM_ACTORS, Weeks
from ccanalytics.metrics.own_history import (
    MINIMUM_WEEKS,
    LogChange,
    last_week_change,
    sides_change,
    typical,
)
from ccanalytics.metrics.ratios import (
    MINIMUM_PRICED,
    Matrix,
    matrix,
    rows_of,
    summable,
    week_frame,
    week_sums,
)
from ccanalytics.metrics.withholding import why_withheld
from ccanalytics.showing import ShowsItself

Verdict = Literal[
    "up",
    "down",
    "no detectable change",
    "too few to say",
    "nothing to compare",
    "not known from this source",
]

RECENT_WEEKS = 12
"""Closed weeks that a change is judged by, at most."""

SUSTAINED_WEEKS = 4
"""The last weeks that are looked at together."""

_WEEK = pd.Timedelta(days=7)

_NOBODY = {"on_roster": "no roster of the week", "active_before": "no week before"}
"""What is missing where nobody is there to divide by."""


@dataclass(frozen=True)
class Comparison:
    """The last `weeks` weeks against the `weeks_before` before them.

    `value` and `previous` are the figures of both sides: of a ratio that of their sums, of a total
    its mean week. `change`, with its 90 % interval `low` to `high`, is a fraction of `previous`, of
    ratios that of the typical person. A rise of `detectable` would have been found four times in
    five. NaN, without a verdict, where it cannot be judged.
    """

    weeks: int
    weeks_before: int
    value: float = math.nan
    previous: float = math.nan
    change: float = math.nan
    low: float = math.nan
    high: float = math.nan
    detectable: float = math.nan
    p_value: float = math.nan
    n_actors: int = 0
    verdict: Verdict = "nothing to compare"

    @property
    def is_change(self) -> bool:
        """Whether it is said to have moved."""
        return self.verdict in ("up", "down")

    @property
    def words(self) -> str:
        """The verdict in at most four words."""
        if self.is_change:
            return (
                f"{self.verdict} {'this week' if self.weeks == 1 else f'over {self.weeks} weeks'}"
            )
        return {"no detectable change": "no change found"}.get(self.verdict, self.verdict)

    def sentence(self, metric: Metric) -> str:
        """The comparison in plain English, without a full stop."""
        before = f"the {self.weeks_before} weeks before"
        if self.verdict == "nothing to compare":
            return f"it takes {MINIMUM_WEEKS} closed weeks to judge a change"
        if self.verdict == "too few to say":
            return f"too few to say whether it differs from {before}"
        was = f"{metric.format(self.previous)} in {before}"
        if not self.is_change:
            return f"no detectable change from {was}; {self.power()}"
        who = " for the typical person" if metric.is_ratio else ""
        return (
            f"{self.verdict} from {was} ({percent(self.change)}{who}, 90 % interval "
            f"{percent(self.low)} to {percent(self.high)})"
        )

    def power(self) -> str:
        """How large a change would have been seen."""
        return f"a rise of {100 * self.detectable:.0f} % would show"


@dataclass(frozen=True)
class Headline(ShowsItself):
    """One metric in the last closed week, and whether it moved.

    `previous` is the week before and `change` the difference to it: described, not judged.
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
    recent: Comparison = Comparison(1, 0)
    sustained: Comparison = Comparison(SUSTAINED_WEEKS, 0)
    coverage: Coverage = NO_COVERAGE
    is_known: bool = True
    """Whether the source knows what the metric rests on."""
    withheld: str = ""
    """Why the figure is not shown, where it is for the people's sake."""
    line: tuple[tuple[pd.Timestamp, float], ...] = ()
    """The recent weeks, oldest first, and the value of each."""

    @property
    def shown(self) -> Comparison:
        """The comparison to show: four weeks when they moved, else the last week."""
        return self.sustained if self.sustained.is_change else self.recent

    @property
    def verdict(self) -> Verdict:
        """What is said of the change."""
        return self.shown.verdict if self.is_known else UNAVAILABLE

    @property
    def words(self) -> str:
        """What is said of the change, or why there is no figure, in at most four words."""
        if self.withheld or not self.is_known:
            return self.withheld or UNAVAILABLE
        return self.missing or self.shown.words

    @property
    def relative_change(self) -> float:
        """The change as a fraction of the previous value; NaN where that is 0 or unknown."""
        return self.change / self.previous if self.previous else math.nan

    def sentence(self) -> str:
        """The headline in plain English, with what it rests on."""
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
        """What is said of the change, and the value of the week before."""
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
        """Whether there is what the metric rests on: of some, a roster or a week before."""
        of_people = self.metric.denominator in ("on_roster", "active_before")
        return self.is_known and (not of_people or self.denominator > 0 or bool(self.withheld))

    @property
    def missing(self) -> str:
        """Of whom there is nobody the figure could be of, in at most four words."""
        if self.metric.denominator in _NOBODY:
            return "" if self.denominator > 0 else _NOBODY[self.metric.denominator]
        return "" if self.n_actors or pd.isna(self.week) else "nobody was active"

    def why_null(self) -> str:
        """Why there is no figure, in words that follow a colon."""
        if not self.is_known or self.withheld:
            return self.withheld or UNAVAILABLE
        if self.missing:
            before = self.metric.format(self.previous)
            return self.missing + ("" if before == "n/a" else f"; the week before it was {before}")
        if self.priced_share < MINIMUM_PRICED:
            return f"only {100 * self.priced_share:.0f} % of the tokens have a known price"
        floor = self.metric.minimum_denominator
        count = counted(self.denominator, self.metric.denominator)
        return f"too few to say with {count} (at least {floor})"


def described(data: Dataset, metric_id: str) -> Headline:
    """The last closed week of a ratio or total and the week before, without a judgement."""
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


def comparisons(
    data: Dataset, metric: Metric, sums: pd.DataFrame, actors: Matrix
) -> tuple[Comparison, Comparison]:
    """The last week by those before it, and the last four weeks by those before them.

    `sums` are the weekly sums of one group as they may be shown, `actors` what its people did in
    the recent weeks.
    """
    weeks = data.weeks[-RECENT_WEEKS:]
    whole = all_shown(metric, sums[sums["week"].isin(weeks)])
    fewest = MINIMUM_ACTORS if data.spec.minimum_group > 1 else 1
    order = np.arange(len(weeks))
    last, late = order >= len(weeks) - 1, order >= len(weeks) - SUSTAINED_WEEKS
    return (
        compare(metric, actors, ~last, last, whole, fewest),
        compare(metric, actors, ~late, late, whole, fewest),
    )


def all_shown(metric: Metric, sums: pd.DataFrame) -> bool:
    """Whether none of these weekly sums is withheld or has too few known prices."""
    priced = not metric.is_money or (sums["priced_share"] >= MINIMUM_PRICED).all()
    return bool(priced) and bool(sums["numerator"].notna().all())


def compare(
    metric: Metric,
    actors: Matrix,
    before: Weeks,
    after: Weeks,
    whole: bool = True,
    fewest: int = MINIMUM_ACTORS,
) -> Comparison:
    """The weeks `after` by the weeks `before`; `whole` unless one of them may not be shown.

    A week before without any use, such as a shutdown, is no week to compare with. It takes `fewest`
    people: weeks are the replicates, so one's own records have enough with one.
    """
    before = before & (actors.top + actors.bottom).any(axis=0)
    found = Comparison(int(after.sum()), int(before.sum()))
    if not whole:
        return found
    value, previous = (_side(metric, actors, weeks) for weeks in (after, before))
    there = int((actors.top + actors.bottom)[:, before | after].any(axis=1).sum())
    found = replace(found, value=value, previous=previous, n_actors=there)
    if found.weeks + found.weeks_before < MINIMUM_WEEKS or not found.weeks_before:
        return found
    found = replace(found, verdict="too few to say")
    if there < fewest or _few_events(metric, actors, before, after):
        return found
    change = _log_change(metric, actors, before, after)
    return _judged(found, change) if change else found


def _log_change(metric: Metric, actors: Matrix, before: Weeks, after: Weeks) -> LogChange | None:
    known = before | after
    if after.sum() == 1 and after[-1]:
        known &= actors.top.any(axis=0)  # a week of nothing has no logarithm
    top, bottom = actors.top[:, known], actors.bottom[:, known]
    if metric.is_ratio:
        top, bottom = typical(top, bottom)
    if after.sum() == 1 and after[-1]:
        return last_week_change(top, bottom) if known[-1] else None
    return sides_change(top, bottom, before[known], after[known])


def _judged(found: Comparison, change: LogChange) -> Comparison:
    low, high = change.interval
    verdict: Verdict = "no detectable change"
    if change.p_value <= 1 - LEVEL:
        verdict = "up" if change.estimate > 0 else "down"
    return replace(
        found,
        change=change.relative,
        low=low,
        high=high,
        detectable=change.detectable,
        p_value=change.p_value,
        verdict=verdict,
    )


def _side(metric: Metric, actors: Matrix, weeks: Weeks) -> float:
    """The figure of these weeks together: a ratio of sums, or a mean week."""
    top = float(actors.top[:, weeks].sum())
    bottom = float(actors.bottom[:, weeks].sum() if metric.is_ratio else weeks.sum())
    enough = bottom > 0 and (bottom >= metric.minimum_denominator or not metric.is_ratio)
    return top / bottom if enough else math.nan


def _few_events(metric: Metric, actors: Matrix, before: Weeks, after: Weeks) -> bool:
    if not metric.is_ratio:
        return False
    sides = [actors.bottom[:, weeks].sum() for weeks in (before, after)]
    return bool(min(sides) < metric.verdict_denominator)


def percent(change: float) -> str:
    """A fraction as a change: "+12 %", "-3 %".

    >>> percent(0.1234), percent(-0.001)
    ('+12 %', '0 %')
    """
    rounded = round(100 * change)
    return f"{rounded:+,} %" if rounded else "0 %"


def counted(value: float, column: str | None, actor_kind: ActorKind = "user") -> str:
    """How many of what: "412 commits", "1 person"."""
    if column == "cost_usd":
        return f"${value:,.0f}"
    words = column_words(str(column), actor_kind)
    if value >= 10_000_000:
        return f"{value / 1e6:,.0f} million {words}"
    return f"{value:,.0f} {singular(words) if value == 1 else words}"
