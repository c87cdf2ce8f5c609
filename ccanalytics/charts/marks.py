"""The four drawings most charts are: a ratio with its interval, a total, shares, groups."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import (
    AXIS_UNITS,
    BLUE,
    CATEGORIES,
    GREY,
    tooltips,
    value_axis,
    value_format,
    week_axis,
    words_of,
)
from ccanalytics.metrics.definitions import ActorKind, Metric, column_words


def ratio_by_week(
    frame: pd.DataFrame, metric: Metric | str, *, wide: bool = False, actor_kind: ActorKind = "user"
) -> Any:
    """A line with points, its interval as a band; a week without a value is a gap."""
    metric = words_of(metric, actor_kind)
    base = alt.Chart(frame).encode(x=week_axis())
    band = base.mark_area(opacity=0.16, color=BLUE).encode(y=value_axis(metric, "low"), y2="high:Q")
    line = base.mark_line(point=True).encode(
        y=value_axis(metric), tooltip=tooltips(frame, metric, actor_kind=actor_kind)
    )
    return finished(alt.layer(band, line, data=frame), metric, wide=wide, actor_kind=actor_kind)


def ratio_by_group(
    frame: pd.DataFrame,
    metric: Metric | str,
    group: str,
    *,
    subtitle: str,
    wide: bool = False,
    actor_kind: ActorKind = "user",
) -> Any:
    """One line per group; few groups only, so that the colours can be told apart."""
    metric = words_of(metric, actor_kind)
    chart = (
        alt.Chart(frame)
        .mark_line(point=True)
        .encode(
            x=week_axis(),
            y=value_axis(metric, zero=False),
            color=alt.Color(
                f"{group}:N", scale=alt.Scale(range=CATEGORIES), legend=alt.Legend(columns=2)
            ),
            tooltip=tooltips(frame, metric, group, actor_kind=actor_kind),
        )
    )
    return finished(chart, metric, subtitle=subtitle, wide=wide, actor_kind=actor_kind)


def total_by_week(
    frame: pd.DataFrame, metric: Metric | str, *, wide: bool = False, actor_kind: ActorKind = "user"
) -> Any:
    """One bar per week, from zero."""
    metric = words_of(metric, actor_kind)
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=week_axis(),
            y=value_axis(metric),
            tooltip=tooltips(frame, metric, actor_kind=actor_kind),
        )
    )
    return finished(chart, metric, wide=wide, actor_kind=actor_kind)


def stacked(
    frame: pd.DataFrame,
    metric: Metric | str,
    group: str,
    *,
    field: str = "value",
    order: Sequence[str] | None = None,
    colours: Sequence[str] = CATEGORIES,
    axis: alt.Y | None = None,
    subtitle: str = "",
    wide: bool = False,
    actor_kind: ActorKind = "user",
) -> Any:
    """One bar per week, made of its groups, in their order from the bottom."""
    metric = words_of(metric, actor_kind)
    scale = alt.Scale(domain=list(order), range=list(colours[: len(order)])) if order else None
    colour = alt.Color(
        f"{group}:N",
        sort=None,
        scale=scale or alt.Scale(range=list(colours)),
        legend=alt.Legend(columns=3 if order else 2),
    )
    chart = (
        alt.Chart(frame)
        .mark_bar(cornerRadiusEnd=0)
        .encode(
            x=week_axis(),
            y=axis or value_axis(metric, field),
            color=colour,
            tooltip=tooltips(frame, metric, group, actor_kind=actor_kind),
        )
    )
    return finished(chart, metric, subtitle=subtitle, wide=wide, actor_kind=actor_kind)


def last_week_by_group(
    frame: pd.DataFrame,
    metric: Metric | str,
    group: str,
    *,
    most: int | None = None,
    actor_kind: ActorKind = "user",
) -> Any:
    """One line per group: the last week and its interval, the weeks before it as ticks.

    With `most` only as many groups, those of the most actors.
    """
    metric = words_of(metric, actor_kind)
    total_groups = frame[group].nunique()
    if most is not None and total_groups > most:
        largest = frame.groupby(group)["n_actors"].sum().nlargest(most).index
        frame = frame[frame[group].isin(largest)]
    in_last_week = alt.FieldEqualPredicate(
        field="week", timeUnit="yearmonthdate", equal=_moment(frame["week"].max())
    )
    title = AXIS_UNITS.get(metric.unit, metric.unit)
    x = alt.X(
        "value:Q",
        title=title,
        axis=alt.Axis(format=value_format(metric), grid=True, tickCount=6),
        scale=alt.Scale(zero=True),
    )
    y = alt.Y(f"{group}:N", title=None, axis=alt.Axis(labelLimit=140))
    words = tooltips(frame, metric, group, actor_kind=actor_kind)
    ticks = alt.Chart().mark_tick(color=GREY, opacity=0.55, thickness=1.5, height=12)
    rule = alt.Chart().mark_rule(color=BLUE, strokeWidth=2, opacity=0.6)
    dot = alt.Chart().mark_point(filled=True, size=90, color=BLUE, opacity=1)
    layers = alt.layer(
        ticks.encode(x=x, y=y, tooltip=words),
        rule.encode(x=alt.X("low:Q", title=title), x2="high:Q", y=y).transform_filter(in_last_week),
        dot.encode(x=x, y=y, tooltip=words).transform_filter(in_last_week),
        data=frame,
    )
    interval = " with its 90 % interval" if metric.is_ratio else ""
    part = f", the {most} of the most {column_words('active', actor_kind)} out of {total_groups}"
    about = (
        f"By {group.replace('_', ' ')}{part if most is not None and total_groups > most else ''}"
    )
    subtitle = f"{about}: the last week{interval}; grey ticks are the weeks before"
    return finished(
        layers, metric, subtitle=subtitle, wide=True, height=alt.Step(30), actor_kind=actor_kind
    )


def _moment(day: pd.Timestamp) -> alt.DateTime:
    if pd.isna(day):
        return alt.DateTime(year=1970)
    return alt.DateTime(year=day.year, month=day.month, date=day.day)
