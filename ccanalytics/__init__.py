"""Claude Code usage records, turned into answers people can trust.

    import ccanalytics as cca

    data = cca.load(source="sample")       # a Dataset: three tidy frames, weeks, roster
    cca.cost_per_commit(data)              # a metric frame: one row per closed week
    cca.charts.cost_per_commit_chart(...)  # an alt.Chart

Nothing is imported before its name is used, so that the command line starts at once.
"""

from importlib import import_module
from typing import Any

from ccanalytics.wings import resolve, wings

_SPINE = {
    "AdminClient": "sources.admin_api:AdminClient",
    "Check": "dataset.preflight:Check",
    "Dataset": "dataset.dataset:Dataset",
    "EnterpriseClient": "sources.enterprise_api:EnterpriseClient",
    "Headline": "metrics:Headline",
    "METRICS": "metrics:METRICS",
    "Metric": "metrics:Metric",
    "SampleOrganisation": "sources.sample.organisation:SampleOrganisation",
    "Store": "store.day_store:Store",
    "acceptance_rate": "metrics:acceptance_rate",
    "active_actors": "metrics:active_actors",
    "active_actors_by_day": "metrics:active_actors_by_day",
    "active_day_bands": "metrics:active_day_bands",
    "active_rate": "metrics:active_rate",
    "actor_days": "metrics:actor_days",
    "actor_weeks": "metrics:actor_weeks",
    "against_median": "metrics:against_median",
    "api_key_cost": "metrics:api_key_cost",
    "by_week": "metrics:by_week",
    "cache_read_share": "metrics:cache_read_share",
    "cards": "display.show:cards",
    "changes_table": "display.show:changes_table",
    "checks_note": "display.show:checks_note",
    "checks_table": "display.show:checks_table",
    "commits": "metrics:commits",
    "commits_per_active_day": "metrics:commits_per_active_day",
    "connect": "store.sql_views:connect",
    "cost": "metrics:cost",
    "cost_per_active_day": "metrics:cost_per_active_day",
    "cost_per_commit": "metrics:cost_per_commit",
    "coverage_ledger": "dataset.coverage:coverage_ledger",
    "data_inventory": "dataset.coverage:data_inventory",
    "effects_note": "display.show:effects_note",
    "headline": "metrics:headline",
    "headlines": "metrics:headlines",
    "landing_share": "metrics:landing_share",
    "lines": "metrics:lines",
    "load": "dataset.loading:load",
    "merge": "store.sync:merge",
    "model_mix": "metrics:model_mix",
    "note": "display.show:note",
    "off_roster": "metrics:off_roster",
    "period_change": "metrics:period_change",
    "preflight": "dataset.preflight:preflight",
    "prose": "display.show:prose",
    "pull_requests": "metrics:pull_requests",
    "reconciliation_table": "display.show:reconciliation_table",
    "roster_sentence": "metrics:roster_sentence",
    "seat_rate": "metrics:seat_rate",
    "stickiness": "metrics:stickiness",
    "sync": "store.sync:sync",
    "table": "display.show:table",
    "team_shift_table": "display.show:team_shift_table",
    "trust_facts": "dataset.coverage:trust_facts",
    "typical_cost_per_commit": "metrics:typical_cost_per_commit",
    "unconverted_share": "metrics:unconverted_share",
    "unusual_days_table": "display.show:unusual_days_table",
}
"""Where each public name is; wings add theirs."""

_PACKAGES = ("charts", "metrics")


def _names() -> dict[str, str]:
    return _SPINE | {name: place for wing in wings() for name, place in wing.names.items()}


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    if name == "__all__":
        return __dir__()
    place = _names().get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = resolve(place)
    return value


def __dir__() -> list[str]:
    return sorted([*_names(), *_PACKAGES])
