"""A chart with a strip to zoom, and links to download the view."""

import base64
import json
from html import escape
from typing import Any

import altair as alt
import vl_convert

from ccanalytics.charts.shown_chart import VERSION
from ccanalytics.charts.theme import GREY
from ccanalytics.display.csv_text import safe_csv
from ccanalytics.explorer.question import View
from ccanalytics.words import counted

Spec = dict[str, Any]
"""A chart as Vega-Lite."""

WIDTH = 640
"""The width of a chart in pixels, so that the controls fit next to it on a laptop."""

COLUMNS = 3
"""As many small charts side by side fit into that width."""

FEWEST = 4
"""With fewer points in time there is nothing to zoom."""


def zoomable(view: View) -> Spec:
    """The chart above a strip of its whole range: brushing it zooms, a double click resets.

    Small charts side by side keep their widths, in fewer columns.
    """
    size = {"width": WIDTH} if "width" in view.spec else {"columns": COLUMNS}
    spec, frame = view.spec | size, view.frame
    if frame is None or frame.iloc[:, 0].dtype.kind != "M" or frame.iloc[:, 0].nunique() < FEWEST:
        return spec
    outer = ("$schema", "config", "datasets", "usermeta", "description")
    whole = {name: spec.pop(name) for name in outer if name in spec}
    spec["transform"] = [{"filter": {"param": "zoom"}}, *spec.get("transform", [])]
    axis = alt.Axis(labels=False, ticks=False, grid=False, titlePadding=4)
    time = "week" if frame.period != "week" else frame.columns[0]
    strip = alt.Chart(alt.NamedData(spec["data"]["name"])).mark_line(color=GREY, strokeWidth=1)
    strip = strip.encode(
        x=alt.X(time, type="temporal", title="drag here to zoom, double-click to reset", axis=axis),
        y=alt.Y("value:Q", axis=None, scale=alt.Scale(zero=False)),
        detail=alt.Detail(frame.by, type="nominal") if frame.by else alt.Undefined,
    )
    strip = strip.add_params(alt.selection_interval(name="zoom", encodings=["x"]))
    strip = strip.properties(width=WIDTH, height=24)
    return {**whole, "vconcat": [spec, strip.to_dict(context={"top_level": False})]}


def links(view: View) -> str:
    """Links with the frame as CSV and the chart as a picture at twice the screen resolution.

    They need no server and write no file.
    """
    if view.frame is None or not view.spec:
        return ""
    looks = {**view.spec.get("config", {}), "background": "white", "aria": False}
    picture = vl_convert.vegalite_to_png(
        json.dumps({**view.spec, "config": looks}), vl_version=VERSION, scale=2
    )
    table, asked = safe_csv(view.frame).encode("utf-8-sig"), view.question
    name = escape(f"{asked.metric_id}-{asked.since}-{asked.until}")
    return "".join(
        f'<a download="{name}.{kind}" '
        f'href="data:{mime};base64,{base64.b64encode(content).decode()}">{words}</a>'
        for kind, mime, words, content in (
            ("png", "image/png", "PNG", picture),
            ("csv", "text/csv;charset=utf-8", f"CSV ({counted(len(view.frame), 'row')})", table),
        )
    )
