"""Charts of one person's own session logs."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.theme import BLUE, finished, value_axis
from ccanalytics.metrics.registry import METRICS

_END = "length(datum.label) > 28 ? '…' + slice(datum.label, -27) : datum.label"
"""The end of a path tells projects apart, not its beginning."""

SHOWN = 12
"""The dearest projects, branches or sessions that are drawn; the table has them all."""


def usage_by_chart(frame: pd.DataFrame, split: str) -> Any:
    """Estimated cost by day or hour as columns, by anything else as bars, dearest first."""
    metric = METRICS["usage_by"]
    words = [
        alt.Tooltip(f"{split}:{'T' if split == 'day' else 'N'}", title=split),
        alt.Tooltip("value:Q", title="US dollars, estimated", format="$,.2f"),
        alt.Tooltip("output_tokens:Q", title="output tokens", format=",.0f"),
        alt.Tooltip("cache_read_tokens:Q", title="cache read tokens", format=",.0f"),
        alt.Tooltip("definition:N", title="definition"),
    ]
    subtitle = f"US dollars, estimated at list prices, by {split}"
    if split in ("day", "hour"):
        x: Any = alt.X("hour:O", title="hour", axis=alt.Axis(labelAngle=0))
        if split == "day":
            days = alt.Axis(format="%-d %b", tickCount=8)
            x = alt.X("yearmonthdate(day):T", title="UTC day", axis=days)
        bars = alt.Chart(frame).mark_bar().encode(x=x, y=value_axis(metric), tooltip=words)
        return _titled(finished(bars, metric.id, subtitle=subtitle, wide=True), split)
    drawn = frame.head(SHOWN)
    if len(frame) > SHOWN:
        subtitle += f"; the {SHOWN} dearest of {len(frame)}"
    dollars = alt.Axis(format="$,.0f", tickCount=5)
    names = alt.Axis(labelLimit=170, labelExpr=_END)
    bars = (
        alt.Chart(drawn)
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("value:Q", title="US dollars, estimated", axis=dollars),
            y=alt.Y(f"{split}:N", title=split, sort=None, axis=names),
            tooltip=words,
        )
    )
    chart = finished(bars, metric.id, subtitle=subtitle, wide=True, height=alt.Step(26))
    return _titled(chart, split)


def _titled(chart: Any, split: str) -> Any:
    """`chart` with its split in the title, as one page has several."""
    chart.title.text = f"{chart.title.text} by {split}"
    return chart
