"""The wire format of the analytics cost report: money by UTC day, actor, model and kind of cost.

    CostItemPage ── data ─▶ CostItem ┬─ group   CostGroup ─ CostActor
                                     └─ cost    CostAmounts

Amounts are text: US cents with decimals. `amount` is after discounts and before credits, so a sum
of it is not an invoice; `list_amount` is at list prices. A dimension is null where it was not asked
for, or has no value; without an actor the cost cannot be attributed to anybody.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ccanalytics.wire.claude_code import MOST_CENTS, CursorPage, Wire, decoder


class CostActor(Wire, omit_defaults=True):
    """Who caused a cost; an id by its kind."""

    type: str
    """`user_actor`, `api_actor`, `service_account_actor`, `federated_actor`; an open set."""
    user_id: str | None = None
    """Of a person: the same when the address changes."""
    email_address: str | None = None
    """Their address now; null when the account was deleted."""
    api_key_id: str | None = None
    """Of an API key; its name is not sent."""
    service_account_id: str | None = None
    """Of a service account."""
    subject: str | None = None
    """Of an identity of another cloud: its id there."""


class CostGroup(Wire):
    """The values of the dimensions that were asked for."""

    actor: CostActor | None = None
    """Who caused it; null where it cannot be attributed."""
    model: str | None = None
    """The model's id; null for what is not of one model."""
    cost_type: str | None = None
    """`tokens`, `web_search`, `code_execution` or `session_usage`."""
    token_type: str | None = None
    """The kind of tokens, such as `output_tokens`; null for other costs."""


class CostAmounts(Wire):
    """The money of one row."""

    amount: Decimal
    """Cents after discounts and before credits, as text with decimals."""
    list_amount: Decimal
    """Cents at list prices."""
    currency: str
    """So far always USD."""
    requests: int | None = None
    """Requests; null where the row is split by kind of cost or of token."""

    def __post_init__(self) -> None:
        for one in (self.amount, self.list_amount):
            if not (one.is_finite() and abs(one) < MOST_CENTS):
                raise ValueError(f"{one} is no amount in cents")
        if self.currency.upper() != "USD":
            raise ValueError(f"the amount is in {self.currency}; only USD can be added up here")


class CostItem(Wire):
    """The cost of one group on one UTC day."""

    starting_at: datetime
    """The midnight, UTC, at which the day begins."""
    ending_at: datetime
    """The midnight at which it ends, which is no longer in it."""
    group: CostGroup
    """Whose cost it is, and of what."""
    cost: CostAmounts
    """How much it is."""

    def __post_init__(self) -> None:
        start, end = self.starting_at.astimezone(UTC), self.ending_at.astimezone(UTC)
        if start.time() != datetime.min.time() or end - start != timedelta(days=1):
            raise ValueError(f"{self.starting_at} to {self.ending_at} is no UTC day")

    @property
    def day(self) -> date:
        """The UTC day."""
        return self.starting_at.astimezone(UTC).date()


class CostItemPage(CursorPage[CostItem]):
    """One answer of the report; a day and group without cost has no row."""

    data_refreshed_at: datetime | None = None
    """Days that end later are not complete; null when no day is."""


class ChargedDays(Wire):
    """Ours: the rows of UTC days, how far they are complete, the names of API keys, and whose."""

    days: dict[date, list[CostItem]]
    refreshed_at: datetime | None
    key_names: dict[str, str]
    organization: str | None = None


decode_cost_items = decoder(CostItemPage, "a page of the analytics cost report")
