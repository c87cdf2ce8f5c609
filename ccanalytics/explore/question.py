"""What can be asked of records, as controls put it together."""

from dataclasses import dataclass
from datetime import date

from ccanalytics.metrics.definitions import METRICS, ActorKind, Metric, metric_of

SUMMABLE = tuple(name for name, metric in METRICS.items() if metric.numerator)
"""Ratios and totals by week: what can be split, asked of API keys and compared."""

SHAPES = (
    "active_actors_by_day",
    "active_day_bands",
    "roster_use",
    "actor_flow",
    "retention",
    "time_to_first_use",
    "lines",
    "cost_curve",
    "model_mix",
    "daily_cost",
)
"""Metrics with a shape of their own: of people only, not to be split, without one value."""

CHOICES = tuple(name for name in METRICS if name in (*SUMMABLE, *SHAPES))
"""What can be asked for, in the order of the report."""


@dataclass(frozen=True)
class Question:
    """What is asked, as the controls say it; empty text asks for everybody, or for no split."""

    source: str
    since: date | None
    until: date | None
    team: str = ""
    actor_kind: ActorKind = "user"
    metric_id: str = "cost_per_commit"
    by: str = ""
    compare: bool = False
    identity: str = "aggregate"

    @property
    def before(self) -> date | None:
        """The first day of the range of the same length before this one."""
        if self.since is None or self.until is None or self.until < self.since:
            return None
        days = (self.until - self.since).days + 1
        ordinal = self.since.toordinal() - days
        return date.fromordinal(ordinal) if ordinal > 0 else None

    @property
    def metric(self) -> Metric:
        """The definition, in the words of the actors it is asked of."""
        return metric_of(self.metric_id, self.actor_kind)
