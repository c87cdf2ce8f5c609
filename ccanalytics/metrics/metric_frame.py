"""A metric frame: a small pandas frame that knows what it measures, and shows itself."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec

import pandas as pd

from ccanalytics.dataset.titled_frame import TitledFrame
from ccanalytics.metrics.definitions import (
    METRICS,
    ActorKind,
    Metric,
    column_words,
    metric_in_words,
)

P = ParamSpec("P")


class MetricFrame(TitledFrame):
    """One row per week (and group) of one metric; `chart` draws it.

    Whatever is filtered, sorted or added to it stays one; `metric`, `by` and `actor_kind` say what
    it is of.
    """

    _metadata = [*TitledFrame._metadata, "metric", "by", "actor_kind", "events", "period"]  # noqa: RUF012

    metric: Metric
    by: str | None
    actor_kind: ActorKind
    events: tuple[tuple[pd.Timestamp, str, str], ...] = ()
    """What was noted of its weeks: the week, what it was, and the team, empty for everybody."""
    period: str = "week"
    """Its column of time: week, month or date."""

    @property
    def _constructor(self) -> Callable[..., "MetricFrame"]:
        return MetricFrame

    @classmethod
    def of(
        cls, frame: pd.DataFrame, metric: Metric, by: str | None, actor_kind: ActorKind = "user"
    ) -> "MetricFrame":
        """`frame` as a frame of `metric`."""
        made = cls(frame)
        made.attrs = dict(frame.attrs)
        shown = metric_in_words(metric, actor_kind)
        made.metric, made.by, made.actor_kind = metric, by, actor_kind
        made.title = shown.name + (f" by {by.replace('_', ' ')}" if by else "")
        made.labels = {"n_actors": column_words("active", actor_kind)}
        sides = {"numerator": metric.numerator, "denominator": metric.denominator}
        of_people = {**sides, "n_actors": "active"}.items()
        made.formats = {
            **dict.fromkeys(("value", "low", "high"), metric.format),
            **dict.fromkeys(("priced_share", "share", "output_share", "unconverted_share"), ".0%"),
            **{name: ",.0f" for name, of in of_people if not str(of).endswith("_share")},
            **{name: "$,.2f" for name, of in sides.items() if str(of).startswith("cost_")},
        }
        return made


def measures(
    metric_id: str, by: str = "", **shown: Any
) -> Callable[[Callable[P, pd.DataFrame]], Any]:
    """Marks a function whose frames are of one metric; `by` names its argument that splits it.

    `shown` are attributes of a `TitledFrame` that say how the frames show themselves.
    """

    def mark(function: Callable[P, pd.DataFrame]) -> Callable[P, MetricFrame]:
        parameters = signature(function)

        @wraps(function)
        def marked(*args: P.args, **kwargs: P.kwargs) -> MetricFrame:
            bound = parameters.bind(*args, **kwargs)
            bound.apply_defaults()
            split = bound.arguments[by] if by else None
            frame = MetricFrame.of(function(*args, **kwargs), METRICS[metric_id], split)
            for name, value in shown.items():
                setattr(frame, name, value)
            return frame

        return marked

    return mark
