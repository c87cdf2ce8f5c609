"""Charts of what came of it: activity through Claude Code, not productivity."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.marks import ratio_by_group, ratio_by_week, stacked, total_by_week
from ccanalytics.charts.theme import BLUE, ORANGE


def acceptance_rate_chart(frame: pd.DataFrame) -> Any:
    """Accepted share of the proposals to edit files; one line per tool when it is by tool."""
    if "tool" not in frame:
        return ratio_by_week(frame, "acceptance_rate")
    return ratio_by_group(
        frame, "acceptance_rate", "tool", subtitle="Share of decided proposals, by tool and week"
    )


def lines_chart(frame: pd.DataFrame) -> Any:
    """Lines added and lines removed, stacked."""
    return stacked(
        frame,
        "lines",
        "kind",
        order=["added", "removed"],
        colours=[BLUE, ORANGE],
        axis=alt.Y("value:Q", title="lines", axis=alt.Axis(format=",.0f", tickMinStep=1)),
        subtitle="Lines added and removed by Claude Code, by week",
    )


def commits_chart(frame: pd.DataFrame) -> Any:
    """Commits made through Claude Code in each week."""
    return total_by_week(frame, "commits")


def pull_requests_chart(frame: pd.DataFrame) -> Any:
    """Pull requests created through Claude Code in each week."""
    return total_by_week(frame, "pull_requests")


def commits_per_active_day_chart(frame: pd.DataFrame) -> Any:
    """Commits per active person-day, with its interval."""
    return ratio_by_week(frame, "commits_per_active_day")


def landing_share_chart(frame: pd.DataFrame) -> Any:
    """The share of active people with at least one commit in the week."""
    return ratio_by_week(frame, "landing_share")
