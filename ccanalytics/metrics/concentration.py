"""How unequally the estimated cost of a week is spread over its active people.

Shape only, never who: under ten people there is no value, and no group is named, or given a
share, that has fewer people than the minimum group.
"""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from ccanalytics.dataset import Dataset
from ccanalytics.metrics.intervals import Floats, draws, interval, ratio
from ccanalytics.metrics.ratios import MINIMUM_DISTRIBUTION, MINIMUM_PRICED, hide
from ccanalytics.metrics.registry import METRICS
from ccanalytics.metrics.weeks import actor_weeks

Statistic = Callable[[Floats, Floats], Floats]
"""The values of a statistic: ascending costs, and by replicate (row) how often each is there."""

GROUPS = 10

_WORDS = {
    "top10_share": "the tenth of people with the highest cost had {value} of it",
    "halfcount": "half of it was made by {value} of {n} people",
    "gini": "the Gini coefficient was {value}, where 0 is everybody alike",
}


def top10_share(data: Dataset) -> pd.DataFrame:
    """One row per week: cost of the tenth of active people with the highest cost / all cost.

    The tenth is rounded up to whole people, and withheld when a tenth is fewer than the minimum
    group.
    """
    return _by_week(data, _top_share, GROUPS * data.minimum_group)


def gini(data: Dataset) -> pd.DataFrame:
    """One row per week: Gini coefficient of cost, corrected for the number of people."""
    return _by_week(data, _gini)


def halfcount(data: Dataset) -> pd.DataFrame:
    """One row per week: the fewest people who make half of the cost; null under the minimum group.

    `share` is their part of the active people.
    """
    frame = _by_week(data, _halfcount)
    few = frame["value"] < data.minimum_group
    numbers = {name: frame[name].mask(few) for name in ("value", "low", "high")}
    return frame.assign(**numbers, share=numbers["value"] / frame["n_actors"])


def cost_curve(data: Dataset) -> pd.DataFrame:
    """One row per point of the Lorenz curve of the last week: people_share, value (cost share).

    Points are groups of equally many people, at most ten and none under the minimum group; the
    last of ten is the tenth of `top10_share`. No rows with too few people, or no cost.
    """
    columns = {"people_share": "float64", "value": "float64", "n_actors": "float64"}
    last = _people(data, data.weeks[-1]) if len(data.weeks) else None
    if last is None or len(last[0]) < MINIMUM_DISTRIBUTION or not _known(*last):
        return pd.DataFrame(columns=list(columns)).astype(columns)
    costs, _ = last
    groups = min(GROUPS, len(costs) // max(data.minimum_group, 1))
    ends = np.arange(groups + 1) * len(costs) // groups
    share = np.concatenate([[0.0], np.cumsum(costs)])[ends] / costs.sum()
    curve = {"people_share": ends / len(costs), "value": share, "n_actors": float(len(costs))}
    return pd.DataFrame(curve).astype(columns)


def spread_sentence(data: Dataset) -> str:
    """How the cost of the last week is spread, in plain English, as far as it may be said."""
    numbers = {metric: function(data)[-1:] for metric, function in _NUMBERS.items()}
    parts = [
        _WORDS[metric].format(value=_worded(metric, frame), n=int(frame["n_actors"].iloc[0]))
        for metric, frame in numbers.items()
        if frame["value"].notna().any()
    ]
    if not parts:
        return (
            "How the cost is spread cannot be said: it takes at least "
            f"{MINIMUM_DISTRIBUTION} active people, and a cost that is known."
        )
    return f"In the last week {'; '.join(parts)}."


def _by_week(data: Dataset, statistic: Statistic, minimum: int = 0) -> pd.DataFrame:
    rows = [_row(data, week, statistic, minimum) for week in data.weeks]
    columns = ["week", "value", "n_actors", "low", "high", "priced_share"]
    frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:], "float64"))
    return hide(frame, data.minimum_group)


def _row(
    data: Dataset, week: pd.Timestamp, statistic: Statistic, minimum: int
) -> tuple[object, ...]:
    costs, priced = _people(data, week)
    n = len(costs)
    if n < max(MINIMUM_DISTRIBUTION, minimum) or not _known(costs, priced):
        return week, math.nan, n, math.nan, math.nan, priced
    value = float(statistic(costs, np.ones((1, n)))[0])
    replicates = np.concatenate([statistic(costs, weights) for weights in draws(n)])
    return week, value, n, *interval(value, replicates, costs), priced


def _people(data: Dataset, week: pd.Timestamp) -> tuple[Floats, float]:
    """The ascending costs of the week's active people, and the share of tokens with a price."""
    rows = actor_weeks(data)
    rows = rows[(rows["week"] == week) & (rows["active"] == 1)]
    priced = 1 - rows["unpriced_tokens"].sum() / max(rows["total_tokens"].sum(), 1)
    return np.sort(rows["cost_usd"].to_numpy(dtype="float64")), float(priced)


def _known(costs: Floats, priced: float) -> bool:
    return bool(costs.sum() > 0) and priced >= MINIMUM_PRICED


def _top_share(costs: Floats, weights: Floats) -> Floats:
    falling, weights = costs[::-1], weights[:, ::-1]
    top = math.ceil(len(costs) / 10)
    before = np.cumsum(weights, axis=1) - weights
    taken = np.clip(top - before, 0, weights)
    return ratio(taken @ falling, weights @ falling)


def _gini(costs: Floats, weights: Floats) -> Floats:
    """2 sum(i x) / (n sum x) - (n + 1) / n, times n / (n - 1); i counts copies one by one."""
    n = len(costs)
    before = np.cumsum(weights, axis=1) - weights
    ranks = weights * before + weights * (weights + 1) / 2
    raw = 2 * ratio(ranks @ costs, n * (weights @ costs)) - (n + 1) / n
    return np.clip(raw * n / (n - 1), 0, 1)


def _halfcount(costs: Floats, weights: Floats) -> Floats:
    falling, weights = costs[::-1], weights[:, ::-1]
    reached = np.cumsum(weights * falling, axis=1)
    half = reached[:, -1] / 2
    at = (reached >= half[:, None] * (1 - 1e-12)).argmax(axis=1)
    rows = np.arange(len(weights))
    people = np.cumsum(weights, axis=1)[rows, at] - weights[rows, at]
    missing = half - (reached[rows, at] - weights[rows, at] * falling[at])
    copies = np.ceil(ratio(missing, falling[at]) - 1e-9)
    return np.where(half > 0, people + np.maximum(copies, 1), np.nan)


_NUMBERS = {"top10_share": top10_share, "halfcount": halfcount, "gini": gini}


def _worded(metric_id: str, frame: pd.DataFrame) -> str:
    """The value of the only row, with its interval if it has one."""
    value, low, high = (
        METRICS[metric_id].format(frame[c].iloc[0]) for c in ("value", "low", "high")
    )
    return value if low == "n/a" else f"{value} (90 % interval {low} to {high})"
