"""How unequally the estimated cost of a week is distributed over its active people.

Shape only, never who: below ten people there is no value, and no group is given a share that has
fewer people than the minimum group. Intervals have weeks as replicates: how far the number would
be off in another week like it.
"""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.titled_frame import typed
from ccanalytics.metrics.actor_weeks import actor_weeks
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.own_history import Floats, reach
from ccanalytics.metrics.ratios import MINIMUM_DISTRIBUTION, MINIMUM_PRICED
from ccanalytics.metrics.withholding import UNAVAILABLE, are_few, hide, mask_unavailable
from ccanalytics.people.small_groups import large
from ccanalytics.showing import Sentence, says

_NUMBERS = dict.fromkeys(("value", "n_actors", "priced_share"), "float64")
_COLUMNS = {"week": "datetime64[ms]", **_NUMBERS}


def top10_share(data: Dataset) -> pd.DataFrame:
    """One row per week: cost of the top tenth of active people by cost / all cost.

    The tenth is rounded up to whole people, and withheld when it has fewer than the minimum
    group, or its cost is nearly all of one person.
    """

    def share(costs: Floats) -> float:
        tenth = costs[-math.ceil(len(costs) / 10) :]
        shown = large(len(tenth), tenth.max(), tenth.sum(), min(data.minimum_group, len(tenth)))
        return float(tenth.sum() / costs.sum()) if shown else math.nan

    return _by_week(data, share, 10 * data.minimum_group)


def gini(data: Dataset) -> pd.DataFrame:
    """One row per week: Gini coefficient of cost, corrected for the number of people."""
    return _by_week(data, gini_of)


def halfcount(data: Dataset) -> pd.DataFrame:
    """One row per week: the fewest people with half of the cost; null below the minimum group.

    `share` is their part of the active people.
    """

    def fewest(costs: Floats) -> float:
        reached = np.cumsum(costs[::-1])
        return float((reached >= reached[-1] / 2 * (1 - 1e-12)).argmax() + 1)

    frame = _by_week(data, fewest).drop(columns=["low", "high"])  # those of a share
    value = frame["value"].mask(frame["value"] < data.minimum_group)
    return frame.assign(value=value, share=value / frame["n_actors"])


@says(Sentence)
def spread_sentence(data: Dataset) -> str:
    """The distribution of last week's cost in words, without what is withheld."""
    if not data.has_cost:
        return f"How the cost is distributed is {UNAVAILABLE}."
    words = {
        "top10_share": "the tenth of people with the highest cost had {value} of it{interval}",
        "halfcount": "half of it was made by {value} of {n:.0f} people",
        "gini": "the Gini coefficient (0: everybody alike) was {value}{interval}",
    }
    parts = []
    for name, frame in zip(words, (top10_share(data), halfcount(data), gini(data)), strict=True):
        for last in frame[-1:].dropna(subset="value").to_dict("records"):
            value, low, high = (
                METRICS[name].format(last.get(end)) for end in ("value", "low", "high")
            )
            interval = "" if low == "n/a" else f" (90 % interval {low} to {high})"
            parts.append(words[name].format(value=value, n=last["n_actors"], interval=interval))
    if parts:
        return f"In the last week {'; '.join(parts)}."
    return (
        "How the cost is distributed is not shown: it takes at least "
        f"{MINIMUM_DISTRIBUTION} active people and a known cost."
    )


def gini_of(costs: Floats) -> float:
    """2 sum(i x) / (n sum x) - (n + 1) / n, times n / (n - 1), of sorted costs."""
    n = len(costs)
    raw = 2 * (np.arange(1, n + 1) @ costs) / (n * costs.sum()) - (n + 1) / n
    return max(float(raw * n / (n - 1)), 0.0)


def _by_week(data: Dataset, statistic: Callable[[Floats], float], minimum: int = 0) -> pd.DataFrame:
    """The statistic of the sorted costs of active people, where enough of them is known, with an
    interval between 0 and 1; that is null with under four weeks."""
    rows = actor_weeks(data)
    rows = rows[rows["active"] == 1]
    found = []
    for week in data.weeks:
        people = rows[rows["week"] == week]
        costs = np.sort(people["cost_usd"].to_numpy(dtype="float64"))
        priced = 1 - people["unpriced_tokens"].sum() / max(people["total_tokens"].sum(), 1)
        few = len(costs) < max(MINIMUM_DISTRIBUTION, minimum)
        known = not few and costs.sum() > 0 and priced >= MINIMUM_PRICED
        found.append((week, statistic(costs) if known else math.nan, len(costs), priced))
    frame = typed(found, _COLUMNS)
    frame = hide(data, frame, are_few(frame["n_actors"], data.minimum_group))
    frame = mask_unavailable(data, frame, "value", "priced_share")
    shown = frame["value"].dropna()
    off = pd.Series(reach(shown.to_numpy(), np.ones(len(shown))), index=shown.index)
    low, high = (frame["value"] - off).clip(lower=0), (frame["value"] + off).clip(upper=1)
    return frame.assign(low=low, high=high)
