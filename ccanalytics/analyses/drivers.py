"""Why the cost of the last week differs from the week before: parts that add up to the change.

The cost of a week is a product, summed over models:

    people x days per person x tokens per day x share of the model x kind of tokens x price

The logarithmic mean (LMDI-I: Ang, "LMDI decomposition approach: a guide for implementation",
Energy Policy 86, 2015) splits the change among the factors without a residual. It is arithmetic:
it says where the difference sits, not what made it.

Kinds of tokens are weighted as Anthropic's price list does for every model: one output token is
five of input, one read from the cache a tenth, one written to it one and a quarter.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import actor_weeks, model_weeks
from ccanalytics.metrics.availability import UNAVAILABLE, mask_unavailable
from ccanalytics.metrics.definitions import METRICS, Metric
from ccanalytics.metrics.intervals import Floats
from ccanalytics.metrics.ratios import MINIMUM_PRICED, rows_of, week_frame
from ccanalytics.metrics.withholding import withheld_parts
from ccanalytics.showing import ShowsItself

TOKEN_WEIGHTS = {
    "input_tokens": 1.0,
    "output_tokens": 5.0,
    "cache_read_tokens": 0.1,
    "cache_creation_tokens": 1.25,
}

OTHER_TEAMS = "other teams"

_SHARED = ("tokens per active day", "models used", "kinds of tokens", "price")
_WEEK = pd.Timedelta(days=7)
_NOTHING = 1e-200  # in place of 0, whose logarithm there is not

Factors = Mapping[str, tuple[Floats, Floats]]
"""Each factor's values in the two weeks, by model; their product is the cost of the model."""


@dataclass(frozen=True, eq=False)
class Drivers(ShowsItself):
    """The change of a metric split into drivers.

    `frame` has one row per bar of a waterfall: step, kind ("driver" or "total"), value, start, end.
    It has no rows, and `why` says so, when there is nothing to split. `previous` and `last` are the
    metric in the two weeks.
    """

    shown_by = "display.sentences:told_bundle"
    drawn_by = "analyses.driver_charts:drivers_chart"

    metric: Metric
    frame: pd.DataFrame
    previous: float = math.nan
    last: float = math.nan
    why: str = ""

    def sentence(self) -> str:
        """The two largest drivers, in plain English."""
        if self.why:
            return f"The change of the {self.metric.name.lower()} cannot be split: {self.why}."
        parts = self.frame[self.frame["kind"] == "driver"]
        largest = parts.reindex(parts["value"].abs().sort_values(ascending=False).index)[:2]
        told = " and ".join(
            f"{row.step} ({self.metric.format_change(row.value)})" for row in largest.itertuples()
        )
        change = self.metric.format_change(self.last - self.previous)
        return (
            f"Of the difference of {change} to the week before, most sits in {told}. The parts "
            "add up exactly; they say where the difference is, not what made it."
        )


def cost_drivers(data: Dataset, metric_id: str = "cost") -> Drivers:
    """The change of the estimated cost, or of "cost_per_commit", against the week before."""
    names = {
        "cost": ("active people", "active days per person", *_SHARED),
        "cost_per_commit": ("active days per commit", *_SHARED),
    }
    if metric_id not in names:
        raise ValueError(f"{metric_id!r} has no drivers; {' and '.join(names)} have.")
    return _drivers(data, metric_id, names[metric_id])


