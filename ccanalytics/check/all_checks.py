"""All checks, one after the other: first of this machine, then of each source."""

import contextlib
from collections.abc import Iterator

from ccanalytics.check.finding import CheckContext, CheckFinding, SetupCheck, ok, run
from ccanalytics.check.machine_checks import (
    DAYS_CHECKS,
    FIRST_CHECKS,
    MACHINE_CHECKS,
    StoredSource,
    settings_of,
)
from ccanalytics.check.service_checks import SERVICE_CHECKS, ServiceUnderCheck
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.sources.keys import find_key
from ccanalytics.sources.registry import (
    Access,
    SourceSpec,
    source_spec,
    source_specs,
    source_with_key,
)
from ccanalytics.store.day_store import Store
from ccanalytics.wings import resolve, wings


def diagnose(context: CheckContext) -> Iterator[CheckFinding]:
    """The findings, each as soon as it is there; no text of them has a key in it."""
    for finding in run(FIRST_CHECKS, context):
        yield finding
        if finding.status == "failed":  # without settings nothing else can be checked
            return
    settings = settings_of(context)
    store = Store(settings.store)
    yield from run(MACHINE_CHECKS, settings)
    for spec in chosen_sources(context):
        if spec.network:
            with contextlib.closing(ServiceUnderCheck(context, settings, store, spec)) as service:
                yield from run(SERVICE_CHECKS, service, spec.name)
        else:
            yield from run(_own_checks(spec), context, spec.name)
        yield from run(DAYS_CHECKS, StoredSource(spec, store), spec.name)


def chosen_sources(context: CheckContext) -> list[SourceSpec]:
    """The source asked for, else every source with a key or a folder, else `api`."""
    if context.source:
        return [source_spec(context.source)]
    found = [spec for spec in source_specs() if not spec.invented and _is_here(context, spec)]
    return found or [source_spec("api")]


def _is_here(context: CheckContext, spec: SourceSpec) -> bool:
    access = Access(context.environ, context.key_file, folders=context.logs)
    try:
        if spec.key and context.key_file:
            return source_with_key(access) == spec.name
        if spec.key:
            return find_key(context.environ, kind=spec.key) is not None
        return spec.is_here is None or spec.is_here(access)
    except CCAnalyticsError:
        return False


def _own_checks(spec: SourceSpec) -> list[SetupCheck[CheckContext]]:
    """The checks a wing adds for its source, else one that says there is nothing to check."""
    added = [resolve(wing.checks[spec.name]) for wing in wings() if spec.name in wing.checks]
    return added or [
        SetupCheck(spec.name, spec.name.title(), lambda _: ok(f"{spec.title}; no key"))
    ]
