"""Charts of what came of it: activity through Claude Code, not productivity."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.marks import stacked
from ccanalytics.charts.theme import BLUE, ORANGE


def lines_chart(frame: pd.DataFrame) -> Any:
    """Lines added and lines removed, stacked."""
    return stacked(
        frame,
        "lines",
        "kind",
        order=["added", "removed"],
        colours=[BLUE, ORANGE],
        axis=alt.Y("value:Q", title=None, axis=alt.Axis(format=",.0f", tickMinStep=1)),
        subtitle="Lines added and removed by Claude Code, by week",
    )
