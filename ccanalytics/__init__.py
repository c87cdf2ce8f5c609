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
    from ccanalytics.metrics import (
        METRICS,
        Headline,
        Metric,
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
        commits,
        commits_per_active_day,
        cost,
        cost_curve,
        cost_per_active_day,
        cost_per_commit,
        first_use_sentence,
        gini,
        halfcount,
        headline,
        headlines,
        landing_share,
        lines,
        model_mix,
        off_roster,
        pull_requests,
        retention,
        returning_share,
        roster_sentence,
        roster_use,
        spread_sentence,
        stickiness,
        time_to_first_use,
        top10_share,
        typical_cost_per_commit,
        unconverted_share,
    )
    from ccanalytics.quality import coverage_ledger, data_inventory, trust_facts
    from ccanalytics.show import cards, checks_note, checks_table, note, prose, table
    from ccanalytics.sources.admin_api import AdminClient
    from ccanalytics.sources.local_logs import LocalLogs
    from ccanalytics.sources.sample import SampleOrganisation
    from ccanalytics.store import Store
    from ccanalytics.syncing import sync

__all__ = [
    "METRICS",
    "AdminClient",
    "Check",
    "Dataset",
    "Headline",
    "LocalLogs",
    "Metric",
    "SampleOrganisation",
    "Store",
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
    "cards",
    "charts",
    "checks_note",
    "checks_table",
    "commits",
    "commits_per_active_day",
    "cost",
    "cost_curve",
    "cost_per_active_day",
    "cost_per_commit",
    "coverage_ledger",
    "data_inventory",
    "first_use_sentence",
    "gini",
    "halfcount",
    "headline",
    "headlines",
    "landing_share",
    "lines",
    "load",
    "metrics",
    "model_mix",
    "note",
    "off_roster",
    "preflight",
    "prose",
    "pull_requests",
    "retention",
    "returning_share",
    "roster_sentence",
    "roster_use",
    "spread_sentence",
    "stickiness",
    "sync",
    "table",
    "time_to_first_use",
    "top10_share",
    "trust_facts",
    "typical_cost_per_commit",
    "unconverted_share",
]

_HOMES = {
    "AdminClient": "sources.admin_api",
    "Check": "checks",
    "Dataset": "dataset",
    "LocalLogs": "sources.local_logs",
    "SampleOrganisation": "sources.sample",
    "Store": "store",
    "cards": "show",
    "checks_note": "show",
    "checks_table": "show",
    "coverage_ledger": "quality",
    "data_inventory": "quality",
    "load": "dataset",
    "note": "show",
    "preflight": "checks",
    "prose": "show",
    "sync": "syncing",
    "table": "show",
    "trust_facts": "quality",
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
