"""How unequally the estimated cost of a week is distributed over its active people.

Shape only, never who: below ten people there is no value, and no group is named or given a
share that has fewer people than the minimum group. Intervals have weeks as replicates: how far
the number would be off in another week like it.
"""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.metrics.actor_weeks import actor_weeks
from ccanalytics.metrics.by_week import measures
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.own_history import Floats, reach
from ccanalytics.metrics.ratios import MINIMUM_DISTRIBUTION, MINIMUM_PRICED
from ccanalytics.metrics.withholding import UNAVAILABLE, hide, mask_unavailable
from ccanalytics.people.small_groups import large
from ccanalytics.showing import Sentence, says

GROUPS = 10
"""The most groups of people on the curve."""

_WORDS = {
    "top10_share": "the tenth of people with the highest cost had {value} of it",
    "halfcount": "half of it was made by {value} of {n} people",
    "gini": "the Gini coefficient (0: everybody alike) was {value}",
}


def top10_share(data: Dataset) -> pd.DataFrame:
    """One row per week: cost of the top tenth of active people by cost / all cost.

    The tenth is rounded up to whole people, and withheld when it has fewer than the minimum
    group, or its cost is nearly all of one person.
    """

    def share(costs: Floats) -> float:
        tenth = costs[-math.ceil(len(costs) / GROUPS) :]
        return math.nan if _of_one(data, tenth) else float(tenth.sum() / costs.sum())

    return _with_interval(_by_week(data, share, GROUPS * data.minimum_group))


def gini(data: Dataset) -> pd.DataFrame:
    """One row per week: Gini coefficient of cost, corrected for the number of people."""
    return _with_interval(_by_week(data, gini_of))


def halfcount(data: Dataset) -> pd.DataFrame:
    """One row per week: the fewest people with half of the cost; null below the minimum group.

    `share` is their part of the active people.
    """
    frame = _by_week(data, _halfcount)
    value = frame["value"].mask(frame["value"] < data.minimum_group)
    return frame.assign(value=value, share=value / frame["n_actors"])


@measures("cost_curve")
def cost_curve(data: Dataset) -> pd.DataFrame:
    """One row per point of the Lorenz curve of the last week: people_share, value (cost share).

    Points are groups of equally many people, at most ten and none under the minimum group; the
    last of ten is the tenth of `top10_share`. No rows with too few people, or no cost, or where the
    cost of the last group is nearly all of one person.
    """
    nothing = pd.DataFrame(columns=["people_share", "value", "n_actors"]).astype("float64")
    nothing = mask_unavailable(data, nothing)
    if not len(data.weeks) or data.weeks[-1] in data.hidden_weeks:
        return nothing
    costs, priced = _people(data)[data.weeks[-1]]
    groups = min(GROUPS, len(costs) // max(data.minimum_group, 1))
    if not groups or len(costs) < MINIMUM_DISTRIBUTION or not _known(costs, priced):
        return nothing
    ends = np.arange(groups + 1) * len(costs) // groups
    if _of_one(data, costs[ends[-2] :]):
        return nothing
    share = np.concatenate([[0.0], np.cumsum(costs)])[ends] / costs.sum()
    curve = {"people_share": ends / len(costs), "value": share, "n_actors": float(len(costs))}
    return pd.DataFrame(curve)


@says(Sentence)
def spread_sentence(data: Dataset) -> str:
    """The distribution of last week's cost and of the weeks before, in words, unless withheld."""
    frames = {"top10_share": top10_share(data), "halfcount": halfcount(data), "gini": gini(data)}
    parts = [
        _worded(metric, frame)
        for metric, frame in frames.items()
        if frame["value"][-1:].notna().any()
    ]
    if not data.has_cost:
        return f"How the cost is distributed is {UNAVAILABLE}."
    if not parts:
        return (
            "How the cost is distributed is not shown: it takes at least "
            f"{MINIMUM_DISTRIBUTION} active people and a known cost."
        )
    return f"In the last week {'; '.join(parts)}."


def _worded(metric_id: str, frame: pd.DataFrame) -> str:
    """The last week's number in words, and the range of the weeks before."""
    show, last = METRICS[metric_id].format, frame.iloc[-1]
    said = _WORDS[metric_id].format(value=show(last["value"]), n=int(last["n_actors"]))
    before = frame["value"][:-1].dropna()
    if before.empty:
        return said
    ends = dict.fromkeys([show(before.min()), show(before.max())])
    return f"{said} (before that week {' to '.join(ends)})"


def _by_week(data: Dataset, statistic: Callable[[Floats], float], minimum: int = 0) -> pd.DataFrame:
    rows = []
    for week, (costs, priced) in _people(data).items():
        few = len(costs) < max(MINIMUM_DISTRIBUTION, minimum) or not _known(costs, priced)
        rows.append((week, math.nan if few else statistic(costs), len(costs), priced))
    kinds = {"week": "datetime64[ms]"}
    kinds |= dict.fromkeys(["value", "n_actors", "priced_share"], "float64")
    frame = pd.DataFrame(rows, columns=list(kinds)).astype(kinds)
    shown = hide(data, frame, data.minimum_group)
    return mask_unavailable(data, shown, "value", "priced_share")


def _with_interval(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with low and high, between 0 and 1; null with under four weeks."""
    value, known = frame["value"], frame["value"].dropna()
    off = pd.Series(reach(known.to_numpy(), np.ones(len(known))), index=known.index)
    return frame.assign(low=(value - off).clip(lower=0), high=(value + off).clip(upper=1))


@kept
def _people(data: Dataset) -> dict[pd.Timestamp, tuple[Floats, float]]:
    """By week the sorted costs of active people, and the share of tokens with a price."""
    rows = actor_weeks(data)
    rows = rows[rows["active"] == 1]
    by_week, found = dict(list(rows.groupby("week"))), {}
    for week in data.weeks:
        part = by_week.get(week, rows.iloc[:0])
        priced = 1 - part["unpriced_tokens"].sum() / max(part["total_tokens"].sum(), 1)
        found[week] = np.sort(part["cost_usd"].to_numpy(dtype="float64")), float(priced)
    return found


def _known(costs: Floats, priced: float) -> bool:
    return bool(costs.sum() > 0) and priced >= MINIMUM_PRICED


def _of_one(data: Dataset, costs: Floats) -> bool:
    """Whether one of several people has nearly all of these costs."""
    fewest = min(data.minimum_group, len(costs))
    return not large(len(costs), costs.max(), costs.sum(), fewest)


def gini_of(costs: Floats) -> float:
    """2 sum(i x) / (n sum x) - (n + 1) / n, times n / (n - 1)."""
    n = len(costs)
    raw = 2 * (np.arange(1, n + 1) @ costs) / (n * costs.sum()) - (n + 1) / n
    return max(float(raw * n / (n - 1)), 0.0)


def _halfcount(costs: Floats) -> float:
    reached = np.cumsum(costs[::-1])
    return float((reached >= reached[-1] / 2 * (1 - 1e-12)).argmax() + 1)
