"""Numbers that the source of a dataset cannot tell: null, and said to be so, never 0."""

from typing import Final

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset

NOT_TOLD: Final = "not known from this source"

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


def if_told(data: Dataset, frame: pd.DataFrame, *numbers: str) -> pd.DataFrame:
    """`frame`, with `numbers` null and marked as not told where the source tells no usage."""
    if data.spec.has_usage:
        return frame
    blank = frame.assign(**dict.fromkeys(numbers, np.nan))
    blank.attrs["not_told"] = NOT_TOLD
    return blank


def is_told(frame: pd.DataFrame) -> bool:
    """Whether what is null in a metric frame is null for another reason than its source."""
    return "not_told" not in frame.attrs
