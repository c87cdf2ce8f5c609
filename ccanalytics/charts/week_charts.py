"""One chart for any ratio or total by week, whatever it is split by and whoever it is of."""

from typing import Any

import pandas as pd

from ccanalytics.charts.marks import (
    last_week_by_group,
    ratio_by_group,
    ratio_by_week,
    stacked,
    total_by_week,
)
from ccanalytics.charts.theme import AXIS_UNITS, CATEGORIES, words_of
from ccanalytics.metrics.definitions import ActorKind, Metric

COLOURS = len(CATEGORIES)
"""As many groups can be told apart by colour; more are listed."""

LISTED = 20
"""As many groups are listed; the table has them all."""


def by_week_chart(
    frame: pd.DataFrame, metric: Metric | str, by: str | None = None, actor_kind: ActorKind = "user"
) -> Any:
    """A frame of `by_week` with the same arguments: over time, or of many groups the last week.

    What adds up is stacked; distinct people of groups do not, as somebody can be in several.
    """
    metric = words_of(metric, actor_kind)
    if by is None:
        draw = ratio_by_week if metric.is_ratio else total_by_week
        return draw(frame, metric, actor_kind=actor_kind)
    if frame[by].nunique() > COLOURS:
        return last_week_by_group(frame, metric, by, actor_kind=actor_kind, most=LISTED)
    words = AXIS_UNITS.get(metric.unit, metric.unit)
    subtitle = f"{words[0].upper()}{words[1:]}, by {by.replace('_', ' ')} and week"
    if metric.is_ratio or metric.numerator == "active":
        return ratio_by_group(
            frame, metric, by, subtitle=subtitle, actor_kind=actor_kind, wide=True
        )
    return stacked(frame, metric, by, subtitle=subtitle, actor_kind=actor_kind, wide=True)
