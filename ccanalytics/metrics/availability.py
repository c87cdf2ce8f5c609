"""Numbers that the source of a dataset does not have: null, and said to be so, never 0."""

from typing import Final

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset

UNAVAILABLE: Final = "not known from this source"

USAGE = {
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "unpriced_tokens",
    "total_tokens",
    "input_side_tokens",
    "cost_usd",
    "cost_without_commit",
}
"""Columns about models, tokens and cost."""


def mask_unavailable(data: Dataset, frame: pd.DataFrame, *numbers: str) -> pd.DataFrame:
    """`frame`, with `numbers` null and marked as unavailable where the source has no usage."""
    if data.spec.has_usage:
        return frame
    blank = frame.assign(**dict.fromkeys(numbers, np.nan))
    blank.attrs["unavailable"] = UNAVAILABLE
    return blank


def is_available(frame: pd.DataFrame) -> bool:
    """Whether what is null in a metric frame is null for another reason than its source."""
    return "unavailable" not in frame.attrs
