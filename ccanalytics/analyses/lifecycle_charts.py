"""Charts of who starts, stays and stops, and of the distribution of cost."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.marks import stacked
from ccanalytics.charts.ready_frame import with_interval
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import (
    BLUE,
    CYAN,
    DAY,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    count_axis,
    share_axis,
    tooltip,
)
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.words import counted

_FLOWS = ["retained", "reactivated", "new", "lapsed", "left"]
_ROW = 19  # pixels
_MONTH = 4  # weeks


def _share(value: float) -> str:
    return METRICS["retention"].format(value)


def actor_flow_chart(frame: pd.DataFrame) -> Any:
    """This week's people above the line, people of the previous week who stopped below."""
    chart = stacked(
        frame,
        "actor_flow",
        "flow",
        field="signed",
        order=_FLOWS,
        colours=[BLUE, CYAN, PURPLE, ORANGE, GREY],
        axis=count_axis("signed"),
        title=_flow_title(frame),
        subtitle="People by week. Below the line: active the week before, but not in this one",
    )
    if chart.usermeta["ccanalytics"]["missing"]:
        return chart
    below = "datum.flow == 'lapsed' || datum.flow == 'left'"
    outwards = f"indexof({_FLOWS}, datum.flow)"
    return chart.encode(order=alt.Order("place:Q")).transform_calculate(
        signed=f"{below} ? -datum.value : datum.value", place=outwards
    )


def _flow_title(frame: pd.DataFrame) -> str:
    """The newest week: "98 stayed, 1 came back, 2 are new; 1 stopped"."""
    newest = frame.dropna(subset="value")
    newest = newest[newest["week"] == newest["week"].max()]
    people = {**dict.fromkeys(_FLOWS, 0), **dict(zip(newest["flow"], newest["value"], strict=True))}
    if not any(people.values()):
        return ""
    stayed, back, new, *stopped = (f"{people[flow]:,.0f}" for flow in _FLOWS)
    return f"{stayed} stayed, {back} returned, {new} new; {sum(map(int, stopped))} stopped"


