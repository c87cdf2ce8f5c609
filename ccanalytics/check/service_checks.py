"""Checks of a service: the key, its organization, the records of a day and their freshness."""

import time
from datetime import date, timedelta
from functools import cached_property
from itertools import count

from ccanalytics.check.finding import CheckContext, CheckFinding, failed, found
from ccanalytics.errors import NotYetError
from ccanalytics.settings import Settings
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.enterprise_api import EnterpriseClient
from ccanalytics.sources.keys import PLAIN, Key, find_key
from ccanalytics.sources.registry import SourceSpec
from ccanalytics.store.day_store import Store
from ccanalytics.weeks import day_end, is_closed
from ccanalytics.wire.claude_code import ApiActor, Record, UserActor
from ccanalytics.wire.organization import Organization
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
    """A source on a network, and what the checks found out so far."""

    def __init__(
        self, context: CheckContext, settings: Settings, store: Store, spec: SourceSpec
    ) -> None:
        assert spec.key is not None  # every service on a network has one
        self.context, self.settings, self.store, self.spec = context, settings, store, spec
        self.kind, self.today = spec.key, context.now.date()
        days = (self.today - timedelta(days=back) for back in count())
        self.newest_closed = next(day for day in days if is_closed(day, context.now, spec.settling))
        self.day = context.day or self.newest_closed
        self.organization: Organization | None = None
        self.records: list[Record] = []
        """The records of the newest day up to `day` that has any, if there is one lately."""
        self.day_of_records: date | None = None

    @cached_property
    def client(self) -> Client:
        """The client, made when it is first needed, as a key may not fit."""
        context = self.context
        return CLIENTS[self.spec.name](
            find_key(context.environ, context.key_file, self.kind),
            base_url=self.settings.base_url,
            budget=LONGEST_WAIT,
            timeout=LONGEST_WAIT,
            sleep=context.sleep,
            clock=context.clock,
        )

    def close(self) -> None:
        """Closes the connections of a client that was made."""
        if "client" in vars(self):
            self.client.close()


def check_key(service: ServiceUnderCheck) -> CheckFinding:
    """The kind of key, and the API it fits; a key of the wrong kind is never sent."""
    kind, context = service.kind, service.context
    key = Key(find_key(context.environ, context.key_file, kind) or "", kind)
    named = (name for name in kind.variables if context.environ.get(name, "").strip())
    then = key.advice if key.prefix in ("", PLAIN) else ""
    return found(f"{context.key_file or next(named)}, {key.prefix}...", then)


def check_day(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the day asked for is closed."""
    day, newest, settling = service.day, service.newest_closed, service.spec.settling
    then = f"The newest closed day is {newest}; reports use no later one."
    if day > service.today:
        return failed(f"{day} has not begun: today, in UTC, is {service.today}", then)
    if day > newest:
        whole = day_end(day) + settling.closed
        return found(f"{day} is not complete before {whole:%Y-%m-%d %H:%M} UTC", then)
    return found(f"{day} is closed; days are UTC days")


def check_service(service: ServiceUnderCheck) -> CheckFinding:
    """Whether it answers, how fast, and whether its clock and this machine's agree."""
    client, begun = service.client, time.perf_counter()
    service.organization = client.organization()
    milliseconds = round(1000 * (time.perf_counter() - begun))
    text = f"{client.address} answers in {milliseconds} ms"
    behind = (client.answered_at or service.context.now) - service.context.now
    if abs(behind) <= CLOCK_MAY_DIFFER:
        return found(text)
    way = "behind" if behind > timedelta(0) else "ahead of"
    minutes = abs(behind) // timedelta(minutes=1)
    text += f"; the clock of this machine is {minutes:,} minutes {way} the service's"
    return found(text, "Set the clock: it decides which days are closed.")


def check_organization(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the key belongs to the organization whose days are stored."""
    assert service.organization is not None  # this check needs the one before
    id, name = service.organization.id, service.organization.name
    service.store.check_organization(service.spec.name, id)
    return found(", ".join(filter(None, (name, id))) or "the service does not say")


def check_records(service: ServiceUnderCheck) -> CheckFinding:
    """Who is in the records of the day, else of the newest one before it that has any."""
    days = (service.day - timedelta(days=back) for back in range(DAYS_BACK))
    for day in days:
        try:
            service.records = records = service.client.records(day)
        except NotYetError:
            continue
        if records:
            service.day_of_records = day
            break
    else:
        text = f"there are none from {day} to {service.day}"
        return found(text, NOT_COVERED[service.spec.name])
    actors = [record.actor for record in records]
    people = {one.email_address.strip().lower() for one in actors if isinstance(one, UserActor)}
    keys = {one.api_key_name for one in actors if isinstance(one, ApiActor)}
    text = f"{day}: {len(records)} records of {counted(len(people), 'person', 'people')}"
    text += f" and {counted(len(keys), 'API key')}" if keys else ""
    if {record.customer_type for record in records} == {"api"}:
        text += "; none from a seat, so people with seats may be missing"
    late = f"Later days up to {service.day} are empty or not counted yet."
    return found(text, late if day < service.day else "")


def check_schema(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the records have only fields this version knows; a missing one fails the records."""
    if unknown := sorted(service.client.unknown_fields):
        text = f"fields this version does not know: {', '.join(unknown)}"
        return found(text, "They change no number; a newer ccanalytics may know them.")
    if not service.records:
        return CheckFinding("skipped", "there is no record to check")
    return found("as this version knows it")


def check_freshness(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the store has what the service has."""
    name, newest, then = service.spec.name, service.day_of_records, ""
    stored = max((d for d, one in service.store.days(name).items() if one.rows), default=None)
    has = f"has them up to {stored}" if stored else "has none"
    if newest is None:
        return CheckFinding("skipped", f"there is no record to compare with; the store {has}")
    if stored is None or stored < min(newest, service.newest_closed):
        since = stored + timedelta(days=1) if stored else newest
        then = f"ccanalytics sync --source {name} --since {since}."
    return found(f"the service has records of {newest}, the store {has}", then)


SERVICE_CHECKS = {
    "key": check_key,
    "day": check_day,
    "service": check_service,
    "organization": check_organization,
    "records": check_records,
    "schema": check_schema,
    "freshness": check_freshness,
}

NEEDS = {
    "service": "key",
    "organization": "service",
    "records": "service",
    "schema": "records",
    "freshness": "records",
}
