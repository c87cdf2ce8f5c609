"""The last closed weeks against earlier weeks: how much a figure moved, and whether that is noise.

The previous week is only described. Change is judged by recent weeks, in two ways:
the last week against all of them, and the last four against the others (see `own_history`). For
ratios it is judged on the typical person, so that one heavy user is not a finding.
"""

import math
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.titled_frame import TitledFrame, titled
from ccanalytics.metrics.definitions import ActorKind, Metric
from ccanalytics.metrics.own_history import (
    MINIMUM_ACTORS,
    MINIMUM_WEEKS,
    Weeks,
    last_week_change,
    sides_change,
    typical,
)
from ccanalytics.metrics.ratios import (
    MINIMUM_PRICED,
    Matrix,
    by_group,
    matrix,
    rows_of,
    summable,
    week_sums,
)
from ccanalytics.weeks import parse_day

Verdict = Literal[
    "up",
    "down",
    "no detectable change",
    "too few to say",
    "nothing to compare",
    "not known from this source",
]

MINIMUM_EVENTS = 20
"""With a smaller denominator on one side a change of a ratio is not judged."""

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
            span = "this week" if self.weeks == 1 else f"over {self.weeks} weeks"
            return f"{self.verdict} {span}"
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
        return f"{self.verdict} from {was} ({self.size(metric)})"

    def size(self, metric: Metric) -> str:
        """How far it moved: "+12 % for the typical person, 90 % interval +3 % to +22 %"."""
        who = " for the typical person" if metric.is_ratio else ""
        ends = f"{percent(self.low)} to {percent(self.high)}"
        return f"{percent(self.change)}{who}, 90 % interval {ends}"

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
    fewest = MINIMUM_ACTORS if data.spec.minimum_group > 1 else 1
    last, late = (np.arange(len(weeks)) >= len(weeks) - n for n in (1, SUSTAINED_WEEKS))
    recent, sustained = (
        compare(metric, actors, ~after, after, sums, fewest) for after in (last, late)
    )
    return recent, sustained


def period_change(
    data: Dataset,
    metric_id: str,
    start: date | str,
    by: str | None = None,
    actor_kind: ActorKind = "user",
) -> TitledFrame:
    """One row (or one per value of `by`): the closed weeks from `start` on, and those before.

    Columns: [by], previous, value, change (their difference); change_share, the change as a
    fraction of previous (of ratios that of the typical person) with its 90 % interval low and high;
    n_actors (of both sides together), verdict, weeks_before, weeks. A ratio is of the sums of all
    weeks of a side, a total is its mean per week; a week that `start` falls into is on neither, nor
    is one before it in which nobody was active. Fewer than eight weeks are not judged. Null where a
    single week is withheld, because the others would tell it by subtraction, or has too few known
    prices.
    """
    metric, first = summable(metric_id), pd.Timestamp(parse_day(start))
    before, after = data.weeks + pd.Timedelta(days=6) < first, data.weeks >= first
    rows = rows_of(data, metric, by, actor_kind)
    found = []
    for group, sums, members in by_group(week_sums(data, metric, by, actor_kind), rows, by):
        one = compare(metric, matrix(members, data.weeks, metric), before, after, sums)
        moved = {"change": one.difference, "change_share": one.change}
        people = one.n_actors or math.nan
        found.append({**vars(one), by or "group": group, **moved, "n_actors": people})
    columns = {**({by: "str"} if by else {}), **_PERIOD_COLUMNS}
    return titled(
        pd.DataFrame(found, columns=list(columns)).astype(columns),
        f"{metric.name} against the range before",
        formats={
            **dict.fromkeys(("previous", "value"), metric.format),
            "change": metric.format_change,
            **dict.fromkeys(("change_share", "low", "high"), "+.0%"),
        },
    )


_PERIOD_COLUMNS = {
    **dict.fromkeys(("previous", "value", "change", "change_share", "low", "high"), "float64"),
    **{"n_actors": "float64", "verdict": "str", "weeks_before": "int64", "weeks": "int64"},
}


def compare(
    metric: Metric,
    actors: Matrix,
    before: Weeks,
    after: Weeks,
    sums: pd.DataFrame | None = None,
    fewest: int = MINIMUM_ACTORS,
) -> Comparison:
    """The weeks `after` against the weeks `before`; without figures where one is withheld.

    `sums` are the sums of these weeks as they may be shown: weeks before of a shutdown, in which
    nobody was active, are no weeks to compare with. At least `fewest` people are needed; weeks are
    the replicates, so one person can be enough.
    """
    whole = True
    if sums is not None:
        priced = not metric.is_money or sums["priced_share"][before | after] >= MINIMUM_PRICED
        whole = bool(np.all(priced) and sums["numerator"][before | after].notna().all())
        before = before & (sums["n_actors"].to_numpy() > 0)
    found = Comparison(int(after.sum()), int(before.sum()))
    if not whole:
        return found
    value, previous = (_side(metric, actors, weeks) for weeks in (after, before))
    known = before | after
    there = int((actors.top + actors.bottom)[:, known].any(axis=1).sum())
    found = replace(found, value=value, previous=previous, n_actors=there)
    if known.sum() < MINIMUM_WEEKS or not before.any():
        return found
    found = replace(found, verdict="too few to say")
    events = min(actors.bottom[:, side].sum() for side in (before, after))
    if there < fewest or (metric.is_ratio and events < MINIMUM_EVENTS):
        return found
    return _judged(found, metric, actors, before, after)


def _side(metric: Metric, actors: Matrix, weeks: Weeks) -> float:
    """The figure of these weeks together: a ratio of sums, or the mean week."""
    top = float(actors.top[:, weeks].sum())
    bottom = float(actors.bottom[:, weeks].sum() if metric.is_ratio else weeks.sum())
    enough = bottom > 0 and (bottom >= metric.minimum_denominator or not metric.is_ratio)
    return top / bottom if enough else math.nan


def _judged(
    found: Comparison, metric: Metric, actors: Matrix, before: Weeks, after: Weeks
) -> Comparison:
    known = before | after
    top, bottom = (side[:, known] for side in actors)
    if metric.is_ratio:
        top, bottom = typical(top, bottom)
    if after.sum() == 1 and after[-1]:
        change = last_week_change(top, bottom)
    else:
        change = sides_change(top, bottom, before[known], after[known])
    if change is None:
        return found
    low, high = change.interval
    return replace(
        found,
        change=change.relative,
        low=low,
        high=high,
        detectable=change.detectable,
        p_value=change.p_value,
        verdict=change.verdict,
    )


def percent(change: float) -> str:
    """A fraction as a change: "+12 %", "-3 %".

    >>> percent(0.1234), percent(-0.001)
    ('+12 %', '0 %')
    """
    rounded = round(100 * change)
    return f"{rounded:+,} %" if rounded else "0 %"
