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
    y = alt.Y("step:N", title="driver", sort=None, axis=alt.Axis(labelLimit=150))
    title = "difference, US dollars, estimated"
    base = alt.Chart(frame).encode(
        y=y,
        tooltip=[
            alt.Tooltip("step:N", title="driver"),
            alt.Tooltip("value:Q", title=title, format=form),
            alt.Tooltip("definition:N", title="definition"),
        ],
    )
    bars = base.mark_bar(cornerRadiusEnd=0, height=16).encode(
        x=alt.X("start:Q", title=title, axis=alt.Axis(format=form, grid=True, tickCount=5)),
        x2="end:Q",
        color=alt.Color(
            "direction:N",
            scale=alt.Scale(domain=list(DIRECTIONS), range=list(DIRECTIONS.values())),
            legend=alt.Legend(columns=2),
        ),
    )
    labels = base.mark_text(align="left", dx=6, fontSize=11, color=INK).encode(
        x=alt.X("right:Q", title=title), text=alt.Text("value:Q", format=form)
    )
    direction = "datum.kind == 'total' ? 'total' : datum.value < 0 ? 'lowers it' : 'raises it'"
    layers = alt.layer(bars, labels, data=frame).transform_calculate(
        direction=direction, right="max(datum.start, datum.end)"
    )
    ends = [metric.format(value) for value in (drivers.previous, drivers.last)]
    weeks = f"From {ends[0]} the week before to {ends[1]}"
    subtitle = f"{weeks}; the bars add up"
    return finished(layers, f"{metric.id}_drivers", subtitle=subtitle, height=alt.Step(28))
