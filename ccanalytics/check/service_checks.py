"""What a service says to this key: who it is for, what it tells of a day, and how fresh that is.

    key ─▶ one cheap question ─▶ organization ─▶ records of the day ─▶ schema ─▶ freshness

Each look needs the one before it; what could not be looked at is said to be skipped. A client that
is refused is not patient here: somebody is waiting.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from ccanalytics.check.finding import CheckContext, Fact, Finding, Status, halves
from ccanalytics.errors import (
    ApiError,
    AuthError,
    CCAnalyticsError,
    NotYetError,
    SchemaError,
    SettingsError,
)
from ccanalytics.settings import Settings
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.enterprise_api import FLOOR, EnterpriseClient
from ccanalytics.sources.http import what_to_do
from ccanalytics.sources.keys import ADMIN_KEY, ANALYTICS_KEY, PLAIN, Key, find_key
from ccanalytics.sources.registry import source_spec
from ccanalytics.store.day_store import Store, StoredDay
from ccanalytics.weeks import day_end, is_closed
from ccanalytics.wire.claude_code import ApiActor, Record, UserActor

PATIENCE = 10.0
"""Seconds to wait for one answer, with all its tries."""

DAYS_BACK = 7
"""How many days are asked for, at most, to find the newest one with records."""

PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")

CLOCK_MAY_DIFFER = timedelta(minutes=5)

TITLES = {
    "key": "Key",
    "day": "Day",
    "service": "Service",
    "organization": "Organization",
    "records": "Records",
    "schema": "Schema",
    "freshness": "Freshness",
    "rate_limit": "Rate limit",
}
"""What is looked at, in this order."""

NAMES = {"api": "Claude Code Analytics Admin API", "enterprise": "Claude Enterprise Analytics API"}

NOT_COVERED = {
    "api": (
        "Empty is not zero use. This API has nothing of Amazon Bedrock, Google Cloud, Microsoft "
        "Foundry, Claude Platform on AWS and Team plans; Enterprise seats are in --source "
        "enterprise."
    ),
    "enterprise": (
        "Empty is not zero use. This API has nothing of Amazon Bedrock, API keys and pipelines; "
        "use by accounts of the Console is in --source api."
    ),
}

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

Client = AdminClient | EnterpriseClient

KEYS = {"api": ADMIN_KEY, "enterprise": ANALYTICS_KEY}
CLIENTS: dict[str, type[AdminClient] | type[EnterpriseClient]] = {
    "api": AdminClient,
    "enterprise": EnterpriseClient,
}


class ServiceLook:
    """One source on a network, looked at."""

    def __init__(
        self,
        context: CheckContext,
        settings: Settings,
        store: Store,
        source: str,
        stored: Mapping[date, StoredDay],
    ) -> None:
        self._context, self._settings, self._store = context, settings, store
        self._source, self._stored = source, stored
        self._answers: list[httpx.Response] = []
        self._advice = ""

    def findings(self) -> list[Finding]:
        """One finding per title, whatever fails on the way."""
        key, about_key = self._key()
        day, about_day = self._day()
        found = {about_key.id: about_key, about_day.id: about_day}
        why = "there is no key that fits"
        if key is not None:
            found |= {one.id: one for one in self._online(key, day)}
            why = "the look before it failed"
        return [found.get(id) or self._finding(id, "skipped", why) for id in TITLES]

    def _finding(
        self, id: str, status: Status, found: str, then: str = "", /, **facts: Fact
    ) -> Finding:
        return Finding(id, TITLES[id], status, found, then, self._source, facts)

    def _key(self) -> tuple[str | None, Finding]:
        kind, file = KEYS[self._source], self._context.key_file
        try:
            text = find_key(self._context.environ, file, kind)
            if text is None:
                where = " or ".join(kind.variables)
                then = f"Set {kind.variables[0]}, or give --key-file FILE. {kind.make_one}"
                return None, self._finding("key", "failed", f"none in {where}", then)
            key = Key(text, kind)
        except AuthError as error:
            return None, self._finding("key", "failed", *halves(str(error)))
        self._advice = key.advice
        origin = str(file) if file else self._variable(text)
        facts: dict[str, Fact] = {"prefix": key.prefix, "origin": origin}
        if not key.prefix:
            said = f"{origin} does not begin like any Anthropic key"
            return text, self._finding("key", "warning", said, kind.make_one, **facts)
        if key.prefix == PLAIN:
            said = f"{origin}, {key.prefix}..., made for the Messages API"
            return text, self._finding("key", "warning", said, key.advice, **facts)
        said = f"{origin}, {key.prefix}..., for the {NAMES[self._source]}"
        return text, self._finding("key", "ok", said, "", **facts)

    def _variable(self, text: str) -> str:
        names = KEYS[self._source].variables
        return next(name for name in names if self._context.environ.get(name, "").strip() == text)

    def _newest(self) -> date:
        """The newest day that is closed."""
        day = self._context.now.astimezone(UTC).date()
        while not is_closed(day, self._context.now, source_spec(self._source).settling):
            day -= timedelta(days=1)
        return day

    def _day(self) -> tuple[date, Finding]:
        """The day to ask for, and what is to be said of the one that was wanted."""
        newest, wanted = self._newest(), self._context.day
        if not wanted:
            text = f"{newest}, the newest closed one; days are UTC days"
            return newest, self._finding("day", "ok", text, "", day=str(newest))
        try:
            if not _DAY.fullmatch(wanted):
                raise ValueError
            day = date.fromisoformat(wanted)
        except ValueError:
            then = f"Write a UTC day as YYYY-MM-DD. {newest} is looked at instead."
            return newest, self._finding("day", "failed", f"{wanted!r} is not a day", then)
        return self._asked_day(day, newest)

    def _asked_day(self, day: date, newest: date) -> tuple[date, Finding]:
        today = self._context.now.astimezone(UTC).date()
        if day > today:
            text = f"{day} has not begun: today, in UTC, is {today}"
            then = f"{newest} is the newest closed day, and is looked at instead."
            return newest, self._finding("day", "failed", text, then, day=str(day))
        if self._source == "enterprise" and day < FLOOR:
            text = f"{day} is before {FLOOR}, where this API begins"
            return newest, self._finding("day", "failed", text, f"{newest} is looked at instead.")
        if is_closed(day, self._context.now, source_spec(self._source).settling):
            return day, self._finding("day", "ok", f"{day} is closed", "", day=str(day))
        whole = day_end(day) + source_spec(self._source).settling.closed
        text = (
            f"{day} is not over yet: only a part of it is there"
            if day == today
            else f"{day} is over, but all of it is only there at {whole:%Y-%m-%d %H:%M} UTC"
        )
        then = f"No report uses it before; {newest} is the newest closed day."
        return day, self._finding("day", "warning", text, then, day=str(day))

    def _online(self, key: str, day: date) -> Iterator[Finding]:
        try:
            client = CLIENTS[self._source](
                key,
                base_url=self._settings.base_url,
                budget=PATIENCE,
                timeout=PATIENCE,
                sleep=self._context.sleep,
                clock=self._context.clock,
                on_answer=self._answers.append,
            )
        except SettingsError as error:
            then = "Correct ANTHROPIC_BASE_URL, or leave it out."
            yield self._finding("service", "failed", str(error), then)
            return
        with client:
            yield from self._asked(client, day)
            yield self._rate_limit()

    def _asked(self, client: Client, day: date) -> Iterator[Finding]:
        try:
            yield from self._greeting(client)
        except CCAnalyticsError as error:
            yield self._finding("service", "failed", *self._trouble(client, error))
            return
        try:
            try:
                records = client.records(day)
            except NotYetError as error:
                then = f"{error.newest} is looked at instead."
                yield self._finding("day", "warning", f"{day} is not counted yet", then)
                day, records = error.newest, client.records(error.newest)
        except SchemaError as error:
            then = (
                "Another service answers at this address, or the format changed: check "
                "ANTHROPIC_BASE_URL, then update ccanalytics."
            )
            yield self._finding("schema", "failed", str(error), then)
            return
        except CCAnalyticsError as error:
            yield self._finding("records", "failed", *self._trouble(client, error))
            return
        yield self._records(day, records)
        try:
            newest, others = self._newest_with_records(client, day, records)
        except CCAnalyticsError as error:
            yield self._finding("freshness", "failed", *self._trouble(client, error))
        else:
            yield self._freshness(newest)
            yield self._schema(client, records or others)

    def _greeting(self, client: Client) -> Iterator[Finding]:
        """What the cheapest question tells: that the service answers, and for whom."""
        if isinstance(client, AdminClient):
            organization = client.organization()
            id, name = organization.id, f"{organization.name}, {organization.id}"
        else:
            client.seats(self._newest(), self._newest())
            id = name = self._answers[-1].headers.get("anthropic-organization-id", "")
        yield self._service(client.address, self._answers[-1])
        yield self._organization(id, name)

    def _service(self, url: str, answer: httpx.Response) -> Finding:
        """How fast it answers, and whether this machine's clock agrees with its."""
        milliseconds = round(1000 * answer.elapsed.total_seconds())
        behind = _seconds_behind(answer, self._context.now)
        facts: dict[str, Fact] = {
            "url": url,
            "milliseconds": milliseconds,
            "clock_behind_seconds": behind,
        }
        text = f"{url} answers in {milliseconds} ms"
        if behind is not None and abs(behind) > CLOCK_MAY_DIFFER.total_seconds():
            minutes = abs(behind) // 60
            way = "behind" if behind > 0 else "ahead of"
            text += f"; the clock of this machine is {minutes:,} minutes {way} the service's"
            then = "Set the clock: which days are closed is told by it."
            return self._finding("service", "warning", text, then, **facts)
        return self._finding("service", "ok", text, "", **facts)

    def _organization(self, id: str, name: str) -> Finding:
        stored = self._store.organization(self._source)
        facts: dict[str, Fact] = {"organization": id, "stored": stored}
        if not id:
            text = "the service does not say"
            return self._finding("organization", "ok", text, "", **facts)
        if stored and stored != id:
            text = f"the key is of {name}; the stored days are of {stored}"
            then = "Give each a store of its own with --store DIR, or use the other key."
            return self._finding("organization", "failed", text, then, **facts)
        return self._finding("organization", "ok", name, "", **facts)

    def _records(self, day: date, records: Sequence[Record]) -> Finding:
        actors = [record.actor for record in records]
        people = {a.email_address.strip().lower() for a in actors if isinstance(a, UserActor)}
        keys = len({a.api_key_name for a in actors if isinstance(a, ApiActor)})
        kinds = sorted({r.customer_type for r in records if r.customer_type})
        facts: dict[str, Fact] = {
            "day": str(day),
            "records": len(records),
            "people": len(people),
            "api_keys": keys,
            "customer_types": kinds,
        }
        if not records:
            text, then = f"{day}: the answer is empty", NOT_COVERED[self._source]
            return self._finding("records", "warning", text, then, **facts)
        text = f"{day}: {len(records)} records of {len(people)} people"
        text += f" and {keys} API {'key' if keys == 1 else 'keys'}" if keys else ""
        if kinds == ["api"]:
            text += "; none of a seat, so whoever has one may be missing"
        return self._finding("records", "ok", text, "", **facts)

    def _newest_with_records(
        self, client: Client, day: date, records: Sequence[Record]
    ) -> tuple[date | None, Sequence[Record]]:
        """The newest of the last days with records, and these."""
        newest = max(day, self._newest())
        for back in range(DAYS_BACK):
            one = newest - timedelta(days=back)
            try:
                found = records if one == day else client.records(one)
            except NotYetError:
                continue
            if found:
                return one, found
        return None, []

    def _freshness(self, newest: date | None) -> Finding:
        stored = max((day for day, one in self._stored.items() if one.rows), default=None)
        facts: dict[str, Fact] = {"service": str(newest or ""), "store": str(stored or "")}
        if newest is None:
            text = f"no record of the last {DAYS_BACK} closed days at the service"
            return self._finding("freshness", "warning", text, NOT_COVERED[self._source], **facts)
        if stored is None or (
            stored < newest
            and is_closed(newest, self._context.now, source_spec(self._source).settling)
        ):
            since = stored + timedelta(days=1) if stored else newest
            text = f"the service has records up to {newest}, the store up to {stored or 'no day'}"
            then = f"ccanalytics sync --source {self._source} --since {since}."
            return self._finding("freshness", "warning", text, then, **facts)
        text = f"the newest records at the service are of {newest}, in the store of {stored}"
        return self._finding("freshness", "ok", text, "", **facts)

    def _schema(self, client: Client, records: Sequence[Record]) -> Finding:
        unknown = sorted(client.unknown_fields)
        if unknown:
            text = f"fields this version does not know: {', '.join(unknown)}"
            then = "They are passed over and change no number; a newer ccanalytics may know them."
            return self._finding("schema", "warning", text, then, unknown=unknown)
        if not records:
            return self._finding("schema", "skipped", "there is no record to look at")
        return self._finding("schema", "ok", "as this version knows it", "", unknown=[])

    def _rate_limit(self) -> Finding:
        held = [answer for answer in self._answers if answer.status_code in (429, 529)]
        named = {
            name.removeprefix("anthropic-ratelimit-"): value
            for answer in self._answers
            for name, value in answer.headers.items()
            if name.startswith("anthropic-ratelimit-") or name == "retry-after"
        }
        facts: dict[str, Fact] = {"held_back": len(held), **named}
        said = ", ".join(f"{name} {value}" for name, value in named.items())
        if held:
            text = f"{len(held)} of {len(self._answers)} requests were held back; "
            text += said or "no time to wait is named"
            then = "The limit is of the whole organization: try again in some minutes."
            return self._finding("rate_limit", "warning", text, then, **facts)
        if not self._answers:
            return self._finding("rate_limit", "skipped", "nothing was answered")
        asked = len(self._answers)
        text = f"not met in {asked} {'request' if asked == 1 else 'requests'}; "
        text += said or "the service names none"
        return self._finding("rate_limit", "ok", text, "", **facts)

    def _trouble(self, client: Client, error: CCAnalyticsError) -> tuple[str, str]:
        """What went wrong, and what to do."""
        answer = self._answers[-1] if self._answers else None
        if answer is None or answer.status_code == 200:
            text = str(error).split(" Given up after ")[0]
            if isinstance(error, SchemaError):
                return text, "Check ANTHROPIC_BASE_URL: not the service itself answered."
            found, then = halves(text)
            proxies = [name for name in PROXIES if self._context.environ.get(name)]
            return found, f"{then} A proxy is set: {', '.join(proxies)}." if proxies else then
        said = client.words(answer)
        if isinstance(error, AuthError):
            return said, self._advice
        if isinstance(error, ApiError) and answer.status_code in (429, 529):
            return said, "Try again in some minutes; the limit is of the whole organization."
        if answer.status_code >= 500:
            return said, "The fault is at the service, or a proxy before it: try again later."
        return said, what_to_do(answer)


def _seconds_behind(answer: httpx.Response, now: datetime) -> int | None:
    """How far the clock of this machine is behind that of the service; None when it tells none."""
    try:
        told = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return None if told.tzinfo is None else round((told - now).total_seconds())
