"""Metric frames -> Altair charts: one function per chart, named after its metric.

Importing this enables the theme and an offline renderer. A chart computes nothing: what it draws
is in the frame, and its table in the report is that frame.
"""

import sys

# Altair's JSON schema checker would import a URI grammar for a second; no check here needs it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

from ccanalytics.charts.adoption import (
    active_actors_by_day_chart,
    active_actors_chart,
    active_day_bands_chart,
    active_rate_chart,
    stickiness_chart,
)
from ccanalytics.charts.changes import cost_drivers_chart, cost_per_commit_drivers_chart
from ccanalytics.charts.cost import (
    api_key_cost_chart,
    cache_read_share_chart,
    cost_chart,
    cost_per_active_day_chart,
    cost_per_commit_by_team_chart,
    cost_per_commit_chart,
    model_mix_chart,
    reconciliation_chart,
    unconverted_share_chart,
)
from ccanalytics.charts.interventions import intervention_effects_chart
from ccanalytics.charts.lifecycle import (
    actor_flow_chart,
    cost_curve_chart,
    retention_chart,
    returning_share_chart,
    roster_use_chart,
    time_to_first_use_chart,
)
from ccanalytics.charts.outlook import daily_cost_chart, month_forecast_chart
from ccanalytics.charts.own import (
    context_growth_chart,
    tool_use_chart,
    usage_by_chart,
    usage_by_day_chart,
    usage_by_weekday_chart,
)
from ccanalytics.charts.productivity import (
    acceptance_rate_chart,
    commits_chart,
    commits_per_active_day_chart,
    landing_share_chart,
    lines_chart,
    pull_requests_chart,
)
from ccanalytics.charts.theme import enable
from ccanalytics.charts.weekly import by_week_chart

__all__ = [
    "acceptance_rate_chart",
    "active_actors_by_day_chart",
    "active_actors_chart",
    "active_day_bands_chart",
    "active_rate_chart",
    "actor_flow_chart",
    "api_key_cost_chart",
    "by_week_chart",
    "cache_read_share_chart",
    "commits_chart",
    "commits_per_active_day_chart",
    "context_growth_chart",
    "cost_chart",
    "cost_curve_chart",
    "cost_drivers_chart",
    "cost_per_active_day_chart",
    "cost_per_commit_by_team_chart",
    "cost_per_commit_chart",
    "cost_per_commit_drivers_chart",
    "daily_cost_chart",
    "enable",
    "intervention_effects_chart",
    "landing_share_chart",
    "lines_chart",
    "model_mix_chart",
    "month_forecast_chart",
    "pull_requests_chart",
    "reconciliation_chart",
    "retention_chart",
    "returning_share_chart",
    "roster_use_chart",
    "stickiness_chart",
    "time_to_first_use_chart",
    "tool_use_chart",
    "unconverted_share_chart",
    "usage_by_chart",
    "usage_by_day_chart",
    "usage_by_weekday_chart",
]

enable()
