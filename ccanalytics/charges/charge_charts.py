"""Charts of what was billed, next to what was estimated."""

from typing import Any

import altair as alt

from ccanalytics.charges.charge_metrics import PARTS
from ccanalytics.charts.marks import over_weeks, stacked
from ccanalytics.charts.shown_chart import newest_rows, newest_words, title_of
from ccanalytics.charts.theme import GREY, tooltip, value_axis, value_format, week_axis
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
    metric, form = cost.metric, value_format(cost.metric)
    estimated = newest_rows(cost)["estimated"].map(metric.format)
    title = "".join([title_of(cost, metric), *(f", estimated at {one}" for one in estimated)])
    subtitle = (
        "US dollars by week, billed with its 90 % interval; grey: the estimate, not added to it"
    )
    billed = over_weeks(cost, metric, title=title, subtitle=subtitle)
    about = billed.usermeta["ccanalytics"]
    if about["missing"]:
        return billed
    about["columns"].append(["estimated", "estimated", form])
    point = alt.OverlayMarkDef(color=GREY, size=20)
    line = alt.Chart().mark_line(point=point, color=GREY, strokeDash=[4, 3])
    words = tooltip(("estimated:Q", "estimated", form))
    return billed + line.encode(x=week_axis(), y=value_axis(metric, "estimated"), tooltip=words)
