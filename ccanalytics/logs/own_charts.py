"""Charts of one person's own session logs."""

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import BLUE, CATEGORIES, GREY, ORANGE, value_axis
from ccanalytics.logs.own_week import part, short_names
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.metric_frame import MetricFrame

_END = "slice(join(slice(split(datum.label, '/'), -2), '/'), -24)"
"""The end of a path tells projects apart, not its beginning."""

SHOWN = 12
"""The most expensive projects, branches or sessions that are drawn; the table has them all."""

_DAYS = alt.Axis(format="%-d %b", labelAngle=0, labelOverlap=True)
_WEEKDAYS = "['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][datum.value]"
_DOLLARS = "US dollars, estimated"


def usage_by_chart(frame: MetricFrame) -> Any:
    """Estimated cost by hour as columns, by anything else as bars, most expensive first."""
    split = str(frame.by)
    metric = METRICS["usage_by"]
    words = [
        alt.Tooltip(f"{split}:N", title=split),
        alt.Tooltip("value:Q", title=_DOLLARS, format="$,.2f"),
        alt.Tooltip("requests:Q", title="answers", format=",.0f"),
        alt.Tooltip("output_tokens:Q", title="output tokens", format=",.0f"),
        alt.Tooltip("cache_read_tokens:Q", title="cache read tokens", format=",.0f"),
        alt.Tooltip("saved:Q", title="saved by the cache", format="$,.2f"),
    ]
    names = split.replace("_", " ").replace("mcp", "MCP")
    subtitle = f"{_DOLLARS} at list prices, by {names}"
    title = _said(frame, lambda: _most(frame, split))
    if split in ("hour", "week"):
        x = alt.X("hour:O", title="hour of the day", axis=alt.Axis(labelAngle=0))
        if split == "week":
            x = alt.X("yearmonthdate(week):O", title="week of", axis=_DAYS)
        bars = alt.Chart(frame).mark_bar().encode(x=x, y=value_axis(metric), tooltip=words)
        return finished(bars, metric.id, title=title, subtitle=subtitle, wide=True)
    if len(frame) > SHOWN:
        subtitle += f"; the {SHOWN} most expensive of {len(frame)}"
    bars = (
        alt.Chart(frame.head(SHOWN))
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title=_DOLLARS, axis=alt.Axis(format="$,.0f", tickCount=5)),
            y=alt.Y(f"{split}:N", title=split, sort=None, axis=_names()),
            tooltip=words,
        )
    )
    return finished(bars, metric.id, title=title, subtitle=subtitle, wide=True, height=alt.Step(26))


def usage_by_day_chart(frame: MetricFrame) -> Any:
    """One column per day, made of models (dollars) or of kinds of tokens."""
    kind = frame.by
    metric = METRICS["usage_by_day"]
    group, unit = ("model", _DOLLARS) if kind == "model" else ("kind", "tokens")
    form = "$,.0f" if kind == "model" else ".3~s"
    bars = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("yearmonthdate(day):O", title=f"day ({frame.attrs['clock']})", axis=_DAYS),
            y=alt.Y("value:Q", title=unit, axis=alt.Axis(format=form), scale=alt.Scale(zero=True)),
            color=alt.Color(
                f"{group}:N",
                sort=None,
                scale=alt.Scale(range=CATEGORIES),
                legend=alt.Legend(columns=3),
            ),
            tooltip=[
                alt.Tooltip("day:T", title="day", format="%-d %b %Y"),
                alt.Tooltip(f"{group}:N", title=group),
                alt.Tooltip("value:Q", title=unit, format="$,.2f" if kind == "model" else ",.0f"),
            ],
        )
    )
    what = f"{_DOLLARS} at list prices, by model" if kind == "model" else "Tokens by kind"
    days = frame.groupby("day", as_index=False)["value"].sum()
    title = _said(days, lambda: _peak(days))
    return finished(bars, metric.id, title=title, subtitle=f"{what} and day", wide=True)


def usage_by_weekday_chart(frame: pd.DataFrame) -> Any:
    """A square per weekday and hour, the darker the more it cost."""
    metric = METRICS["usage_by_weekday"]
    squares = (
        alt.Chart(frame)
        .mark_rect(color=BLUE)
        .encode(
            x=alt.X(
                "hour:O",
                title=f"hour of the day ({frame.attrs['clock']})",
                axis=alt.Axis(labelAngle=0),
            ),
            y=alt.Y("weekday:O", title="weekday", axis=alt.Axis(labelExpr=_WEEKDAYS)),
            opacity=alt.Opacity("value:Q", scale=alt.Scale(range=[0.04, 1]), legend=None),
            tooltip=[
                alt.Tooltip("weekday:O", title="weekday (1 is Monday)"),
                alt.Tooltip("hour:O", title="hour"),
                alt.Tooltip("value:Q", title=_DOLLARS, format="$,.2f"),
                alt.Tooltip("requests:Q", title="answers", format=",.0f"),
            ],
        )
    )
    subtitle = f"{_DOLLARS}: the darker, the more in that hour of all these weeks"
    title = _said(frame, lambda: _busiest(frame))
    return finished(
        squares, metric.id, title=title, subtitle=subtitle, wide=True, height=alt.Step(22)
    )


