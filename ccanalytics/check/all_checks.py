"""All checks, one after the other: first of this machine, then of each source and its days."""

import contextlib
import platform
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import partial
from importlib.metadata import version

import msgspec

from ccanalytics.check.finding import (
    CheckContext,
    CheckFinding,
    Fact,
    SetupCheck,
    failed,
    found,
    run,
)
from ccanalytics.check.service_checks import SERVICE_CHECKS, ServiceUnderCheck
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.settings import FILE_NAME, Settings, read_settings, settings_file
from ccanalytics.sources.keys import find_key
from ccanalytics.sources.registry import (
    Access,
    SourceSpec,
    source_spec,
    source_specs,
    source_with_key,
)
from ccanalytics.store.day_store import Store
from ccanalytics.weeks import days_between, is_closed
from ccanalytics.wings import resolve, wings
from ccanalytics.words import counted

PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
"""Variables httpx obeys: behind a proxy, an answer may not be the service's."""


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
        days = SetupCheck("days", "Stored days", partial(check_days, spec, context.now))
        yield from run([days], store, spec.name)


def chosen_sources(context: CheckContext) -> list[SourceSpec]:
    """The source asked for, else every source with a key or a folder, else `api`."""
    if context.source:
        return [source_spec(context.source)]
    here = [spec for spec in source_specs() if not spec.invented and _is_here(context, spec)]
    return here or [source_spec("api")]


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
        SetupCheck(spec.name, spec.name.title(), lambda _: found(f"{spec.title}; no key"))
    ]


def check_program(context: CheckContext) -> CheckFinding:
    """Versions and platform, the first thing support asks for."""
    packages = ("ccanalytics", "httpx", "msgspec", "pandas", "pyarrow")
    facts: dict[str, Fact] = {name: version(name) for name in packages}
    proxies = [name for name in PROXIES if context.environ.get(name)]
    facts |= {"python": platform.python_version(), "proxies": proxies}
    text = f"ccanalytics {facts['ccanalytics']}, Python {facts['python']}, {platform.system()}"
    return found(text + f"; a proxy is set: {', '.join(proxies)}" * bool(proxies), **facts)


def settings_of(context: CheckContext) -> Settings:
    """The effective settings; `SettingsError` when they cannot be read."""
    settings = read_settings(context.environ, context.folder)
    given = {"store": context.store, "roster": context.roster}
    return msgspec.structs.replace(settings, **{k: v for k, v in given.items() if v})


def check_settings(context: CheckContext) -> CheckFinding:
    """Which settings file is used."""
    settings_of(context)
    file = settings_file(context.environ, context.folder)
    return found(str(file or f"no {FILE_NAME} here or above: defaults"))


def check_roster(settings: Settings) -> CheckFinding:
    """Whether the roster can be read, and how many people are on it."""
    if settings.roster is None:
        return CheckFinding("skipped", "none; teams and rates need one")
    # Imported late, here and below: the other checks need no pandas.
    from ccanalytics.people.roster import read_roster

    roster = read_roster(settings.roster)
    people, teams = int(roster["actor"].nunique()), int(roster["team"].nunique())
    words = f"{counted(people, 'person', 'people')} in {counted(teams, 'team')}"
    then = "" if people else "ccanalytics roster pull fills it."
    return found(f"{words}, {settings.roster}", then, people=people, teams=teams)


def check_calendar(kind: str, settings: Settings) -> CheckFinding | None:
    """Whether a calendar that is set can be read."""
    path = settings.calendars.get(kind)
    if path is None:
        return None
    from ccanalytics.people.calendars import read_calendars

    lines = len(getattr(read_calendars({kind: path}), kind))
    return found(f"{counted(lines, 'line')}, {path}", lines=lines)


def check_store(settings: Settings) -> CheckFinding:
    """Whether the folder, or its nearest existing parent, can be read and written."""
    root = settings.store
    folder = next((one for one in (root, *root.parents) if one.exists()), root)
    try:
        next(folder.iterdir(), None)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"{root} cannot be read and written: {error.strerror}"
        then = "Give another folder with --store DIR or CCANALYTICS_STORE, or fix its permissions."
        return failed(text, then, path=str(root))
    there = "can be read and written" if folder == root else "does not exist yet: a sync creates it"
    return found(f"{root} {there}", path=str(root))


def check_days(spec: SourceSpec, now: datetime, store: Store) -> CheckFinding:
    """Which days of a source are stored, and which are missing, open or damaged.

    A day that is not over yet is open whatever one does.
    """
    source = spec.name
    try:
        days, organization = store.days(source), store.organization(source)
        files, damaged = store.verify(source)
    except (CCAnalyticsError, OSError) as error:
        return failed(str(error), _sync(spec))
    facts: dict[str, Fact] = {"organization": organization, "days": len(days)}
    if not days:
        return found("none yet", _sync(spec), **facts)
    if damaged:
        paths = [str(error.path) for error in damaged]
        first = min((error.month for error in damaged if error.month), default=None)
        then = _sync(spec, first)
        return failed(" ".join(map(str, damaged)), then, damaged=paths, **facts)
    first, last = min(days), max(days)
    # A day in the future is a wrong clock's: nothing is missing before it.
    due = days_between(first, max(first, min(last, now.date())))
    gaps = [day for day in due if day not in days]
    opened = [
        day for day, one in days.items() if not one.closed and is_closed(day, now, spec.settling)
    ]
    moving = sum(not one.final for one in days.values())
    facts |= {"first": str(first), "last": str(last), "moving": moving}
    facts |= {"gaps": [str(day) for day in gaps], "open": [str(day) for day in opened]}
    text = f"{counted(len(days), 'day')} from {first} to {last}"
    text += f" of organization {organization}" * bool(organization)
    text += f"; every byte of {counted(files, 'file')} is intact"
    text += f"; {counted(len(gaps), 'day')} missing: {_listed(gaps)}" * bool(gaps)
    text += f"; fetched before their end: {_listed(opened)}" * bool(opened)
    if wrong := sorted([*gaps, *opened]):
        return found(text, _sync(spec, wrong[0], wrong[-1]), **facts)
    return found(text + f"; {counted(moving, 'day')} may still change" * bool(moving), **facts)


def _listed(days: Sequence[date]) -> str:
    """The first three, and how many more there are."""
    more = f" and {len(days) - 3} more" if len(days) > 3 else ""
    return ", ".join(map(str, days[:3])) + more


def _sync(spec: SourceSpec, since: date | None = None, until: date | None = None) -> str:
    if spec.sync_all:
        return f"ccanalytics sync --source {spec.name}."
    if not spec.network:
        return f"ccanalytics report --source {spec.name} fills the store."
    end = f" --until {until}" if until else ""
    return f"ccanalytics sync --source {spec.name} --since {since or 'DATE'}{end}."


FIRST_CHECKS = (
    SetupCheck("program", "Program", check_program),
    SetupCheck("settings", "Settings", check_settings),
)

MACHINE_CHECKS = (
    SetupCheck("roster", "Roster", check_roster),
    *(
        SetupCheck(kind, kind.title(), partial(check_calendar, kind))
        for kind in ("holidays", "events", "interventions")
    ),
    SetupCheck("store", "Store", check_store),
)
