"""Charts of one's own session logs."""

from dataclasses import replace
from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.marks import stacked, total_by_week
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import (
    BLUE,
    CATEGORIES,
    GREY,
    ORANGE,
    count_axis,
    legend,
    tooltip,
    value_axis,
    value_format,
)
from ccanalytics.logs.own_frames import dollars, part, short_names
from ccanalytics.logs.own_usage import TIMES
from ccanalytics.metrics.by_week import MetricFrame
from ccanalytics.metrics.definitions import METRICS, Metric
from ccanalytics.words import day_words

SHOWN = 12
"""How many projects, branches or sessions are drawn, most expensive first; the table has all."""

_END = "slice(join(slice(split(datum.label, '/'), -2), '/'), -24)"
# Projects differ in the end of the path, not in its start.
_NAMES = alt.Axis(labelLimit=190, labelExpr=_END)
_WEEKDAYS = "['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][datum.value]"

_COLUMNS = (
    ("value", "US dollars, estimated", "$,.2f"),
    ("requests", "answers", ",.0f"),
    ("saved", "saved by the cache", "$,.2f"),
    ("output_tokens", "output tokens", ",.0f"),
    ("cache_read_tokens", "cache read tokens", ",.0f"),
)
"""The numbers in the table behind `usage_by_chart`: name, words, and format."""


def usage_by_chart(frame: MetricFrame) -> Any:
    """Estimated cost by time as columns, by anything else as bars, the most expensive first; by a
    second split stacked, by weekday and hour as squares."""
    split, by = str(frame.by), frame.attrs["parts"]
    heads = [(name, name.replace("_", " ").replace("mcp", "MCP")) for name in (split, by) if name]
    frame = frame[[*(name for name, _ in heads), *(name for name, *_ in _COLUMNS)]]
    names, unique = " and ".join(words for _, words in heads), frame[split].nunique()
    metric = replace(METRICS["usage_by"], name=f"Cost by {names}")
    subtitle = f"US dollars, estimated at list prices, by {names}"
    if split == "week":
        is_cut = unique > 1 and frame["week"].min() in frame.attrs["cut"]
        subtitle += "; the first week in part" if is_cut else ""
    elif split in TIMES:
        subtitle += f" of {day_words(frame.attrs['day'])}" if "day" in frame.attrs else ""
        subtitle += f", {frame.attrs['clock']}"
    elif unique > SHOWN:
        subtitle += f"; the {SHOWN} most expensive of {unique}"
    elif unique == 1:  # a bar of its own says nothing
        only = frame[split].iloc[0]
        frame.attrs["unavailable"] = "none was used" if only == "none" else f"all of it is {only}"
    title = _most(frame, split, by, names) if frame["value"].any() else ""
    words: Any = {"title": title, "subtitle": subtitle, "wide": True}
    if split in ("week", "day"):
        weeks = frame.rename(columns={split: "week"})
        weeks.attrs["period"] = split
        order = sorted(weeks[by].unique()) if by else ()
        return (
            stacked(weeks, metric, by, order=order, **words)
            if by
            else total_by_week(weeks, metric, **words)
        )
    drawn, height = _drawn(frame, metric, split, by)
    lines = [*((f"{name}:N", said) for name, said in heads),
             *((f"{name}:Q", *said) for name, *said in _COLUMNS)]  # fmt: skip
    columns = [*((name, said, "") for name, said in heads), *_COLUMNS]
    drawn = drawn.encode(tooltip=tooltip(*lines[:4]))
    return finished(drawn, metric, height=height, columns=columns, **words)


def _drawn(frame: pd.DataFrame, metric: Metric, split: str, by: str) -> tuple[Any, Any]:
    """The marks of a split by place, weekday or hour, and their height."""
    hours = alt.X("hour:O", title=None, axis=alt.Axis(labelAngle=0))
    weekdays = alt.Axis(labelExpr=_WEEKDAYS, labelAngle=0)
    if (split, by) == ("weekday", "hour"):
        shade = alt.Opacity("value:Q", scale=alt.Scale(range=[0.04, 1]), legend=None)
        squares = alt.Chart(frame).mark_rect(color=BLUE)
        y = alt.Y("weekday:O", title=None, axis=weekdays)
        return squares.encode(x=hours, y=y, opacity=shade), alt.Step(22)
    if split in TIMES:
        x = hours if split == "hour" else alt.X("weekday:O", title=None, axis=weekdays)
        bars = alt.Chart(frame).mark_bar(invalid="show").encode(x=x, y=value_axis(metric))
    else:
        top = frame[split].drop_duplicates().head(SHOWN)
        axis = alt.Axis(format=value_format(metric, axis=True), tickCount=5)
        bars = alt.Chart(frame[frame[split].isin(top)]).mark_bar().encode(
            x=alt.X("value:Q", title=None, axis=axis),
            y=alt.Y(f"{split}:N", title=None, sort=None, axis=_NAMES),
        )  # fmt: skip
    bars = bars.encode(color=_colour(by, frame[by], range=CATEGORIES)) if by else bars
    return bars, 220 if split in TIMES else alt.Step(26)


