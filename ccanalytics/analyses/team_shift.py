"""Whether teams changed, or the mix of teams: a change of the cost per commit by team."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccanalytics.analyses.change_parts import Period, changed_period, summed_parts
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.intervals import Floats
from ccanalytics.metrics.other_teams import OTHER_TEAMS
from ccanalytics.metrics.ratios import rows_of, withheld
from ccanalytics.metrics.withholding import Subject, withheld_parts
from ccanalytics.showing import ShowsItself

_COLUMNS = {"team": "str"} | dict.fromkeys(
    ("share_before", "share", "before", "value", "rate", "rate_low", "rate_high",
     "mix", "mix_low", "mix_high"), "float64"
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class TeamShift(ShowsItself):
    """A detected change of the cost per commit, split by team into rate and mix.

    `frame` has one row per team: team, share_before, share (of commits), before, value (cost per
    commit), rate (its own change, times its share of commits) and mix (the change of its share,
    times how far it lay from the whole), each with its 90 % interval. Their sums are `rate` and
    `mix`, which add up to `change`. Small teams and those with few commits are one row.
    """

    shown_by = "analyses.analysis_display:team_shift_bundle"

    frame: pd.DataFrame
    period: Period | None = None
    why: str = ""

    @property
    def rate(self) -> float:
        """The change within teams."""
        return float(self.frame["rate"].sum()) if len(self.frame) else math.nan

    @property
    def mix(self) -> float:
        """The change of the mix of teams."""
        return float(self.frame["mix"].sum()) if len(self.frame) else math.nan

    @property
    def change(self) -> float:
        """The total change."""
        return self.rate + self.mix

    @property
    def reverses(self) -> bool:
        """Whether two thirds of three or more teams moved against the total (Simpson's paradox)."""
        moved = (self.frame["value"] - self.frame["before"])[self.frame["team"] != OTHER_TEAMS]
        against = (np.sign(moved) == -np.sign(self.change)).sum()
        return len(moved) >= 3 and self.change != 0 and against >= 2 * len(moved) / 3

    def sentence(self) -> str:
        """Rate and mix in words, with a warning where the total misleads."""
        if self.period is None:
            return f"The cost per commit is not split by team: {self.why}."
        money = METRICS["cost_per_commit"].format_change
        weeks = self.period.change.horizon
        text = (
            f"Of {money(self.change)} per commit ({weeks}), {money(self.rate)} is change within "
            f"teams and {money(self.mix)} a change in which teams made the commits."
        )
        if not self.reverses:
            return text
        return (
            f"{text} Most teams moved against the total (Simpson's paradox): read the "
            "teams, not the total."
        )


def team_shift(data: Dataset) -> TeamShift:
    """The detected change of the cost per commit, by team."""
    nothing = pd.DataFrame(columns=list(_COLUMNS)).astype(_COLUMNS)
    period = changed_period(data, "cost_per_commit")
    if isinstance(period, str):
        return TeamShift(nothing, why=period)
    teams, cost, commits = _team_weeks(data, period)
    sides = period.before, period.after
    made = [commits[side].sum(axis=0) for side in sides]
    if len(teams) < 2 or not np.min(made) > 0:
        return TeamShift(nothing, why="there are fewer than two teams of enough people and commits")
    values = [cost[side].sum(axis=0) / n for side, n in zip(sides, made, strict=True)]
    shares = [n / n.sum() for n in made]
    whole = commits.sum(axis=1)
    # Both parts are linear in the sums of a week, so a team without commits is fine.
    rate = (cost - values[0] * commits) / whole[:, None]
    mix = (commits / whole[:, None] - shares[0]) * (values[0] - values[0] @ shares[0])
    parts = (summed_parts(weekly, whole, period).T for weekly in (rate, mix))
    numbers = [*shares, *values, *(column for part in parts for column in part)]
    frame = pd.DataFrame(dict(zip(_COLUMNS, [teams, *numbers], strict=True))).astype(_COLUMNS)
    return TeamShift(frame, period)


def _team_weeks(data: Dataset, period: Period) -> tuple[list[str], Floats, Floats]:
    """The teams, small ones together, and their cost and commits (columns) by week (row)."""
    metric = METRICS["cost_per_commit"]
    rows = rows_of(data, metric, "team")
    rows = rows[rows["week"].isin(period.weeks)]
    small = withheld(data, Subject.of(metric), "team")
    hidden = set(rows.loc[withheld_parts(rows, small, "team"), "team"])
    late = rows["week"].isin(period.weeks[period.after])
    made = rows.groupby(["team", late])["commits"].sum().unstack(fill_value=0).min(axis=1)
    hidden |= set(made.index[made < metric.minimum_denominator])
    names = rows["team"].mask(rows["team"].isin(list(hidden)), OTHER_TEAMS)
    sums = rows.groupby(["week", names])[["cost_usd", "commits"]].sum().unstack(fill_value=0.0)
    sums = sums.reindex(period.weeks, fill_value=0.0).astype("float64")
    order = sorted(set(names), key=lambda team: (team == OTHER_TEAMS, team))
    cost, commits = (sums[column][order].to_numpy() for column in ("cost_usd", "commits"))
    return order, cost, commits
