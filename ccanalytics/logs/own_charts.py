"""Charts of one's own session logs."""

from dataclasses import replace
from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.marks import over_weeks, stacked
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
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.words import day_words

SHOWN = 12
"""How many projects, branches or sessions are drawn, most expensive first; the table has all."""

_END = "slice(join(slice(split(datum.label, '/'), -2), '/'), -24)"
# Projects differ in the end of the path, not in its start.
_NAMES = alt.Axis(labelLimit=190, labelExpr=_END)

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
    second split stacked."""
    split, by = str(frame.by), frame.attrs["parts"]
    heads = [(name, name.replace("_", " ").replace("mcp", "MCP")) for name in (split, by) if name]
    frame = frame[[name for name, *_ in (*heads, *_COLUMNS)]]
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
    title = _most(frame, split, names) if frame["value"].any() else ""
    words: Any = {"title": title, "subtitle": subtitle, "wide": True}
    if split in ("week", "day"):
        weeks = frame.rename(columns={split: "week"})
        weeks.attrs["period"] = split
        if not by:
            return over_weeks(weeks, metric, **words)
        return stacked(weeks, metric, by, order=sorted(weeks[by].unique()), **words)
    if split == "hour":
        x = alt.X("hour:O", title=None, axis=alt.Axis(labelAngle=0))
        bars = alt.Chart(frame).mark_bar(invalid="show").encode(x=x, y=value_axis(metric))
    else:
        top = frame[frame[split].isin(frame[split].unique()[:SHOWN])]
        axis = alt.Axis(format=value_format(metric, axis=True), tickCount=5)
        bars = _bars(top, split, alt.X("value:Q", title=None, axis=axis))
        words["height"] = alt.Step(26)
    bars = bars.encode(color=_colour(by, frame[by], range=CATEGORIES)) if by else bars
    tip = [*((f"{name}:N", said) for name, said in heads), *_COLUMNS]
    bars = bars.encode(tooltip=tooltip(*tip[:4]))
    return finished(bars, metric, columns=[*((*head, "") for head in heads), *_COLUMNS], **words)


def _colour(group: str, values: pd.Series, **scale: Any) -> alt.Color:
    names = values.unique()
    return alt.Color(f"{group}:N", sort=None, scale=alt.Scale(**scale), legend=legend(names))


def _most(frame: pd.DataFrame, split: str, names: str) -> str:
    """The most expensive value of the split: "shop was two thirds of the cost"."""
    sums = frame.dropna(subset="value").groupby(split, sort=False)["value"].sum()
    if split == "week":
        last, *before = (dollars(value) for value in sums.sort_index()[::-1])
        newest = "the newest week" + " so far" * (sums.index.max() in frame.attrs["cut"])
        return f"{last} in {newest}" + (f", {before[0]} in the one before" if before else "")
    first, share = sums.idxmax(), part(sums.max() / sums.sum())
    if split == "day":
        return f"Most on {day_words(first)}"
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
    bars = _bars(rows, "tool", count_axis("value", alt.X)).encode(
        color=_colour("outcome", rows["outcome"], domain=kinds, range=[BLUE, ORANGE, GREY]),
        order=alt.Order("outcome:N"),
        tooltip=tooltip(("tool:N", "tool"), ("outcome:N", "outcome"), ("value:Q", "calls", ",.0f")),
    )
    title = ""
    for tool in frame.head(1).itertuples():
        title = f"{tool.tool} made {part(tool.calls / calls)} of {calls:,} calls"
    more = f"; the {SHOWN} most used of {len(frame)}" if len(frame) > SHOWN else ""
    words: Any = {"title": title, "subtitle": f"Calls by outcome{more}", "wide": True}
    return finished(bars, "tool_use", height=alt.Step(24), **words)


def _bars(frame: pd.DataFrame, name: str, x: alt.X) -> Any:
    """Bars side by side, one for each name in the order of the rows."""
    y = alt.Y(f"{name}:N", title=None, sort=None, axis=_NAMES)
    return alt.Chart(frame).mark_bar().encode(x=x, y=y)
