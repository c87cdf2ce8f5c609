"""Charts of what it costs, by estimate at list prices."""

from typing import Any

import pandas as pd

from ccanalytics.charts.marks import last_week_by_group, ratio_by_week, stacked, total_by_week
from ccanalytics.charts.theme import share_axis


def cost_chart(frame: pd.DataFrame) -> Any:
    """Estimated cost of people in each week."""
    return total_by_week(frame, "cost")


def cost_per_active_day_chart(frame: pd.DataFrame) -> Any:
    """Estimated cost per active person-day, with its interval."""
    return ratio_by_week(frame, "cost_per_active_day")


def cost_per_commit_chart(frame: pd.DataFrame) -> Any:
    """Estimated cost per commit made through Claude Code, with its interval."""
    return ratio_by_week(frame, "cost_per_commit", wide=True)


def cost_per_commit_by_team_chart(frame: pd.DataFrame) -> Any:
    """Cost per commit of each team in the last week, against its own weeks before."""
    return last_week_by_group(frame, "cost_per_commit", "team")


def unconverted_share_chart(frame: pd.DataFrame) -> Any:
    """The share of cost in person-weeks without a commit."""
    return ratio_by_week(frame, "unconverted_share")


def cache_read_share_chart(frame: pd.DataFrame) -> Any:
    """The share of input tokens that were read from the cache."""
    return ratio_by_week(frame, "cache_read_share")


def model_mix_chart(frame: pd.DataFrame) -> Any:
    """The share of estimated cost by model family."""
    subtitle = "Share of estimated cost, by model family and week"
    return stacked(
        frame, "model_mix", "family", axis=share_axis("share of estimated cost"), subtitle=subtitle
    )


def api_key_cost_chart(frame: pd.DataFrame) -> Any:
    """Estimated cost of API keys in each week, apart from people's."""
    return total_by_week(frame, "api_key_cost")