def retention_chart(frame: pd.DataFrame) -> Any:
    """A triangle: one row per first week, one column per week since; blank is not yet."""
    rows = frame[frame["status"].isin(["seen", "withheld"])]
    rows = with_interval(rows, _share)
    rows["later"] = [
        f"{_share(value)} after {counted(weeks, 'week')}" if pd.notna(value) else "too few people"
        for value, weeks in zip(rows["value"], rows["k"], strict=True)
    ]
    x = alt.X("k:O", title="weeks after the first one", axis=alt.Axis(labelAngle=0))
    y = alt.Y(
        "yearmonthdate(cohort):O", title="first active in the week of",
        axis=alt.Axis(format="%-d %b"),
    )  # fmt: skip
    words = tooltip(
        ("cohort:T", "first active in the week of", DAY),
        ("later:N", "active"),
        ("interval:N", "90 % interval"),
        ("n_actors:Q", "people who began", ",.0f"),
    )
    base = alt.Chart().encode(x=x, y=y, tooltip=words)
    # Opacity, not a ramp of colours: one colour stays legible in dark mode and in print.
    shade = alt.Opacity("value:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 0.5]), legend=None)
    cells = base.mark_rect(color=BLUE).encode(opacity=shade)
    numbers = base.mark_text(color=INK, fontSize=9).encode(text=alt.Text("percent:Q"))
    hidden = base.mark_text(color=GREY, text="\u00b7", fontSize=14)
    layers = alt.layer(
        cells.transform_filter("datum.status == 'seen'"),
        numbers.transform_filter("datum.status == 'seen'"),
        hidden.transform_filter("datum.status == 'withheld'"),
        data=rows,
    )
    chart = finished(
        layers,
        "retention",
        title=_retention_title(rows),
        subtitle="Percent of those first active in a week who were active so many weeks later; "
        "a dot: too few people to show",
        wide=True,
        height=alt.Step(_ROW),
    )
    percent = "isValid(datum.value) ? round(100 * datum.value) : null"
    return chart.transform_calculate(percent=percent)


def _retention_title(rows: pd.DataFrame) -> str:
    """About the newest cohort with four weeks since, or as many as there are."""
    known = rows[rows["value"].notna() & rows["k"].between(1, _MONTH)].sort_values(["k", "cohort"])
    if known.empty:
        return ""
    last = known.iloc[-1]
    share, weeks = _share(last["value"]), counted(int(last["k"]), "week")
    return (
        f"{share} of those who began in the week of {last['cohort']:%-d %B} were back after {weeks}"
    )


def time_to_first_use_chart(frame: pd.DataFrame) -> Any:
    """A step for each day on which somebody started, with its interval as a band."""
    metric = METRICS["time_to_first_use"]
    rows = with_interval(frame, _share)
    x = alt.X("day:Q", title="days since joining the roster", axis=alt.Axis(tickMinStep=1))
    words = tooltip(
        ("day:Q", "days since joining"),
        ("value:Q", "had begun", ".0%"),
        ("interval:N", "90 % interval"),
        ("at_risk:Q", "not begun before"),
    )
    base = alt.Chart().encode(x=x)
    band = base.mark_area(opacity=0.16, color=BLUE, interpolate="step-after").encode(
        y=share_axis("low"), y2="high:Q"
    )
    line = base.mark_line(interpolate="step-after").encode(y=share_axis("value"))
    # A step line is hard to hit, so the days themselves have tooltips.
    days = base.mark_point(size=30, opacity=0).encode(y=share_axis("value"), tooltip=words)
    begun = rows.dropna(subset="value").tail(1)
    return finished(
        alt.layer(band, line, days, data=rows),
        metric.id,
        title="".join(
            f"{_share(last.value)} of new people had started after {last.day:.0f} days"
            for last in begun.itertuples()
        ),
        subtitle="Share of people who joined while there are records; 90 % interval as a band",
    )


def roster_use_chart(frame: pd.DataFrame) -> Any:
    """One bar for each status of the people on the roster."""
    words = tooltip(
        ("status:N", "status"), ("value:Q", "people", ",.0f"), ("share:Q", "of the roster", ".0%")
    )
    bars = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=count_axis("value", alt.X), y=alt.Y("status:N", title=None, sort=None), tooltip=words
        )
    )
    subtitle = "People on the last week's roster, by when they were last active in this range"
    return finished(bars, "roster_use", subtitle=subtitle, height=alt.Step(34))


def cost_curve_chart(frame: pd.DataFrame) -> Any:
    """The Lorenz curve of the last week, with the line of equality."""
    x = share_axis("people_share", alt.X, "share of active people, lowest cost first")
    words = tooltip(
        ("people_share:Q", "share of people", ".0%"),
        ("value:Q", "share of cost", ".0%"),
        ("n_actors:Q", "people in total", ",.0f"),
    )
    alike = alt.Chart().mark_line(color=GREY, strokeDash=[4, 4], strokeWidth=1.5)
    curve = alt.Chart().mark_line(point=True).encode(x=x, y=share_axis("value"), tooltip=words)
    subtitle = "Share of last week's estimated cost; the dashed line: everybody costs the same"
    return finished(
        alt.layer(alike.encode(x=x, y=share_axis("people_share")), curve, data=frame),
        "cost_curve",
        title=_curve_title(frame),
        subtitle=subtitle,
    )


def _curve_title(frame: pd.DataFrame) -> str:
    """The last step of the curve: "The top 10 % of people made 32 % of the cost"."""
    steps = frame.dropna(subset="value")
    if len(steps) < 3:
        return ""
    before = steps.iloc[-2]
    people, cost = (_share(1 - before[name]) for name in ("people_share", "value"))
    return f"The top {people} of people made {cost} of the cost"
