"""The common drawings: a ratio with its interval, a total, shares, groups side by side.

A frame is drawn with the text its chart shows, and nothing else is computed:

said      the value in words          interval  its 90 % interval in words
end       that of the last week       name      the group, in its first row
event     what was noted of the week  moved, place   whether a group stands out, and where

The tooltip of a week covers the full height of a chart, in at most four short lines. `words` are
the title, the subtitle, and `wide` for the whole width of the page.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts import theme
from ccanalytics.charts.shown_chart import finished, has_interval
from ccanalytics.metrics.definitions import METRICS, Metric, column_words
from ccanalytics.people.roster import NO_TEAM, OTHER_TEAMS

NOT_SHOWN = "not shown"  # the text for a week without a value: nobody, too few, or no price
MINI = 150, 64  # the size of one of several small charts in pixels; a page fits the width

COLUMNS = 4
MOST = 12  # the most groups side by side; the table and the frame have them all

_IS_END, _IS_NAME = "isValid(datum.end)", "isValid(datum.name)"


def over_weeks(frame: pd.DataFrame, metric: Metric | str, **words: Any) -> Any:
    """What has an interval as a line with a band, a total as one bar per week from zero.

    With the last value, the events, and a tooltip per week; a week without a value is a gap.
    """
    metric = METRICS[metric] if isinstance(metric, str) else metric
    frame, value = ready(frame, metric), theme.value_axis(metric)
    base = alt.Chart().encode(x=theme.week_axis())
    marks = [base.mark_bar().encode(y=value)]
    if metric.is_ratio or has_interval(frame):
        line = base.mark_line(point=alt.OverlayMarkDef(size=20)).encode(y=value)
        marks = [band(base, theme.value_axis(metric, "low")), line]
    end = base.mark_text(align="right", dx=14, dy=-11, fontWeight=600, color=theme.INK)
    end = end.encode(y=value, text="end:N").transform_filter(_IS_END)
    snap = base.mark_rect(opacity=0).encode(tooltip=week_words(frame, metric))
    snap = snap.encode(y=alt.value(0), y2=alt.value(theme.HEIGHT))
    chart = alt.layer(*marks, *event_layers(frame, theme.week_axis()), end, snap, data=frame)
    return finished(chart, metric, columns=table_columns(frame, metric), **words)


def band(base: Any, low: alt.Y, opacity: float = 0.16, **mark: Any) -> Any:
    """The area from `low` to the column high: an interval."""
    return base.mark_area(**{"color": theme.BLUE, "opacity": opacity} | mark).encode(
        y=low, y2="high:Q"
    )


def event_layers(frame: pd.DataFrame, x: alt.X) -> list[Any]:
    """A rule with text where a row of `frame` has an event, towards the middle of the chart."""
    times = frame.iloc[:, 0]
    noted = times[frame["event"].fillna("") != ""] if "event" in frame else times[:0]
    if noted.empty:
        return []
    middle = times.min() + (times.max() - times.min()) / 2
    side: Any = ("right", -5) if (noted > middle).all() else ("left", 5)
    base = alt.Chart().encode(x=x).transform_filter("datum.event")
    words = base.mark_text(align=side[0], dx=side[1], fontSize=11, color=theme.INK, limit=190)
    rule = base.mark_rule(color=theme.MUTED, strokeDash=[3, 3])
    return [rule, words.encode(y=alt.value(-4), text="event:N")]


def small_multiples(
    frame: pd.DataFrame,
    metric: Metric | str,
    group: str,
    *,
    order: Sequence[str] = (),
    moved: Collection[str] = (),
    subtitle: str = "",
    **words: Any,
) -> Any:
    """One small line per group on one scale, in `order`, with those that `moved` highlighted."""
    metric = METRICS[metric] if isinstance(metric, str) else metric
    subtitle = (
        subtitle
        or f"{theme.unit_words(metric)} by {theme.period_of(frame)}, all on one scale from 0"
    )
    # Of many weeks a single value is no line: a group of those who were withheld once.
    values = frame.groupby(group, observed=True)["value"].transform("count")
    has_line = values >= (1 if frame["week"].nunique() < 4 else 2)
    # The other teams are no team of their own.
    unknown = {*frame.loc[~has_line, group].astype("str")} - {OTHER_TEAMS}
    named = [{NO_TEAM: "people without a team"}.get(name, name) for name in sorted(unknown)]
    subtitle += f"; not shown: {', '.join(named)}" if 0 < len(named) <= MOST else ""
    if (groups := frame.loc[has_line, group].nunique()) > MOST:
        people = frame[has_line].groupby(group, observed=True)["n_actors"].sum()
        has_line &= frame[group].isin(people.nlargest(MOST).index)
        subtitle += f"; the {MOST} of the most {theme.people_of(frame)} out of {groups}"
    frame = ready(frame[has_line], metric, group, order, moved)
    facet = alt.Facet(
        f"{group}:N",
        header=alt.Header(labelExpr="''", labelFontSize=1, labelPadding=0, title=None),
        sort=alt.EncodingSortField("place", op="min"),
    )
    chart = _small(frame, metric, group).facet(facet=facet, data=frame, columns=COLUMNS)
    words |= {"subtitle": subtitle, "wide": True, "height": None}
    return finished(chart, metric, columns=table_columns(frame, metric, group), **words)


def _small(frame: pd.DataFrame, metric: Metric, group: str) -> Any:
    """One of the small charts: a name, a line, its last value, its events."""
    width, height = MINI
    words = week_words(frame, metric, group)
    colour = alt.condition("datum.moved", alt.value(theme.ORANGE), alt.value(theme.GREY))
    ink = alt.condition("datum.moved", alt.value(theme.ORANGE), alt.value(theme.INK))
    base = alt.Chart().encode(x=theme.week_axis().axis(None))
    value = theme.value_axis(metric).axis(None)
    floor = alt.Chart().mark_rule(color=theme.GRID, opacity=0.4).encode(y=alt.value(height))
    rule = base.mark_rule(color=theme.MUTED, strokeDash=[3, 3]).transform_filter("datum.event")
    line = base.mark_line(point=alt.OverlayMarkDef(size=12)).encode(y=value, color=colour)
    end = base.mark_text(align="left", dx=9, fontWeight=600).encode(
        y=value, text="end:N", color=ink
    )
    name = alt.Chart().mark_text(align="left", fontWeight=600, fontSize=12, limit=width + 55)
    name = name.encode(x=alt.value(0), y=alt.value(-9), text="name:N", color=ink)
    snap = base.mark_rect(opacity=0).encode(y=alt.value(0), y2=alt.value(height), tooltip=words)
    once = [floor.transform_filter(_IS_NAME), name.transform_filter(_IS_NAME)]
    layers = alt.layer(*once, rule, line, end.transform_filter(_IS_END), snap)
    return layers.properties(width=width, height=height)


def stacked(
    frame: pd.DataFrame,
    metric: Metric | str,
    group: str,
    *,
    order: Sequence[str] | None = None,
    colours: Sequence[str] = theme.CATEGORIES,
    axis: alt.Y | None = None,
    **words: Any,
) -> Any:
    """One bar per week, stacked by group in order from the bottom, and its events."""
    metric = METRICS[metric] if isinstance(metric, str) else metric
    names = list(order or frame.loc[frame["value"].notna(), group].unique())
    scale = alt.Scale(domain=names, range=list(colours[: len(names)]))
    colour = alt.Color(f"{group}:N", sort=None, scale=scale, legend=theme.legend(names))
    frame = ready(frame, metric)  # a week that is lost is one row, of no group
    if "event" in frame:  # once, not for each group
        frame["event"] = frame["event"].mask(frame["week"].duplicated(), "")
    said, y = week_words(frame, metric, group), axis or theme.value_axis(metric)
    # Else a week without a value would lose its place, as no other mark is there to keep it.
    bars = alt.Chart(frame).mark_bar(invalid="show")
    bars = bars.encode(x=theme.week_axis(), y=y, color=colour, tooltip=said)
    chart = alt.layer(bars, *event_layers(frame, theme.week_axis()), data=frame)
    return finished(chart, metric, columns=table_columns(frame, metric, group), **words)


def week_words(frame: pd.DataFrame, metric: Metric, group: str = "") -> list[alt.Tooltip]:
    """Week, group, value and its evidence."""
    lines: list[tuple[str, ...]] = [("week:T", f"{theme.period_of(frame)} of", theme.DAY)]
    if group:
        lines.append((f"{group}:N", group.replace("_", " ")))
    lines.append(("said:N", metric.name))
    if "interval" in frame and not group:
        lines.append(("interval:N", "90 % interval"))
    if "n_actors" in frame and metric.numerator != "active":
        lines.append(("n_actors:Q", theme.people_of(frame), ",.0f"))
    return theme.tooltip(*lines)


def ready(
    frame: pd.DataFrame,
    metric: Metric,
    group: str = "",
    order: Sequence[str] = (),
    moved: Collection[str] = (),
) -> pd.DataFrame:
    """`frame` with the columns above, and an empty row of each group for a week that has none.

    The last week of a group is its last with a value. Events stand on every chart of cost; a team's
    row has only that team's.
    """
    plain = pd.DataFrame(frame).reset_index(drop=True)
    # A week with a lost day, or without use, keeps its place: those around it do not adjoin.
    if len(plain) and theme.period_of(frame) == "week":
        weeks = pd.date_range(plain["week"].min(), plain["week"].max(), freq="7D")
        lost = weeks.difference(pd.DatetimeIndex(plain["week"])).astype(plain["week"].dtype)
        rows = pd.DataFrame({"week": lost})
        rows = rows.merge(plain[[group]].drop_duplicates(), how="cross") if group else rows
        plain = pd.concat([plain, rows], ignore_index=True) if len(rows) else plain
    has_value = plain["value"].notna()
    said = plain["value"].map(metric.format).where(has_value, NOT_SHOWN)
    known = plain[has_value].sort_values("week")
    last = (known.groupby(group, observed=True) if group else known).tail(1)
    plain = plain.assign(said=said, end=said.where(said.index.isin(last.index), None))
    if has_interval(plain):
        plain = with_interval(plain, metric.format)
    events = getattr(frame, "events", ()) if metric.is_money or metric.unit == "usd" else ()
    if events:
        teams = plain["team"].astype("str") if group == "team" else [None] * len(plain)
        plain["event"] = [
            "; ".join(
                what for at, what, of in events if at == week and (team is None or of in ("", team))
            )
            for week, team in zip(plain["week"], teams, strict=True)
        ]
    if group:
        groups = plain[group].astype("str")
        places = {name: at for at, name in enumerate([*order, *sorted({*groups} - {*order})])}
        name = groups.mask(groups.duplicated(), None)
        plain = plain.assign(name=name, place=groups.map(places), moved=groups.isin(moved))
    plain.attrs = frame.attrs
    return plain


def with_interval(frame: pd.DataFrame, show: Callable[[float], str]) -> pd.DataFrame:
    """`frame` with its interval as a line of a tooltip."""
    words = [
        f"{show(low)} to {show(high)}" if pd.notna(low) else None
        for low, high in zip(frame["low"], frame["high"], strict=True)
    ]
    return frame.assign(interval=words)


def table_columns(frame: pd.DataFrame, metric: Metric, group: str = "") -> list[list[str]]:
    """The columns of the table behind a chart: name, header and number format."""
    form, people = theme.value_format(metric), theme.people_of(frame)
    heads = {"week": [f"{theme.period_of(frame)} of", ""]}
    if group:
        heads[group] = [group.replace("_", " "), ""]
    heads |= {"value": [metric.name, form], "share": ["share", ".0%"]}
    if metric.is_ratio or has_interval(frame):
        heads |= {"low": ["90 % interval from", form], "high": ["to", form]}
    for side, column in metric.sides.items() if metric.is_ratio else ():
        number = "$,.2f" if column.startswith("cost_") else ",.0f"
        heads[side] = [column_words(column).replace("people", people), number]
    if "active" not in metric.sides.values():
        heads["n_actors"] = [people, ",.0f"]
    heads["event"] = ["noted", ""]
    return [[name, *head] for name, head in heads.items() if name in frame]
