"""Why a figure moved: parts that add up to a detected change.

The cost of a week is a product, summed over models:

    people x days per person x tokens per day x share of the model x kind of tokens x price

The logarithmic mean (LMDI-I: Ang, "LMDI decomposition approach: a guide for implementation",
Energy Policy 86, 2015) splits the difference of each week to the mean of the weeks before among the
factors without a residual. A part is the mean of the weeks after less that of the weeks before, so
the parts add up too, and their scatter from week to week gives each an interval. It is arithmetic:
it says where the difference sits, not what made it.

Kinds of tokens are weighted as Anthropic's price list does for every model: one output token is
five of input, one read from the cache a tenth, one written to it one and a quarter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccanalytics.analyses.change_parts import Period, changed_period, summed_parts
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import actor_weeks, model_weeks
from ccanalytics.metrics.availability import mask_unavailable
from ccanalytics.metrics.definitions import METRICS, Metric
from ccanalytics.metrics.intervals import Floats
from ccanalytics.showing import ShowsItself

TOKEN_WEIGHTS = {
    "input_tokens": 1.0,
    "output_tokens": 5.0,
    "cache_read_tokens": 0.1,
    "cache_creation_tokens": 1.25,
}

_SHARED = ("tokens per active day", "models used", "kinds of tokens", "price")
_COLUMNS = {"step": "str", "kind": "str"} | dict.fromkeys(
    ("value", "low", "high", "start", "end"), "float64"
)
_NOTHING = 1e-200  # in place of 0, whose logarithm there is not

Factors = Mapping[str, tuple[Floats, Floats]]
"""Each factor's values before and after, by model; their product is the cost of the model."""


@dataclass(frozen=True, eq=False)
class Drivers(ShowsItself):
    """A detected change of a metric, split into drivers.

    `frame` has one row per bar of a waterfall: step, kind ("driver" or "total"), value with its
    90 % interval low and high, start, end. It has no rows, and `why` says so, when there is none to
    split. `period` says which weeks are compared, and the metric on both sides.
    """

    shown_by = "display.sentences:told_bundle"
    drawn_by = "analyses.driver_charts:drivers_chart"

    metric: Metric
    frame: pd.DataFrame
    period: Period | None = None
    why: str = ""

    def sentence(self) -> str:
        """The two largest drivers, in words."""
        if self.period is None:
            return f"The {self.metric.name.lower()} is not split: {self.why}."
        parts = self.frame[self.frame["kind"] == "driver"]
        largest = parts.reindex(parts["value"].abs().sort_values(ascending=False).index)[:2]
        money = self.metric.format_change
        most = " and ".join(
            f"{row.step} ({money(row.value)}, 90 % interval {money(row.low)} to {money(row.high)})"
            for row in largest.itertuples()
        )
        change = self.period.change
        return (
            f"Of {money(change.difference)} ({change.horizon}), most "
            f"sits in {most}. The parts add up exactly; they say where the difference is, not what "
            "made it."
        )


def cost_drivers(data: Dataset, metric_id: str = "cost") -> Drivers:
    """The detected change of the weekly cost, or of "cost_per_commit", by driver."""
    names = {
        "cost": ("active people", "active days per person", *_SHARED),
        "cost_per_commit": ("active days per commit", *_SHARED),
    }
    if metric_id not in names:
        raise ValueError(f"{metric_id!r} has no drivers; {' and '.join(names)} have.")
    return _drivers(data, metric_id, names[metric_id])