def _colour(group: str, values: pd.Series, **scale: Any) -> alt.Color:
    names = values.unique()
    return alt.Color(f"{group}:N", sort=None, scale=alt.Scale(**scale), legend=legend(names))


def _most(frame: pd.DataFrame, split: str, by: str, names: str) -> str:
    """The most expensive value of the split: "shop was two thirds of the cost"."""
    cells = [split, by] if (split, by) == ("weekday", "hour") else [split]
    sums = frame.dropna(subset="value").groupby(cells, sort=False)["value"].sum()
    if split == "week":
        last, *before = (dollars(value) for value in sums.sort_index()[::-1])
        newest = "the newest week" + " so far" * (sums.index.max() in frame.attrs["cut"])
        return f"{last} in {newest}" + (f", {before[0]} in the one before" if before else "")
    first, share = sums.idxmax(), part(sums.max() / sums.sum())
    if split == "day":
        return f"Most on {day_words(first)}"
    if split == "weekday":
        weekday, *hour = first if len(cells) > 1 else [first]
        monday = pd.Timestamp(2024, 1, 1)
        day = monday + pd.Timedelta(days=int(weekday) - 1)
        return f"Most on {day:%A}s" + (f" from {hour[0]}:00" if hour else "")
    if first == "none":
        return f"{share} of the cost was without a {names}"
    name = f"The hour from {first}:00" if split == "hour" else str(first)
    name = short_names(frame["project"])[name] if split == "project" else name
    return f"{name} was {share} of the cost"


def context_growth_chart(frame: pd.DataFrame) -> Any:
    """A line per session, with a point after each compaction."""
    said = tooltip(
        ("session:N", "session"),
        ("answer:Q", "answer", ",.0f"),
        ("value:Q", "tokens that went in", ",.0f"),
        ("compacted:N", "compacted just before"),
    )
    base = alt.Chart().encode(
        x=alt.X("answer:Q", title="answer of the session", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(format=".3~s")),
        color=_colour("session", frame["session"], range=CATEGORIES),
        tooltip=said,
    )
    line = base.mark_line(interpolate="step-after", strokeWidth=1.5)
    cuts = base.mark_point(size=90, filled=True, opacity=1).transform_filter("datum.compacted")
    largest = f"The largest context had {frame['value'].max():,.0f} tokens"
    return finished(
        alt.layer(line, cuts, data=frame),
        "context_growth",
        title="" if frame.empty else largest,
        subtitle="Tokens that went into each answer; a point is a compaction",
        wide=True,
    )


def tool_use_chart(frame: pd.DataFrame) -> Any:
    """A bar per tool, stacked by accepted, rejected and failed calls."""
    kinds, calls = ["accepted", "rejected", "failed"], frame["calls"].sum()
    rows = frame.rename(columns={"errors": "failed"})[["tool", *kinds]].head(SHOWN)
    rows = rows.melt("tool", kinds, "outcome", "value")
    bars = (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=count_axis("value", alt.X),
            y=alt.Y("tool:N", title=None, sort=None, axis=_NAMES),
            color=_colour("outcome", rows["outcome"], domain=kinds, range=[BLUE, ORANGE, GREY]),
            order=alt.Order("outcome:N"),
            tooltip=tooltip(
                ("tool:N", "tool"), ("outcome:N", "outcome"), ("value:Q", "calls", ",.0f")
            ),
        )
    )
    title = ""
    for tool in frame.head(1).itertuples():
        title = f"{tool.tool} made {part(tool.calls / calls)} of {calls:,} calls"
    more = f"; the {SHOWN} most used of {len(frame)}" if len(frame) > SHOWN else ""
    subtitle = f"Calls by outcome{more}"
    return finished(
        bars, "tool_use", title=title, subtitle=subtitle, wide=True, height=alt.Step(24)
    )
