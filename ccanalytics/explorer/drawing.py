"""A chart with a strip to zoom it, and links that hold the view as files."""

import base64
import json
from html import escape
from typing import Any

import altair as alt
import vl_convert

from ccanalytics.charts.shown_chart import VERSION
from ccanalytics.charts.theme import GREY
from ccanalytics.display.csv_text import safe_csv
from ccanalytics.explorer.answer import View
from ccanalytics.words import counted

WIDTH = 700
"""The width of a chart in pixels, so that the controls fit next to it on a laptop."""

FEWEST = 4
"""Points of time below which there is nothing to zoom."""


def zoomable(chart: Any) -> Any:
    """The chart above a strip of its whole range: a brush on it zooms, a double click resets."""
    chart = chart if isinstance(chart, alt.FacetChart) else chart.properties(width=WIDTH)
    frame, time = chart.data, chart.data.columns[0]
    if frame[time].dtype.kind != "M" or frame[time].nunique() < FEWEST:
        return chart
    brush = alt.selection_interval(encodings=["x"])
    groups = list(frame.select_dtypes(["str", "object", "category"]).columns[:1])
    strip = (
        alt.Chart(frame.dropna(subset="value"))
        .mark_line(color=GREY, strokeWidth=1)
        .encode(
            x=alt.X(f"{time}:T", title="drag here to zoom, double-click to reset", axis=_AXIS),
            y=alt.Y("value:Q", axis=None, scale=alt.Scale(zero=False)),
            **({"detail": alt.Detail(f"{groups[0]}:N")} if groups else {}),
        )
        .properties(width=WIDTH, height=24)
        .add_params(brush)
    )
    return chart.transform_filter(brush) & strip


_AXIS = alt.Axis(labels=False, ticks=False, grid=False, titlePadding=4)


def links(view: View) -> str:
    """Links that hold the frame as CSV and the chart as a picture twice as fine as the screen.

    Nothing is asked of a server, and nothing is written.
    """
    if view.frame is None or view.chart is None:
        return ""
    rows, table = counted(len(view.frame), "row"), safe_csv(view.frame).encode("utf-8-sig")
    return _link(view, "png", "image/png", _png(view.chart.to_dict()), "PNG") + _link(
        view, "csv", "text/csv;charset=utf-8", table, f"CSV ({rows})"
    )


def _png(spec: dict[str, Any]) -> bytes:
    looks = {**spec.get("config", {}), "background": "white", "aria": False}
    drawn: bytes = vl_convert.vegalite_to_png(
        json.dumps({**spec, "config": looks}), vl_version=VERSION, scale=2
    )
    return drawn


def _link(view: View, kind: str, mime: str, content: bytes, words: str) -> str:
    question = view.question
    name = f"{question.metric_id}-{question.since}-{question.until}.{kind}"
    address = f"data:{mime};base64,{base64.b64encode(content).decode()}"
    return f'<a download="{escape(name)}" href="{address}">{words}</a>'
