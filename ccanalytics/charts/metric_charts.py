"""Charts of metrics with a drawing of their own; definitions.toml names them."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.marks import stacked, total_by_week
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import (
    BLUE,
    CYAN,
    GREY,
    ORANGE,
    count_axis,
    share_axis,
    tooltip,
    value_axis,
)
from ccanalytics.metrics.definitions import METRICS


def active_actors_by_day_chart(frame: pd.DataFrame) -> Any:
    """People active on each UTC day."""
    metric = METRICS["active_actors_by_day"]
    area = alt.Chart(frame).mark_area(
        color=BLUE, opacity=0.25, line={"color": BLUE, "strokeWidth": 1.5}
    )
    chart = area.encode(
        x=alt.X("date:T", title=None, axis=alt.Axis(format="%-d %b", tickCount=6)),
        y=value_axis(metric),
        tooltip=tooltip(("date:T", "day", "%a %-d %b %Y"), ("value:Q", metric.name, ",.0f")),
    )
    known = frame.dropna(subset="value")
    peak = known.nlargest(1, "value").itertuples()
    said = [f"{metric.name}: at most {day.value:,.0f}, on {day.date:%-d %B}" for day in peak]
    subtitle = "People by UTC day; the dips are weekends"
    return finished(chart, metric.id, title="".join(said), subtitle=subtitle)


def active_day_bands_chart(frame: pd.DataFrame) -> Any:
    """The share of active people with 1, 2 or 3, and 4 or more active days in the week."""
    return stacked(
        frame,
        "active_day_bands",
        "band",
        order=["heavy", "moderate", "light"],
        colours=[BLUE, CYAN, GREY],
        axis=share_axis(),
        subtitle="Share of people by active days a week: light 1, moderate 2 or 3, heavy 4 or more",
    )


def lines_chart(frame: pd.DataFrame) -> Any:
    """Lines added and lines removed, stacked."""
    return stacked(
        frame,
        "lines",
        "kind",
        order=["added", "removed"],
        colours=[BLUE, ORANGE],
        axis=count_axis("value"),
        subtitle="Lines added and removed by Claude Code, by week",
    )


def model_mix_chart(frame: pd.DataFrame) -> Any:
    """The share of estimated cost by model family."""
    subtitle = "Share of estimated cost, by model family and week"
    return stacked(frame, "model_mix", "family", axis=share_axis(), subtitle=subtitle)


def api_key_cost_chart(frame: pd.DataFrame) -> Any:
    """Estimated cost of API keys in each week, apart from people's."""
    return total_by_week(frame, "api_key_cost", events=getattr(frame, "events", ()))