def context_growth_chart(frame: pd.DataFrame) -> Any:
    """A line per session; a point where it was compacted just before."""
    metric = METRICS["context_growth"]
    base = alt.Chart().encode(
        x=alt.X("answer:Q", title="answer of the session", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("value:Q", title="tokens", axis=alt.Axis(format=".3~s")),
        color=alt.Color(
            "session:N", sort=None, scale=alt.Scale(range=CATEGORIES), legend=alt.Legend(columns=2)
        ),
    )
    words = [
        alt.Tooltip("session:N", title="session"),
        alt.Tooltip("answer:Q", title="answer", format=",.0f"),
        alt.Tooltip("value:Q", title="tokens that went in", format=",.0f"),
        alt.Tooltip("compacted:N", title="compacted just before"),
    ]
    line = base.mark_line(interpolate="step-after", strokeWidth=1.5).encode(tooltip=words)
    cuts = base.mark_point(size=90, filled=True, opacity=1).encode(tooltip=words)
    layers = alt.layer(line, cuts.transform_filter("datum.compacted"), data=frame)
    subtitle = "Tokens into each answer, of the sessions with the most; a point is a compaction"
    title = _said(frame, lambda: f"The largest context had {frame['value'].max():,.0f} tokens")
    return finished(layers, metric.id, title=title, subtitle=subtitle, wide=True)


def tool_use_chart(frame: pd.DataFrame) -> Any:
    """A bar per tool, made of accepted, rejected and failed calls."""
    metric = METRICS["tool_use"]
    subtitle = "Calls by what became of them"
    if len(frame) > SHOWN:
        subtitle += f"; the {SHOWN} most used of {len(frame)}"
    kinds = ["accepted", "rejected", "errors"]
    rows = frame[["tool", *kinds]].head(SHOWN).melt("tool", kinds, "outcome", "value")
    bars = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title="calls", axis=alt.Axis(format=",.0f", tickMinStep=1)),
            y=alt.Y("tool:N", title="tool", sort=None, axis=_names()),
            color=alt.Color("outcome:N", sort=None, scale=alt.Scale(
                domain=kinds, range=[BLUE, ORANGE, GREY])),
            order=alt.Order("outcome:N"),
            tooltip=[
                alt.Tooltip("tool:N", title="tool"),
                alt.Tooltip("outcome:N", title="outcome"),
                alt.Tooltip("value:Q", title="calls", format=",.0f"),
            ],
        )
    )  # fmt: skip
    title = "" if frame.empty else _most_called(frame)
    return finished(bars, metric.id, title=title, subtitle=subtitle, wide=True, height=alt.Step(24))


def _names() -> alt.Axis:
    return alt.Axis(labelLimit=190, labelExpr=_END)


def _most(frame: pd.DataFrame, split: str) -> str:
    """Which value of the split cost most: "shop made two thirds of the cost"."""
    known = frame.dropna(subset="value")
    first, total = known.loc[known["value"].idxmax()], known["value"].sum()
    name = first[split]
    if split == "project":
        name = short_names(frame["project"])[name]
    name = f"The hour from {name:.0f}:00" if split == "hour" else name
    name = f"The week of {name:%-d %B}" if split == "week" else name
    return f"{name} made {part(first['value'] / (total or 1))} of the cost"


def _busiest(hours: pd.DataFrame) -> str:
    """The hour of the week with most: "Most on Tuesdays from 14:00"."""
    first = hours.loc[hours["value"].idxmax()]
    day = pd.Timestamp(2024, 1, int(first["weekday"]))  # a January that begins on a Monday
    return f"Most on {day:%A}s from {first['hour']:.0f}:00"


def _most_called(tools: pd.DataFrame) -> str:
    """The tool called most: "Bash made half of 412 calls"."""
    calls = tools["calls"].sum()
    return f"{tools['tool'].iloc[0]} made {part(tools['calls'].iloc[0] / calls)} of {calls:,} calls"


def _peak(days: pd.DataFrame) -> str:
    """The day with most: "Most on 19 August"."""
    first = days.loc[days["value"].idxmax()]
    return f"Most on {first['day']:%-d %B}"


def _said(frame: pd.DataFrame, words: Callable[[], str]) -> str:
    """What the frame shows, where there is something."""
    return words() if frame["value"].notna().any() else ""