@dataclass(frozen=True, eq=False)
class TeamShift(ShowsItself):
    """The change of the cost per commit split by team into rate and mix.

    `frame` has one row per team: team, share_before, share (of commits), before, value (cost per
    commit), rate (its own change, weighted) and mix (its change of weight). Their sums are `rate`
    and `mix`, which add up to `change`. Small teams and those with few commits are one row.
    """

    shown_by = "analyses.analysis_display:team_shift_bundle"

    frame: pd.DataFrame
    why: str = ""

    @property
    def rate(self) -> float:
        """How much of the change is within teams."""
        return float(self.frame["rate"].sum()) if len(self.frame) else math.nan

    @property
    def mix(self) -> float:
        """How much of the change is between teams: who made the commits."""
        return float(self.frame["mix"].sum()) if len(self.frame) else math.nan

    @property
    def change(self) -> float:
        """The change of the whole."""
        return self.rate + self.mix

    @property
    def reverses(self) -> bool:
        """Whether two thirds of the teams, of three or more, moved against the whole (Simpson)."""
        moved = (self.frame["value"] - self.frame["before"])[self.frame["team"] != OTHER_TEAMS]
        against = (np.sign(moved) == -np.sign(self.change)).sum()
        return len(moved) >= 3 and self.change != 0 and against >= 2 * len(moved) / 3

    def sentence(self) -> str:
        """Rate against mix in plain English, with a warning where the whole misleads."""
        if self.why:
            return f"The change cannot be split by team: {self.why}."
        money = METRICS["cost_per_commit"].format_change
        text = (
            f"Of {money(self.change)} per commit, {money(self.rate)} is change within teams and "
            f"{money(self.mix)} is a change in which teams made the commits."
        )
        if not self.reverses:
            return text
        return (
            f"{text} Most teams moved the other way than the whole (Simpson's paradox): read the "
            "teams, not the total."
        )


def team_shift(data: Dataset) -> TeamShift:
    """The change of the cost per commit against the week before, by team."""
    why = _too_little(data, "cost_per_commit")
    sums = pd.DataFrame() if why else _team_sums(data)
    if not why and len(sums) < 2:
        why = "there are fewer than two teams of enough people and commits"
    if not why and not (sums[["commits_before", "commits"]] > 0).all(axis=None):
        why = "the smaller teams together have a week without a commit"
    if why:
        return TeamShift(_empty("share_before", "share", "before", "value", "rate", "mix"), why=why)
    before, value = sums["cost_before"] / sums["commits_before"], sums["cost"] / sums["commits"]
    shares = (sums[name] / sums[name].sum() for name in ("commits_before", "commits"))
    share_before, share = shares
    pooled = (
        sums["cost_before"].sum() / sums["commits_before"].sum()
        + sums["cost"].sum() / sums["commits"].sum()
    ) / 2
    frame = pd.DataFrame(
        {
            "share_before": share_before,
            "share": share,
            "before": before,
            "value": value,
            "rate": (value - before) * (share + share_before) / 2,
            "mix": (share - share_before) * ((value + before) / 2 - pooled),
        }
    )
    return TeamShift(frame.reset_index(names="team").astype({"team": "str"}))


def split_change(factors: Factors) -> dict[str, float]:
    """The part of each factor in the change of the sum of products; the parts add up to it.

    Values are arrays of cells (models). What is nothing in one of the weeks is put down to the
    factors that are 0 in it.
    """
    pairs = {name: (np.asarray(a, float), np.asarray(b, float)) for name, (a, b) in factors.items()}
    logs = {name: np.log(_positive(*pair)) for name, pair in pairs.items()}
    weight = _log_mean(*sum(logs.values(), start=np.zeros(2)[:, None]))
    return {
        name: float(np.sum(weight * (after - before))) for name, (before, after) in logs.items()
    }


def _positive(before: Floats, after: Floats) -> Floats:
    """Both weeks, next to nothing in place of 0, and an undefined value as in the other week."""
    pair = np.array(
        [np.where(np.isnan(before), after, before), np.where(np.isnan(after), before, after)]
    )
    return np.where(pair > 0, pair, _NOTHING)


def _log_mean(log_a: Floats, log_b: Floats) -> Floats:
    """(a - b) / (log a - log b), and a where both are the same; from the logarithms."""
    close = np.abs(log_a - log_b) < 1e-9
    a, b = np.exp(log_a), np.exp(log_b)
    return np.where(close, (a + b) / 2, (a - b) / np.where(close, 1.0, log_a - log_b))


def _drivers(data: Dataset, metric_id: str, names: tuple[str, ...]) -> Drivers:
    metric = METRICS[metric_id]
    why = _too_little(data, metric_id)
    if why:
        nothing = mask_unavailable(data, _empty("value", "start", "end", kind="str"))
        return Drivers(metric, nothing, why=why)
    parts = split_change(_factors(data, names))
    ends = np.cumsum([*parts.values()])
    bars = [
        *zip(parts, ["driver"] * len(parts), parts.values(), [0.0, *ends[:-1]], ends, strict=True),
        ("in all", "total", ends[-1], 0.0, ends[-1]),
    ]
    frame = pd.DataFrame(bars, columns=["step", "kind", "value", "start", "end"])
    previous, last = week_frame(data, metric_id)["value"].iloc[-2:]
    frame = frame.astype({"step": "str", "kind": "str"})
    return Drivers(metric, frame, float(previous), float(last))


