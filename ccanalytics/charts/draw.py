"""Any result of a metric -> its chart with a title."""

from typing import TYPE_CHECKING, Any

from ccanalytics.charts.marks import ratio_by_week, small_multiples, total_by_week
from ccanalytics.charts.titles import reading
from ccanalytics.metrics.metric_frame import MetricFrame
from ccanalytics.showing import ShowsItself
from ccanalytics.wings import resolve

if TYPE_CHECKING:
    from ccanalytics.metrics.findings import Findings


def chart(result: MetricFrame | ShowsItself, findings: "Findings | None" = None) -> Any:
    """The chart of a metric frame, or of another result such as a forecast: an `alt.Chart`.

    With `cca.findings(data)` its title says whether the figure moved, and groups are in the order
    of their change, those that moved highlighted. `TypeError` for what has no chart, such as a
    frame that came out of a group-by of your own.
    """
    if isinstance(result, MetricFrame) and result.period != "week":
        return chart(_like_weeks(result), findings)
    if isinstance(result, MetricFrame) and _is_complete(result):
        return _of_frame(result, findings)
    if isinstance(result, ShowsItself) and result.drawn_by:
        return resolve(result.drawn_by)(result)
    raise TypeError(
        f"There is no chart of {type(result).__name__}: chart draws what by_week and the other "
        "metric functions return. Draw frames of your own with altair."
    )


def _like_weeks(frame: MetricFrame) -> MetricFrame:
    """Months or days in place of weeks, because all are drawn alike."""
    drawn = frame.rename(columns={frame.period: "week"})
    drawn.period = "week"
    drawn.attrs["period"] = "day" if frame.period == "date" else frame.period
    return drawn


def _is_complete(frame: MetricFrame) -> bool:
    """Whether its rows are still those of the metric: not after a concat or a group-by."""
    if getattr(frame, "metric", None) is None:
        return False
    needed = {"value"} if _has_own_chart(frame) else {"value", "week", frame.by} - {None}
    return needed <= set(frame.columns)


def _has_own_chart(frame: MetricFrame) -> bool:
    """Whether its definition names a chart; a split frame is mostly drawn like all others."""
    of_people = frame.actor_kind == "user"
    return bool(frame.metric.chart) and of_people and not (frame.by and frame.metric.numerator)


def _of_frame(frame: MetricFrame, findings: "Findings | None") -> Any:
    if _has_own_chart(frame):
        return resolve(frame.metric.chart)(frame)
    metric, by, kind = frame.metric, frame.by, frame.actor_kind
    said = reading(frame, metric, by, findings if kind == "user" else None)
    events = frame.events if metric.is_money else ()
    if by is None:
        draw = ratio_by_week if metric.is_ratio else total_by_week
        return draw(frame, metric, title=said.title, events=events, actor_kind=kind)
    return small_multiples(
        frame,
        metric,
        by,
        title=said.title,
        order=said.order,
        moved=said.moved,
        events=events,
        actor_kind=kind,
    )
