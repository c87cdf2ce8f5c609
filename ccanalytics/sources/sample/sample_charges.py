"""The charges of the invented organisation: its use at list prices minus a discount.

It differs from the estimates like a real bill: decimals of a cent, people on seats who only pay
for what goes beyond their allowance, and a part that cannot be attributed to anybody.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from ccanalytics.wire.analytics_cost import CostActor, CostAmounts, CostGroup, CostItem
from ccanalytics.wire.claude_code import Record, TokenCounts

DISCOUNT = Decimal("0.06")

SEAT_ALLOWANCE = Decimal(1500)
"""Cents a day at list prices that a seat includes; use beyond them is charged."""

SEARCH_CENTS = Decimal(1)
"""The price of one web search."""

# Field of TokenCounts: kind of token, and its price in prices of an input token.
_TOKENS = {
    "input": ("uncached_input_tokens", Decimal(1)),
    "cache_read": ("cache_read_input_tokens", Decimal("0.1")),
    "cache_creation": ("cache_creation.ephemeral_5m_input_tokens", Decimal("1.25")),
}


def charges_of(
    day: date,
    records: Iterable[Record],
    prices: Mapping[str, tuple[int, int]],
    ids: Mapping[str, str],
) -> list[CostItem]:
    """The charges of one UTC day on which these records were made; `ids` are those of actors."""
    draw = Random(f"{day} charges")
    listed: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for record in records:
        name = getattr(record.actor, "api_key_name", "")
        name = name or getattr(record.actor, "email_address", "").lower()
        cents = {
            (name, usage.model, kind): cost
            for usage in record.model_breakdown
            for kind, cost in _cents(usage.tokens, *prices[usage.model])
            if cost
        }
        total = sum(cents.values(), Decimal(0))
        if record.customer_type == "subscription":  # use beyond what the seat includes
            beyond = max(Decimal(0), total - SEAT_ALLOWANCE)
            cents = {key: cost * beyond / total for key, cost in cents.items() if beyond}
        for key, cost in cents.items():
            listed[key] += cost
    items = []
    for (name, model, kind), cost in listed.items():
        person = CostActor("user_actor", user_id=ids[name], email_address=name)
        actor = person if "@" in name else CostActor("api_actor", api_key_id=ids[name])
        items.append(_item(day, cost, actor, model, kind))
    shared = sum(listed.values(), Decimal(0)) * draw.randrange(8, 20) / 1000
    if shared:
        items.append(_item(day, shared, None, "claude-sonnet-5", "output_tokens"))
        items.append(_item(day, SEARCH_CENTS * draw.randrange(4, 40), None, None, None))
    return items


def _cents(tokens: TokenCounts, price_in: int, price_out: int) -> Iterator[tuple[str, Decimal]]:
    """The cost at list prices of each kind of token."""
    for name, (kind, times) in _TOKENS.items():
        yield kind, getattr(tokens, name) * price_in * times / 10_000
    yield "output_tokens", Decimal(tokens.output * price_out) / 10_000


def _item(
    day: date, listed: Decimal, actor: CostActor | None, model: str | None, token_type: str | None
) -> CostItem:
    start, place = datetime(day.year, day.month, day.day, tzinfo=UTC), Decimal("1e-6")
    amount, listed = (listed * (1 - DISCOUNT)).quantize(place), listed.quantize(place)
    group = CostGroup(actor, model, "tokens" if token_type else "web_search", token_type)
    return CostItem(start, start + timedelta(days=1), group, CostAmounts(amount, listed, "USD"))
