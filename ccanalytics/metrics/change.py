"""The last closed week, and the last weeks against earlier ones: is a change real or noise?

The previous week is only described. Change is judged by recent weeks, in two ways:
the last week against all of them, and the last four against the others (see `own_history`). For
ratios it is judged on the typical person, so that one heavy user is not a finding.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from ccanalytics.dataset.coverage import NO_COVERAGE, NO_USAGE, Coverage, coverage_of
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.definitions import Metric, amount_words, summable
from ccanalytics.metrics.own_history import (
    MINIMUM_ACTORS,
    MINIMUM_WEEKS,
    Weeks,
    beginning,
    last_week_change,
    sides_change,
    typical,
)
from ccanalytics.metrics.ratios import MINIMUM_PRICED, Matrix, by_group, matrix, rows_of, week_frame
from ccanalytics.metrics.withholding import UNAVAILABLE, WITHHELD, basis_of, is_known
from ccanalytics.showing import ShowsItself

Verdict = Literal[
    "up", "down", "no detectable change", "too few to say", "too few weeks", "nothing to compare"
]

_NOT_JUDGED = {
    "too few to say": "too few to say whether it differs from the weeks before",
    "too few weeks": f"a verdict needs {MINIMUM_WEEKS} closed weeks with use",
    "nothing to compare": "one of the compared weeks is withheld or has no known cost",
}

MINIMUM_EVENTS = 20  # with a smaller denominator on one side a change of a ratio is not judged
RECENT_WEEKS = 12  # the most closed weeks a change is judged by
SUSTAINED_WEEKS = 4  # the last weeks that are judged together


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
        if not self.is_change:
            return self.verdict.replace("no detectable change", "no change found")
        return f"{self.verdict} {'this week' if self.weeks == 1 else f'over {self.weeks} weeks'}"

    def sentence(self, metric: Metric) -> str:
        """The comparison in plain English, without a full stop."""
        if self.verdict in _NOT_JUDGED:
            return _NOT_JUDGED[self.verdict]
        was = f"from {metric.format(self.previous)} in the {self.weeks_before} weeks before"
        basis = f" ({self.size(metric)})" if self.is_change else f"; {self.power()}"
        return f"{self.verdict} {was}{basis}"

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
        of: Any = {"metric": metric, "by": by, "group": group, "weekly_cost": float(cost)}
        is_shown = sums["numerator"].notna().all()
        if metric.is_money:
            is_shown &= (sums["priced_share"] >= MINIMUM_PRICED).all()
        actors, order = matrix(members, weeks, metric), np.arange(len(weeks))
        for newest in (1, SUSTAINED_WEEKS):
            after = order >= len(weeks) - newest
            # Weeks of a shutdown, in which nobody was active, are no weeks to compare with.
            used = after | (sums["n_actors"].to_numpy() > 0)
            if not is_shown:
                yield Change(int(after.sum()), int((used & ~after).sum()), **of)
                continue
            sides = Matrix(actors.top[:, used], actors.bottom[:, used])
            found, known = compare(metric, sides, after[used], fewest), dict(of)
            if found.is_change:
                first, is_step = len(weeks) - 1, True
                if newest > 1:
                    first, is_step = beginning(*typical(*actors), after)
                known |= {"since": weeks[first], "is_step": is_step}
            yield Change(**vars(found), **known)


def compare(
    metric: Metric, actors: Matrix, after: Weeks, fewest: int = MINIMUM_ACTORS
) -> Comparison:
    """The weeks `after` against all before.

    At least `fewest` people are needed; weeks are the replicates, so one person can be enough.
    """
    below = actors.bottom.sum(axis=0) if metric.is_ratio else np.ones(len(after))
    sides = [(float(actors.top[:, s].sum()), float(below[s].sum())) for s in (after, ~after)]
    floor = metric.minimum_denominator
    value, previous = (a / b if b > 0 and b >= floor else math.nan for a, b in sides)
    there = int((actors.top + actors.bottom).any(axis=1).sum())
    weeks = int(after.sum()), int((~after).sum())
    found = Comparison(*weeks, value=value, previous=previous, n_actors=there)
    if len(after) < MINIMUM_WEEKS:
        return replace(found, verdict="too few weeks")
    few_events = metric.is_ratio and min(events for _, events in sides) < MINIMUM_EVENTS
    change = None
    if there >= fewest and not few_events:
        judged = typical(*actors)
        change = last_week_change(*judged) if found.weeks == 1 else sides_change(*judged, after)
    if change is None:
        return replace(found, verdict="too few to say")
    low, high = change.interval
    known: Any = {name: getattr(change, name) for name in ("detectable", "p_value", "verdict")}
    return replace(found, change=change.relative, low=low, high=high, **known)


_NOBODY = {"on_roster": "no roster of the week", "active_before": "no week before"}
"""What is missing where nobody is there to divide by."""


@dataclass(frozen=True)
class Headline(ShowsItself):
    """One metric in the last closed week, and whether it moved: the figure on a card.

    `previous` is the previous week and `change` the difference to it: described, not judged.
    `recent` judges the last week by all recent ones, `sustained` the last four weeks by those
    before them. Numbers are NaN where there is none; `week` is NaT while no week is closed.
    `missing` says in at most four words why there is no figure, unless its events are too few.
    `line` is the recent weeks, oldest first, and the value of each.
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
    recent: Comparison = field(default=Comparison(1, 0))
    sustained: Comparison = field(default=Comparison(SUSTAINED_WEEKS, 0))
    coverage: Coverage = NO_COVERAGE
    missing: str = ""
    line: tuple[tuple[pd.Timestamp, float], ...] = ()

    @property
    def shown(self) -> Comparison:
        """The comparison to show: four weeks if they moved, else the last week."""
        return self.sustained if self.sustained.is_change else self.recent

    @property
    def verdict(self) -> Verdict:
        """The verdict on the change."""
        return self.shown.verdict

    @property
    def words(self) -> str:
        """The verdict, or why there is no figure, in at most four words."""
        return self.missing or self.shown.words

    @property
    def is_answerable(self) -> bool:
        """Whether the metric has what it needs, such as a roster or a previous week."""
        return self.missing not in (UNAVAILABLE, *_NOBODY.values())

    def why_null(self) -> str:
        """Why there is no figure, as text after a colon."""
        if pd.isna(self.week):
            return "no week is closed yet"
        if self.missing:
            was = f"; the week before it was {self.metric.format(self.previous)}"
            return self.missing + ("" if math.isnan(self.previous) else was)
        if self.priced_share < MINIMUM_PRICED:
            return f"only {100 * self.priced_share:.0f} % of the tokens have a known price"
        count = amount_words(self.denominator, self.metric.denominator)
        return f"too few to say with {count} (at least {self.metric.minimum_denominator})"


