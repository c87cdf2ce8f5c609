"""The wire format of the Admin API's cost and usage reports: what was billed, by UTC day.

    CostPage ── data ─▶ CostBucket ── results ─▶ Cost      US cents by model, kind and workspace
    UsagePage ── data ─▶ UsageBucket ── results ─▶ Usage   tokens by model and workspace

Unlike in the records of Claude Code an amount is text with decimals of a cent, the end of a bucket
is exclusive, and a dimension is null where it was not asked for, or has no value.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from ccanalytics.wire.claude_code import MOST_CENTS, Wire, decoder


class Cost(Wire):
    """What was billed for one kind of thing on one day, in cents of `currency`."""

    amount: Decimal
    """In hundredths of `currency`, so cents, written as text with decimals."""
    currency: str
    """So far always USD."""
    cost_type: str | None = None
    """`tokens`, `web_search`, `code_execution` or `session_usage`."""
    token_type: str | None = None
    """The kind of tokens, such as `output_tokens`."""
    model: str | None = None
    """The model's id."""
    workspace_id: str | None = None
    """The workspace; null is the default one."""
    description: str | None = None
    """What the service calls it."""
    service_tier: str | None = None
    """`standard` or `batch`."""
    context_window: str | None = None
    """How long the prompt was, such as `0-200k`."""
    inference_geo: str | None = None
    """Where it was computed."""

    def __post_init__(self) -> None:
        if not (self.amount.is_finite() and abs(self.amount) < MOST_CENTS):
            raise ValueError(f"{self.amount} is no amount in cents")
        if self.currency != "USD":
            raise ValueError(f"the amount is in {self.currency}; only USD can be added up here")


class CacheCreation(Wire):
    """Tokens written to the cache, by how long they are kept."""

    ephemeral_5m_input_tokens: int = 0
    """Tokens kept for five minutes."""
    ephemeral_1h_input_tokens: int = 0
    """Tokens kept for an hour."""


class ServerTools(Wire):
    """Calls of tools that the service runs."""

    web_search_requests: int = 0
    """Searches of the web."""


class Usage(Wire):
    """Tokens of one model and workspace on one day, of everything that used the API."""

    uncached_input_tokens: int
    """Tokens read that were in no cache."""
    cache_read_input_tokens: int
    """Tokens read from the cache."""
    cache_creation: CacheCreation
    """Tokens put into the cache."""
    output_tokens: int
    """Tokens written."""
    server_tool_use: ServerTools = msgspec.field(default_factory=ServerTools)
    """Calls of tools that the service runs."""
    model: str | None = None
    """The model's id."""
    workspace_id: str | None = None
    """The workspace; null is the default one."""


class Bucket(Wire):
    """One UTC day of a report."""

    starting_at: datetime
    """The midnight, UTC, at which the day begins."""
    ending_at: datetime
    """The midnight at which it ends, which is no longer in it."""

    def __post_init__(self) -> None:
        start, end = self.starting_at.astimezone(UTC), self.ending_at.astimezone(UTC)
        if start.time() != datetime.min.time() or end - start != timedelta(days=1):
            raise ValueError(f"the bucket of {self.starting_at} to {self.ending_at} is no UTC day")

    @property
    def day(self) -> date:
        """The UTC day."""
        return self.starting_at.astimezone(UTC).date()


BucketOf = TypeVar("BucketOf", bound=Bucket)


class CostBucket(Bucket):
    """What was billed on one day; an empty list when nothing was."""

    results: list[Cost]
    """What was billed; empty when nothing was."""


class UsageBucket(Bucket):
    """The tokens of one day; an empty list when there were none."""

    results: list[Usage]
    """Tokens by the dimensions asked for; empty when there were none."""


class BucketPage(Wire, Generic[BucketOf]):
    """One answer of a report: days, and the cursor of the next page while there is more."""

    data: list[BucketOf]
    """The days of this page."""
    has_more: bool
    """Whether another page follows."""
    next_page: str | None
    """The cursor to send as `page`; null on the last page."""


class CostPage(BucketPage[CostBucket]):
    """One answer of the cost report."""


class UsagePage(BucketPage[UsageBucket]):
    """One answer of the usage report of messages."""


class DayBill(Wire):
    """What one UTC day cost, and the tokens it is about; workspaces by the name they have now."""

    costs: list[Cost]
    usage: list[Usage]
    workspaces: dict[str, str]


decode_costs = decoder(CostPage, "a page of the cost report")
decode_usage = decoder(UsagePage, "a page of the usage report of messages")
