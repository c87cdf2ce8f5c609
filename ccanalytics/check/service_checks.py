"""Checks of a service: the key, its organization, the records of a day and their freshness."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from functools import cached_property
from itertools import count

import httpx

from ccanalytics.check.finding import CheckContext, CheckFinding, Fact, SetupCheck, failed, found
from ccanalytics.errors import NotYetError, SchemaError
from ccanalytics.settings import Settings
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.enterprise_api import FLOOR, EnterpriseClient
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


@dataclass
class ServiceUnderCheck:
    """A source on a network, and what the checks found out so far."""

    context: CheckContext
    settings: Settings
    store: Store
    spec: SourceSpec
    answers: list[httpx.Response] = field(default_factory=list)
    organization: Organization | None = None
    seen: Sequence[Record] = ()
    """The records of the day, or of the newest day that has any."""
    newest: date | None = None
    """The newest of the last days with any records."""
    schema_error: str = ""

    def __post_init__(self) -> None:
        assert self.spec.key is not None  # every service on a network has one
        self.kind, self.today = self.spec.key, self.context.now.astimezone(UTC).date()
        days = (self.today - timedelta(days=back) for back in count())
        self.day = self.newest_closed = next(filter(self.is_closed, days))

    def is_closed(self, day: date) -> bool:
        """Whether the service should have all of the day by now."""
        return is_closed(day, self.context.now, self.spec.settling)

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
            on_answer=self.answers.append,
        )

    def close(self) -> None:
        """Closes the connections of a client that was made."""
        if "client" in vars(self):
            self.client.close()


def check_key(service: ServiceUnderCheck) -> CheckFinding:
    """The kind of key, and the API it fits; a key of the wrong kind is never sent."""
    kind, context = service.kind, service.context
    given = find_key(context.environ, context.key_file, kind)
    if given is None:
        then = f"Set {kind.variables[0]}, or give --key-file FILE. {kind.make_one}"
        return failed(f"none in {' or '.join(kind.variables)}", then)
    key = Key(given, kind)
    named = (name for name in kind.variables if context.environ.get(name, "").strip())
    origin = str(context.key_file or next(named))
    facts = {"prefix": key.prefix, "origin": origin}
    if not key.prefix:
        return found(f"{origin} does not look like an Anthropic key", kind.make_one, **facts)
    text = f"{origin}, {key.prefix}..."
    if key.prefix == PLAIN:
        return found(f"{text}, made for the Messages API", key.advice, **facts)
    return found(f"{text}, an {kind.name}", **facts)


def check_day(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the day asked for is valid and closed; if not, the newest closed day is used."""
    newest, wanted = service.newest_closed, service.context.day
    if not wanted:
        return found(f"{newest}, the newest closed one; days are UTC days", day=str(newest))
    instead = f"{newest} is the newest closed day and is checked instead."
    try:
        day = date.fromisoformat(wanted)
    except ValueError:
        day = date.min
    if str(day) != wanted:
        return failed(f"{wanted!r} is not a day", f"Write a UTC day as YYYY-MM-DD. {instead}")
    if day > service.today:
        text = f"{day} has not begun: today, in UTC, is {service.today}"
        return failed(text, instead, day=wanted)
    if service.spec.name == EnterpriseClient.name and day < FLOOR:
        return failed(f"{day} is before {FLOOR}, the start of this API", instead)
    service.day = day
    if service.is_closed(day):
        return found(f"{day} is closed", day=wanted)
    whole = day_end(day) + service.spec.settling.closed
    why = "not over yet" if day == service.today else "over, but not counted"
    text = f"{day} is {why}: it is complete at {whole:%Y-%m-%d %H:%M} UTC"
    then = f"Reports do not use it before; {newest} is the newest closed day."
    return found(text, then, day=wanted)


def check_service(service: ServiceUnderCheck) -> CheckFinding:
    """Whether it answers, how fast, and whether its clock and this machine's agree."""
    client, then = service.client, ""
    service.organization = client.organization()
    milliseconds = round(1000 * service.answers[-1].elapsed.total_seconds())
    behind = client.answered_at - service.context.now if client.answered_at else None
    text = f"{client.address} answers in {milliseconds} ms"
    if behind is not None and abs(behind) > CLOCK_MAY_DIFFER:
        way = "behind" if behind > timedelta(0) else "ahead of"
        minutes = abs(behind) // timedelta(minutes=1)
        text += f"; the clock of this machine is {minutes:,} minutes {way} the service's"
        then = "Set the clock: it decides which days are closed."
    seconds = None if behind is None else round(behind.total_seconds())
    facts = {"milliseconds": milliseconds, "clock_behind_seconds": seconds}
    return found(text, then, url=client.address, **facts)


