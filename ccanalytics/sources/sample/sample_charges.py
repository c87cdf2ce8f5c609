"""The charges of the invented organisation: its use at list prices minus a discount.

It differs from the estimates like a real bill: decimals of a cent, people on seats who only pay
for what goes beyond their allowance, and a part that cannot be attributed to anybody.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from ccanalytics.wire.analytics_cost import CostActor, CostAmounts, CostGroup, CostItem
from ccanalytics.wire.claude_code import ApiActor, Record, TokenCounts, UserActor

DISCOUNT = Decimal("0.06")

SEAT_ALLOWANCE = Decimal(1500)
"""Cents a day at list prices that a seat includes; use beyond them is charged."""

SEARCH_CENTS = Decimal(1)
"""The price of one web search."""

Prices = dict[str, tuple[int, int]]
Amounts = dict[tuple[str, str, str], Decimal]
"""Cents at list prices by actor, model and kind of token."""

# Field of TokenCounts: kind of token, and its price in prices of an input token.
_TOKENS = {
    "input": ("uncached_input_tokens", Decimal(1)),
    "cache_read": ("cache_read_input_tokens", Decimal("0.1")),
    "cache_creation": ("cache_creation.ephemeral_5m_input_tokens", Decimal("1.25")),
}


def charges_of(
    day: date, records: Iterable[Record], prices: Prices, ids: Mapping[str, str]
) -> list[CostItem]:
    """The charges of one UTC day on which these records were made; `ids` are those of actors."""
    draw = Random(f"{day} charges")
    listed: Amounts = {}
    for record in records:
        for key, cents in _listed(record, prices).items():
            listed[key] = listed.get(key, Decimal(0)) + cents
    items = []
    for (name, model, token_type), cents in listed.items():
        person = CostActor("user_actor", user_id=ids[name], email_address=name)
        actor = person if "@" in name else CostActor("api_actor", api_key_id=ids[name])
        items.append(_item(day, cents, actor, model, token_type))
    shared = sum(listed.values(), Decimal(0)) * draw.randrange(8, 20) / 1000
    if shared:
        items.append(_item(day, shared, None, "claude-sonnet-5", "output_tokens"))
        items.append(_item(day, SEARCH_CENTS * draw.randrange(4, 40), None, None, None))
    return items


def _listed(record: Record, prices: Prices) -> Amounts:
    """What a record cost at list prices, without what a seat includes."""
    actor = record.actor
    name = actor.api_key_name if isinstance(actor, ApiActor) else ""
    if isinstance(actor, UserActor):
        name = actor.email_address.lower()
    found = {
        (name, usage.model, token_type): cents
        for usage in record.model_breakdown
        for token_type, cents in _cents(usage.tokens, *prices[usage.model]).items()
    }
    if record.customer_type != "subscription":
        return found
    total = sum(found.values(), Decimal(0))
    beyond = max(Decimal(0), total - SEAT_ALLOWANCE)
    return {key: cents * beyond / total for key, cents in found.items() if beyond}


def _cents(tokens: TokenCounts, price_in: int, price_out: int) -> dict[str, Decimal]:
    kinds = {
        token_type: getattr(tokens, name) * price_in * times / 10_000
        for name, (token_type, times) in _TOKENS.items()
    }
    kinds["output_tokens"] = Decimal(tokens.output * price_out) / 10_000
    return {kind: cents for kind, cents in kinds.items() if cents}


def _item(
    day: date, listed: Decimal, actor: CostActor | None, model: str | None, token_type: str | None
) -> CostItem:
    start, place = datetime(day.year, day.month, day.day, tzinfo=UTC), Decimal("1e-6")
    amount, listed = (listed * (1 - DISCOUNT)).quantize(place), listed.quantize(place)
    kind = "tokens" if token_type else "web_search"
    group = CostGroup(actor, model, cost_type=kind, token_type=token_type)
    return CostItem(start, start + timedelta(days=1), group, CostAmounts(amount, listed, "USD"))
