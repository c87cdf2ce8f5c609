"""What a service says to this key: who it is for, what it knows of a day, and how fresh that is."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta

import httpx

from ccanalytics.check.finding import (
    CheckContext,
    CheckFinding,
    Fact,
    SetupCheck,
    failed,
    ok,
    skipped,
    warning,
)
from ccanalytics.errors import NotYetError, SchemaError
from ccanalytics.settings import Settings
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.enterprise_api import FLOOR, EnterpriseClient
from ccanalytics.sources.keys import PLAIN, Key, KeyKind, find_key
from ccanalytics.sources.registry import SourceSpec
from ccanalytics.store.day_store import Store
from ccanalytics.weeks import day_end, is_closed
from ccanalytics.wire.claude_code import ApiActor, Record, UserActor
from ccanalytics.wire.organization import Organization
from ccanalytics.words import counted

DAYS_BACK = 7
"""How many days are asked for, at most, to find the newest one with records."""

CLOCK_MAY_DIFFER = timedelta(minutes=5)

LONGEST_WAIT = 10.0
"""Seconds for one answer with all its tries: somebody is waiting."""

Client = AdminClient | EnterpriseClient

CLIENTS: dict[str, type[Client]] = {"api": AdminClient, "enterprise": EnterpriseClient}

NOT_COVERED = {
    "api": "Empty is not zero use. This API has nothing of Amazon Bedrock, Google Cloud, Microsoft "
    "Foundry, Claude Platform on AWS and Team plans; Enterprise seats are in --source enterprise.",
    "enterprise": "Empty is not zero use. This API has nothing of Amazon Bedrock, API keys and "
    "pipelines; use by accounts of the Console is in --source api.",
}

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass
class ServiceUnderCheck:
    """One source on a network, and what the checks so far have found out about it."""

    context: CheckContext
    settings: Settings
    store: Store
    spec: SourceSpec
    client: Client | None = None
    answers: list[httpx.Response] = field(default_factory=list)
    organization: Organization | None = None
    seen: Sequence[Record] = ()
    """The records of the day, or, where it has none, of the newest day with any."""
    newest: date | None = None
    """The newest of the last days with any records."""
    schema_error: str = ""

    def __post_init__(self) -> None:
        day = self.context.now.astimezone(UTC).date()
        while not self.is_closed(day):
            day -= timedelta(days=1)
        self.day = self.newest_closed = day

    def is_closed(self, day: date) -> bool:
        """Whether all of a day is at the service by now."""
        return is_closed(day, self.context.now, self.spec.settling)

    def kind(self) -> KeyKind:
        """The kind of key it takes; every service on a network has one."""
        assert self.spec.key is not None
        return self.spec.key

    def connected(self) -> Client:
        """The client, made when it is first needed."""
        if self.client is None:
            context = self.context
            self.client = CLIENTS[self.spec.name](
                find_key(context.environ, context.key_file, self.kind()),
                base_url=self.settings.base_url,
                budget=LONGEST_WAIT,
                timeout=LONGEST_WAIT,
                sleep=context.sleep,
                clock=context.clock,
                on_answer=self.answers.append,
            )
        return self.client


@contextmanager
def under_check(
    context: CheckContext, settings: Settings, store: Store, spec: SourceSpec
) -> Iterator[ServiceUnderCheck]:
    """A service until the block ends, when its connections are closed."""
    service = ServiceUnderCheck(context, settings, store, spec)
    try:
        yield service
    finally:
        if service.client:
            service.client.close()


def check_key(service: ServiceUnderCheck) -> CheckFinding:
    """Which kind of key there is, and what it fits; one that does not fit is not sent."""
    kind, context = service.kind(), service.context
    text = find_key(context.environ, context.key_file, kind)
    if text is None:
        then = f"Set {kind.variables[0]}, or give --key-file FILE. {kind.make_one}"
        return failed(f"none in {' or '.join(kind.variables)}", then)
    key = Key(text, kind)
    named = (name for name in kind.variables if context.environ.get(name, "").strip() == text)
    origin = str(context.key_file or next(named))
    facts: dict[str, Fact] = {"prefix": key.prefix, "origin": origin}
    if not key.prefix:
        said = f"{origin} does not begin like any Anthropic key"
        return warning(said, kind.make_one, **facts)
    if key.prefix == PLAIN:
        said = f"{origin}, {key.prefix}..., made for the Messages API"
        return warning(said, key.advice, **facts)
    return ok(f"{origin}, {key.prefix}..., an {kind.name}", **facts)


def check_day(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the day asked for is one, and closed; if it is none the newest is taken."""
    newest, wanted = service.newest_closed, service.context.day
    today = service.context.now.astimezone(UTC).date()
    instead = f"{newest} is the newest closed day, and is looked at instead."
    if not wanted:
        return ok(f"{newest}, the newest closed one; days are UTC days", day=str(newest))
    try:
        day = date.fromisoformat(wanted if _DAY.fullmatch(wanted) else "")
    except ValueError:
        return failed(f"{wanted!r} is not a day", f"Write a UTC day as YYYY-MM-DD. {instead}")
    if day > today:
        text = f"{day} has not begun: today, in UTC, is {today}"
        return failed(text, instead, day=wanted)
    if service.spec.name == EnterpriseClient.name and day < FLOOR:
        return failed(f"{day} is before {FLOOR}, where this API begins", instead)
    service.day = day
    if service.is_closed(day):
        return ok(f"{day} is closed", day=wanted)
    whole = day_end(day) + service.spec.settling.closed
    text = f"{day} is not over yet" if day == today else f"{day} is over, but not counted"
    text += f": all of it is only there at {whole:%Y-%m-%d %H:%M} UTC"
    then = f"No report uses it before; {newest} is the newest closed day."
    return warning(text, then, day=wanted)


