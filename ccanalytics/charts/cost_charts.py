"""Charts of what it costs, by estimate at list prices."""

from typing import Any

import pandas as pd

from ccanalytics.charts.marks import stacked, total_by_week
from ccanalytics.charts.theme import share_axis


def model_mix_chart(frame: pd.DataFrame) -> Any:
    """The share of estimated cost by model family."""
    subtitle = "Share of estimated cost, by model family and week"
    return stacked(frame, "model_mix", "family", axis=share_axis(), subtitle=subtitle)


def api_key_cost_chart(frame: pd.DataFrame) -> Any:
    """Estimated cost of API keys in each week, apart from people's."""
    return total_by_week(frame, "api_key_cost", events=getattr(frame, "events", ()))
