"""All checks, one after the other: of this machine, then of each source and its days."""

import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from ccanalytics.check.finding import CheckFinding, failed, failure, found, run
from ccanalytics.errors import CCAnalyticsError, NotYetError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.settings import FILE_NAME, settings_file
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.enterprise_api import EnterpriseClient
from ccanalytics.sources.keys import PLAIN, Key, find_key
from ccanalytics.sources.registry import SourceSpec, source_spec, source_specs, source_with_key
from ccanalytics.store.day_store import Store
from ccanalytics.weeks import CLOCKS_APART, days_between, is_closed
from ccanalytics.wings import resolve, wings
from ccanalytics.wire.claude_code import ApiActor, UserActor
from ccanalytics.words import counted, listed

DAYS_BACK = 7
"""The most days fetched to find the newest one with records."""

LONGEST_WAIT = 10.0
"""Seconds for one answer including retries: somebody is waiting."""

Client = AdminClient | EnterpriseClient

CLIENTS: dict[str, type[Client]] = {"api": AdminClient, "enterprise": EnterpriseClient}

NOT_COVERED = {
    "api": "Empty is not zero use. This API does not have Amazon Bedrock, Google Cloud, Microsoft "
    "Foundry, Claude Platform on AWS and Team plans; Enterprise seats are in --source enterprise.",
    "enterprise": "Empty is not zero use. This API does not have Amazon Bedrock, API keys and "
    "pipelines; use by accounts of the Console is in --source api.",
}


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


def service_findings(
    options: RunOptions, spec: SourceSpec, day: date | None
) -> Iterator[CheckFinding]:
    """Its key, whether it answers, and its records, up to the first that fails."""
    assert spec.key is not None  # every service on a network has one
    step, environ = "key", options.environ
    try:
        given = find_key(environ, options.key_file, spec.key)
        key = Key(given or "", spec.key)  # one of the wrong kind is refused, and never sent
        named = (name for name in spec.key.variables if environ.get(name, "").strip())
        then = key.advice if key.prefix in ("", PLAIN) else ""
        origin = options.key_file or next(named)
        yield replace(found(f"{origin}, {key.prefix}...", then), id=step)
        step, url = "service", options.settings.base_url
        made, patience = CLIENTS[spec.name], LONGEST_WAIT
        with made(given, base_url=url, budget=patience, timeout=patience) as client:
            yield replace(_service(options, client), id=step)
            step = "records"
            yield replace(_records(options, client, spec, day), id=step)
    except (CCAnalyticsError, ValueError) as error:
        yield replace(failure(error), id=step)


def _service(options: RunOptions, client: Client) -> CheckFinding:
    """How fast it answers, for which organization, and whether the clocks agree."""
    begun = time.perf_counter()
    whose = client.organization()
    milliseconds = round(1000 * (time.perf_counter() - begun))
    options.store.check_organization(client.name, whose.id)
    name = ", ".join(filter(None, (whose.name, whose.id))) or "an organization it does not name"
    text = f"{client.address} answers in {milliseconds} ms, for {name}"
    behind = (client.answered_at or options.now) - options.now
    if abs(behind) <= CLOCKS_APART:
        return found(text)
    way = "behind" if behind > timedelta(0) else "ahead of"
    minutes = abs(behind) // timedelta(minutes=1)
    text += f"; the clock of this machine is {minutes:,} minutes {way} the service's"
    return found(text, "Set the clock: it decides which days are closed.")


def _records(
    options: RunOptions, client: Client, spec: SourceSpec, asked: date | None
) -> CheckFinding:
    """Who is in the day asked for, else in the newest closed day with records, what is new in them,
    how new the store is."""
    newest = asked or (options.now - spec.settling.closed).date() - timedelta(days=1)
    for day in (newest - timedelta(days=back) for back in range(1 if asked else DAYS_BACK)):
        with suppress(NotYetError):
            if records := client.records(day):
                break
    else:
        if asked and not is_closed(asked, options.now, spec.settling):
            return found(f"there are none of {asked} yet", "It is not over, or not counted yet.")
        return found(f"there are none from {day} to {newest}", NOT_COVERED[spec.name])
    actors = [record.actor for record in records]
    people = {one.email_address.strip().lower() for one in actors if isinstance(one, UserActor)}
    keys = {one.api_key_name for one in actors if isinstance(one, ApiActor)}
    text = f"{day}: {len(records)} records of {counted(len(people), 'person', 'people')}"
    text += f" and {counted(len(keys), 'API key')}" if keys else ""
    if {record.customer_type for record in records} == {"api"}:
        text += "; none from a seat, so people with seats may be missing"
    advice = [f"Days after {day} are empty or not counted yet."] if day < newest else []
    if unknown := sorted(client.unknown_fields):
        text += f"; fields this version does not know: {', '.join(unknown)}"
        advice.append("Unknown fields change no number; a newer ccanalytics may know them.")
    stored = max((d for d, one in options.store.days(spec.name).items() if one.rows), default=None)
    if stored is None or stored < day:
        text += f"; the store has them up to {stored}" if stored else "; the store has none"
        since = stored + timedelta(days=1) if stored else day
        advice.append(f"ccanalytics sync --source {spec.name} --since {since}.")
    return found(text, " ".join(advice))


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
