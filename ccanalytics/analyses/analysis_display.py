"""How the results of the further analyses are shown: charts and tables, which they name."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.analyses.change_parts import Drivers, TeamShift
from ccanalytics.analyses.forecast import Forecast
from ccanalytics.analyses.interventions import Effect
from ccanalytics.analyses.lifecycle import FLOWS
from ccanalytics.charts.marks import band, event_layers, stacked, with_interval
from ccanalytics.charts.shown_chart import finished, newest_rows
from ccanalytics.charts.theme import (
    BLUE,
    CYAN,
    DAY,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    count_axis,
    day_axis,
    legend,
    share_axis,
    signed_axis,
    tooltip,
    value_axis,
    value_format,
)
from ccanalytics.dataset.titled_frame import titled
from ccanalytics.display.bundles import Bundle, note_bundle
from ccanalytics.display.tables import frame_bundle
from ccanalytics.metrics.change import percent
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.words import counted, day_words

_share = METRICS["retention"].format


def actor_flow_chart(frame: pd.DataFrame) -> Any:
    """This week's people above the line, people of the previous week who stopped below."""
    newest = newest_rows(frame).set_index("flow")["value"].reindex(FLOWS).fillna(0)
    stayed, back, new, lapsed, left = newest
    said = (
        f"{stayed:,.0f} stayed, {back:,.0f} returned, {new:,.0f} new; {lapsed + left:,.0f} stopped"
    )
    chart = stacked(
        frame,
        "actor_flow",
        "flow",
        order=FLOWS,
        colours=[BLUE, CYAN, PURPLE, ORANGE, GREY],
        axis=count_axis("signed"),
        title=said if newest.any() else "",
        subtitle="People by week. Below the line: active the week before, but not in this one",
    )
    if chart.usermeta["ccanalytics"]["missing"]:
        return chart
    place = f"indexof({list(FLOWS)}, datum.flow)"
    signed = f"{place} < 3 ? datum.value : -datum.value"
    return chart.encode(order=alt.Order("place:Q")).transform_calculate(signed=signed, place=place)


