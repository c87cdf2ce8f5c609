"""What the controls ask: calls of the package, to run and to show as code."""

from dataclasses import dataclass
from datetime import date

from ccanalytics.metrics.by_week import Period
from ccanalytics.metrics.definitions import METRICS, ActorKind

SHAPES = ("active_actors_by_day", "roster_use", "retention", "time_to_first_use", "daily_cost")
"""Metrics with a function of their own: people only, no split."""

OWN_RATIO = "own_ratio"
"""The choice of a ratio of any two columns."""

CHOICES = tuple(
    name for name, metric in METRICS.items() if metric.numerator or metric.frame or name in SHAPES
)
"""The available metrics, in the order of the report."""

COLUMNS = (
    *("active_days", "sessions", "commits", "pull_requests", "lines_added", "lines_removed"),
    *("cost_usd", "total_tokens", "input_tokens", "output_tokens", "cache_read_tokens"),
    *("accepted", "rejected", "proposals", "active"),
)
"""The columns for a ratio of one's own."""


Call = tuple[str, tuple[str, ...], dict[str, str]]
"""A function of the package, and what it gets after the dataset."""


@dataclass(frozen=True)
class Question:
    """A question; no team means everybody, several teams are shown next to each other."""

    source: str
    since: date | None
    until: date | None
    teams: tuple[str, ...] = ()
    actor_kind: ActorKind = "user"
    metric_id: str = "cost_per_commit"
    top: str = "lines_added"
    bottom: str = "sessions"
    period: Period = "week"
    by: str = ""
    identity: str = "aggregate"

    @property
    def team(self) -> str:
        """The single team; empty for everybody and for several."""
        return self.teams[0] if len(self.teams) == 1 else ""

    def call(self) -> Call:
        """The call that returns the metric frame; `ValueError` for an impossible combination."""
        if len(self.teams) > 1 and self.by not in ("", "team"):
            raise ValueError(f"Several teams are split by team, not by {self.by}: choose one.")
        if self.teams and self.actor_kind == "api_key":
            raise ValueError("API keys have no team: choose everybody, or people.")
        by = "team" if len(self.teams) > 1 else self.by
        split = {"by": by} if by else {}
        if self.actor_kind != "user":
            split["actor_kind"] = self.actor_kind
        weekly = self.period == "week"
        if self.metric_id in SHAPES:
            if split or not weekly:
                name = METRICS[self.metric_id].name
                raise ValueError(f"{name} cannot be split or shown by {self.period}.")
            return "metric_frame", (self.metric_id,), {}
        if self.metric_id == OWN_RATIO:
            if not weekly:
                raise ValueError("A ratio of your own is by week.")
            return "ratio_by_week", (self.top, self.bottom), split
        if weekly:
            return "by_week", (self.metric_id,), split
        return "by_period", (self.metric_id, self.period), split


def code_of(question: Question) -> str:
    """The lines that give the same `frame` and chart in a notebook."""
    q = question
    name, args, named = q.call()
    how = {"source": q.source, **({"team": q.team} if q.team else {}), "identity": q.identity}
    lines = [
        "import ccanalytics as cca\n",
        f"data = cca.load({_arguments(str(q.since), str(q.until), **how)})",
        f"frame = cca.{name}(data, {_arguments(*args, **named)})",
    ]
    if len(q.teams) > 1:
        lines.append(f'frame = frame[frame["team"].isin({list(q.teams)!a})]')
    return "\n".join([*lines, "cca.chart(frame)\n"])


def _arguments(*args: str, **named: str) -> str:
    return ", ".join([*map(ascii, args), *(f"{name}={text!a}" for name, text in named.items())])
