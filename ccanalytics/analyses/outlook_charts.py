"""Charts of the forecast and of unusual days."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.analyses.forecast import Forecast
from ccanalytics.charts.marks import event_layers
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import BLUE, GREY, ORANGE, legend, tooltip, value_axis
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.words import counted

_KINDS = ["actual", "forecast"]


def month_forecast_chart(forecast: Forecast) -> Any:
    """The cumulative cost of the month, its forecast, and the budget."""
    metric, frame = METRICS["month_forecast"], forecast.frame
    x = alt.X("date:T", title=None, axis=alt.Axis(format="%-d %b", tickCount=6))
    words = tooltip(
        ("date:T", "up to", "%a %-d %b %Y"),
        ("value:Q", "US dollars, estimated", "$,.0f"),
        ("low:Q", "90 % interval from", "$,.0f"),
        ("high:Q", "to", "$,.0f"),
    )
    base = alt.Chart().encode(x=x)
    band = base.mark_area(opacity=0.16, color=BLUE).encode(y=value_axis(metric, "low"), y2="high:Q")
    line = base.mark_line().encode(
        y=value_axis(metric),
        strokeDash=alt.StrokeDash(
            "kind:N",
            scale=alt.Scale(domain=_KINDS, range=[[1, 0], [5, 4]]),
            legend=legend(_KINDS),
        ),
        tooltip=words,
    )
    layers = [band, line]
    subtitle = "US dollars, estimated, cumulative over the month, with a 90 % interval"
    if forecast.budget is not None and len(frame):
        budget = alt.Chart().mark_rule(color=ORANGE, strokeWidth=1.5)
        layers.append(budget.encode(y=alt.datum(forecast.budget)))
        subtitle += f"; the line is the budget of {metric.format(forecast.budget)}"
    low, high = metric.format(forecast.low), metric.format(forecast.high)
    title = f"{forecast.month:%B}: {metric.format(forecast.total)} expected, {low} to {high}"
    return finished(alt.layer(*layers, data=frame), metric.id, title=title, subtitle=subtitle)


def daily_cost_chart(frame: pd.DataFrame) -> Any:
    """The cost of each day over the band of ordinary days; unusual days are dots, events lines."""
    metric = METRICS["daily_cost"]
    x = alt.X("date:T", title=None, axis=alt.Axis(format="%-d %b", tickCount=6))
    base = alt.Chart().encode(x=x)
    words = tooltip(
        ("date:T", "day", "%a %-d %b %Y"),
        ("value:Q", metric.name, "$,.0f"),
        ("expected:Q", "usual for the day", "$,.0f"),
    )
    band = base.mark_area(opacity=0.25, color=GREY).encode(y=value_axis(metric, "low"), y2="high:Q")
    line = base.mark_line(strokeWidth=1.5).encode(y=value_axis(metric), tooltip=words)
    dots = base.mark_point(filled=True, size=80, color=ORANGE, opacity=1).encode(
        y=value_axis(metric), tooltip=words
    )
    layers = [band, line, dots.transform_filter("datum.unusual"), *event_layers(frame, x)]
    subtitle = "US dollars, estimated; the grey band holds 90 % of days; dots are unusual days"
    unusual = int(frame["unusual"].sum())
    return finished(
        alt.layer(*layers, data=frame),
        metric.id,
        title=f"{metric.name}: {counted(unusual, 'unusual day') if unusual else 'no unusual day'}",
        subtitle=subtitle,
    )