def check_service(service: ServiceUnderCheck) -> CheckFinding:
    """Whether it answers, how fast, and whether this machine's clock agrees with its."""
    client = service.connected()
    service.organization = client.organization()
    milliseconds = round(1000 * service.answers[-1].elapsed.total_seconds())
    behind = client.answered_at - service.context.now if client.answered_at else None
    facts: dict[str, Fact] = {
        "url": client.address,
        "milliseconds": milliseconds,
        "clock_behind_seconds": None if behind is None else round(behind.total_seconds()),
    }
    text = f"{client.address} answers in {milliseconds} ms"
    if behind is not None and abs(behind) > CLOCK_MAY_DIFFER:
        way = "behind" if behind > timedelta(0) else "ahead of"
        minutes = abs(behind) // timedelta(minutes=1)
        text += f"; the clock of this machine is {minutes:,} minutes {way} the service's"
        return warning(text, "Set the clock: which days are closed depends on it.", **facts)
    return ok(text, **facts)


def check_organization(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the key is of the organization whose days are stored."""
    found = service.organization
    stored = service.store.organization(service.spec.name)
    id = found.id if found else ""
    facts: dict[str, Fact] = {"organization": id, "stored": stored}
    if not found or not id:
        return ok("the service does not say", **facts)
    name = f"{found.name}, {id}" if found.name else id
    if stored and stored != id:
        text = f"the key is of {name}; the stored days are of {stored}"
        then = "Give each a store of its own with --store DIR, or use the other key."
        return failed(text, then, **facts)
    return ok(name, **facts)


def check_records(service: ServiceUnderCheck) -> CheckFinding:
    """Who is in the records of the day."""
    early = ""
    try:
        try:
            service.seen = service.connected().records(service.day)
        except NotYetError as error:
            early, service.day = f"{service.day} is not counted yet. ", error.newest
            service.seen = service.connected().records(service.day)
        day, records = service.day, service.seen
        service.newest = _newest_with_records(service)
    except SchemaError as error:
        service.schema_error = str(error)
        text = f"{service.day}: the answer cannot be read"
        return failed(text, "The finding about the schema says why.")
    facts = _counts(day, records)
    if not records:
        return warning(
            f"{early}{day}: the answer is empty", NOT_COVERED[service.spec.name], **facts
        )
    text = f"{early}{day}: {len(records)} records of {facts['people']} people"
    if keys := int(str(facts["api_keys"])):
        text += f" and {counted(keys, 'API key')}"
    if facts["customer_types"] == ["api"]:
        text += "; none of a seat, so whoever has one may be missing"
    return warning(text, f"{day} is looked at instead.", **facts) if early else ok(text, **facts)


def _counts(day: date, records: Sequence[Record]) -> dict[str, Fact]:
    actors = [record.actor for record in records]
    people = {one.email_address.strip().lower() for one in actors if isinstance(one, UserActor)}
    return {
        "day": str(day),
        "records": len(records),
        "people": len(people),
        "api_keys": len({one.api_key_name for one in actors if isinstance(one, ApiActor)}),
        "customer_types": sorted({r.customer_type for r in records if r.customer_type}),
    }


def _newest_with_records(service: ServiceUnderCheck) -> date | None:
    """The newest of the last days with any records, which are kept when none were seen so far."""
    newest = max(service.day, service.newest_closed)
    for day in (newest - timedelta(days=back) for back in range(DAYS_BACK)):
        try:
            asked = day != service.day
            found = service.connected().records(day) if asked else service.seen
        except NotYetError:
            continue
        if found:
            service.seen = service.seen or found
            return day
    return None


def check_schema(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the records have the fields that this version knows."""
    if service.schema_error:
        then = (
            "Another service answers at this address, or the format changed: check "
            "ANTHROPIC_BASE_URL, then update ccanalytics."
        )
        return failed(service.schema_error, then)
    if unknown := sorted(service.connected().unknown_fields):
        text = f"fields this version does not know: {', '.join(unknown)}"
        then = (
            "A field is passed over and changes no number, an actor of another kind is counted "
            "apart; a newer ccanalytics may know them."
        )
        return warning(text, then, unknown=unknown)
    if not service.seen:
        return skipped("there is no record to look at")
    return ok("as this version knows it", unknown=[])


def check_freshness(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the store has what the service has."""
    newest, days = service.newest, service.store.days(service.spec.name)
    stored = max((day for day, one in days.items() if one.rows), default=None)
    facts: dict[str, Fact] = {"service": str(newest or ""), "store": str(stored or "")}
    if newest is None:
        text = f"no record of the last {DAYS_BACK} closed days at the service"
        return warning(text, NOT_COVERED[service.spec.name], **facts)
    text = f"the service has records up to {newest}, the store up to {stored or 'no day'}"
    if stored is None or (stored < newest and service.is_closed(newest)):
        since = stored + timedelta(days=1) if stored else newest
        then = f"ccanalytics sync --source {service.spec.name} --since {since}."
        return warning(text, then, **facts)
    return ok(text, **facts)


def check_rate_limit(service: ServiceUnderCheck) -> CheckFinding:
    """Whether requests were held back, and which limits the service names."""
    answers = service.answers
    held = sum(answer.status_code in (429, 529) for answer in answers)
    named = {
        name.removeprefix("anthropic-ratelimit-"): value
        for answer in answers
        for name, value in answer.headers.items()
        if name.startswith("anthropic-ratelimit-") or name == "retry-after"
    }
    facts: dict[str, Fact] = {"held_back": held, **named}
    limits = ", ".join(f"{name} {value}" for name, value in named.items())
    text = f"{held} of {counted(len(answers), 'request')} held back; "
    text += limits or "the service names no limit"
    if held:
        then = "The limit is of the whole organization: try again in some minutes."
        return warning(text, then, **facts)
    return ok(text, **facts) if answers else skipped("nothing was answered")


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
