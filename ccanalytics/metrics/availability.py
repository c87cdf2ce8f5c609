"""Numbers the source of a dataset does not have: null and marked as such, never 0."""

from typing import Final

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.definitions import KINDS, Metric
from ccanalytics.wings import resolve

UNAVAILABLE: Final = "not known from this source"

TOKENS = {*KINDS, "unpriced_tokens", "total_tokens", "input_side_tokens"}

USAGE = {*TOKENS, "cost_usd", "cost_without_commit"}
"""Columns about models, tokens and cost."""


def basis_of(data: Dataset, metric: Metric) -> Dataset:
    """The dataset with the money a metric is about: estimated, or from a wing."""
    if not metric.basis:
        return data
    found: Dataset = resolve(metric.basis)(data)
    return found


def is_known(data: Dataset, metric: Metric) -> bool:
    """Whether the dataset has what the metric needs."""
    return data.has_tokens if metric.needs_tokens else data.has_cost or not metric.needs_usage


def mask_unavailable(
    data: Dataset, frame: pd.DataFrame, *numbers: str, of_tokens: bool = False
) -> pd.DataFrame:
    """`frame` with `numbers` null where cost (with `of_tokens`: tokens) is unknown.

    If all of it is unknown, the frame is marked as unavailable; else rows with a week or date
    are null when the cost of one of their days is unknown.
    """
    if not (data.has_tokens if of_tokens else data.has_cost):
        blank = frame.assign(**dict.fromkeys(numbers, np.nan))
        blank.attrs["unavailable"] = UNAVAILABLE
        return blank
    if data.cost_days is None:
        return frame
    frame = frame.assign(**dict.fromkeys(TOKENS.intersection(numbers), np.nan))
    key = next((key for key in ("date", "week") if key in frame), "")
    if not key:
        return frame
    days = data.days["date"]
    missing = days[~days.isin(list(data.cost_days))]
    back = pd.to_timedelta(missing.dt.day_of_week * (key == "week"), unit="D")
    unknown = frame[key].isin((missing - back).astype("datetime64[ms]"))
    return frame.assign(**{name: frame[name].mask(unknown) for name in numbers})


def is_available(frame: pd.DataFrame) -> bool:
    """Whether the source has the numbers of a metric frame."""
    return "unavailable" not in frame.attrs
