"""A dataset and its checks at a glance."""

from collections.abc import Iterator, Sequence
from html import escape

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.preflight import Check, unpriced_models
from ccanalytics.display.bundles import Bundle, bundle_of
from ccanalytics.display.tables import table_bundle
from ccanalytics.words import counted


def dataset_bundle(data: Dataset) -> Bundle:
    """The range, weeks, people and records of a dataset, and its caveats."""
    facts = [*_facts(data), *(("Watch out", text) for text in _warnings(data))]
    text = "\n".join([repr(data), *(f"  {name}: {what}" for name, what in facts)])
    rows = "".join(
        f"<tr><th style='text-align:left;padding-right:16px'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(what)}</td></tr>"
        for name, what in facts
    )
    return bundle_of(
        "dataset", {"facts": [list(fact) for fact in facts]}, f"<table>{rows}</table>", text
    )


def checks_bundle(checks: Sequence[Check]) -> Bundle:
    """The checks as a table, one row each."""
    frame = pd.DataFrame([(check.name, check.level, check.found) for check in checks])
    return table_bundle(frame.set_axis(["check", "result", "found"], axis=1), "Checks")


def _facts(data: Dataset) -> Iterator[tuple[str, str]]:
    yield "Source", data.spec.title + (f", team {data.team}" if data.team else "")
    yield "Days", f"{data.since} to {data.until}"
    yield "Weeks", f"{counted(len(data.weeks), 'closed week')}"
    whose = ", read from the store when needed"
    if data.is_read:
        of_kind = data.activity.groupby("actor_kind", observed=True)["actor"].nunique()
        people, keys = (int(of_kind.get(kind, 0)) for kind in ("user", "api_key"))
        whose = f" of {counted(people, 'person', 'people')} and {counted(keys, 'API key')}"
    yield "Records", f"{data.record_count:,}{whose}"
    if data.extras:
        yield "More frames", ", ".join(data.extras)


def _warnings(data: Dataset) -> Iterator[str]:
    stored = data.days["stored"]
    moving = int((stored & ~data.days["final"]).sum())
    if not stored.all():
        yield f"{counted(int((~stored).sum()), 'day')} missing: weeks with them are left out"
    if moving:
        yield f"{counted(moving, 'day')} may still change"
    if data.roster.empty and data.minimum_group > 1:
        yield "no roster: no teams and no adoption rate"
    if data.is_read and (unpriced := sorted(unpriced_models(data.model_usage))):
        yield f"models without a known price: {', '.join(unpriced)}"
    if data.unknown_fields:
        yield f"fields this version does not know: {', '.join(data.unknown_fields)}"
    if data.spec.banner:
        yield data.spec.banner
