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
from ccanalytics.metrics.actor_weeks import actor_weeks
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.own_history import Floats, reach
from ccanalytics.metrics.ratios import MINIMUM_DISTRIBUTION, MINIMUM_PRICED
from ccanalytics.metrics.withholding import UNAVAILABLE, hide, mask_unavailable
from ccanalytics.people.small_groups import large
from ccanalytics.showing import Sentence, says


def top10_share(data: Dataset) -> pd.DataFrame:
    """One row per week: cost of the top tenth of active people by cost / all cost.

    The tenth is rounded up to whole people, and withheld when it has fewer than the minimum
    group, or its cost is nearly all of one person.
    """

    def share(costs: Floats) -> float:
        tenth = costs[-math.ceil(len(costs) / 10) :]
        shown = large(len(tenth), tenth.max(), tenth.sum(), min(data.minimum_group, len(tenth)))
        return float(tenth.sum() / costs.sum()) if shown else math.nan

    return _with_interval(_by_week(data, share, 10 * data.minimum_group))


def gini(data: Dataset) -> pd.DataFrame:
    """One row per week: Gini coefficient of cost, corrected for the number of people."""
    return _with_interval(_by_week(data, gini_of))


def halfcount(data: Dataset) -> pd.DataFrame:
    """One row per week: the fewest people with half of the cost; null below the minimum group.

    `share` is their part of the active people.
    """

    def fewest(costs: Floats) -> float:
        reached = np.cumsum(costs[::-1])
        return float((reached >= reached[-1] / 2 * (1 - 1e-12)).argmax() + 1)

    frame = _by_week(data, fewest)
    value = frame["value"].mask(frame["value"] < data.minimum_group)
    return frame.assign(value=value, share=value / frame["n_actors"])


@says(Sentence)
def spread_sentence(data: Dataset) -> str:
    """The distribution of last week's cost in words, without what is withheld."""
    if not data.has_cost:
        return f"How the cost is distributed is {UNAVAILABLE}."
    words = {
        "the tenth of people with the highest cost had {} of it{interval}": top10_share(data),
        "half of it was made by {} of {n:.0f} people": halfcount(data),
        "the Gini coefficient (0: everybody alike) was {}{interval}": gini(data),
    }
    shows = (METRICS[name].format for name in ("top10_share", "halfcount", "gini"))
    parts = []
    for (said, frame), show in zip(words.items(), shows, strict=True):
        for last in frame[-1:].dropna(subset="value").to_dict("records"):
            ends = f" (90 % interval {show(last.get('low'))} to {show(last.get('high'))})"
            interval = "" if pd.isna(last.get("low")) else ends
            parts.append(said.format(show(last["value"]), n=last["n_actors"], interval=interval))
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
    """The statistic of the sorted costs of active people, where enough of them is known."""
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
    kinds = {"week": "datetime64[ms]"}
    kinds |= dict.fromkeys(["value", "n_actors", "priced_share"], "float64")
    frame = pd.DataFrame(found, columns=list(kinds)).astype(kinds)
    shown = hide(data, frame, data.minimum_group)
    return mask_unavailable(data, shown, "value", "priced_share")


def _with_interval(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with low and high, between 0 and 1; null with under four weeks."""
    value, known = frame["value"], frame["value"].dropna()
    off = pd.Series(reach(known.to_numpy(), np.ones(len(known))), index=known.index)
    return frame.assign(low=(value - off).clip(lower=0), high=(value + off).clip(upper=1))