def _factors(data: Dataset, names: tuple[str, ...]) -> Factors:
    """The factors of the two last weeks, in the order of `names`."""
    weeks = data.weeks[-2:]
    rows = model_weeks(data)
    tables = {
        name: rows.assign(x=values).pivot_table(
            index="model", columns="week", values="x", aggfunc="sum", observed=True
        ).reindex(columns=weeks).fillna(0.0)
        for name, values in {
            "tokens": rows[list(TOKEN_WEIGHTS)].sum(axis=1),
            "weighted": sum(rows[name] * weight for name, weight in TOKEN_WEIGHTS.items()),
            "cost": rows["cost_usd"],
        }.items()
    }  # fmt: skip
    people = actor_weeks(data).groupby("week")[["active", "active_days", "commits"]].sum()
    pair = [_week_factors(tables, people.loc[week], week, names) for week in weeks]
    return {name: (pair[0][name], pair[1][name]) for name in names}


def _week_factors(
    tables: Mapping[str, pd.DataFrame],
    people: pd.Series,
    week: pd.Timestamp,
    names: tuple[str, ...],
) -> dict[str, Floats]:
    tokens, weighted, cost = (
        tables[name][week].to_numpy(dtype="float64") for name in ("tokens", "weighted", "cost")
    )
    days = float(people["active_days"])
    with np.errstate(divide="ignore", invalid="ignore"):
        per_token = [days and tokens.sum() / days, tokens / tokens.sum(), weighted / tokens,
                     cost / weighted]  # fmt: skip
        heads = {
            "active people": float(people["active"]),
            "active days per person": np.float64(days) / people["active"],
            "active days per commit": np.float64(days) / people["commits"],
        }
    values = heads | dict(zip(_SHARED, per_token, strict=True))
    return {name: np.broadcast_to(values[name], tokens.shape) for name in names}


def _too_little(data: Dataset, metric_id: str) -> str:
    """Why the last two weeks cannot be compared; empty when they can."""
    if not data.has_tokens:
        return f"cost by token is {UNAVAILABLE}"
    if len(data.weeks) < 2 or data.weeks[-1] - data.weeks[-2] != _WEEK:
        return "there is no closed week right before the last one"
    frame = week_frame(data, metric_id).iloc[-2:]
    if (frame["priced_share"] < MINIMUM_PRICED).any():
        return "too many tokens have no known price"
    if frame["value"].isna().any() or not (frame["numerator"] > 0).all():
        return "one of the two weeks has too few people or events"
    return ""


def _team_sums(data: Dataset) -> pd.DataFrame:
    """One row per team, small ones together: cost and commits of the last two weeks."""
    weeks = data.weeks[-2:]
    metric = METRICS["cost_per_commit"]
    rows = rows_of(data, metric, "team")
    rows = rows[rows["week"].isin(weeks)]
    sums = rows.groupby(["week", "team"])[["cost_usd", "commits"]].sum()
    grid = pd.MultiIndex.from_product([weeks, sorted(rows["team"].unique())])
    sums = sums.reindex(grid, fill_value=0)
    hidden = set(rows.loc[withheld_parts([rows], metric, "team", data.minimum_group), "team"])
    few = sums["commits"] < metric.minimum_denominator
    hidden |= set(sums.index[few].get_level_values(1))
    names = {team: OTHER_TEAMS if team in hidden else team for team in rows["team"].unique()}
    merged = sums.rename(index=names, level=1).groupby(level=[0, 1]).sum()
    before, last = (merged.loc[week][["cost_usd", "commits"]] for week in weeks)
    return pd.DataFrame(
        {
            "cost_before": before["cost_usd"],
            "commits_before": before["commits"],
            "cost": last["cost_usd"],
            "commits": last["commits"],
        }
    )


def _empty(*numbers: str, kind: str = "") -> pd.DataFrame:
    text = {"step": "str", "kind": kind} if kind else {"team": "str"}
    kinds = text | dict.fromkeys(numbers, "float64")
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in kinds.items()})
