"""Charts of what changed, and where the change sits."""

from typing import Any

import altair as alt

from ccanalytics.analyses.drivers import Drivers
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import CYAN, GREY, INK, ORANGE

DIRECTIONS = {"raises it": ORANGE, "lowers it": CYAN, "total": GREY}
"""Colours without a judgement: a rise is neither good nor bad."""


def drivers_chart(drivers: Drivers) -> Any:
    """A waterfall of a change that was found: bars that add up to it, with the interval of each."""
    frame, metric = drivers.frame, drivers.metric
    form = "+$,.2f" if frame["value"].abs().max() < 100 else "+$,.0f"
    y = alt.Y("step:N", title=None, sort=None, axis=alt.Axis(labelLimit=150))
    title = "difference"
    base = alt.Chart(frame).encode(
        y=y,
        tooltip=[
            alt.Tooltip("step:N", title="driver"),
            alt.Tooltip("value:Q", title=title, format=form),
            alt.Tooltip("low:Q", title="90 % interval from", format=form),
            alt.Tooltip("high:Q", title="to", format=form),
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
    ends = base.mark_rule(color=INK).encode(x=alt.X("from:Q", title=None), x2="to:Q")
    labels = base.mark_text(align="left", dx=6, fontSize=11, color=INK).encode(
        x=alt.X("right:Q", title=None), text=alt.Text("value:Q", format=form)
    )
    direction = "datum.kind == 'total' ? 'total' : datum.value < 0 ? 'lowers it' : 'raises it'"
    layers = alt.layer(bars, ends, labels, data=frame).transform_calculate(
        direction=direction,
        **{"from": "datum.start + datum.low", "to": "datum.start + datum.high"},
        right="max(datum.start, datum.end, datum.start + datum.high)",
    )
    name, subtitle = f"{metric.id}_drivers", _subtitle(drivers)
    return finished(layers, name, subtitle=subtitle, height=alt.Step(28))


def _subtitle(drivers: Drivers) -> str:
    """The figure on both sides, and how to read the bars."""
    period, show = drivers.period, drivers.metric.format
    if period is None:
        return ""
    return (
        f"From {show(period.previous)} to {show(period.value)} ({period.words}). The bars add up; "
        "lines are 90 % intervals of each"
    )
