"""The common drawings: a ratio with its interval, a total, shares, groups side by side.

A frame is drawn with the text its chart shows, and nothing else is computed:

said      the value in words          interval  its 90 % interval in words
end       that of the last week       name      the group, in its first row
event     what was noted of the week  moved, place   whether a group stands out, and where

The tooltip of a week covers the full height of a chart, in at most four short lines.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, Unpack

import altair as alt
import pandas as pd

from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import (
    BLUE,
    CATEGORIES,
    DAY,
    GREY,
    GRID,
    HEIGHT,
    INK,
    MUTED,
    ORANGE,
    legend,
    period_of,
    tooltip,
    unit_words,
    value_axis,
    value_format,
    week_axis,
    words_of,
)
from ccanalytics.metrics.definitions import ActorKind, Metric, column_words
from ccanalytics.people.roster import NO_TEAM, OTHER_TEAMS

Events = Sequence[tuple[pd.Timestamp, str, str]]

NOT_SHOWN = "not shown"
"""The text for a week without a value: nobody, too few, or no price."""

MINI = 150, 64
"""The size of one of several small charts in pixels; a page fits the width."""

COLUMNS = 4
MOST = 12
"""The most groups side by side; the table and the frame have them all."""


class Words(TypedDict, total=False):
    """What a chart is called, and whether it takes the whole width of the page."""

    title: str
    subtitle: str
    wide: bool


class About(Words, total=False):
    """Words, the events of its weeks, and whose figure it is."""

    events: Events
    actor_kind: ActorKind


def ratio_by_week(frame: pd.DataFrame, metric: Metric | str, **about: Unpack[About]) -> Any:
    """A line with its interval as a band and its last value; a week without a value is a gap."""

    def drawn(metric: Metric) -> list[Any]:
        base = alt.Chart().encode(x=week_axis())
        line = base.mark_line(point=alt.OverlayMarkDef(size=20)).encode(y=value_axis(metric))
        return [band(base, value_axis(metric, "low")), line]

    return _over_weeks(drawn, frame, metric, **about)


def total_by_week(frame: pd.DataFrame, metric: Metric | str, **about: Unpack[About]) -> Any:
    """One bar per week from zero, the last one with its value."""

    def drawn(metric: Metric) -> list[Any]:
        return [alt.Chart().mark_bar().encode(x=week_axis(), y=value_axis(metric))]

    return _over_weeks(drawn, frame, metric, **about)


def band(base: Any, low: alt.Y, opacity: float = 0.16, **mark: Any) -> Any:
    """The area from `low` to the column high: an interval."""
    return base.mark_area(**{"color": BLUE, "opacity": opacity} | mark).encode(y=low, y2="high:Q")


def _over_weeks(
    drawn: Callable[[Metric], list[Any]],
    frame: pd.DataFrame,
    metric: Metric | str,
    *,
    events: Events = (),
    actor_kind: ActorKind = "user",
    **words: Unpack[Words],
) -> Any:
    """These layers with the last value, the events, and a tooltip per week."""
    metric = words_of(metric, actor_kind)
    frame = ready(frame, metric, None, events)
    end = alt.Chart().mark_text(align="right", dx=14, dy=-11, fontWeight=600, color=INK)
    end = end.encode(x=week_axis(), y=value_axis(metric), text="end:N")
    said = week_words(frame, metric, actor_kind=actor_kind)
    snap = alt.Chart().mark_rect(opacity=0).encode(x=week_axis(), tooltip=said)
    snap = snap.encode(y=alt.value(0), y2=alt.value(HEIGHT))
    over = [*event_layers(frame, week_axis()), end.transform_filter(IS_END), snap]
    columns = table_columns(frame, metric, None, actor_kind)
    chart = alt.layer(*drawn(metric), *over, data=frame)
    return finished(chart, metric, actor_kind=actor_kind, columns=columns, **words)


IS_END = "isValid(datum.end)"


def event_layers(frame: pd.DataFrame, x: alt.X) -> list[Any]:
    """A rule with text where a row of `frame` has an event, towards the middle of the chart."""
    if "event" not in frame or not (frame["event"].fillna("") != "").any():
        return []
    time = frame.columns[0]
    noted = frame.loc[frame["event"].fillna("") != "", time]
    middle = frame[time].min() + (frame[time].max() - frame[time].min()) / 2
    late = bool((noted > middle).all())
    base = alt.Chart().encode(x=x).transform_filter("datum.event")
    side: Any = ("right", -5) if late else ("left", 5)
    words = base.mark_text(align=side[0], dx=side[1], fontSize=11, color=INK, limit=190)
    rule = base.mark_rule(color=MUTED, strokeDash=[3, 3])
    return [rule, words.encode(y=alt.value(-4), text="event:N")]


def small_multiples(
    frame: pd.DataFrame,
    metric: Metric | str,
    group: str,
    *,
    order: Sequence[str] = (),
    moved: Sequence[str] = (),
    events: Events = (),
    actor_kind: ActorKind = "user",
    **words: Unpack[Words],
) -> Any:
    """One small line per group on one scale, in `order`, with those that `moved` highlighted."""
    metric = words_of(metric, actor_kind)
    subtitle = f"{unit_words(metric)} by {period_of(frame)}, all on one scale from 0"
    subtitle = words.get("subtitle") or subtitle
    # Of many weeks a single value is no line: a group of those who were withheld once.
    values = frame.groupby(group, observed=True)["value"].transform("count")
    has_line = values >= (1 if frame["week"].nunique() < 4 else 2)
    known, others = frame[has_line], {*frame.loc[~has_line, group].astype("str")}
    unknown = sorted(others - {OTHER_TEAMS})  # they are no team of their own
    unknown = [{NO_TEAM: "people without a team"}.get(name, name) for name in unknown]
    subtitle += f"; not shown: {', '.join(unknown)}" if 0 < len(unknown) <= MOST else ""
    if (groups := known[group].nunique()) > MOST:
        largest = known.groupby(group, observed=True)["n_actors"].sum().nlargest(MOST).index
        known = known[known[group].isin(largest)]
        subtitle += f"; the {MOST} of the most {column_words('active', actor_kind)} out of {groups}"
    frame = ready(known, metric, group, events, order, moved)
    one = _small(frame, metric, group, actor_kind)
    facet = alt.Facet(
        f"{group}:N",
        header=alt.Header(labelExpr="''", labelFontSize=1, labelPadding=0, title=None),
        sort=alt.EncodingSortField("place", op="min"),
    )
    words |= {"subtitle": subtitle, "wide": True}
    columns = table_columns(frame, metric, group, actor_kind)
    chart = one.facet(facet=facet, data=frame, columns=COLUMNS)
    return finished(chart, metric, height=None, actor_kind=actor_kind, columns=columns, **words)


def _small(frame: pd.DataFrame, metric: Metric, group: str, actor_kind: ActorKind) -> Any:
    """One of the small charts: a name, a line, its last value, its events."""
    width, height = MINI
    words = week_words(frame, metric, group, actor_kind=actor_kind)
    colour = alt.condition("datum.moved", alt.value(ORANGE), alt.value(GREY))
    ink = alt.condition("datum.moved", alt.value(ORANGE), alt.value(INK))
    base = alt.Chart().encode(x=week_axis().axis(None))
    value = value_axis(metric).axis(None)
    floor = alt.Chart().mark_rule(color=GRID, opacity=0.4).encode(y=alt.value(height))
    rule = base.mark_rule(color=MUTED, strokeDash=[3, 3]).transform_filter("datum.event")
    line = base.mark_line(point=alt.OverlayMarkDef(size=12)).encode(y=value, color=colour)
    end = base.mark_text(align="left", dx=9, fontWeight=600).encode(
        y=value, text="end:N", color=ink
    )
    name = alt.Chart().mark_text(align="left", fontWeight=600, fontSize=12, limit=width + 55)
    name = name.encode(x=alt.value(0), y=alt.value(-9), text="name:N", color=ink)
    snap = base.mark_rect(opacity=0).encode(y=alt.value(0), y2=alt.value(height), tooltip=words)
    once = [floor.transform_filter(_IS_NAME), name.transform_filter(_IS_NAME)]
    layers = alt.layer(*once, rule, line, end.transform_filter(IS_END), snap)
    return layers.properties(width=width, height=height)


_IS_NAME = "isValid(datum.name)"


def stacked(
    frame: pd.DataFrame,
    metric: Metric | str,
    group: str,
    *,
    order: Sequence[str] | None = None,
    colours: Sequence[str] = CATEGORIES,
    axis: alt.Y | None = None,
    events: Events = (),
    actor_kind: ActorKind = "user",
    **words: Unpack[Words],
) -> Any:
    """One bar per week, stacked by group in order from the bottom, and its events."""
    metric = words_of(metric, actor_kind)
    names = list(order or frame.loc[frame["value"].notna(), group].unique())
    scale = alt.Scale(domain=names, range=list(colours[: len(names)]))
    colour = alt.Color(f"{group}:N", sort=None, scale=scale, legend=legend(names))
    frame = ready(frame, metric, None, events)  # a week that is lost is one row, of no group
    if events:  # once, not for each group
        frame["event"] = frame["event"].mask(frame["week"].duplicated(), "")
    said = week_words(frame, metric, group, actor_kind=actor_kind)
    y = axis or value_axis(metric)
    # Else a week without a value would lose its place, as no other mark is there to keep it.
    bars = alt.Chart(frame).mark_bar(invalid="show")
    bars = bars.encode(x=week_axis(), y=y, color=colour, tooltip=said)
    columns = table_columns(frame, metric, group, actor_kind)
    chart = alt.layer(bars, *event_layers(frame, week_axis()), data=frame)
    return finished(chart, metric, actor_kind=actor_kind, columns=columns, **words)


def week_words(
    frame: pd.DataFrame, metric: Metric, group: str = "", *, actor_kind: ActorKind = "user"
) -> list[alt.Tooltip]:
    """Week, group, value and its evidence."""
    lines: list[tuple[str, ...]] = [("week:T", f"{period_of(frame)} of", DAY)]
    if group:
        lines.append((f"{group}:N", group.replace("_", " ")))
    lines.append(("said:N", metric.name))
    if "interval" in frame and not group:
        lines.append(("interval:N", "90 % interval"))
    if "n_actors" in frame and metric.numerator != "active":
        lines.append(("n_actors:Q", column_words("active", actor_kind), ",.0f"))
    return tooltip(*lines)


def ready(
    frame: pd.DataFrame,
    metric: Metric,
    group: str | None,
    events: Events = (),
    order: Sequence[str] = (),
    moved: Sequence[str] = (),
) -> pd.DataFrame:
    """`frame` with the columns above and every week; the last week of a group is its last with a
    value."""
    plain = every_week(frame, group)
    has_value = plain["value"].notna()
    said = plain["value"].map(metric.format).where(has_value, NOT_SHOWN)
    known = plain[has_value].sort_values("week")
    last = (known.groupby(group, observed=True) if group else known).tail(1)
    plain = plain.assign(said=said, end=said.where(said.index.isin(last.index), None))
    if metric.is_ratio and "low" in plain:
        plain = with_interval(plain, metric.format)
    if events:
        plain["event"] = _noted(plain, group, events)
    plain = _placed(plain, group, order, moved) if group else plain
    plain.attrs = dict(frame.attrs)
    return plain


def every_week(frame: pd.DataFrame, group: str | None) -> pd.DataFrame:
    """`frame` with an empty row, of each group, for a week between that has none.

    A week with a lost day, or without use, keeps its place: those around it do not adjoin.
    """
    plain = pd.DataFrame(frame).reset_index(drop=True)
    if plain.empty or period_of(frame) != "week":
        return plain
    weeks = pd.date_range(plain["week"].min(), plain["week"].max(), freq="7D")
    lost = weeks.difference(pd.DatetimeIndex(plain["week"]))
    if lost.empty:
        return plain
    rows = pd.DataFrame({"week": lost.astype(plain["week"].dtype)})
    if group:
        rows = rows.merge(plain[[group]].drop_duplicates(), how="cross")
    return pd.concat([plain, rows], ignore_index=True)


def with_interval(frame: pd.DataFrame, show: Callable[[float], str]) -> pd.DataFrame:
    """`frame` with its interval as a line of a tooltip."""
    words = [
        f"{show(low)} to {show(high)}" if pd.notna(low) else None
        for low, high in zip(frame["low"], frame["high"], strict=True)
    ]
    return frame.assign(interval=words)


def table_columns(
    frame: pd.DataFrame, metric: Metric, group: str | None, actor_kind: ActorKind
) -> list[list[str]]:
    """The columns of the table behind a chart: name, header and number format."""
    form = value_format(metric)
    sides = {"numerator": metric.numerator, "denominator": metric.denominator}
    money = {side: str(column).startswith("cost_") for side, column in sides.items()}
    people = column_words("active", actor_kind)
    heads = {
        "week": [f"{period_of(frame)} of", ""],
        **({group: [group.replace("_", " "), ""]} if group else {}),
        "value": [metric.name, form],
        **({"share": ["share", ".0%"]} if "share" in frame else {}),
        **({"low": ["90 % interval from", form], "high": ["to", form]} if metric.is_ratio else {}),
        **{
            side: [column_words(column, actor_kind), "$,.2f" if money[side] else ",.0f"]
            for side, column in sides.items()
            if column and metric.is_ratio
        },
        "joined": ["joined the roster", ",.0f"],
        "left": ["left it", ",.0f"],
        **({} if "active" in sides.values() else {"n_actors": [people, ",.0f"]}),
        "event": ["noted", ""],
    }
    return [[name, *head] for name, head in heads.items() if name in frame]


def _noted(frame: pd.DataFrame, group: str | None, events: Events) -> list[str]:
    """The events of each week; a team's row has only that team's events."""
    teams = frame["team"].astype("str") if group == "team" else [None] * len(frame)
    return [
        "; ".join(
            what for week, what, of in events if week == at and (team is None or of in ("", team))
        )
        for at, team in zip(frame["week"], teams, strict=True)
    ]


def _placed(
    frame: pd.DataFrame, group: str, order: Sequence[str], moved: Sequence[str]
) -> pd.DataFrame:
    """`frame` with each group's name in its first row, its place, and whether it moved."""
    groups = frame[group].astype("str")
    places = {name: at for at, name in enumerate([*order, *sorted({*groups} - {*order})])}
    return frame.assign(
        name=groups.mask(groups.duplicated(), None),
        place=groups.map(places),
        moved=groups.isin(moved),
    )
