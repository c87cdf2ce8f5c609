"""Why a figure moved: parts that add up to a detected change.

The cost of a week is a product, summed over models:

    people x days per person x tokens per day x share of the model x kind of tokens x price

The logarithmic mean (LMDI-I: Ang, "LMDI decomposition approach: a guide for implementation",
Energy Policy 86, 2015) splits the difference of each week to the mean of the weeks before among the
factors without a residual; the cost per commit is split by team too, into rate and mix. A part is
the mean of the weeks after less that of the weeks before, so the parts add up too, and their
scatter from week to week gives each an interval. It is arithmetic: it says where the difference
sits, not what made it.

Kinds of tokens are weighted as Anthropic's price list does for every model: one output token is
five of input, one read from the cache a tenth, one written to it one and a quarter.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.titled_frame import typed
from ccanalytics.metrics.actor_weeks import actor_weeks, model_weeks
from ccanalytics.metrics.change import RECENT_WEEKS, Comparison
from ccanalytics.metrics.definitions import METRICS, Metric
from ccanalytics.metrics.findings import issue_changes
from ccanalytics.metrics.own_history import Floats, Weeks, ratio, student
from ccanalytics.metrics.ratios import rows_of, week_frame, withheld
from ccanalytics.metrics.withholding import UNAVAILABLE, Subject, is_known, mask_unavailable, places
from ccanalytics.people.roster import OTHER_TEAMS
from ccanalytics.showing import ShowsItself

TOKEN_WEIGHTS = {
    "input_tokens": 1.0,
    "output_tokens": 5.0,
    "cache_read_tokens": 0.1,
    "cache_creation_tokens": 1.25,
}

_RATIOS = {
    "active people": ("active", "week"),
    "active days per person": ("active_days", "active"),
    "active days per commit": ("active_days", "commits"),
    "tokens per active day": ("all_tokens", "active_days"),
    "models used": ("tokens", "all_tokens"),
    "kinds of tokens": ("weighted", "tokens"),
    "price": ("cost_usd", "weighted"),
}
"""Each factor as one sum by another; the product is the cost of a model, or that of a commit."""

_FACTORS = {
    "cost": [name for name in _RATIOS if name != "active days per commit"],
    "cost_per_commit": [*_RATIOS][2:],
}
_BARS = {"step": "str", "kind": "str"}
_BARS |= dict.fromkeys(("value", "low", "high", "start", "end"), "float64")
_SIDES = ("share_before", "share", "before", "value")
_PARTS = ("rate", "rate_low", "rate_high", "mix", "mix_low", "mix_high")
_TEAMS = {"team": "str", **dict.fromkeys((*_SIDES, *_PARTS), "float64")}
_NOTHING = 1e-200  # in place of 0, whose logarithm there is not


@dataclass(frozen=True, eq=False)
class Drivers(ShowsItself):
    """A detected change of a metric, split into drivers.

    `frame` has one row per bar of a waterfall: step, kind ("driver" or "total"), value with its
    90 % interval low and high, start, end. It has no rows, and `why` says so, when there is no
    change to split. `compared` has the weeks that are compared, and the metric on both sides.
    """

    shown_by = "display.bundles:result_bundle"
    drawn_by = "analyses.analysis_display:drivers_chart"

    metric: Metric
    frame: pd.DataFrame
    compared: Comparison | None = None
    why: str = ""

    def sentence(self) -> str:
        """The two largest drivers, in words."""
        if self.compared is None:
            return f"The {self.metric.name.lower()} is not split: {self.why}."
        money, parts = self.metric.format_change, self.frame[self.frame["kind"] == "driver"]
        most = [
            f"{row.step} ({money(row.value)}, 90 % interval {money(row.low)} to {money(row.high)})"
            for row in parts.sort_values("value", key=abs, ascending=False)[:2].itertuples()
        ]
        return (
            f"Of {money(self.compared.difference)} ({self.compared.horizon}), most sits in "
            f"{' and '.join(most)}. The parts add up exactly; they say where the difference is, "
            "not what made it."
        )


class TeamShift(Drivers):
    """A detected change of the cost per commit, split by team into rate and mix.

    `frame` has one row per team: team, share_before, share (of commits), before, value (cost per
    commit), rate (its own change, times its share of commits) and mix (the change of its share,
    times how far it lay from the whole), each with its 90 % interval. Rates and mixes add up to
    the change. Small teams and those with few commits are one row.
    """

    shown_by = "analyses.analysis_display:team_shift_bundle"
    drawn_by = ""

    def sentence(self) -> str:
        """Rate and mix in words, with a warning where two thirds of three or more teams moved
        against the total (Simpson's paradox)."""
        if self.compared is None:
            return f"The cost per commit is not split by team: {self.why}."
        rate, mix = self.frame["rate"].sum(), self.frame["mix"].sum()
        change, within, between = map(self.metric.format_change, (rate + mix, rate, mix))
        text = (
            f"Of {change} per commit ({self.compared.horizon}), {within} is change within "
            f"teams and {between} a change in which teams made the commits."
        )
        teams = self.frame[self.frame["team"] != OTHER_TEAMS]
        against = int(((teams["value"] - teams["before"]) * (rate + mix) < 0).sum())
        if len(teams) >= 3 and against >= 2 * len(teams) / 3:
            text += " Most teams moved against the total (Simpson's paradox): read the teams."
        return text


def cost_drivers(data: Dataset, metric_id: str = "cost") -> Drivers:
    """The detected change of the weekly "cost", or of "cost_per_commit", in US dollars by driver.

    Its `frame` has one row per driver, none without a detected change, and `why` says why.
    """
    if metric_id not in _FACTORS:
        raise ValueError(f"{metric_id!r} has no drivers; {' and '.join(_FACTORS)} have.")
    metric, names = METRICS[metric_id], _FACTORS[metric_id]
    nothing = mask_unavailable(data, typed([], _BARS))
    found = _found_change(data, metric)
    if isinstance(found, str):
        return Drivers(metric, nothing, why=found)
    compared, weeks, after = found
    weekly, commits = _weekly_parts(data, weeks, ~after, names)
    parts = summed_parts(weekly, commits if metric.is_ratio else np.ones(len(weekly)), after)
    ends = np.cumsum(parts[:, 0])
    if not math.isclose(ends[-1], compared.difference, rel_tol=1e-6, abs_tol=1e-6):
        return Drivers(metric, nothing, why="some of the cost is of unknown tokens")
    each = zip(names, parts, ends, strict=True)
    bars = [(name, "driver", *part, end - part[0], end) for name, part, end in each]
    bars.append(("total", "total", ends[-1], np.nan, np.nan, 0.0, ends[-1]))
    return Drivers(metric, typed(bars, _BARS), compared)


def team_shift(data: Dataset) -> TeamShift:
    """The detected change of the cost per commit, in US dollars: within teams, and between them.

    Its `frame` has one row per team, none without a detected change, and `why` says why.
    """
    metric, nothing = METRICS["cost_per_commit"], typed([], _TEAMS)
    found = _found_change(data, metric)
    if isinstance(found, str):
        return TeamShift(metric, nothing, why=found)
    compared, weeks, after = found
    teams, cost, commits = _team_weeks(data, metric, weeks, after)
    sides = [(cost[side].sum(axis=0), commits[side].sum(axis=0)) for side in (~after, after)]
    if len(teams) < 2 or not min(made.min() for _, made in sides) > 0:
        why = "there are fewer than two teams of enough people and commits"
        return TeamShift(metric, nothing, why=why)
    before, now = (spent / made for spent, made in sides)
    shares = [made / made.sum() for _, made in sides]
    whole = commits.sum(axis=1)
    # Both parts are linear in the sums of a week, so a team without commits is fine.
    rate = (cost - before * commits) / whole[:, None]
    mix = (commits / whole[:, None] - shares[0]) * (before - before @ shares[0])
    parts = np.column_stack([summed_parts(weekly, whole, after) for weekly in (rate, mix)])
    rows = zip(teams, *shares, before, now, *parts.T, strict=True)
    return TeamShift(metric, typed(rows, _TEAMS), compared)


def _found_change(
    data: Dataset, metric: Metric
) -> tuple[Comparison, pd.DatetimeIndex, Weeks] | str:
    """How the overall figure moved, its weeks, and which of them are after the change; or why there
    is nothing to split.

    The last week if it moved, else the last four weeks. As in the comparison, weeks before in which
    nobody was active are left out. A ratio says nothing of such a week on either side.
    """
    if not is_known(data, metric):
        return f"its cost is {UNAVAILABLE}"
    looks = [one for one in issue_changes(data) if one.metric.id == metric.id and not one.by]
    looks = [one for one in looks if np.isfinite(one.adjusted)]
    if not looks:
        return "there are too few weeks, people or events to judge a change"
    found = [one for one in looks if one.is_change]
    if not found:
        return f"no change was found; over four weeks {looks[-1].power()}"
    sums = week_frame(data, metric)[-RECENT_WEEKS:]
    weeks, used = data.weeks[-RECENT_WEEKS:], (sums["n_actors"] > 0).to_numpy()
    if (used & (sums["denominator"] == 0)).any():
        return "people were active in one of the weeks without a single commit"
    compared = min(found, key=lambda one: one.weeks)
    after = np.arange(len(weeks)) >= len(weeks) - compared.weeks
    used = used | (after & (not metric.is_ratio))
    return compared, weeks[used], after[used]


def summed_parts(weekly: Floats, weights: Floats, after: Weeks) -> Floats:
    """Each part (row): the weighted mean of the weeks after minus that of the weeks before, and the
    ends of its 90 % interval, from the scatter of the weeks on each side."""
    freedom, means, squares, spread = len(weekly) - 2, list[Floats](), 0.0, 0.0
    for side in (~after, after):
        share = weights[side] / weights[side].sum()
        means.append(share @ weekly[side])
        squares = squares + (share * side.sum()) @ (weekly[side] - means[-1]) ** 2
        spread += float(share @ share)
    reach = student(freedom) * np.sqrt(squares / freedom * spread)
    change = means[1] - means[0]
    return np.array([change, change - reach, change + reach]).T


def split_change(factors: Mapping[str, tuple[Floats, Floats]]) -> dict[str, Floats]:
    """The part of each factor in the change of the sum of products; the parts add up to it.

    Factors have values before and after by model (their last axis), whose product is its cost.
    What is 0 in one of the weeks is attributed to the factors that are 0 there; an undefined
    value is as in the other week.
    """
    logs = {}
    for name, values in factors.items():
        pair = np.array(np.broadcast_arrays(*values), dtype="float64")
        pair = np.where(np.isnan(pair), pair[::-1], pair)
        logs[name] = np.log(np.where(pair > 0, pair, _NOTHING))
    log_a, log_b = sum(logs.values(), start=np.array(0.0))
    # The logarithmic mean (a - b) / (log a - log b), and their mean where both are the same.
    close = np.abs(log_a - log_b) < 1e-9
    a, b = np.exp(log_a), np.exp(log_b)
    weight = np.where(close, (a + b) / 2, (a - b) / np.where(close, 1.0, log_a - log_b))
    return {name: np.sum(weight * (pair[1] - pair[0]), axis=-1) for name, pair in logs.items()}


def _weekly_parts(
    data: Dataset, weeks: pd.DatetimeIndex, before: Weeks, names: Sequence[str]
) -> tuple[Floats, Floats]:
    """The part of each driver (column) in the difference of each week (row) to those before; and
    the commits of each week."""
    rows, of_models = model_weeks(data), ["tokens", "weighted", "cost_usd"]
    kinds = rows[list(TOKEN_WEIGHTS)]
    rows = rows.assign(tokens=kinds.sum(axis=1), weighted=kinds @ pd.Series(TOKEN_WEIGHTS))
    models = rows.groupby(["week", "model"], observed=True)[of_models].sum().unstack()
    models = models.reindex(weeks).fillna(0.0)
    people = actor_weeks(data).groupby("week")[["active", "active_days", "commits"]].sum()
    people = people.reindex(weeks).assign(week=1.0)
    now = {name: models[name].to_numpy("float64") for name in of_models}
    now |= {name: people[[name]].to_numpy("float64") for name in people}
    now["all_tokens"] = now["tokens"].sum(axis=1, keepdims=True)
    usual = {name: sums[before].mean(axis=0)[None] for name, sums in now.items()}
    factors = dict[str, tuple[Floats, Floats]]()
    for name in names:
        top, bottom = _RATIOS[name]
        factors[name] = ratio(usual[top], usual[bottom]), ratio(now[top], now[bottom])
    parts = split_change(factors)
    return np.column_stack(list(parts.values())), now["commits"][:, 0]


def _team_weeks(
    data: Dataset, metric: Metric, weeks: pd.DatetimeIndex, after: Weeks
) -> tuple[list[str], Floats, Floats]:
    """The teams, small ones together, and their cost and commits (columns) by week (row)."""
    rows = rows_of(data, metric, "team")
    rows = rows[rows["week"].isin(weeks)]
    small = places(rows, "team").isin(withheld(data, Subject.of(metric), "team"))
    late = rows["week"].isin(weeks[after])
    made = rows.groupby(["team", late])["commits"].sum().unstack(fill_value=0).min(axis=1)
    hidden = {*rows.loc[small, "team"], *made.index[made < metric.minimum_denominator]}
    names = rows["team"].mask(rows["team"].isin(list(hidden)), OTHER_TEAMS)
    sums = rows.groupby(["week", names])[["cost_usd", "commits"]].sum().unstack(fill_value=0.0)
    sums = sums.reindex(weeks, fill_value=0.0).astype("float64")
    order = sorted(set(names), key=lambda team: (team == OTHER_TEAMS, team))
    return order, sums["cost_usd"][order].to_numpy(), sums["commits"][order].to_numpy()
