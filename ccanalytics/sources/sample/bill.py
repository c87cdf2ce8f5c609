"""What the invented organisation was billed: near what its API customers' use was estimated at.

It differs as a real bill does: a discount on the list price, decimals of a cent, web searches that
no estimate has, keys in the default workspace, and a product that is not Claude Code.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from random import Random

from ccanalytics.wire.claude_code import ApiActor, Record, TokenCounts
from ccanalytics.wire.cost_report import CacheCreation, Cost, DayBill, ServerTools, Usage

CLAUDE_CODE, PRODUCT = "wrkspc_claude_code", "wrkspc_shop_search"
WORKSPACES = {CLAUDE_CODE: "Claude Code", PRODUCT: "Shop search"}

DISCOUNT = Decimal("0.06")
SEARCH_CENTS = 1
"""The price of one web search."""

Prices = dict[str, tuple[int, int]]

# Field of TokenCounts: token type, and its price in prices of an input token.
_TOKENS = {
    "input": ("uncached_input_tokens", Decimal(1)),
    "cache_read": ("cache_read_input_tokens", Decimal("0.1")),
    "cache_creation": ("cache_creation.ephemeral_5m_input_tokens", Decimal("1.25")),
}

Sums = dict[tuple[str | None, str], TokenCounts]


def bill_of(day: date, records: Iterable[Record], prices: Prices) -> DayBill:
    """The bill of one UTC day on which these records were made."""
    sums = _sums(records)
    draw = Random(f"{day} bill")
    sums[PRODUCT, "claude-sonnet-5"] = TokenCounts(
        draw.randrange(2_000_000, 6_000_000), draw.randrange(300_000, 900_000), 0, 0
    )
    searches = draw.randrange(4, 40) if any(place == CLAUDE_CODE for place, _ in sums) else 0
    costs = [cost for key, tokens in sums.items() for cost in _costs(*key, tokens, prices)]
    usage = [_usage(*key, tokens) for key, tokens in sums.items()]
    if searches:
        usage[0].server_tool_use = ServerTools(searches)
        amount = SEARCH_CENTS * searches * (1 - DISCOUNT)
        costs.append(Cost(amount, "USD", cost_type="web_search", workspace_id=CLAUDE_CODE))
    return DayBill(costs, usage, WORKSPACES)


def _sums(records: Iterable[Record]) -> Sums:
    """Tokens by workspace and model; people's in that of Claude Code, keys' in the default one."""
    sums: Sums = defaultdict(lambda: TokenCounts(0, 0, 0, 0))
    for record in records:
        if record.customer_type != "api":
            continue
        place = None if isinstance(record.actor, ApiActor) else CLAUDE_CODE
        for usage in record.model_breakdown:
            old, new = sums[place, usage.model], usage.tokens
            sums[place, usage.model] = TokenCounts(
                old.input + new.input,
                old.output + new.output,
                old.cache_read + new.cache_read,
                old.cache_creation + new.cache_creation,
            )
    return sums


def _costs(place: str | None, model: str, tokens: TokenCounts, prices: Prices) -> Iterable[Cost]:
    price_in, price_out = prices[model]
    kinds = [(*_TOKENS[name], getattr(tokens, name), price_in) for name in _TOKENS]
    kinds.append(("output_tokens", Decimal(1), tokens.output, price_out))
    for token_type, times, count, price in kinds:
        if count:
            cents = count * price * times * (1 - DISCOUNT) / 10_000
            yield Cost(
                cents.normalize() + 0,
                "USD",
                cost_type="tokens",
                token_type=token_type,
                model=model,
                workspace_id=place,
                service_tier="standard",
                description=f"{model} {token_type}",
            )


def _usage(place: str | None, model: str, tokens: TokenCounts) -> Usage:
    return Usage(
        uncached_input_tokens=tokens.input,
        cache_read_input_tokens=tokens.cache_read,
        cache_creation=CacheCreation(tokens.cache_creation, 0),
        output_tokens=tokens.output,
        server_tool_use=ServerTools(0),
        model=model,
        workspace_id=place,
    )
