"""Any result of a metric -> its chart with a title that says what it shows this week."""

from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from ccanalytics.charts import theme
from ccanalytics.charts.marks import over_weeks, small_multiples, stacked
from ccanalytics.charts.shown_chart import finished, title_of
from ccanalytics.metrics.by_week import MetricFrame
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.showing import ShowsItself
from ccanalytics.wings import resolve
from ccanalytics.words import counted, day_words

if TYPE_CHECKING:
    from ccanalytics.metrics.findings import Findings


def chart(result: MetricFrame | ShowsItself, findings: "Findings | None" = None) -> Any:
    """The chart of a metric frame, or of another result such as a forecast: an `alt.Chart`.

    With `cca.findings(data)` its title says whether the figure moved, and groups are in the order
    of their change, those that moved highlighted. `TypeError` for what has no chart, such as a
    frame that came out of a group-by of your own.
    """
    if isinstance(result, MetricFrame) and result.period != "week":
        # Months or days in place of weeks, because all are drawn alike.
        period, renamed = result.period, result.rename(columns={result.period: "week"})
        renamed.attrs["period"] = "day" if period == "date" else period
        result = renamed
    if isinstance(result, MetricFrame) and getattr(result, "metric", None) is not None:
        metric, by = result.metric, result.by
        # A split frame is mostly drawn like all others.
        is_own = metric.chart and result.actor_kind == "user" and not (by and metric.numerator)
        # The rows are no longer those of the metric after a concat or a group-by.
        if ({"value"} if is_own else {"value", "week", by} - {None}) <= set(result.columns):
            return resolve(metric.chart)(result) if is_own else _of_frame(result, findings)
    if isinstance(result, ShowsItself) and result.drawn_by:
        return resolve(result.drawn_by)(result)
    raise TypeError(
        f"There is no chart of {type(result).__name__}: chart draws what by_week and the other "
        "metric functions return. Draw frames of your own with altair."
    )


def _of_frame(frame: MetricFrame, findings: "Findings | None") -> Any:
    """Groups side by side, a ratio or a total; the title says what findings say of it, if any."""
    metric, by = frame.metric, frame.by
    looked_at = findings.changes if findings and frame.actor_kind == "user" else ()
    about = [one for one in looked_at if (one.metric.id, one.by) == (metric.id, by or "")]
    there = [one for one in about if one.is_change]
    if not by:
        title = ""
        if about:
            newest = frame[frame["week"] == frame["week"].max()]
            # Of everybody: that of four weeks if they moved, else of the last week.
            title = f"{title_of(frame, metric)}, {(there[-1] if there else about[0]).words}"
            if "n_actors" in newest and (newest["n_actors"] == 0).all():
                title = f"{metric.name}: nobody was active in the last week"
        return over_weeks(frame, metric, title=title)
    latest = {one.group: one for one in sorted(about, key=lambda one: one.weeks)}
    moved = {one.group for one in there}
    order = sorted(latest, key=lambda name: (name not in moved, -abs(latest[name].change)))
    kind = by.replace("_", " ")
    title = f"{metric.name} by {kind}: no change found" if about else ""
    said = [one.title for one in findings or () if (one.metric, one.by) == (metric.id, by)]
    if about and said:
        # "Payments: cost up 84 % since 2 November; no change found in any other team"
        others = f"no change found in any other {kind}"
        more = f"{counted(len(moved) - 1, f'more {kind}')} moved"
        title = f"{said[0]}; {more if len(moved) > 1 else others}"
    return small_multiples(frame, metric, by, order=order, moved=moved, title=title)


def active_actors_by_day_chart(frame: pd.DataFrame) -> Any:
    """People active on each UTC day."""
    metric = METRICS["active_actors_by_day"]
    words = theme.tooltip(("date:T", "day", "%a %-d %b %Y"), ("value:Q", metric.name, ",.0f"))
    # Bars, because a line would fall to each weekend and break where a day is withheld.
    drawn = (
        alt.Chart(frame)
        .mark_bar(size=4)
        .encode(x=theme.day_axis(), y=theme.value_axis(metric), tooltip=words)
    )
    peak = frame.dropna(subset="value").nlargest(1, "value").itertuples()
    said = [f"{metric.name}: at most {day.value:,.0f}, on {day_words(day.date)}" for day in peak]
    subtitle = "People by UTC day; a day of too few people has no bar"
    return finished(drawn, metric.id, title="".join(said), subtitle=subtitle)


_STACKED: dict[str, dict[str, Any]] = {
    "active_day_bands": {
        "group": "band",
        "order": ["heavy", "moderate", "light"],
        "colours": [theme.BLUE, theme.CYAN, theme.GREY],
        "axis": theme.share_axis(),
        "subtitle": "Share of people by active days a week: light 1, moderate 2 or 3, heavy 4 or "
        "more",
    },
    "lines": {
        "group": "kind",
        "order": ["added", "removed"],
        "colours": [theme.BLUE, theme.ORANGE],
        "axis": theme.count_axis("value"),
        "subtitle": "Lines added and removed by Claude Code, by week",
    },
    "model_mix": {
        "group": "family",
        "axis": theme.share_axis(),
        "subtitle": "Share of estimated cost, by model family and week",
    },
}


def stacked_chart(frame: MetricFrame) -> Any:
    """The bars of a metric whose weeks have parts."""
    return stacked(frame, frame.metric, **_STACKED[frame.metric.id])
