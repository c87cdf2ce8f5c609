"""Claude Code usage records, turned into answers people can trust.

    import ccanalytics as cca

    data = cca.load(source="sample")                       # a Dataset: three tidy frames, weeks
    cost = cca.by_week(data, "cost_per_commit", by="team") # one row per closed week and team
    cca.chart(cost)                                        # an alt.Chart, ready titled
    cca.headline(data, "cost_per_commit")                  # shows itself as a card

Names are imported on first use, so that the command line starts at once.
"""

from importlib import import_module
from typing import Any

from ccanalytics.wings import resolve, wings

_SPINE = {
    "AdminClient": "sources.admin_api:AdminClient",
    "Dataset": "dataset.dataset:Dataset",
    "EnterpriseClient": "sources.enterprise_api:EnterpriseClient",
    "METRICS": "metrics.definitions:METRICS",
    "Metric": "metrics.definitions:Metric",
    "Store": "store.day_store:Store",
    "actor_weeks": "metrics.actor_weeks:actor_weeks",
    "by_period": "metrics.by_week:by_period",
    "by_week": "metrics.by_week:by_week",
    "chart": "charts.draw:chart",
    "charts": "charts",
    "connect": "store.day_store:connect",
    "coverage_ledger": "dataset.coverage:coverage_ledger",
    "data_inventory": "dataset.coverage:data_inventory",
    "findings": "metrics.findings:findings",
    "headline": "metrics.change:headline",
    "headlines": "metrics.findings:headlines",
    "load": "dataset.loading:load",
    "metric_frame": "metrics.by_week:metric_frame",
    "preflight": "dataset.preflight:preflight",
    "ratio_by_week": "metrics.by_week:ratio_by_week",
    "seat_rate": "metrics.own_shapes:seat_rate",
    "sentence": "metrics.by_week:sentence",
    "sync": "store.sync:sync",
    "trust_facts": "dataset.coverage:trust_facts",
}
"""The module of each public name; wings add their own."""


def _names() -> dict[str, str]:
    return _SPINE | {name: place for wing in wings() for name, place in wing.names.items()}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return __dir__()
    if name == "__version__":
        # Imported late: it takes as long as all the rest of the command line.
        return import_module("importlib.metadata").version(__name__)
    place = _names().get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = resolve(place)
    return value


def __dir__() -> list[str]:
    return sorted(_names())
