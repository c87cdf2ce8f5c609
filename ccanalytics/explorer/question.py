"""What the controls ask: calls of the package, to run and to show as code."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import ccanalytics
from ccanalytics.metrics.definitions import METRICS, ActorKind
from ccanalytics.metrics.ratios import Period

SHAPES = ("active_actors_by_day", "roster_use", "retention", "time_to_first_use", "cost_curve",
          "daily_cost")  # fmt: skip
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


@dataclass(frozen=True)
class MetricCall:
    """A call of a function of the package with a dataset."""

    name: str
    args: tuple[str, ...]
    named: dict[str, str]

    def of(self, data: Any) -> Any:
        """What it returns."""
        return getattr(ccanalytics, self.name)(data, *self.args, **self.named)

    def code(self, data: str) -> str:
        """The call as Python, of a variable."""
        return call_code(f"cca.{self.name}", data, *map(ascii, self.args), **self.named)


def call_code(function: str, *args: str, **named: str) -> str:
    """A call as Python code; `named` are text values, `args` are code."""
    return f"{function}({', '.join([*args, *(f'{k}={v!a}' for k, v in named.items())])})"


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

    @property
    def frame(self) -> MetricCall:
        """The call that returns the metric frame; `ValueError` for an impossible combination."""
        if len(self.teams) > 1 and self.by not in ("", "team"):
            raise ValueError(f"Several teams are split by team, not by {self.by}: choose one.")
        if self.teams and self.actor_kind == "api_key":
            raise ValueError("API keys have no team: choose everybody, or people.")
        if self.metric_id in SHAPES:
            if self._split or self.period != "week":
                name = METRICS[self.metric_id].name
                raise ValueError(f"{name} cannot be split or shown by {self.period}.")
            return MetricCall("metric_frame", (self.metric_id,), {})
        if self.metric_id == OWN_RATIO:
            if self.period != "week":
                raise ValueError("A ratio of your own is by week.")
            return MetricCall("ratio_by_week", (self.top, self.bottom), self._split)
        if self.period != "week":
            return MetricCall("by_period", (self.metric_id, self.period), self._split)
        return MetricCall("by_week", (self.metric_id,), self._split)

    @property
    def _split(self) -> dict[str, str]:
        by = "team" if len(self.teams) > 1 else self.by
        keys = {"actor_kind": self.actor_kind} if self.actor_kind != "user" else {}
        return {**({"by": by} if by else {}), **keys}


def code_of(question: Question) -> str:
    """The lines that give the same `frame` and chart in a notebook."""
    q = question
    how = {"source": q.source, **({"team": q.team} if q.team else {}), "identity": q.identity}
    load = call_code("cca.load", ascii(str(q.since)), ascii(str(q.until)), **how)
    lines = ["import ccanalytics as cca\n", f"data = {load}", f"frame = {q.frame.code('data')}"]
    if len(q.teams) > 1:
        lines.append(f'frame = frame[frame["team"].isin({list(q.teams)!a})]')
    return "\n".join([*lines, "cca.chart(frame)\n"])
