"""Charts of who uses it and how often."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.marks import stacked
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import BLUE, CYAN, GREY, share_axis, value_axis
from ccanalytics.metrics.definitions import METRICS


def active_actors_by_day_chart(frame: pd.DataFrame) -> Any:
    """People active on each UTC day; the dips are weekends."""
    metric = METRICS["active_actors_by_day"]
    chart = (
        alt.Chart(frame)
        .mark_area(color=BLUE, opacity=0.25, line={"color": BLUE, "strokeWidth": 1.5})
        .encode(
            x=alt.X("date:T", title=None, axis=alt.Axis(format="%-d %b", tickCount=6)),
            y=value_axis(metric),
            tooltip=[
                alt.Tooltip("date:T", title="day", format="%a %-d %b %Y"),
                alt.Tooltip("value:Q", title=metric.name, format=",.0f"),
            ],
        )
    )
    return finished(chart, metric.id, subtitle="People by UTC day; the dips are weekends")


def active_day_bands_chart(frame: pd.DataFrame) -> Any:
    """The share of active people with 1, 2 or 3, and 4 or more active days in the week."""
    return stacked(
        frame,
        "active_day_bands",
        "band",
        order=["heavy", "moderate", "light"],
        colours=[BLUE, CYAN, GREY],
        axis=share_axis(),
        subtitle="Light is 1 active day in the week, moderate 2 or 3, heavy 4 or more",
    )
