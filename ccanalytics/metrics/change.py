"""The last closed weeks against earlier weeks: how much a figure moved, and whether that is noise.

The previous week is only described. Change is judged by recent weeks, in two ways:
the last week against all of them, and the last four against the others (see `own_history`). For
ratios it is judged on the typical person, so that one heavy user is not a finding.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.definitions import (
    Metric,
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
)

Verdict = Literal[
    "up",
    "down",
    "no detectable change",
    "too few to say",
    "nothing to compare",
    "not known from this source",
]

RECENT_WEEKS = 12
"""The most closed weeks a change is judged by."""

SUSTAINED_WEEKS = 4
"""The last weeks that are judged together."""


@dataclass(frozen=True)
class Comparison:
    """The last `weeks` weeks against the `weeks_before` before them.

    `value` and `previous` are the figures of both sides: of a ratio that of their sums, of a total
    the mean week. `change`, with its 90 % interval `low` to `high`, is a fraction of `previous`, of
    ratios that of the typical person. A rise of `detectable` would have been found four times in
    five. NaN and without a verdict where it cannot be judged.
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
    def difference(self) -> float:
        """How far the figure moved, in its own unit."""
        return self.value - self.previous

    @property
    def is_change(self) -> bool:
        """Whether a change was detected."""
        return self.verdict in ("up", "down")

    @property
    def horizon(self) -> str:
        """The compared weeks in words: "last 4 weeks against the 8 before"."""
        last = "last week" if self.weeks == 1 else f"last {self.weeks} weeks"
        return f"{last} against the {self.weeks_before} before"

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
            return f"a verdict needs {MINIMUM_WEEKS} closed weeks"
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
        """The smallest change that would have been detected."""
        return f"a rise of {100 * self.detectable:.0f} % would show"


def comparisons(
    data: Dataset, metric: Metric, sums: pd.DataFrame, actors: Matrix
) -> tuple[Comparison, Comparison]:
    """The last week against the weeks before it, and the last four weeks against those before them.

    `sums` are the weekly sums of one group as they may be shown, `actors` what its people did in
    the recent weeks.
    """
    weeks = data.weeks[-RECENT_WEEKS:]
    sums = sums[sums["week"].isin(weeks)]
    whole, used = all_shown(metric, sums), weeks_used(sums)
    fewest = MINIMUM_ACTORS if data.spec.minimum_group > 1 else 1
    order = np.arange(len(weeks))
    last, late = order >= len(weeks) - 1, order >= len(weeks) - SUSTAINED_WEEKS
    return (
        compare(metric, actors, ~last & used, last, whole, fewest),
        compare(metric, actors, ~late & used, late, whole, fewest),
    )


def all_shown(metric: Metric, sums: pd.DataFrame) -> bool:
    """Whether all of these weekly sums are shown and have enough known prices."""
    priced = not metric.is_money or (sums["priced_share"] >= MINIMUM_PRICED).all()
    return bool(priced) and bool(sums["numerator"].notna().all())


def weeks_used(sums: pd.DataFrame) -> Weeks:
    """Of each week whether anybody was active: one of a shutdown is no week to compare with."""
    return sums["n_actors"].to_numpy() > 0


def compare(
    metric: Metric,
    actors: Matrix,
    before: Weeks,
    after: Weeks,
    whole: bool = True,
    fewest: int = MINIMUM_ACTORS,
) -> Comparison:
    """The weeks `after` against the weeks `before`; `whole` unless one of them is withheld.

    At least `fewest` people are needed; weeks are the replicates, so one person can be enough.
    """
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
    top, bottom = actors.top[:, known], actors.bottom[:, known]
    if metric.is_ratio:
        top, bottom = typical(top, bottom)
    if after.sum() == 1 and after[-1]:
        return last_week_change(top, bottom)
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
    """The figure of these weeks together: a ratio of sums, or the mean week."""
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