def _drivers(data: Dataset, metric_id: str, names: tuple[str, ...]) -> Drivers:
    metric, period = METRICS[metric_id], changed_period(data, metric_id)
    if isinstance(period, str):
        nothing = pd.DataFrame(columns=list(_COLUMNS)).astype(_COLUMNS)
        return Drivers(metric, mask_unavailable(data, nothing), why=period)
    weekly, amounts = _weekly_parts(data, period, names)
    parts = summed_parts(weekly, amounts if metric.is_ratio else np.ones(len(weekly)), period)
    ends = np.cumsum(parts[:, 0])
    bars = [
        *((name, "driver", *part, end - part[0], end)
          for name, part, end in zip(names, parts, ends, strict=True)),
        ("total", "total", ends[-1], np.nan, np.nan, 0.0, ends[-1]),
    ]  # fmt: skip
    return Drivers(metric, pd.DataFrame(bars, columns=list(_COLUMNS)).astype(_COLUMNS), period)


def _weekly_parts(data: Dataset, period: Period, names: Sequence[str]) -> tuple[Floats, Floats]:
    """The part of each driver (column) in the difference of each week (row) to those before; and
    the commits of each week."""
    rows = model_weeks(data)
    values = {
        "tokens": rows[list(TOKEN_WEIGHTS)].sum(axis=1),
        "weighted": sum(rows[name] * weight for name, weight in TOKEN_WEIGHTS.items()),
        "cost": rows["cost_usd"],
    }
    tables = {
        name: rows.assign(x=column)
        .pivot_table(index="model", columns="week", values="x", aggfunc="sum", observed=True)
        .reindex(columns=period.weeks)
        .fillna(0.0)
        .to_numpy(dtype="float64")
        for name, column in values.items()
    }
    people = actor_weeks(data).groupby("week")[["active", "active_days", "commits"]].sum()
    heads = people.reindex(period.weeks).to_numpy(dtype="float64").T
    usual = _factors({n: t[:, period.before].mean(axis=1) for n, t in tables.items()},
                     heads[:, period.before].mean(axis=1))  # fmt: skip
    parts = []
    for at in range(len(period.weeks)):
        week = _factors({name: table[:, at] for name, table in tables.items()}, heads[:, at])
        split = split_change({name: (usual[name], week[name]) for name in names})
        parts.append([split[name] for name in names])
    return np.array(parts), heads[2]


def _factors(sums: Mapping[str, Floats], heads: Floats) -> dict[str, Floats]:
    """The value of each factor by model, for a week or the mean of several."""
    tokens, weighted, cost = sums["tokens"], sums["weighted"], sums["cost"]
    active, days, commits = heads
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "active people": active,
            "active days per person": np.float64(days) / active,
            "active days per commit": np.float64(days) / commits,
            "tokens per active day": tokens.sum() / np.float64(days),
            "models used": tokens / tokens.sum(),
            "kinds of tokens": weighted / tokens,
            "price": cost / weighted,
        }
    return {name: np.broadcast_to(value, tokens.shape) for name, value in values.items()}


def split_change(factors: Factors) -> dict[str, float]:
    """The part of each factor in the change of the sum of products; the parts add up to it.

    Values are arrays by model. What is 0 in one of the weeks is attributed to the
    factors that are 0 there.
    """
    pairs = {name: (np.asarray(a, float), np.asarray(b, float)) for name, (a, b) in factors.items()}
    logs = {name: np.log(_positive(*pair)) for name, pair in pairs.items()}
    weight = _log_mean(*sum(logs.values(), start=np.zeros(2)[:, None]))
    return {
        name: float(np.sum(weight * (after - before))) for name, (before, after) in logs.items()
    }


def _positive(before: Floats, after: Floats) -> Floats:
    """Both weeks, with a tiny number in place of 0, and an undefined value as in the other week."""
    pair = np.array(
        [np.where(np.isnan(before), after, before), np.where(np.isnan(after), before, after)]
    )
    return np.where(pair > 0, pair, _NOTHING)


def _log_mean(log_a: Floats, log_b: Floats) -> Floats:
    """(a - b) / (log a - log b), and a where both are the same; from the logarithms."""
    close = np.abs(log_a - log_b) < 1e-9
    a, b = np.exp(log_a), np.exp(log_b)
    return np.where(close, (a + b) / 2, (a - b) / np.where(close, 1.0, log_a - log_b))
