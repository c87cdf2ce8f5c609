"""The change that is split, and the interval of each part."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.availability import UNAVAILABLE, is_known
from ccanalytics.metrics.change import RECENT_WEEKS, Comparison
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.findings import issue_changes
from ccanalytics.metrics.intervals import Floats, Weeks, student


@dataclass(frozen=True, eq=False)
class Period:
    """The weeks of a change that was found: those `after` against all `before` them."""

    weeks: pd.DatetimeIndex
    after: Weeks
    change: Comparison

    @property
    def before(self) -> Weeks:
        """The weeks it is compared with."""
        return ~self.after


def changed_period(data: Dataset, metric_id: str) -> Period | str:
    """The weeks in which the overall figure moved, or why there are none.

    The last week if it moved, else the last four weeks.
    """
    if not is_known(data, METRICS[metric_id]):
        return f"its cost is {UNAVAILABLE}"
    looks = [one for one in issue_changes(data) if one.metric.id == metric_id and not one.by]
    if not looks:
        return "there are too few weeks, people or events to judge a change"
    found = sorted((one.comparison for one in looks if one.is_found), key=lambda one: one.weeks)
    if not found:
        return f"no change was found; over four weeks {looks[-1].comparison.power()}"
    weeks = data.weeks[-RECENT_WEEKS:]
    after = np.arange(len(weeks)) >= len(weeks) - found[0].weeks
    return Period(weeks, after, found[0])


def summed_parts(weekly: Floats, weights: Floats, period: Period) -> Floats:
    """Each part (row): the weighted mean of the weeks after minus that of the weeks before, and the
    ends of its 90 % interval, from the scatter of the weeks on each side."""
    freedom = len(weekly) - 2
    value, squares, spread = np.zeros((2, weekly.shape[1])), 0.0, 0.0
    for at, side in enumerate((period.before, period.after)):
        share = weights[side] / weights[side].sum()
        value[at] = share @ weekly[side]
        squares = squares + (share * side.sum()) @ (weekly[side] - value[at]) ** 2
        spread = spread + float(share @ share)
    reach = student(freedom) * np.sqrt(squares / freedom * spread)
    change = value[1] - value[0]
    return np.array([change, change - reach, change + reach]).T
