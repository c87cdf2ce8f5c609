"""The look of every chart: colours, configuration, axes, tooltips.

People with any kind of colour vision can distinguish the colours, and each has a dark twin in the
report.
"""

from collections.abc import Iterable
from typing import Any

import altair as alt

from ccanalytics.metrics.definitions import Metric

BLUE, ORANGE, GREEN, PURPLE = "#2b5fb8", "#c05f0c", "#12806a", "#a83f7c"
OLIVE, VIOLET, CYAN, GREY = "#7a6a00", "#5a5fc7", "#0c7a99", "#8a8f98"
INK, MUTED, GRID = "#6b7482", "#737b87", "#87909b"
"""Greys that are legible on JupyterLab's light and dark themes; the report has its own."""

CATEGORIES = [BLUE, ORANGE, GREEN, PURPLE, OLIVE, VIOLET, CYAN, GREY]
WIDTH, HEIGHT = 620, 220
"""A width in pixels for JupyterLab, which never stops resizing a chart as wide as its cell;
the report fits the width of the charts."""

_UNITS = {"usd": "US dollars, estimated,", "share": "Share", "index": "Coefficient, 0 to 1,"}
_FORMATS = {"share": ".0%", "index": ".2f"}

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "padding": {"left": 5, "right": 16, "top": 14, "bottom": 5},
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    "view": {"stroke": None},
    "axis": {
        **dict.fromkeys(("labelColor", "titleColor"), MUTED),
        **dict.fromkeys(("gridColor", "domainColor", "tickColor"), GRID),
        **dict.fromkeys(("gridOpacity", "domainOpacity", "tickOpacity"), 0.3),
        **dict.fromkeys(("labelFontSize", "titleFontSize"), 11),
        "titleFontWeight": "normal",
        "titlePadding": 10,
    },
    "axisX": {"grid": False, "labelOverlap": True, "labelSeparation": 8, "labelFlush": False},
    "axisXTemporal": {"labelFlush": True},
    "axisXQuantitative": {"labelFlush": True},
    "axisY": {"domain": False, "ticks": False, "tickCount": 5},
    "title": {
        "color": INK,
        "anchor": "start",
        "fontSize": 14,
        "fontWeight": 600,
        "subtitleColor": MUTED,
        "subtitleFontSize": 12,
        "offset": 12,
    },
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": MUTED,
        "labelFontSize": 12,
        "symbolSize": 90,
        "columnPadding": 14,
    },
    "range": {"category": CATEGORIES},
    "bar": {"color": BLUE},
    "line": {"color": BLUE, "strokeWidth": 2},
    "point": {"color": BLUE, "filled": True, "size": 45},
}
"""A Vega-Lite configuration: quiet axes, direct colours, room for text."""


def unit_words(metric: Metric) -> str:
    """The unit at the start of a subtitle: "US dollars, estimated,"."""
    return _UNITS.get(metric.unit, f"{metric.unit[0].upper()}{metric.unit[1:]}")


def value_format(metric: Metric, *, axis: bool = False) -> str:
    """The number format of a table, or of an axis, whose ticks need fewer decimals."""
    if metric.unit == "usd" or " per " in metric.unit:
        money = "$" if metric.unit == "usd" else ""
        return f"{money},.2~f" if axis else f"{money},.2f"
    return _FORMATS.get(metric.unit, ",.0f")


def week_axis() -> alt.X:
    """The Mondays, each in its place, so that a week without a value stays empty."""
    axis = alt.Axis(format="%-d %b", labelAngle=0)
    return alt.X("yearmonthdate(week):O", title=None, axis=axis)


def day_axis() -> alt.X:
    """UTC days on a continuous axis."""
    return alt.X("date:T", title=None, axis=alt.Axis(format="%-d %b", tickCount=6))


def value_axis(metric: Metric, field: str = "value") -> alt.Y:
    """The value axis from zero, shares up to 100 %."""
    form = value_format(metric, axis=True)
    axis = alt.Axis(format=form, tickMinStep=1 if form == ",.0f" else alt.Undefined)
    scale = _WHOLE if metric.unit in ("share", "index") else alt.Scale(zero=True)
    return alt.Y(f"{field}:Q", title=None, axis=axis, scale=scale)


def count_axis(field: str, channel: Any = alt.Y) -> Any:
    """Whole numbers only: a short axis would round half steps to "0, 1, 1"."""
    return channel(f"{field}:Q", title=None, axis=alt.Axis(format=",.0f", tickMinStep=1))


def signed_axis(form: str, **how: Any) -> alt.Axis:
    """An axis of differences: signs before all numbers but zero."""
    return alt.Axis(format=f"+{form}", labelExpr="datum.value ? datum.label : '0'", **how)


def share_axis(field: str = "share", channel: Any = alt.Y, title: str | None = None) -> Any:
    """Shares from 0 to 100 %: on an axis that ends at the largest, a tenth looks like all."""
    axis = alt.Axis(format=".0%", tickCount=5)
    return channel(f"{field}:Q", title=title, axis=axis, scale=_WHOLE)


_WHOLE = alt.Scale(domain=[0, 1])


def legend(names: Iterable[object]) -> alt.Legend:
    """A legend with as many columns as fit; the report fits them to its own width."""
    widest = max((len(str(name)) for name in names), default=0)
    return alt.Legend(columns=max(1, WIDTH // (34 + 7 * widest)))


def tooltip(*lines: tuple[str, ...]) -> list[alt.Tooltip]:
    """The lines of a tooltip, at most four: a field, its name, and its number format if any."""
    return [
        alt.Tooltip(field, title=name, format=form[0] if form else alt.Undefined)
        for field, name, *form in lines
    ]


DAY = "%-d %b %Y"


def period_of(frame: Any) -> str:
    """The time unit of a frame: week, month or day."""
    return str(getattr(frame, "attrs", {}).get("period", "week"))


def people_of(frame: Any) -> str:
    """Whom a frame counts: people or API keys."""
    return str(getattr(frame, "attrs", {}).get("people", "people"))
