"""Checks of a service: the key, its organization, and the records of its newest day."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

from ccanalytics.check.finding import CheckFinding, failure, found
from ccanalytics.errors import CCAnalyticsError, NotYetError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.enterprise_api import EnterpriseClient
from ccanalytics.sources.keys import PLAIN, Key, find_key
from ccanalytics.sources.registry import SourceSpec
from ccanalytics.weeks import is_closed
from ccanalytics.wire.claude_code import ApiActor, UserActor
from ccanalytics.words import counted

DAYS_BACK = 7
"""The most days fetched to find the newest one with records."""

CLOCK_MAY_DIFFER = timedelta(minutes=5)
"""A clock further off is a warning: whether a day is closed depends on it."""

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
    if abs(behind) <= CLOCK_MAY_DIFFER:
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
