"""Any result of a metric -> its chart, ready titled."""

from typing import Any

from ccanalytics.charts.marks import last_week_by_group
from ccanalytics.charts.week_charts import by_week_chart
from ccanalytics.metrics.metric_frame import MetricFrame
from ccanalytics.showing import ShowsItself
from ccanalytics.wings import resolve


def chart(result: MetricFrame | ShowsItself, *, last_week: bool = False) -> Any:
    """The chart of a metric frame, or of another result such as a forecast: an `alt.Chart`.

    With `last_week` groups are compared in the last week, each with its weeks before as ticks.
    `TypeError` for what has no chart, such as a frame that came out of a group-by of your own.
    """
    if isinstance(result, MetricFrame) and _is_complete(result):
        return _of_frame(result, last_week)
    if isinstance(result, ShowsItself) and result.drawn_by:
        return resolve(result.drawn_by)(result)
    raise TypeError(
        f"There is no chart of {type(result).__name__}: chart draws what by_week and the other "
        "metric functions return. Draw frames of your own with altair."
    )


def _is_complete(frame: MetricFrame) -> bool:
    """Whether its rows are still those of the metric: a concat forgets it, a group-by its columns.

    Frames of one week per row need the week; those with a chart of their own, at least the value.
    """
    if getattr(frame, "metric", None) is None:
        return False
    needed = {"value"} if frame.metric.chart and not frame.by else {"value", "week", frame.by}
    return needed - {None} <= set(frame.columns)


def _of_frame(frame: MetricFrame, last_week: bool) -> Any:
    metric, by = frame.metric, frame.by
    if last_week and by:
        return last_week_by_group(frame, metric, by, actor_kind=frame.actor_kind)
    if metric.chart and (by is None or not metric.numerator) and frame.actor_kind == "user":
        return resolve(metric.chart)(frame)
    return by_week_chart(frame, metric, by, frame.actor_kind)