def retention_chart(frame: pd.DataFrame) -> Any:
    """A triangle: one row per first week that may be shown, one column per week since; blank is
    not yet."""
    rows = with_interval(frame[frame["status"] == "seen"], _share)
    rows["percent"] = (100 * rows["value"]).round()
    first = "first active in the week of"
    words = tooltip(
        ("cohort:T", first, DAY),
        ("value:Q", "active", ".0%"),
        ("interval:N", "90 % interval"),
        ("n_actors:Q", "people who began", ",.0f"),
    )
    base = alt.Chart().encode(
        x=alt.X("k:O", title="weeks after the first one", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("yearmonthdate(cohort):O", title=first, axis=alt.Axis(format="%-d %b")),
        tooltip=words,
    )
    # Opacity, not a ramp of colours: one colour stays legible in dark mode and in print.
    shade = alt.Opacity("value:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 0.5]), legend=None)
    cells = base.mark_rect(color=BLUE).encode(opacity=shade)
    numbers = base.mark_text(color=INK, fontSize=9).encode(text="percent:Q")
    # The newest first week with four weeks since, or as many as there are.
    known = rows[rows["value"].notna() & rows["k"].between(1, 4)].sort_values(["k", "cohort"])
    titles = [
        f"{_share(last.value)} of those who began in the week of {day_words(last.cohort)} were "
        f"back after {counted(last.k, 'week')}"
        for last in known.tail(1).itertuples()
    ]
    return finished(
        alt.layer(cells, numbers, data=rows),
        "retention",
        title="".join(titles),
        subtitle="Percent of those first active in a week who were active so many weeks later",
        wide=True,
        height=alt.Step(19),
    )


def time_to_first_use_chart(frame: pd.DataFrame) -> Any:
    """A step for each day on which somebody started, with its interval as a band."""
    rows = with_interval(frame, _share)
    steps: Any = {"interpolate": "step-after"}
    words = tooltip(
        ("day:Q", "days since joining"),
        ("value:Q", "had begun", ".0%"),
        ("interval:N", "90 % interval"),
        ("at_risk:Q", "not begun before"),
    )
    days = alt.X("day:Q", title="days since joining the roster", axis=alt.Axis(tickMinStep=1))
    base = alt.Chart().encode(x=days, y=share_axis("value"))
    # A step line is hard to hit, so the days themselves have tooltips.
    hit = base.mark_point(size=30, opacity=0).encode(tooltip=words)
    begun = rows.dropna(subset="value").tail(1).itertuples()
    said = [f"{_share(at.value)} of new people had started after {at.day:.0f} days" for at in begun]
    return finished(
        alt.layer(band(base, share_axis("low"), **steps), base.mark_line(**steps), hit, data=rows),
        "time_to_first_use",
        title="".join(said),
        subtitle="Share of people who joined while there are records; 90 % interval as a band",
    )


def roster_use_chart(frame: pd.DataFrame) -> Any:
    """One bar for each status of the people on the roster."""
    words = tooltip(
        ("status:N", "status"), ("value:Q", "people", ",.0f"), ("share:Q", "of the roster", ".0%")
    )
    status = alt.Y("status:N", title=None, sort=None)
    bars = alt.Chart(frame).mark_bar().encode(x=count_axis("value", alt.X), y=status, tooltip=words)
    subtitle = "People on the last week's roster, by when they were last active in this range"
    return finished(bars, "roster_use", subtitle=subtitle, height=alt.Step(34))


def drivers_chart(drivers: Drivers) -> Any:
    """A waterfall of a detected change: bars that add up to it, each with its interval."""
    metric, change, show = drivers.metric, drivers.compared, drivers.metric.format_change
    frame = with_interval(drivers.frame, show)
    # All bars have the decimals of the total.
    places = 0 if frame["value"].abs().max() >= 99.5 else 2
    frame["said"] = [_signed_dollars(value, places) for value in frame["value"]]
    words = tooltip(("step:N", "driver"), ("said:N", "difference"), ("interval:N", "90 % interval"))
    y = alt.Y("step:N", title=None, sort=None, axis=alt.Axis(labelLimit=150))
    base = alt.Chart(frame).encode(y=y, tooltip=words)
    axis = signed_axis(f"$,.{places}f", grid=True, tickCount=4)
    x = alt.X("start:Q", title=None, axis=axis, scale=alt.Scale(padding=44))
    # Neutral colours: a rise is neither good nor bad.
    total, falls = alt.when("datum.kind == 'total'"), "datum.value < 0"
    colour = (
        total.then(alt.value(GREY)).when(falls).then(alt.value(CYAN)).otherwise(alt.value(ORANGE))
    )
    bars = base.mark_bar(height=16).encode(x=x, x2="end:Q", color=colour)
    ends = base.mark_rule(color=INK).encode(x=alt.X("from:Q", title=None), x2="to:Q")
    labels = base.mark_text(align="left", dx=6, fontSize=11, color=INK).encode(
        x=alt.X("right:Q", title=None), text="said:N"
    )
    layers = alt.layer(bars, ends, labels, data=frame).transform_calculate(
        **{"from": "datum.start + datum.low", "to": "datum.start + datum.high"},
        right="max(datum.start, datum.end, datum.start + datum.high)",
    )
    title, subtitle = "", ""
    if change is not None and frame["value"].notna().any():
        largest = frame.loc[frame.loc[frame["kind"] == "driver", "value"].abs().idxmax()]
        title = f"{largest['step']}: {largest['said']} of {show(change.difference)}"
        title = f"{title[0].upper()}{title[1:]}"
        subtitle = (
            f"{metric.name} from {metric.format(change.previous)} to {metric.format(change.value)} "
            f"({change.horizon}). The bars add up; lines are 90 % intervals"
        )
    height = alt.Step(28)
    return finished(layers, f"{metric.id}_drivers", title=title, subtitle=subtitle, height=height)


def _signed_dollars(value: float, places: int) -> str:
    """ "+$97" or "-$0.02"; "$0" for what rounds to it."""
    rounded = round(value, places)
    sign = "-" if rounded < 0 else "+" if rounded else ""
    return f"{sign}${abs(rounded):,.{places}f}"


def month_forecast_chart(forecast: Forecast) -> Any:
    """The cumulative cost of the month, its forecast, and the budget."""
    metric, frame = METRICS["month_forecast"], forecast.frame
    words = tooltip(
        ("date:T", "up to", "%a %-d %b %Y"),
        ("value:Q", "US dollars, estimated", "$,.0f"),
        ("low:Q", "90 % interval from", "$,.0f"),
        ("high:Q", "to", "$,.0f"),
    )
    kinds = ["actual", "forecast"]
    dashes = alt.StrokeDash(
        "kind:N", scale=alt.Scale(domain=kinds, range=[[1, 0], [5, 4]]), legend=legend(kinds)
    )
    base = alt.Chart().encode(x=day_axis())
    line = base.mark_line().encode(y=value_axis(metric), strokeDash=dashes, tooltip=words)
    layers = [band(base, value_axis(metric, "low")), line]
    subtitle = "US dollars, estimated, cumulative over the month, with a 90 % interval"
    if forecast.budget >= 0 and len(frame):
        budget = alt.Chart().mark_rule(color=ORANGE, strokeWidth=1.5)
        layers.append(budget.encode(y=alt.datum(forecast.budget)))
        subtitle += f"; the line is the budget of {metric.format(forecast.budget)}"
    total, low, high = map(metric.format, (forecast.total, forecast.low, forecast.high))
    title = f"{forecast.month:%B}: {total} expected, {low} to {high}"
    return finished(alt.layer(*layers, data=frame), metric.id, title=title, subtitle=subtitle)


def daily_cost_chart(frame: pd.DataFrame) -> Any:
    """The cost of each day over the bar of its ordinary costs; unusual days are large, events
    lines. A line from day to day would draw every weekend as a fall."""
    metric = METRICS["daily_cost"]
    words = tooltip(
        ("date:T", "day", "%a %-d %b %Y"),
        ("value:Q", metric.name, "$,.0f"),
        ("expected:Q", "usual for the day", "$,.0f"),
    )
    base, y = alt.Chart().encode(x=day_axis()), value_axis(metric)
    usual = base.mark_rule(strokeWidth=4, color=GREY, opacity=0.3).encode(
        y=value_axis(metric, "low"), y2="high:Q"
    )
    days = base.mark_point(size=16, opacity=1).encode(y=y, tooltip=words)
    large = base.mark_point(size=80, color=ORANGE, opacity=1).encode(y=y, tooltip=words)
    large = large.transform_filter("datum.unusual")
    unusual = int(frame["unusual"].sum())
    return finished(
        alt.layer(usual, days, large, *event_layers(frame, day_axis()), data=frame),
        metric.id,
        title=f"{metric.name}: {counted(unusual, 'unusual day') if unusual else 'no unusual day'}",
        subtitle="US dollars, estimated; grey: where 90 % of such days lie",
    )


def intervention_effects_chart(effect: Effect) -> Any:
    """The team's difference to the others by week since the intervention, with its interval."""
    metric, form = effect.metric, value_format(effect.metric)
    frame = with_interval(effect.frame, percent)
    words = tooltip(
        ("value:Q", "difference", "+.0%"),
        ("interval:N", "90 % interval"),
        ("team_value:Q", "team", form),
        ("others_value:Q", "others", form),
    )
    x = alt.X("weeks_since:O", title="weeks since the start", axis=alt.Axis(labelAngle=0))
    base, axis = alt.Chart().encode(x=x, tooltip=words), signed_axis(".0%")
    rule = base.mark_rule(color=BLUE, strokeWidth=2, opacity=0.5).encode(
        y=alt.Y("low:Q", title=None, axis=axis), y2="high:Q"
    )
    when = ["before", "after"]
    colours = alt.Scale(domain=when, range=[GREY, ORANGE])
    dot = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("value:Q", title=None, axis=axis),
        color=alt.Color("when:N", scale=colours, legend=legend(when)),
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=GREY).encode(y="zero:Q")
    layers = alt.layer(zero, rule, dot, data=frame).transform_calculate(
        when="datum.weeks_since < 0 ? 'before' : 'after'"
    )
    judged = ", with 90 % intervals" if frame["low"].notna().any() else ""
    subtitle = (
        f"Difference to {counted(effect.n_teams, 'team')} without it by week, each against its "
        f"own mean before{judged}"
    )
    since = f"{percent(effect.effect)} since {day_words(effect.date)}" if effect.change else ""
    title = f"{metric.name}, {effect.team}: {since}" if since else ""
    return finished(layers, "intervention_effects", title=title, subtitle=subtitle)


def team_shift_bundle(shift: TeamShift) -> Bundle:
    """One row per team: its cost per commit before and after, and the two parts of the change."""
    if shift.compared is None:
        return note_bundle(shift.sentence(), "missing")
    shown = shift.frame[["team", "before", "value"]].rename(columns={"value": "after"})
    for name, label in {"rate": "change within", "mix": "change of share"}.items():
        part = shift.frame[[name, f"{name}_low", f"{name}_high"]].map(shift.metric.format_change)
        texts = ["{} ({} to {})".format(*row) for row in part.itertuples(index=False)]
        shown[f"{label} (90 % interval)"] = texts
    made = titled(shown, f"Cost per commit by team, {shift.compared.horizon}")
    made.formats = dict.fromkeys(["before", "after"], shift.metric.format)
    return frame_bundle(made)


def effects_bundle(effects: Sequence[Effect]) -> Bundle:
    """The result of each intervention, or that there is none."""
    if effects:
        return note_bundle(" ".join(effect.sentence() for effect in effects))
    return note_bundle(
        "No intervention is known: name a CSV file (team,date,what) as `interventions` in "
        "ccanalytics.toml.",
        "missing",
    )
