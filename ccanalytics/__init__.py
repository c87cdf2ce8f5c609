"""Claude Code usage records, turned into answers people can trust.

    import ccanalytics as cca

    data = cca.load(source="sample")       # a Dataset: three tidy frames, weeks, roster
    cca.cost_per_commit(data)              # a metric frame: one row per closed week
    cca.charts.cost_per_commit_chart(...)  # an alt.Chart

Nothing is imported before its name is used, so that the command line starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ccanalytics import charts, metrics
    from ccanalytics.checks import Check, preflight
    from ccanalytics.dataset import Dataset, load
    from ccanalytics.explorer import explore
    from ccanalytics.metrics import (
        METRICS,
        Drivers,
        Effect,
        Forecast,
        Headline,
        Metric,
        TeamShift,
        acceptance_rate,
        activation_rate,
        activation_sentence,
        active_actors,
        active_actors_by_day,
        active_day_bands,
        active_rate,
        actor_days,
        actor_flow,
        actor_weeks,
        against_median,
        api_key_cost,
        by_week,
        cache_read_share,
        cache_saving,
        commits,
        commits_per_active_day,
        context_growth,
        cost,
        cost_curve,
        cost_drivers,
        cost_per_active_day,
        cost_per_commit,
        cost_per_commit_drivers,
        daily_cost,
        first_use_sentence,
        gini,
        halfcount,
        headline,
        headlines,
        intervention_effects,
        landing_share,
        lines,
        model_mix,
        month_forecast,
        noted_events,
        off_roster,
        own_recent,
        own_sentence,
        own_sessions,
        period_change,
        pull_requests,
        reconciliation,
        reconciliation_sentence,
        retention,
        returning_share,
        roster_sentence,
        roster_use,
        seat_rate,
        spread_sentence,
        stickiness,
        team_shift,
        time_to_first_use,
        tool_use,
        top10_share,
        typical_cost_per_commit,
        unconverted_share,
        unusual_days,
        usage_by,
        usage_by_day,
        usage_by_weekday,
    )
    from ccanalytics.quality import coverage_ledger, data_inventory, trust_facts
    from ccanalytics.show import (
        cards,
        changes_table,
        checks_note,
        checks_table,
        effects_note,
        note,
        prose,
        reconciliation_table,
        table,
        team_shift_table,
        unusual_days_table,
    )
    from ccanalytics.show_own import cache_table, own_cards, own_sessions_table, tool_use_table
    from ccanalytics.sources.admin_api import AdminClient
    from ccanalytics.sources.billing_api import BillingClient
    from ccanalytics.sources.enterprise_api import EnterpriseClient
    from ccanalytics.sources.local_logs import LocalLogs
    from ccanalytics.sources.sample import SampleOrganisation
    from ccanalytics.store import Store
    from ccanalytics.store_sql import connect
    from ccanalytics.syncing import merge, sync

__all__ = [
    "METRICS",
    "AdminClient",
    "BillingClient",
    "Check",
    "Dataset",
    "Drivers",
    "Effect",
    "EnterpriseClient",
    "Forecast",
    "Headline",
    "LocalLogs",
    "Metric",
    "SampleOrganisation",
    "Store",
    "TeamShift",
    "acceptance_rate",
    "activation_rate",
    "activation_sentence",
    "active_actors",
    "active_actors_by_day",
    "active_day_bands",
    "active_rate",
    "actor_days",
    "actor_flow",
    "actor_weeks",
    "against_median",
    "api_key_cost",
    "by_week",
    "cache_read_share",
    "cache_saving",
    "cache_table",
    "cards",
    "changes_table",
    "charts",
    "checks_note",
    "checks_table",
    "commits",
    "commits_per_active_day",
    "connect",
    "context_growth",
    "cost",
    "cost_curve",
    "cost_drivers",
    "cost_per_active_day",
    "cost_per_commit",
    "cost_per_commit_drivers",
    "coverage_ledger",
    "daily_cost",
    "data_inventory",
    "effects_note",
    "explore",
    "first_use_sentence",
    "gini",
    "halfcount",
    "headline",
    "headlines",
    "intervention_effects",
    "landing_share",
    "lines",
    "load",
    "merge",
    "metrics",
    "model_mix",
    "month_forecast",
    "note",
    "noted_events",
    "off_roster",
    "own_cards",
    "own_recent",
    "own_sentence",
    "own_sessions",
    "own_sessions_table",
    "period_change",
    "preflight",
    "prose",
    "pull_requests",
    "reconciliation",
    "reconciliation_sentence",
    "reconciliation_table",
    "retention",
    "returning_share",
    "roster_sentence",
    "roster_use",
    "seat_rate",
    "spread_sentence",
    "stickiness",
    "sync",
    "table",
    "team_shift",
    "team_shift_table",
    "time_to_first_use",
    "tool_use",
    "tool_use_table",
    "top10_share",
    "trust_facts",
    "typical_cost_per_commit",
    "unconverted_share",
    "unusual_days",
    "unusual_days_table",
    "usage_by",
    "usage_by_day",
    "usage_by_weekday",
]

_HOMES = {
    "AdminClient": "sources.admin_api",
    "BillingClient": "sources.billing_api",
    "Check": "checks",
    "Dataset": "dataset",
    "EnterpriseClient": "sources.enterprise_api",
    "LocalLogs": "sources.local_logs",
    "SampleOrganisation": "sources.sample",
    "Store": "store",
    "cards": "show",
    "cache_table": "show_own",
    "tool_use_table": "show_own",
    "own_sessions_table": "show_own",
    "own_cards": "show_own",
    "changes_table": "show",
    "checks_note": "show",
    "checks_table": "show",
    "connect": "store_sql",
    "coverage_ledger": "quality",
    "data_inventory": "quality",
    "effects_note": "show",
    "explore": "explorer",
    "load": "dataset",
    "merge": "syncing",
    "note": "show",
    "preflight": "checks",
    "prose": "show",
    "reconciliation_table": "show",
    "sync": "syncing",
    "table": "show",
    "team_shift_table": "show",
    "trust_facts": "quality",
    "unusual_days_table": "show",
}
"""The module of each name that is no metric."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("charts", "metrics"):
        return import_module(f"{__name__}.{name}")
    value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'metrics')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
