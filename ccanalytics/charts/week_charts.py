"""One chart for any ratio or total by week, whatever it is split by and whoever it is of."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from ccanalytics.charts.marks import (
    ratio_by_week,
    small_multiples,
    total_by_week,
)
from ccanalytics.charts.ready_frame import Events
from ccanalytics.charts.theme import words_of
from ccanalytics.charts.titles import reading
from ccanalytics.metrics.definitions import ActorKind, Metric

if TYPE_CHECKING:
    from ccanalytics.metrics.findings import Findings


def by_week_chart(
    frame: pd.DataFrame,
    metric: Metric | str,
    by: str | None = None,
    actor_kind: ActorKind = "user",
    findings: "Findings | None" = None,
    events: Events = (),
) -> Any:
    """A frame of `by_week` with the same arguments: over time, of groups side by side.

    `findings` give its title, the order of its groups and those that stand out; `events`, what was
    noted of its weeks, are drawn where money is.
    """
    metric = words_of(metric, actor_kind)
    said = reading(frame, metric, by, findings if actor_kind == "user" else None)
    noted = events if metric.is_money else ()
    if by is None:
        draw = ratio_by_week if metric.is_ratio else total_by_week
        return draw(frame, metric, title=said.title, events=noted, actor_kind=actor_kind)
    return small_multiples(
        frame,
        metric,
        by,
        title=said.title,
        order=said.order,
        moved=said.moved,
        events=noted,
        actor_kind=actor_kind,
    )
