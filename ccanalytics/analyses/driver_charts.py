"""Charts of what changed, and where the change sits."""

from typing import Any

import altair as alt

from ccanalytics.analyses.drivers import Drivers
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import CYAN, GREY, INK, ORANGE

DIRECTIONS = {"raises it": ORANGE, "lowers it": CYAN, "total": GREY}
"""Colours without a judgement: a rise is neither good nor bad."""


def drivers_chart(drivers: Drivers) -> Any:
    """A waterfall of the difference to the week before: bars that add up to it."""
    frame, metric = drivers.frame, drivers.metric
    form = "+$,.2f" if frame["value"].abs().max() < 100 else "+$,.0f"
    y = alt.Y("step:N", title=None, sort=None, axis=alt.Axis(labelLimit=150))
    title = "difference"
    base = alt.Chart(frame).encode(
        y=y,
        tooltip=[
            alt.Tooltip("step:N", title="driver"),
            alt.Tooltip("value:Q", title=title, format=form),
        ],
    )
    bars = base.mark_bar(height=16).encode(
        x=alt.X(
            "start:Q",
            title=None,
            axis=alt.Axis(format=form, grid=True, tickCount=4),
            scale=alt.Scale(padding=44),
        ),
        x2="end:Q",
        color=alt.Color(
            "direction:N",
            scale=alt.Scale(domain=list(DIRECTIONS), range=list(DIRECTIONS.values())),
            legend=None,
        ),
    )
    labels = base.mark_text(align="left", dx=6, fontSize=11, color=INK).encode(
        x=alt.X("right:Q", title=None), text=alt.Text("value:Q", format=form)
    )
    direction = "datum.kind == 'total' ? 'total' : datum.value < 0 ? 'lowers it' : 'raises it'"
    layers = alt.layer(bars, labels, data=frame).transform_calculate(
        direction=direction, right="max(datum.start, datum.end)"
    )
    title, subtitle = _words(drivers)
    height = alt.Step(28)
    return finished(layers, f"{metric.id}_drivers", title=title, subtitle=subtitle, height=height)


def _words(drivers: Drivers) -> tuple[str, str]:
    """Title and subtitle."""
    metric = drivers.metric
    ends = [metric.format(value) for value in (drivers.previous, drivers.last)]
    change = metric.format_change(drivers.last - drivers.previous)
    return (
        f"{metric.name}: {change} on the week before, by driver",
        f"US dollars, estimated: from {ends[0]} to {ends[1]}; the bars add up",
    )
