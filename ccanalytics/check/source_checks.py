"""What a service says to this key: who it is for, what it knows of a day, and how fresh that is."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from ccanalytics.check.finding import CheckFinding, Fact, SetupCheck, failed, ok, skipped, warning
from ccanalytics.check.service_under_check import Client, ServiceUnderCheck
from ccanalytics.errors import NotYetError, SchemaError
from ccanalytics.sources.keys import PLAIN, Key, KeyKind, find_key
from ccanalytics.weeks import day_end
from ccanalytics.wire.claude_code import ApiActor, Record, UserActor
from ccanalytics.words import counted

DAYS_BACK = 7
"""How many days are asked for, at most, to find the newest one with records."""

CLOCK_MAY_DIFFER = timedelta(minutes=5)

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def check_key(service: ServiceUnderCheck) -> CheckFinding:
    """Which kind of key there is, and what it fits; one that does not fit is not sent."""
    kind, file = service.key_kind, service.context.key_file
    text = find_key(service.context.environ, file, kind)
    if text is None:
        then = f"Set {kind.variables[0]}, or give --key-file FILE. {kind.make_one}"
        return failed(f"none in {' or '.join(kind.variables)}", then)
    key = Key(text, kind)
    service.key = text
    origin = str(file) if file else _variable(service, kind, text)
    facts: dict[str, Fact] = {"prefix": key.prefix, "origin": origin}
    if not key.prefix:
        said = f"{origin} does not begin like any Anthropic key"
        return warning(said, kind.make_one, **facts)
    if key.prefix == PLAIN:
        said = f"{origin}, {key.prefix}..., made for the Messages API"
        return warning(said, key.advice, **facts)
    return ok(f"{origin}, {key.prefix}..., for the {service.known.name}", **facts)


def _variable(service: ServiceUnderCheck, kind: KeyKind, text: str) -> str:
    environ = service.context.environ
    return next(name for name in kind.variables if environ.get(name, "").strip() == text)


def check_day(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the day asked for is one, and closed; if it is none the newest is taken."""
    newest, wanted = service.day, service.context.day
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
    if day < service.known.first_day:
        first = service.known.first_day
        return failed(f"{day} is before {first}, where this API begins", instead)
    service.day = day
    if service.is_closed(day):
        return ok(f"{day} is closed", day=wanted)
    whole = day_end(day) + service.spec.settling.closed
    text = (
        f"{day} is not over yet: only a part of it is there"
        if day == today
        else f"{day} is over, but all of it is only there at {whole:%Y-%m-%d %H:%M} UTC"
    )
    then = f"No report uses it before; {newest} is the newest closed day."
    return warning(text, then, day=wanted)


def check_service(service: ServiceUnderCheck) -> CheckFinding:
    """Whether it answers, how fast, and whether this machine's clock agrees with its."""
    client = service.connected()
    service.organization = client.organization()
    answer = service.answers[-1]
    milliseconds = round(1000 * answer.elapsed.total_seconds())
    behind = _seconds_behind(answer, service.context.now)
    facts: dict[str, Fact] = {
        "url": client.address,
        "milliseconds": milliseconds,
        "clock_behind_seconds": behind,
    }
    text = f"{client.address} answers in {milliseconds} ms"
    if behind is not None and abs(behind) > CLOCK_MAY_DIFFER.total_seconds():
        way = "behind" if behind > 0 else "ahead of"
        text += f"; the clock of this machine is {abs(behind) // 60:,} minutes {way} the service's"
        return warning(text, "Set the clock: which days are closed depends on it.", **facts)
    return ok(text, **facts)


def _seconds_behind(answer: httpx.Response, now: datetime) -> int | None:
    """How far this machine's clock is behind the service's; None when the answer has no date."""
    try:
        there = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return None if there.tzinfo is None else round((there - now).total_seconds())


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
    """Who is in the records of the day; and which is the newest day with any."""
    client, day, early = service.connected(), service.day, ""
    try:
        try:
            records = client.records(day)
        except NotYetError as error:
            early = f"{day} is not counted yet. "
            day = error.newest
            records = client.records(day)
        _find_newest(service, client, day, records)
    except SchemaError as error:
        service.schema_error = str(error)
        return failed(f"{day}: the answer cannot be read", "The finding about the schema says why.")
    facts = _counts(day, records)
    people, keys = f"{len(records)} records of {facts['people']} people", facts["api_keys"]
    if not records:
        return warning(f"{early}{day}: the answer is empty", service.known.not_covered, **facts)
    text = f"{early}{day}: {people}" + (
        f" and {counted(int(str(keys)), 'API key')}" if keys else ""
    )
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


def _find_newest(
    service: ServiceUnderCheck, client: Client, day: date, records: Sequence[Record]
) -> None:
    """Keeps the newest of the last days with records, and any records there are."""
    newest = max(day, service.newest_closed())
    service.seen = records
    for one in (newest - timedelta(days=back) for back in range(DAYS_BACK)):
        try:
            found = records if one == day else client.records(one)
        except NotYetError:
            continue
        if found:
            service.newest, service.seen = one, records or found
            return


def check_schema(service: ServiceUnderCheck) -> CheckFinding:
    """Whether the records have the fields that this version knows."""
    if service.schema_error:
        then = (
            "Another service answers at this address, or the format changed: check "
            "ANTHROPIC_BASE_URL, then update ccanalytics."
        )
        return failed(service.schema_error, then)
    unknown = sorted(service.connected().unknown_fields)
    if unknown:
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
    days, newest = service.store.days(service.spec.name), service.newest
    stored = max((day for day, one in days.items() if one.rows), default=None)
    facts: dict[str, Fact] = {"service": str(newest or ""), "store": str(stored or "")}
    if newest is None:
        text = f"no record of the last {DAYS_BACK} closed days at the service"
        return warning(text, service.known.not_covered, **facts)
    if stored is None or (stored < newest and service.is_closed(newest)):
        since = stored + timedelta(days=1) if stored else newest
        text = f"the service has records up to {newest}, the store up to {stored or 'no day'}"
        then = f"ccanalytics sync --source {service.spec.name} --since {since}."
        return warning(text, then, **facts)
    return ok(
        f"the newest records at the service are of {newest}, in the store of {stored}", **facts
    )


def check_rate_limit(service: ServiceUnderCheck) -> CheckFinding:
    """Whether requests were held back, and which limits the service names."""
    answers = service.answers
    if not answers:
        return skipped("nothing was answered")
    held = sum(answer.status_code in (429, 529) for answer in answers)
    named = {
        name.removeprefix("anthropic-ratelimit-"): value
        for answer in answers
        for name, value in answer.headers.items()
        if name.startswith("anthropic-ratelimit-") or name == "retry-after"
    }
    facts: dict[str, Fact] = {"held_back": held, **named}
    said = ", ".join(f"{name} {value}" for name, value in named.items())
    if held:
        text = f"{held} of {len(answers)} requests were held back; "
        then = "The limit is of the whole organization: try again in some minutes."
        return warning(text + (said or "no time to wait is named"), then, **facts)
    text = f"not met in {counted(len(answers), 'request')}; {said or 'the service names none'}"
    return ok(text, **facts)


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