def headline(data: Dataset, metric_id: str) -> Headline:
    """The last closed week of a ratio or total, and whether it or the last four weeks moved."""
    found = described(data, metric_id)
    if math.isnan(found.value):
        return found
    recent, sustained = changes(data, found.metric)
    return replace(found, recent=recent, sustained=sustained)


def described(data: Dataset, metric_id: str) -> Headline:
    """The last closed week of a ratio or total and the previous week, not judged."""
    metric = summable(metric_id)
    frame = week_frame(data, metric)
    if frame.empty:
        return Headline(metric, pd.NaT)
    known = is_known(basis_of(data, metric), metric)
    last, week = frame.iloc[-1], frame["week"].iloc[-1]
    nobody = _NOBODY.get(str(metric.denominator), "nobody was active")
    missing = "" if last["denominator" if metric.denominator in _NOBODY else "n_actors"] else nobody
    if not known:
        missing = UNAVAILABLE
    elif pd.isna(last["n_actors"]):
        missing = WITHHELD
    names = ("value", "low", "high", "numerator", "denominator", "priced_share")
    numbers: Any = {name: float(last[name]) for name in names if name in last}
    before = frame.loc[frame["week"] == week - pd.Timedelta(days=7), "value"]
    previous = float(before.sum(min_count=1))
    return Headline(
        metric,
        week=week,
        **numbers,
        n_actors=0 if pd.isna(last["n_actors"]) else int(last["n_actors"]),
        previous=previous,
        change=float(last["value"]) - previous,
        coverage=coverage_of(data, money=metric.is_money) if known else NO_USAGE,
        missing=missing,
        line=tuple(frame[["week", "value"]].tail(RECENT_WEEKS).itertuples(index=False, name=None)),
    )


def percent(change: float) -> str:
    """A fraction as a change: "+12 %", "-3 %".

    >>> percent(0.1234), percent(-0.001)
    ('+12 %', '0 %')
    """
    rounded = round(100 * change)
    return f"{rounded:+,} %" if rounded else "0 %"
