"""The chart of why a cost moved."""

from typing import Any

import altair as alt

from ccanalytics.analyses.drivers import Drivers
from ccanalytics.charts.ready_frame import with_interval
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import CYAN, GREY, INK, ORANGE, tooltip

DIRECTIONS = {"raises it": ORANGE, "lowers it": CYAN, "total": GREY}
"""Neutral colours: a rise is neither good nor bad."""


def drivers_chart(drivers: Drivers) -> Any:
    """A waterfall of a detected change: bars that add up to it, each with its interval."""
    form = "+$,.2f" if drivers.frame["value"].abs().max() < 100 else "+$,.0f"
    frame = with_interval(drivers.frame, drivers.metric.format_change)
    words = tooltip(
        ("step:N", "driver"), ("value:Q", "difference", form), ("interval:N", "90 % interval")
    )
    y = alt.Y("step:N", title=None, sort=None, axis=alt.Axis(labelLimit=150))
    base = alt.Chart(frame).encode(y=y, tooltip=words)
    axis = alt.Axis(format=form, grid=True, tickCount=4)
    x = alt.X("start:Q", title=None, axis=axis, scale=alt.Scale(padding=44))
    colours = alt.Scale(domain=list(DIRECTIONS), range=list(DIRECTIONS.values()))
    colour = alt.Color("direction:N", scale=colours, legend=None)
    bars = base.mark_bar(height=16).encode(x=x, x2="end:Q", color=colour)
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
    return finished(
        layers,
        f"{drivers.metric.id}_drivers",
        title=_title(drivers),
        subtitle=_subtitle(drivers),
        height=alt.Step(28),
    )


def _title(drivers: Drivers) -> str:
    """The largest part of the change: "Tokens per active day: +$230 of +$540"."""
    parts, show = drivers.frame.dropna(subset="value"), drivers.metric.format_change
    parts = parts[parts["kind"] == "driver"]
    if drivers.period is None or parts.empty:
        return ""
    largest = parts.loc[parts["value"].abs().idxmax()]
    step = str(largest["step"])
    total = show(drivers.period.change.difference)
    return f"{step[0].upper()}{step[1:]}: {show(largest['value'])} of {total}"


def _subtitle(drivers: Drivers) -> str:
    """The figure before and after, and how to read the bars."""
    show, name = drivers.metric.format, drivers.metric.name
    if drivers.period is None:
        return ""
    change = drivers.period.change
    return (
        f"{name} from {show(change.previous)} to {show(change.value)} ({change.horizon}). The bars "
        "add up; lines are 90 % intervals"
    )
