"""One source on a network, and what the checks so far have found out about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta

import httpx

from ccanalytics.check.finding import CheckContext, halves
from ccanalytics.errors import (
    CCAnalyticsError,
    SchemaError,
    SettingsError,
    StoreError,
)
from ccanalytics.settings import Settings
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.enterprise_api import FLOOR, EnterpriseClient
from ccanalytics.sources.registry import SourceSpec
from ccanalytics.store.day_store import Store
from ccanalytics.weeks import is_closed
from ccanalytics.wire.claude_code import Record
from ccanalytics.wire.organization import Organization

LONGEST_WAIT = 10.0
"""Seconds for one answer with all its tries: somebody is waiting."""

PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")

Client = AdminClient | EnterpriseClient


@dataclass(frozen=True)
class KnownService:
    """What is to be said of a service."""

    client: type[AdminClient] | type[EnterpriseClient]
    name: str
    not_covered: str
    first_day: date = date.min


SERVICES = {
    "api": KnownService(
        AdminClient,
        "Claude Code Analytics Admin API",
        "Empty is not zero use. This API has nothing of Amazon Bedrock, Google Cloud, Microsoft "
        "Foundry, Claude Platform on AWS and Team plans; Enterprise seats are in --source "
        "enterprise.",
    ),
    "enterprise": KnownService(
        EnterpriseClient,
        "Claude Enterprise Analytics API",
        "Empty is not zero use. This API has nothing of Amazon Bedrock, API keys and pipelines; "
        "use by accounts of the Console is in --source api.",
        FLOOR,
    ),
}


class ServiceUnderCheck:
    """One source on a network, and what the checks so far have found out about it."""

    def __init__(
        self, context: CheckContext, settings: Settings, store: Store, spec: SourceSpec
    ) -> None:
        assert spec.key is not None
        self.context, self.settings, self.store, self.spec = context, settings, store, spec
        self.known, self.key_kind = SERVICES[spec.name], spec.key
        self.key = ""
        self.client: Client | None = None
        self.answers: list[httpx.Response] = []
        self.organization: Organization | None = None
        self.day = self.newest_closed()
        self.newest: date | None = None
        self.seen: Sequence[Record] = ()
        self.schema_error = ""

    def is_closed(self, day: date) -> bool:
        """Whether all of a day is at the service by now."""
        return is_closed(day, self.context.now, self.spec.settling)

    def newest_closed(self) -> date:
        """The newest day that is closed."""
        day = self.context.now.astimezone(UTC).date()
        while not self.is_closed(day):
            day -= timedelta(days=1)
        return day

    def connected(self) -> Client:
        """The client, made when it is first needed."""
        if self.client is None:
            self.client = self.known.client(
                self.key,
                base_url=self.settings.base_url,
                budget=LONGEST_WAIT,
                timeout=LONGEST_WAIT,
                sleep=self.context.sleep,
                clock=self.context.clock,
                on_answer=self.answers.append,
            )
        return self.client

    def close(self) -> None:
        """Closes the connections."""
        if self.client is not None:
            self.client.close()

    def explain(self, error: CCAnalyticsError) -> tuple[str, str]:
        """What went wrong, and what to do."""
        text = str(error)
        if isinstance(error, SettingsError):
            return text, "Correct ANTHROPIC_BASE_URL, or leave it out."
        if isinstance(error, SchemaError):
            return text, "Check ANTHROPIC_BASE_URL: not the service itself answered."
        if isinstance(error, StoreError):
            return text, "The finding about the stored days says what to do."
        # What the service said ends with the id of the request, what to do comes after it.
        said, request, then = text.partition(") ")
        said, then = (f"{said})", then) if request else halves(text)
        then = then.partition("Given up after ")[0].strip() or "Try again in some minutes."
        proxies = [name for name in PROXIES if self.context.environ.get(name)]
        return said, f"{then} A proxy is set: {', '.join(proxies)}." if proxies else then
