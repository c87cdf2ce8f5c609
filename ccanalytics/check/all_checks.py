"""All checks, one after the other: first of this machine, then of each source and its days."""

import platform
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from ccanalytics.check.finding import CheckFinding, failed, found, run
from ccanalytics.check.service_checks import service_findings
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.settings import FILE_NAME, settings_file
from ccanalytics.sources.keys import find_key
from ccanalytics.sources.registry import SourceSpec, source_spec, source_specs, source_with_key
from ccanalytics.store.day_store import Store
from ccanalytics.weeks import days_between, is_closed
from ccanalytics.wings import resolve, wings
from ccanalytics.words import counted, listed


def diagnose(options: RunOptions, day: date | None = None) -> Iterator[CheckFinding]:
    """The findings, each as soon as it is there; no text of them has a key in it.

    Without a source all that are set up are checked. A service is asked for `day`, else for its
    newest closed one.
    """
    yield from run(MACHINE_CHECKS, options)
    for spec in chosen_sources(options):
        own = [resolve(wing.checks[spec.name]) for wing in wings() if spec.name in wing.checks]
        days = {"days": partial(check_days, spec, options.now)}
        for finding in chain(
            service_findings(options, spec, day) if spec.network else (),
            *(run(checks, options) for checks in own),
            run(days, options.store),
        ):
            yield replace(finding, source=spec.name)


def chosen_sources(options: RunOptions) -> list[SourceSpec]:
    """The source asked for, else every source with a key or a folder, else `api`."""
    if options.source:
        return [options.spec]
    specs = (spec for spec in source_specs() if not spec.invented)
    return [spec for spec in specs if _is_here(options, spec)] or [source_spec("api")]


def _is_here(options: RunOptions, spec: SourceSpec) -> bool:
    try:
        if spec.key and options.key_file:
            return source_with_key(options.access) == spec.name
        if spec.key:
            return find_key(options.environ, kind=spec.key) is not None
        return spec.is_here is None or spec.is_here(options.access)
    except CCAnalyticsError:
        return False


def check_program(_: RunOptions) -> CheckFinding:
    """Versions and platform, the first thing support asks for."""
    python, system = platform.python_version(), platform.system()
    return found(f"ccanalytics {version('ccanalytics')}, Python {python}, {system}")


def check_settings(options: RunOptions) -> CheckFinding:
    """Which settings file is used; one that cannot be read stops every command."""
    file = settings_file(options.environ, Path.cwd())
    return found(str(file or f"no {FILE_NAME} here or above: defaults"))


def check_roster(options: RunOptions) -> CheckFinding:
    """Whether the roster can be read, and how many people are on it."""
    if options.settings.roster is None:
        return found("none; teams and rates need one")
    # Imported late, here and below: the other checks need no pandas.
    from ccanalytics.people.roster import read_roster

    roster = read_roster(options.settings.roster)
    people, teams = roster["actor"].nunique(), roster["team"].nunique()
    words = f"{counted(people, 'person', 'people')} in {counted(teams, 'team')}"
    then = "" if people else "ccanalytics roster pull fills it."
    return found(f"{words}, {options.settings.roster}", then)


def check_calendars(options: RunOptions) -> CheckFinding | None:
    """Whether the calendars that are set can be read."""
    calendars = options.settings.calendars
    if not calendars:
        return None
    from ccanalytics.people.calendars import read_calendars

    read = read_calendars(calendars)
    lines = [f"{counted(len(getattr(read, kind)), 'line')} of {kind}" for kind in calendars]
    return found(", ".join(lines))


def check_store(options: RunOptions) -> CheckFinding:
    """Whether the folder, or its nearest existing parent, can be read and written."""
    root = options.settings.store
    folder = next((one for one in (root, *root.parents) if one.exists()), root)
    try:
        next(folder.iterdir(), None)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"{root} cannot be read and written: {error.strerror}"
        then = "Give another folder with --store DIR or CCANALYTICS_STORE, or fix its permissions."
        return failed(text, then)
    there = "can be read and written" if folder == root else "does not exist yet: a sync creates it"
    return found(f"{root} {there}")


def check_days(spec: SourceSpec, now: datetime, store: Store) -> CheckFinding:
    """Which days of a source are stored, and which are missing, open or damaged.

    A day that is not over yet is open whatever one does.
    """
    try:
        days, organization = store.days(spec.name), store.organization(spec.name)
        files, damaged = store.verify(spec.name)
    except (CCAnalyticsError, OSError) as error:
        return failed(str(error), _sync(spec))
    if not days:
        return found("none yet", _sync(spec))
    if damaged:
        first = min((error.month for error in damaged if error.month), default=None)
        return failed(" ".join(map(str, damaged)), _sync(spec, first))
    first, last = min(days), max(days)
    # A day in the future is a wrong clock's: nothing is missing before it.
    due = days_between(first, max(first, min(last, now.date())))
    gaps = [day for day in due if day not in days]
    opened = [
        day for day, one in days.items() if not one.closed and is_closed(day, now, spec.settling)
    ]
    text = f"{counted(len(days), 'day')} from {first} to {last}"
    text += f" of organization {organization}" * bool(organization)
    text += f"; every byte of {counted(files, 'file')} is intact"
    for fault, wrong in (("missing", gaps), ("fetched before their end", opened)):
        text += f"; {fault}: {listed(wrong, 3)}" * bool(wrong)
    wrong = sorted([*gaps, *opened])
    return found(text, _sync(spec, wrong[0], wrong[-1]) if wrong else "")


def _sync(spec: SourceSpec, since: date | None = None, until: date | None = None) -> str:
    if spec.sync_all:
        return f"ccanalytics sync --source {spec.name}."
    if not spec.network:
        return f"ccanalytics report --source {spec.name} fills the store."
    end = f" --until {until}" if until else ""
    return f"ccanalytics sync --source {spec.name} --since {since or 'DATE'}{end}."


MACHINE_CHECKS = {
    "program": check_program,
    "settings": check_settings,
    "roster": check_roster,
    "calendars": check_calendars,
    "store": check_store,
}
