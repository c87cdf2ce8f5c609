"""The last closed weeks against earlier weeks: how much a figure moved, and whether that is noise.

The previous week is only described. Change is judged by recent weeks, in two ways:
the last week against all of them, and the last four against the others (see `own_history`). For
ratios it is judged on the typical person, so that one heavy user is not a finding.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.titled_frame import TitledFrame, titled
from ccanalytics.metrics.definitions import ActorKind, Metric, summable
from ccanalytics.metrics.own_history import (
    MINIMUM_ACTORS,
    MINIMUM_WEEKS,
    Floats,
    Weeks,
    beginning,
    last_week_change,
    sides_change,
    typical,
)
from ccanalytics.metrics.ratios import MINIMUM_PRICED, Matrix, by_group, matrix, rows_of, week_frame
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

FALSE_DISCOVERIES = 0.10
"""The share of reported changes that may be none."""


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
        if self._has_few_weeks:
            return "too few weeks"
        return {"no detectable change": "no change found"}.get(self.verdict, self.verdict)

    @property
    def _has_few_weeks(self) -> bool:
        few = self.weeks + self.weeks_before < MINIMUM_WEEKS
        return few and self.verdict == "nothing to compare"

    def sentence(self, metric: Metric) -> str:
        """The comparison in plain English, without a full stop."""
        before = f"the {self.weeks_before} weeks before"
        if self._has_few_weeks:
            return f"a verdict needs {MINIMUM_WEEKS} closed weeks with use"
        if self.verdict == "nothing to compare":
            return "one of the compared weeks is withheld or has no known cost"
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


@dataclass(frozen=True, kw_only=True)
class Change(Comparison):
    """The comparison of one figure, of everybody or one group, by its own weeks; `adjusted` is its
    p value among all that were looked at, and `since` the week it begins in."""

    metric: Metric
    by: str
    group: str
    adjusted: float = math.nan
    since: pd.Timestamp = pd.NaT
    is_step: bool = True
    weekly_cost: float = 0.0

    @property
    def is_found(self) -> bool:
        """Whether it is shown as a change."""
        return self.is_change and self.adjusted <= FALSE_DISCOVERIES

    @property
    def held(self) -> "Change":
        """The same without a verdict that does not hold among all that was looked at."""
        is_lost = self.is_change and not self.is_found
        return replace(self, verdict="no detectable change") if is_lost else self

    @property
    def weight(self) -> float:
        """How far it moved, by the money at stake and by how strong the evidence is.

        Of the money the square root counts: a part that doubled says more than a whole that grew
        by a quarter because of it.
        """
        stake = math.sqrt(max(self.weekly_cost, 1.0)) * min(abs(self.change), 2.0)
        return stake * -math.log10(max(self.adjusted, 1e-4))


def changes(data: Dataset, metric: Metric, by: str = "") -> Iterator[Change]:
    """Of each group the last week against the weeks before it, and the last four weeks against
    those before them."""
    weeks = data.weeks[-RECENT_WEEKS:]
    rows, whole = rows_of(data, metric, by or None), week_frame(data, metric, by or None)
    fewest = MINIMUM_ACTORS if data.spec.minimum_group > 1 else 1
    for group, sums, members in by_group(whole[whole["week"].isin(weeks)], rows, by or None):
        late = members["week"].isin(weeks[-SUSTAINED_WEEKS:])
        cost = members["cost_usd"][late].sum() / SUSTAINED_WEEKS if "cost_usd" in members else 0.0
        actors = matrix(members, weeks, metric)
        for newest in (1, SUSTAINED_WEEKS):
            after = np.arange(len(weeks)) >= len(weeks) - newest
            found = compare(metric, actors, ~after, after, sums, fewest)
            of: Any = {"metric": metric, "by": by, "group": group, "weekly_cost": float(cost)}
            yield _dated(Change(**vars(found), **of), actors, weeks)


def _dated(change: Change, actors: Matrix, weeks: pd.DatetimeIndex) -> Change:
    """A detected change with the week it begins in, and whether it is a step."""
    if not change.is_change:
        return change
    if change.weeks == 1:
        return replace(change, since=weeks[-1])
    top, bottom = typical(*actors) if change.metric.is_ratio else actors
    late = np.arange(len(weeks)) >= len(weeks) - change.weeks
    first, is_step = beginning(top, bottom, late)
    return replace(change, since=weeks[first], is_step=is_step)


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
    single week is withheld, because it could be found by subtraction, or has too few known prices.
    """
    metric, first = summable(metric_id), pd.Timestamp(parse_day(start))
    before, after = data.weeks + pd.Timedelta(days=6) < first, data.weeks >= first
    rows = rows_of(data, metric, by, actor_kind)
    found = []
    for group, sums, members in by_group(week_frame(data, metric, by, actor_kind), rows, by):
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
    top, bottom = (part[:, before | after] for part in actors)
    late = after[before | after]
    below = bottom.sum(axis=0) if metric.is_ratio else np.ones(len(late))
    sides = [(float(top[:, side].sum()), float(below[side].sum())) for side in (late, ~late)]
    floor = metric.minimum_denominator
    value, previous = (a / b if b > 0 and b >= floor else math.nan for a, b in sides)
    there = int((top + bottom).any(axis=1).sum())
    found = replace(found, value=value, previous=previous, n_actors=there)
    if len(late) < MINIMUM_WEEKS or late.all():
        return found
    few_events = metric.is_ratio and min(events for _, events in sides) < MINIMUM_EVENTS
    if there < fewest or few_events:
        return replace(found, verdict="too few to say")
    return _judged(found, *(typical(top, bottom) if metric.is_ratio else (top, bottom)), late)


def _judged(found: Comparison, top: Floats, bottom: Floats, after: Weeks) -> Comparison:
    is_last = found.weeks == 1 and after[-1]
    change = last_week_change(top, bottom) if is_last else sides_change(top, bottom, after)
    if change is None:
        return replace(found, verdict="too few to say")
    low, high = change.interval
    judged: Any = {name: getattr(change, name) for name in ("detectable", "p_value", "verdict")}
    return replace(found, change=change.relative, low=low, high=high, **judged)


def percent(change: float) -> str:
    """A fraction as a change: "+12 %", "-3 %".

    >>> percent(0.1234), percent(-0.001)
    ('+12 %', '0 %')
    """
    rounded = round(100 * change)
    return f"{rounded:+,} %" if rounded else "0 %"
