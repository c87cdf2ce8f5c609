"""Metric frames -> Altair charts: one function per chart, named after its metric.

Importing this enables the theme and an offline renderer. A chart computes nothing: what it draws
is in the frame, and its table in the report is that frame.
"""

import sys
from typing import Any

# Altair's JSON schema checker would import a URI grammar for a second; no check here needs it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

from ccanalytics.charts.adoption_charts import (
    active_actors_by_day_chart,
    active_actors_chart,
    active_day_bands_chart,
    active_rate_chart,
    stickiness_chart,
)
from ccanalytics.charts.cost_charts import (
    api_key_cost_chart,
    cache_read_share_chart,
    cost_chart,
    cost_per_active_day_chart,
    cost_per_commit_by_team_chart,
    cost_per_commit_chart,
    model_mix_chart,
    unconverted_share_chart,
)
from ccanalytics.charts.productivity_charts import (
    acceptance_rate_chart,
    commits_chart,
    commits_per_active_day_chart,
    landing_share_chart,
    lines_chart,
    pull_requests_chart,
)
from ccanalytics.charts.theme import enable
from ccanalytics.charts.week_charts import by_week_chart
from ccanalytics.wings import resolve, wings

__all__ = [
    "acceptance_rate_chart",
    "active_actors_by_day_chart",
    "active_actors_chart",
    "active_day_bands_chart",
    "active_rate_chart",
    "api_key_cost_chart",
    "by_week_chart",
    "cache_read_share_chart",
    "commits_chart",
    "commits_per_active_day_chart",
    "cost_chart",
    "cost_per_active_day_chart",
    "cost_per_commit_by_team_chart",
    "cost_per_commit_chart",
    "enable",
    "landing_share_chart",
    "lines_chart",
    "model_mix_chart",
    "pull_requests_chart",
    "stickiness_chart",
    "unconverted_share_chart",
]


enable()


def __getattr__(name: str) -> Any:
    """A chart of a wing, which is imported when it is asked for."""
    for wing in wings():
        if name in wing.charts:
            return resolve(wing.charts[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for wing in wings() for name in wing.charts)])