def check_organization(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the key belongs to the organization whose days are stored."""
    of_key, stored = service.organization, service.store.organization(service.spec.name)
    id = of_key.id if of_key else ""
    if not of_key or not id:
        return found("the service does not say", organization=id, stored=stored)
    name = f"{of_key.name}, {id}" if of_key.name else id
    if stored and stored != id:
        text = f"the key belongs to {name}, the stored days to {stored}"
        then = "Use a separate store (--store DIR), or the other key."
        return failed(text, then, organization=id, stored=stored)
    return found(name, organization=id, stored=stored)


def check_records(service: ServiceUnderCheck) -> CheckFinding:
    """Who is in the records of the day."""
    early = ""
    try:
        try:
            records = service.client.records(service.day)
        except NotYetError as error:
            early, service.day = f"{service.day} is not counted yet. ", error.newest
            records = service.client.records(service.day)
        service.seen = records
        service.newest = _newest_with_records(service)
    except SchemaError as error:
        service.schema_error = str(error)
        text = f"{service.day}: the answer cannot be read"
        return failed(text, "See the check of the schema.")
    day, actors = service.day, [record.actor for record in records]
    people = {one.email_address.strip().lower() for one in actors if isinstance(one, UserActor)}
    keys = {one.api_key_name for one in actors if isinstance(one, ApiActor)}
    customers = sorted({one.customer_type for one in records if one.customer_type})
    facts: dict[str, Fact] = {
        "records": len(records),
        "people": len(people),
        "day": str(day),
        "api_keys": len(keys),
        "customer_types": customers,
    }
    if not records:
        return found(f"{early}{day}: the answer is empty", NOT_COVERED[service.spec.name], **facts)
    text = f"{early}{day}: {len(records)} records of {counted(len(people), 'person', 'people')}"
    text += f" and {counted(len(keys), 'API key')}" if keys else ""
    text += "; none from a seat, so people with seats may be missing" * (customers == ["api"])
    return found(text, f"{day} is checked instead." if early else "", **facts)


def _newest_with_records(service: ServiceUnderCheck) -> date | None:
    """The newest of the last days with records; they are kept if none were seen before."""
    newest = max(service.day, service.newest_closed)
    for day in (newest - timedelta(days=back) for back in range(DAYS_BACK)):
        try:
            records = service.seen if day == service.day else service.client.records(day)
        except NotYetError:
            continue
        if records:
            service.seen = service.seen or records
            return day
    return None


def check_schema(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the records have the fields this version knows."""
    if service.schema_error:
        then = (
            "Another service answers at this address, or the format changed: check "
            "ANTHROPIC_BASE_URL, then update ccanalytics."
        )
        return failed(service.schema_error, then)
    if unknown := sorted(service.client.unknown_fields):
        text = f"fields this version does not know: {', '.join(unknown)}"
        then = (
            "An unknown field changes no number, an unknown kind of actor is counted "
            "separately; a newer ccanalytics may know them."
        )
        return found(text, then, unknown=unknown)
    if not service.seen:
        return CheckFinding("skipped", "there is no record to check")
    return found("as this version knows it", unknown=[])


def check_freshness(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the store has what the service has."""
    name, newest, then = service.spec.name, service.newest, ""
    stored = max((d for d, one in service.store.days(name).items() if one.rows), default=None)
    if newest is None:
        text = f"the service has no record of the last {DAYS_BACK} closed days"
        then = NOT_COVERED[name]
    else:
        has = f"up to {stored}" if stored else "has none"
        text = f"the service has records up to {newest}, the store {has}"
        if stored is None or (stored < newest and service.is_closed(newest)):
            since = stored + timedelta(days=1) if stored else newest
            then = f"ccanalytics sync --source {name} --since {since}."
    return found(text, then, service=str(newest or ""), store=str(stored or ""))


def check_rate_limit(service: ServiceUnderCheck) -> CheckFinding:
    """Whether requests were held back, and which limits the service names."""
    answers, prefix = service.answers, "anthropic-ratelimit-"
    held = sum(answer.status_code in (429, 529) for answer in answers)
    headers = [pair for answer in answers for pair in answer.headers.items()]
    named = {name.removeprefix(prefix): value for name, value in headers
             if name.startswith(prefix) or name == "retry-after"}  # fmt: skip
    limits = ", ".join(f"{name} {value}" for name, value in named.items())
    text = f"{held} of {counted(len(answers), 'request')} held back; "
    text += limits or "the service names no limit"
    then = "The limit is shared by the whole organization: try again in a few minutes."
    return found(text, then if held else "", held_back=held, **named)


SERVICE_CHECKS = (
    SetupCheck("key", "Key", check_key),
    SetupCheck("day", "Day", check_day),
    SetupCheck("service", "Service", check_service, needs="key"),
    SetupCheck("organization", "Organization", check_organization, needs="service"),
    SetupCheck("records", "Records", check_records, needs="service"),
    SetupCheck("schema", "Schema", check_schema, needs="service"),
    SetupCheck("freshness", "Freshness", check_freshness, needs="records"),
    SetupCheck("rate_limit", "Rate limit", check_rate_limit, needs="key"),
)
