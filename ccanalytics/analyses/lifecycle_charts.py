"""Charts of who begins, who stays and who stops, and of how the cost is spread."""

from typing import Any

import altair as alt
import pandas as pd

from ccanalytics.charts.marks import stacked
from ccanalytics.charts.shown_chart import finished
from ccanalytics.charts.theme import BLUE, CYAN, GREY, INK, ORANGE, PURPLE, value_axis
from ccanalytics.metrics.definitions import METRICS

_FLOWS = ["retained", "reactivated", "new", "lapsed", "left"]
_ROW = 19  # pixels


def actor_flow_chart(frame: pd.DataFrame) -> Any:
    """This week's people above the line, those of the week before who are not among them below."""
    chart = stacked(
        frame,
        "actor_flow",
        "flow",
        field="signed",
        order=_FLOWS,
        colours=[BLUE, CYAN, PURPLE, ORANGE, GREY],
        axis=alt.Y("signed:Q", title=None, axis=alt.Axis(format=",.0f", tickMinStep=1)),
        subtitle="People by week. Below the line: active the week before, but not in this one",
    )
    below = "datum.flow == 'lapsed' || datum.flow == 'left'"
    outwards = f"indexof({_FLOWS}, datum.flow)"
    return chart.encode(order=alt.Order("place:Q")).transform_calculate(
        signed=f"{below} ? -datum.value : datum.value", place=outwards
    )


def retention_chart(frame: pd.DataFrame) -> Any:
    """A triangle: one row per first week, one column per week since; blank is not yet."""
    x = alt.X("k:O", title="weeks after the first one", axis=alt.Axis(labelAngle=0))
    y = alt.Y(
        "yearmonthdate(cohort):O", title="first active in the week of",
        axis=alt.Axis(format="%-d %b"),
    )  # fmt: skip
    base = alt.Chart().encode(x=x, y=y, tooltip=_cohort_tooltips())
    # Opacity, not a ramp of colours: one colour stays legible in dark mode and in print.
    shade = alt.Opacity("value:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 0.5]), legend=None)
    cells = base.mark_rect(color=BLUE).encode(opacity=shade)
    numbers = base.mark_text(color=INK, fontSize=9).encode(text=alt.Text("percent:Q"))
    hidden = base.mark_text(color=GREY, text="\u00b7", fontSize=14)
    layers = alt.layer(
        cells.transform_filter("datum.status == 'seen'"),
        numbers.transform_filter("datum.status == 'seen'"),
        hidden.transform_filter("datum.status == 'withheld'"),
        data=frame[frame["status"].isin(["seen", "withheld"])],
    )
    subtitle = (
        "Percent of the people first active in a week who were active so many weeks later. Blank: "
        "not yet; a dot: too few people to show; no row: nobody began"
    )
    chart = finished(layers, "retention", subtitle=subtitle, wide=True, height=alt.Step(_ROW))
    percent = "isValid(datum.value) ? round(100 * datum.value) : null"
    return chart.transform_calculate(percent=percent)


def time_to_first_use_chart(frame: pd.DataFrame) -> Any:
    """A step for each day on which somebody began, with its interval as a band."""
    metric = METRICS["time_to_first_use"]
    x = alt.X("day:Q", title="days since joining the roster", axis=alt.Axis(tickMinStep=1))
    scale = alt.Scale(domain=[0, 1])
    y = alt.Y("value:Q", title="share who had begun", axis=alt.Axis(format=".0%"), scale=scale)
    tooltip = [
        alt.Tooltip("day:Q", title="days since joining"),
        alt.Tooltip("value:Q", title="had begun", format=".0%"),
        alt.Tooltip("low:Q", title="90 % interval from", format=".0%"),
        alt.Tooltip("high:Q", title="to", format=".0%"),
        alt.Tooltip("at_risk:Q", title="people not begun before"),
    ]
    base = alt.Chart().encode(x=x)
    band = base.mark_area(opacity=0.16, color=BLUE, interpolate="step-after").encode(
        y=alt.Y("low:Q", title="share who had begun"), y2="high:Q"
    )
    line = base.mark_line(interpolate="step-after").encode(y=y)
    # A step line is hard to hit: the days themselves answer the pointer.
    days = base.mark_point(size=30, opacity=0).encode(y=y, tooltip=tooltip)
    subtitle = "Share of people who joined while there are records, by day; 90 % interval as a band"
    return finished(alt.layer(band, line, days, data=frame), metric.id, subtitle=subtitle)


def roster_use_chart(frame: pd.DataFrame) -> Any:
    """One bar for each status of the people on the roster."""
    metric = METRICS["roster_use"]
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title="people", axis=alt.Axis(format=",.0f", tickMinStep=1)),
            y=alt.Y("status:N", title="status", sort=None),
            tooltip=[
                alt.Tooltip("status:N", title="status"),
                alt.Tooltip("value:Q", title="people", format=",.0f"),
                alt.Tooltip("share:Q", title="share of the roster", format=".0%"),
            ],
        )
    )
    subtitle = "People on the last week's roster, by when they were last active in this range"
    return finished(chart, metric.id, subtitle=subtitle, height=alt.Step(34))


def cost_curve_chart(frame: pd.DataFrame) -> Any:
    """The Lorenz curve of the last week, next to the line of everybody alike."""
    metric = METRICS["cost_curve"]
    percent = alt.Axis(format=".0%", tickCount=5)
    x = alt.X(
        "people_share:Q", title="share of active people, lowest cost first", axis=percent,
        scale=alt.Scale(domain=[0, 1]),
    )  # fmt: skip
    tooltip = [
        alt.Tooltip("people_share:Q", title="share of people", format=".0%"),
        alt.Tooltip("value:Q", title="share of estimated cost", format=".0%"),
        alt.Tooltip("n_actors:Q", title="people in all", format=",.0f"),
    ]
    y = value_axis(metric).title("share of estimated cost")
    alike = alt.Chart().mark_line(color=GREY, strokeDash=[4, 4], strokeWidth=1.5).encode(
        x=x, y=alt.Y("people_share:Q", title="share of estimated cost")
    )  # fmt: skip
    curve = alt.Chart().mark_line(point=True).encode(x=x, y=y, tooltip=tooltip)
    subtitle = "Last week, in groups of equally many people; the dashed line is everybody alike"
    return finished(alt.layer(alike, curve, data=frame), metric.id, subtitle=subtitle)


def _cohort_tooltips() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("cohort:T", title="first active in the week of", format="%-d %b %Y"),
        alt.Tooltip("k:O", title="weeks after"),
        alt.Tooltip("value:Q", title="active", format=".0%"),
        alt.Tooltip("low:Q", title="90 % interval from", format=".0%"),
        alt.Tooltip("high:Q", title="to", format=".0%"),
        alt.Tooltip("n_actors:Q", title="people who began", format=",.0f"),
        alt.Tooltip("status:N", title="status"),
    ]
