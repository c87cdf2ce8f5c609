"""All looks, one after the other."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ccanalytics.check.finding import CheckContext, Finding
from ccanalytics.check.machine_checks import (
    has_logs,
    look_at_calendars,
    look_at_days,
    look_at_logs,
    look_at_program,
    look_at_roster,
    look_at_sample,
    look_at_settings,
    look_at_store,
)
from ccanalytics.check.service_checks import CLIENTS, KEYS, ServiceLook
from ccanalytics.errors import AuthError
from ccanalytics.settings import Settings
from ccanalytics.sources.keys import find_key
from ccanalytics.sources.registry import Access, source_with_key
from ccanalytics.store.day_store import Store


def diagnose(context: CheckContext) -> Iterator[Finding]:
    """The findings, each as soon as it is there: first of this machine, then of each source."""
    keys = _keys(context)
    return (_without(keys, finding) for finding in _looks(context))


def _looks(context: CheckContext) -> Iterator[Finding]:
    yield look_at_program()
    settings, about_settings = look_at_settings(context)
    yield about_settings
    if settings is None:
        return
    store = Store(settings.store)
    yield look_at_roster(settings)
    yield from look_at_calendars(settings)
    yield look_at_store(store)
    for source in chosen_sources(context):
        yield from _of_source(context, settings, store, source)


def chosen_sources(context: CheckContext) -> list[str]:
    """The source asked for, else each there is a key or a log folder for, else `api`."""
    if context.source:
        return [context.source]
    if context.key_file:
        try:
            found = [source_with_key(Access(context.environ, context.key_file))]
        except AuthError:  # the look at the key says why
            found = ["api"]
    else:
        found = [name for name, kind in KEYS.items() if find_key(context.environ, kind=kind)]
    if has_logs(context):
        found.append("local")
    return [name for name in found if name] or ["api"]


def _of_source(
    context: CheckContext, settings: Settings, store: Store, source: str
) -> Iterator[Finding]:
    about_days, days = look_at_days(store, source)
    if source in CLIENTS:
        yield from ServiceLook(context, settings, store, source, days).findings()
    elif source == "local":
        yield look_at_logs(context)
    else:
        yield look_at_sample()
    yield about_days


def _keys(context: CheckContext) -> list[str]:
    """Every text that may be a key, to be taken out of whatever is shown."""
    names = {name for kind in KEYS.values() for name in kind.variables}
    found = [context.environ.get(name, "").strip() for name in names]
    if context.key_file:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            found.append(context.key_file.read_text(encoding="utf-8").strip())
    return [key for key in found if key]


def _without(keys: Sequence[str], finding: Finding) -> Finding:
    def clean(value: Any) -> Any:
        if isinstance(value, str):
            for key in keys:
                value = value.replace(key, "[key]")
        return [clean(one) for one in value] if isinstance(value, list) else value

    facts = {name: clean(value) for name, value in finding.facts.items()}
    return replace(finding, found=clean(finding.found), next=clean(finding.next), facts=facts)
