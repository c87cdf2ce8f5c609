"""How every chart looks: colours, configuration, axes, and the words of tooltips.

People with any kind of colour vision can distinguish the colours, and each has a dark twin in the
report.
"""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.metrics.definitions import (
    METRICS,
    ActorKind,
    Metric,
    column_words,
    metric_in_words,
)

BLUE, ORANGE, GREEN, PURPLE = "#2b5fb8", "#c05f0c", "#12806a", "#a83f7c"
OLIVE, VIOLET, CYAN, GREY = "#7a6a00", "#5a5fc7", "#0c7a99", "#8a8f98"
INK, MUTED, GRID = "#6b7482", "#737b87", "#87909b"
"""Greys that can be read on JupyterLab's white and on its black; the report puts its own there."""

CATEGORIES = [BLUE, ORANGE, GREEN, PURPLE, OLIVE, VIOLET, CYAN, GREY]
WIDTH, HEIGHT = 620, 220
"""A width in pixels for JupyterLab, whose page never stops resizing a chart as wide as its cell;
the report makes the charts of this kit as wide as their place."""

AXIS_UNITS = {"usd": "US dollars, estimated", "share": "share", "index": "coefficient, 0 to 1"}
_FORMATS = {"usd": "$,.2f", "share": ".0%", "index": ".2f"}


def config() -> dict[str, Any]:
    """Quiet axes, direct colours, room for the words: a Vega-Lite configuration."""
    return {
        "background": "transparent",
        "font": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
        "view": {"stroke": None},
        "axis": _AXIS,
        "axisX": {"grid": False, "labelOverlap": True, "labelSeparation": 8, "labelFlush": False},
        "axisY": {"domain": False, "ticks": False, "tickCount": 5},
        "title": _TITLE,
        "legend": _LEGEND,
        "range": {"category": CATEGORIES},
        "bar": {"color": BLUE, "cornerRadiusEnd": 2},
        "line": {"color": BLUE, "strokeWidth": 2},
        "point": {"color": BLUE, "filled": True, "size": 45},
    }


_AXIS = {
    "labelColor": MUTED,
    "titleColor": MUTED,
    "titleFontWeight": "normal",
    "gridColor": GRID,
    "gridOpacity": 0.3,
    "domainColor": GRID,
    "domainOpacity": 0.3,
    "tickColor": GRID,
    "tickOpacity": 0.3,
    "labelFontSize": 11,
    "titleFontSize": 11,
    "titlePadding": 10,
}
_TITLE = {
    "anchor": "start",
    "fontSize": 14,
    "fontWeight": 600,
    "subtitleColor": MUTED,
    "subtitleFontSize": 12,
    "offset": 12,
}
_LEGEND = {
    "orient": "top",
    "title": None,
    "labelColor": MUTED,
    "labelFontSize": 12,
    "symbolSize": 90,
    "columnPadding": 14,
}


def value_format(metric: Metric) -> str:
    """The number format of axes and tooltips."""
    return _FORMATS.get(metric.unit, ",.2f" if " per " in metric.unit else ",.0f")


def week_axis() -> alt.X:
    """The Mondays, each in its own place, so that a week without a value stays empty."""
    return alt.X("yearmonthdate(week):O", title="week of", axis=alt.Axis(format="%-d %b"))


def value_axis(metric: Metric, field: str = "value", *, zero: bool = True) -> alt.Y:
    """The value with its unit."""
    form = "$,.0f" if metric.unit == "usd" and not metric.is_ratio else value_format(metric)
    step = 1 if form == ",.0f" else alt.Undefined
    return alt.Y(
        f"{field}:Q",
        title=AXIS_UNITS.get(metric.unit, metric.unit),
        axis=alt.Axis(format=form, tickMinStep=step),
        scale=alt.Scale(zero=zero),
    )


def share_axis(title: str) -> alt.Y:
    """Shares of a whole, from 0 to all of it."""
    return alt.Y(
        "share:Q",
        title=title,
        axis=alt.Axis(format=".0%"),
        scale=alt.Scale(domain=[0, 1]),
    )


def tooltips(
    frame: pd.DataFrame, metric: Metric, *groups: str, actor_kind: ActorKind = "user"
) -> list[alt.Tooltip]:
    """Week, group, value, interval, people, and the definition's words."""
    form = value_format(metric)
    shown = [
        alt.Tooltip("week:T", title="week of", format="%-d %b %Y"),
        *(alt.Tooltip(f"{group}:N", title=group.replace("_", " ")) for group in groups),
        alt.Tooltip("value:Q", title=metric.name, format=form),
    ]
    if metric.is_ratio and "low" in frame:
        shown += [
            alt.Tooltip("low:Q", title="90 % interval from", format=form),
            alt.Tooltip("high:Q", title="to", format=form),
        ]
    if "joined" in frame:
        words = {"denominator": "on the roster", "joined": "joined it", "left": "left it"}
        shown += [alt.Tooltip(f"{name}:Q", title=word) for name, word in words.items()]
    if "n_actors" in frame:
        shown.append(
            alt.Tooltip("n_actors:Q", title=column_words("active", actor_kind), format=",.0f")
        )
    return [*shown, alt.Tooltip("definition:N", title="definition")]


def words_of(metric: Metric | str, actor_kind: ActorKind) -> Metric:
    """The definition, in the words of the actors it is of."""
    return metric_in_words(METRICS[metric] if isinstance(metric, str) else metric, actor_kind)
