"""Charts of one's own session logs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.marks import every_week
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import (
    BLUE,
    CATEGORIES,
    DAY,
    GREY,
    ORANGE,
    count_axis,
    legend,
    tooltip,
    value_axis,
    value_format,
    week_axis,
)
from ccanalytics.logs.own_frames import dollars, part, short_names
from ccanalytics.metrics.by_week import MetricFrame
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.words import day_words

SHOWN = 12
"""How many projects, branches or sessions are drawn, most expensive first; the table has all."""

_DAYS = alt.Axis(format="%-d %b", labelAngle=0, labelOverlap=True)
_END = "slice(join(slice(split(datum.label, '/'), -2), '/'), -24)"
# Projects differ in the end of the path, not in its start.
_NAMES = alt.Axis(labelLimit=190, labelExpr=_END)
_WEEKDAYS = "['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][datum.value]"
_DOLLARS = "US dollars, estimated"

_COLUMNS = (
    ("value", _DOLLARS, "$,.2f"),
    ("requests", "answers", ",.0f"),
    ("output_tokens", "output tokens", ",.0f"),
    ("cache_read_tokens", "cache read tokens", ",.0f"),
    ("saved", "saved by the cache", "$,.2f"),
)
"""The numbers in the table behind `usage_by_chart`: name, words, and format."""


def usage_by_chart(frame: MetricFrame) -> Any:
    """Estimated cost by hour or week as columns, by anything else as bars, most expensive first."""
    split = str(frame.by)
    names = split.replace("_", " ").replace("mcp", "MCP")
    metric = replace(METRICS["usage_by"], name=f"Cost by {names}")
    title = _said(frame, lambda: _most(frame, split, names))
    subtitle = f"{_DOLLARS} at list prices, by {names}"
    height: Any = 220
    if split in ("hour", "week"):
        if split == "week":
            subtitle += _cut(frame)
            x, frame = week_axis(), every_week(frame, None)
        else:
            x, day = _hours(frame), frame.attrs.get("day")
            subtitle += f" of {day_words(day)}" if day is not None else ""
        bars = alt.Chart(frame).mark_bar(invalid="show").encode(x=x, y=value_axis(metric))
    else:
        if len(frame) == 1 and "unavailable" not in frame.attrs:  # a bar of its own says nothing
            frame.attrs["unavailable"] = f"all of it is {frame[split].iloc[0]}"
        if len(frame) > SHOWN:
            subtitle += f"; the {SHOWN} most expensive of {len(frame)}"
        axis = alt.Axis(format=value_format(metric, axis=True), tickCount=5)
        bars = alt.Chart(frame.head(SHOWN)).mark_bar().encode(
            x=alt.X("value:Q", title=None, axis=axis),
            y=alt.Y(f"{split}:N", title=None, sort=None, axis=_NAMES),
        )  # fmt: skip
        height = alt.Step(26)
    first = ("week:T", "week of", DAY) if split == "week" else (f"{split}:N", names)
    tip = [column for column in _COLUMNS if "tokens" not in column[0]]
    columns = [(split, names, ""), *_COLUMNS]
    return _wide(bars, metric, title, subtitle, [first, *tip], height, columns)


def usage_by_day_chart(frame: MetricFrame) -> Any:
    """One column per day, stacked by model (dollars) or by kind of token."""
    if frame.by == "model":
        group, unit, axis, form = "model", _DOLLARS, "$,.2~f", "$,.2f"
        what = f"{_DOLLARS} at list prices, by model"
    else:
        group, unit, axis, form, what = "kind", "tokens", ".3~s", ",.0f", "Tokens by kind"
    x = alt.X("yearmonthdate(day):O", title=f"day ({frame.attrs['clock']})", axis=_DAYS)
    y = alt.Y("value:Q", title=None, axis=alt.Axis(format=axis), scale=alt.Scale(zero=True))
    colour = _colour(group, frame[group].unique(), range=CATEGORIES)
    bars = alt.Chart(frame).mark_bar().encode(x=x, y=y, color=colour)
    days = frame.groupby("day", as_index=False)["value"].sum()
    title = _said(days, lambda: f"Most on {day_words(_first(days)['day'])}")
    tip = [("day:T", "day", DAY), (f"{group}:N", group), ("value:Q", unit, form)]
    return _wide(bars, "usage_by_day", title, f"{what} and day", tip)


def usage_by_weekday_chart(frame: pd.DataFrame) -> Any:
    """A square per weekday and hour, darker for more cost."""
    x = _hours(frame)
    y = alt.Y("weekday:O", title=None, axis=alt.Axis(labelExpr=_WEEKDAYS))
    shade = alt.Opacity("value:Q", scale=alt.Scale(range=[0.04, 1]), legend=None)
    squares = alt.Chart(frame).mark_rect(color=BLUE).encode(x=x, y=y, opacity=shade)
    subtitle = f"{_DOLLARS}: darker means more in that hour of all these weeks"
    tip = [("weekday:O", "weekday (1 is Monday)"), ("hour:O", "hour"), *_COLUMNS[:2]]
    title = _said(frame, lambda: _busiest(frame))
    return _wide(squares, "usage_by_weekday", title, subtitle, tip, alt.Step(22))


def context_growth_chart(frame: pd.DataFrame) -> Any:
    """A line per session, with a point after each compaction."""
    tip = [
        ("session:N", "session"),
        ("answer:Q", "answer", ",.0f"),
        ("value:Q", "tokens that went in", ",.0f"),
        ("compacted:N", "compacted just before"),
    ]
    base = alt.Chart().encode(
        x=alt.X("answer:Q", title="answer of the session", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(format=".3~s")),
        color=_colour("session", frame["session"].unique(), range=CATEGORIES),
        tooltip=tooltip(*tip),
    )
    line = base.mark_line(interpolate="step-after", strokeWidth=1.5)
    cuts = base.mark_point(size=90, filled=True, opacity=1).transform_filter("datum.compacted")
    subtitle = "Tokens that went into each answer; a point is a compaction"
    title = _said(frame, lambda: f"The largest context had {frame['value'].max():,.0f} tokens")
    return _wide(alt.layer(line, cuts, data=frame), "context_growth", title, subtitle)


def tool_use_chart(frame: pd.DataFrame) -> Any:
    """A bar per tool, stacked by accepted, rejected and failed calls."""
    kinds = ["accepted", "rejected", "failed"]
    rows = (
        frame.rename(columns={"errors": "failed"})[["tool", *kinds]]
        .head(SHOWN)
        .melt("tool", kinds, "outcome", "value")
    )
    y = alt.Y("tool:N", title=None, sort=None, axis=_NAMES)
    colour = _colour("outcome", kinds, domain=kinds, range=[BLUE, ORANGE, GREY])
    bars = alt.Chart(rows).mark_bar().encode(
        x=count_axis("value", alt.X), y=y, color=colour, order=alt.Order("outcome:N")
    )  # fmt: skip
    more = f"; the {SHOWN} most used of {len(frame)}" if len(frame) > SHOWN else ""
    tip = [("tool:N", "tool"), ("outcome:N", "outcome"), ("value:Q", "calls", ",.0f")]
    title = "" if frame.empty else _most_called(frame)
    return _wide(bars, "tool_use", title, f"Calls by outcome{more}", tip, alt.Step(24))


def _wide(
    chart: Any,
    metric: Any,
    title: str,
    subtitle: str,
    tip: Iterable[tuple[str, ...]] = (),
    height: Any = 220,
    columns: Sequence[Sequence[str]] = (),
) -> Any:
    """A finished chart with this tooltip; a column without a type is a number."""
    lines = [(name if ":" in name else f"{name}:Q", *words) for name, *words in tip]
    chart = chart.encode(tooltip=tooltip(*lines)) if lines else chart
    return finished(
        chart, metric, title=title, subtitle=subtitle, wide=True, height=height, columns=columns
    )


def _cut(weeks: pd.DataFrame) -> str:
    """Says so when the first of several weeks began before the range."""
    first, last = weeks["week"].min(), weeks["week"].max()
    return "; the first week in part" if first in weeks.attrs["cut"] and first < last else ""


def _hours(frame: pd.DataFrame) -> alt.X:
    """The hours of a day, with whose clock it is."""
    title = f"hour of the day ({frame.attrs['clock']})"
    return alt.X("hour:O", title=title, axis=alt.Axis(labelAngle=0))


def _colour(group: str, names: Iterable[object], **scale: Any) -> alt.Color:
    return alt.Color(f"{group}:N", sort=None, scale=alt.Scale(**scale), legend=legend(names))


def _said(frame: pd.DataFrame, words: Callable[[], str]) -> str:
    """What the frame shows, where there is something."""
    return words() if frame["value"].notna().any() else ""


def _first(frame: pd.DataFrame) -> pd.Series:
    """The row with the largest value."""
    return frame.loc[frame["value"].idxmax()]


def _most(frame: pd.DataFrame, split: str, names: str) -> str:
    """The most expensive value of the split: "shop was two thirds of the cost"."""
    known = frame.dropna(subset="value")
    if split == "week":
        last, *before = (dollars(value) for value in known.sort_values("week")["value"][::-1])
        newest = "the newest week" + " so far" * (known["week"].max() in frame.attrs["cut"])
        return f"{last} in {newest}" + (f", {before[0]} in the one before" if before else "")
    first = _first(known)
    name, share = first[split], part(first["value"] / (known["value"].sum() or 1))
    if name == "none":
        return f"{share} of the cost was without a {names}"
    if split == "project":
        name = short_names(frame["project"])[name]
    name = f"The hour from {name:.0f}:00" if split == "hour" else name
    return f"{name} was {share} of the cost"


def _busiest(hours: pd.DataFrame) -> str:
    """The busiest hour of the week: "Most on Tuesdays from 14:00"."""
    first = _first(hours)
    day = pd.Timestamp(2024, 1, int(first["weekday"]))  # a January that begins on a Monday
    return f"Most on {day:%A}s from {first['hour']:.0f}:00"


def _most_called(tools: pd.DataFrame) -> str:
    """The most used tool: "Bash made half of 412 calls"."""
    calls = tools["calls"].sum()
    return f"{tools['tool'].iloc[0]} made {part(tools['calls'].iloc[0] / calls)} of {calls:,} calls"
