"""Charts of what was billed, next to what was estimated."""

from typing import Any

import altair as alt

from ccanalytics.charges.charge_metrics import PARTS
from ccanalytics.charts.marks import (
    band,
    event_layers,
    ready,
    stacked,
    table_columns,
    week_words,
)
from ccanalytics.charts.shown_chart import finished, newest_rows, newest_words, title_of
from ccanalytics.charts.theme import BLUE, GREY, legend, value_axis, value_format, week_axis
from ccanalytics.metrics.by_week import MetricFrame
from ccanalytics.metrics.definitions import METRICS


def bill_chart(frame: MetricFrame) -> Any:
    """What was billed each week, by who caused it."""
    there = [part for part in PARTS if part in set(frame["part"])]
    subtitle = "US dollars after discounts and before credits, by week; not the invoice"
    newest = newest_rows(frame)
    total, shares = newest["value"].sum(), newest_words(frame, METRICS["bill"], len(there))
    title = f"{METRICS['bill'].format(total)} billed: {shares}" if shares else ""
    return stacked(frame, "bill", "part", order=there, title=title, subtitle=subtitle, wide=True)


def next_to_estimate_chart(cost: MetricFrame) -> Any:
    """A billed cost, and in grey the estimate."""
    metric, sides = cost.metric, ["billed", "estimated"]
    frame = ready(cost, metric)
    estimate = alt.Tooltip("estimated:Q", title="estimated", format=value_format(metric))
    words = [*week_words(frame, metric)[:3], estimate]
    base = alt.Chart(frame).encode(x=week_axis(), tooltip=words)
    colour = alt.Scale(domain=sides, range=[BLUE, GREY])
    lines = [
        base.mark_line(point=True, strokeDash=dash).encode(
            y=value_axis(metric, field), color=alt.datum(side)
        )
        for side, field, dash in zip(sides, ("value", "estimated"), ([1, 0], [4, 3]), strict=True)
    ]
    subtitle = "US dollars by week, billed with its 90 % interval; never added to the estimate"
    noted = event_layers(frame, week_axis())
    interval = band(base, value_axis(metric, "low"))
    layers = alt.layer(interval, *lines, *noted, data=frame).encode(
        color=alt.Color(scale=colour, legend=legend(sides))
    )
    estimated = newest_rows(frame)["estimated"].map(metric.format)
    title = "".join([title_of(frame, metric), *(f", estimated at {one}" for one in estimated)])
    columns = table_columns(frame, metric)
    columns.append(["estimated", "estimated", value_format(metric)])
    return finished(layers, metric, title=title, subtitle=subtitle, columns=columns)
