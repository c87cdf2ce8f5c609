"""Checks of a service: the key, its organization, the records of a day and their freshness."""

import time
from datetime import date, timedelta
from functools import cached_property
from itertools import count

from ccanalytics.check.finding import CheckFinding, found
from ccanalytics.errors import NotYetError
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


class ServiceUnderCheck:
    """A source on a network, and its newest day with records, once it is known."""

    newest: date | None = None

    def __init__(self, options: RunOptions, spec: SourceSpec) -> None:
        assert spec.key is not None  # every service on a network has one
        self.options, self.kind, self.name = options, spec.key, spec.name
        self.key = find_key(options.environ, options.key_file, spec.key) or ""
        days = (options.now.date() - timedelta(days=back) for back in count())
        self.closed = next(day for day in days if is_closed(day, options.now, spec.settling))
        """The newest closed day."""

    @cached_property
    def client(self) -> Client:
        """The client, made when it is first needed, as a key may not fit."""
        url = self.options.settings.base_url
        made = CLIENTS[self.name]
        return made(self.key, base_url=url, budget=LONGEST_WAIT, timeout=LONGEST_WAIT)

    def close(self) -> None:
        """Closes the connections of a client that was made."""
        if "client" in vars(self):
            self.client.close()


def check_key(service: ServiceUnderCheck) -> CheckFinding:
    """The kind of key, and the API it fits; a key of the wrong kind is never sent."""
    kind, options = service.kind, service.options
    key = Key(service.key, kind)
    named = (name for name in kind.variables if options.environ.get(name, "").strip())
    then = key.advice if key.prefix in ("", PLAIN) else ""
    return found(f"{options.key_file or next(named)}, {key.prefix}...", then)


def check_service(service: ServiceUnderCheck) -> CheckFinding:
    """Whether it answers, how fast, for which organization, and whether the clocks agree."""
    client, begun = service.client, time.perf_counter()
    whose = client.organization()
    milliseconds = round(1000 * (time.perf_counter() - begun))
    service.options.store.check_organization(service.name, whose.id)
    name = ", ".join(filter(None, (whose.name, whose.id))) or "an organization it does not name"
    text = f"{client.address} answers in {milliseconds} ms, for {name}"
    behind = (client.answered_at or service.options.now) - service.options.now
    if abs(behind) <= CLOCK_MAY_DIFFER:
        return found(text)
    way = "behind" if behind > timedelta(0) else "ahead of"
    minutes = abs(behind) // timedelta(minutes=1)
    text += f"; the clock of this machine is {minutes:,} minutes {way} the service's"
    return found(text, "Set the clock: it decides which days are closed.")


def check_records(service: ServiceUnderCheck) -> CheckFinding:
    """Who is in the records of the newest closed day that has any, and fields that are new."""
    days = (service.closed - timedelta(days=back) for back in range(DAYS_BACK))
    for day in days:
        try:
            records = service.client.records(day)
        except NotYetError:
            continue
        if records:
            service.newest = day
            break
    else:
        text = f"there are none from {day} to {service.closed}"
        return found(text, NOT_COVERED[service.name])
    actors = [record.actor for record in records]
    people = {one.email_address.strip().lower() for one in actors if isinstance(one, UserActor)}
    keys = {one.api_key_name for one in actors if isinstance(one, ApiActor)}
    text = f"{day}: {len(records)} records of {counted(len(people), 'person', 'people')}"
    text += f" and {counted(len(keys), 'API key')}" if keys else ""
    if {record.customer_type for record in records} == {"api"}:
        text += "; none from a seat, so people with seats may be missing"
    then = ""
    if unknown := sorted(service.client.unknown_fields):
        text += f"; fields this version does not know: {', '.join(unknown)}"
        then = "Unknown fields change no number; a newer ccanalytics may know them. "
    late = f"Days after {day} are empty or not counted yet." if day < service.closed else ""
    return found(text, then + late)


def check_freshness(service: ServiceUnderCheck) -> CheckFinding | None:
    """Whether the store has what the service has."""
    newest, name = service.newest, service.name
    if newest is None:
        return None
    days = service.options.store.days(name)
    stored = max((day for day, one in days.items() if one.rows), default=None)
    has = f"has them up to {stored}" if stored else "has none"
    then = ""
    if stored is None or stored < newest:
        since = stored + timedelta(days=1) if stored else newest
        then = f"ccanalytics sync --source {name} --since {since}."
    return found(f"the service has records of {newest}, the store {has}", then)


SERVICE_CHECKS = {
    "key": check_key,
    "service": check_service,
    "records": check_records,
    "freshness": check_freshness,
}
"""Each needs the one before."""
