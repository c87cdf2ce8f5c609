"""Who uses Claude Code, and how often."""

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import active_days, actor_weeks
from ccanalytics.metrics.metric_frame import measures
from ccanalytics.metrics.ratios import distribution_minimum, week_frame
from ccanalytics.metrics.withholding import hide, withheld_days

BANDS = {"light": 1, "moderate": 2, "heavy": 4}
"""The fewest active days per week in each band."""


@measures("active_actors_by_day")
def active_actors_by_day(data: Dataset) -> pd.DataFrame:
    """One row per UTC day of the closed weeks: distinct active people; 0 on a quiet day.

    Null on days withheld from the total of their week because too few people were active.
    """
    counts = active_days(data).groupby("date").size()
    frame = pd.DataFrame({"date": _days_of(data.weeks)})
    frame["value"] = frame["date"].map(counts).fillna(0.0).astype("float64")
    hidden, _ = withheld_days(data, frame["date"])
    return frame.assign(value=frame["value"].mask(hidden))


def active_day_bands(data: Dataset) -> pd.DataFrame:
    """One row per week and band of active days ("light" 1, "moderate" 2-3, "heavy" 4 or more).

    Value is people, share is their part of the week's active people. Null below ten people.
    """
    weeks = actor_weeks(data)
    weeks = weeks[weeks["active"] == 1]
    edges = [*BANDS.values(), np.inf]
    bands = pd.cut(weeks["active_days"], edges, right=False, labels=list(BANDS)).astype("str")
    grid = pd.MultiIndex.from_product([data.weeks, list(BANDS)], names=["week", "band"])
    counts = weeks.groupby(["week", bands.rename("band")]).size().reindex(grid, fill_value=0)
    frame = counts.astype("float64").rename("value").reset_index()
    total = frame.groupby("week")["value"].transform("sum")
    frame = frame.assign(share=frame["value"] / total.where(total > 0), n_actors=total)
    return hide(data, frame, distribution_minimum(data), keep=("band",))


def _days_of(weeks: pd.DatetimeIndex) -> pd.DatetimeIndex:
    days = weeks.repeat(7) + pd.to_timedelta(np.tile(np.arange(7), len(weeks)), unit="D")
    return pd.DatetimeIndex(days).as_unit("ms")


def shown(data: Dataset, week: pd.Series) -> pd.Series:
    """Whether the week has enough active people to be shown, or nobody."""
    total = week_frame(data, "active_actors").set_index("week")["value"]
    return week.isin(total.index[total.notna()])
