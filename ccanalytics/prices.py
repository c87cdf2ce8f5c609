"""Tokens of a model on a day -> dollars at list price, or None when the price is unknown.

The prices come with the genai-prices package: dated, so a request costs what it cost on its
day, and read without network. Its own calculation takes a tenth of a millisecond, so the rates
are looked up once per model, day and speed, and are whole numbers, which are exact and quick.

A subscriber does not pay list prices.
"""

import re
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, TieredPrices

US_INFERENCE = Decimal("1.1")
"""Times the list price when inference is bound to the United States; not in genai-prices."""

FAST_UNTIL = {"claude-opus-4-6": date(2026, 6, 29), "claude-opus-4-7": date(2026, 7, 24)}
"""The last day these models had a fast mode, which genai-prices does not know of."""

FAST = 6
"""Times the list price in that mode."""

UNITS = 10**8
"""Units per dollar of an integer cost; the scale of `cost_usd`."""

_FINER = 1000
"""Parts of a unit per unit of a rate."""


class Tokens(NamedTuple):
    """The tokens of one or more calls by price category, and the paid web searches."""

    input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    web_searches: int

    @property
    def into(self) -> int:
        """All input tokens, cached or not."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    @property
    def total(self) -> int:
        """All tokens, input and output."""
        return sum(self[:5])


class Tariff(NamedTuple):
    """What decides the rates of a request besides its day."""

    model: str
    fast: bool = False
    us_only: bool = False
    free: bool = False
    """Refused before any output: not billed."""


class PriceList(NamedTuple):
    """The rates of one tariff on one day: `tiers[n]` applies above `n` thresholds.

    A tier has, in thousandths of a unit, what one of each kind of token costs.
    """

    thresholds: tuple[int, ...]
    tiers: tuple[Tokens, ...]

    def costs(self, tokens: Tokens) -> tuple[int, int]:
        """Units for one request: as it was, and if every cached token were input."""
        # All input tokens together decide the tier, and its rates apply to all tokens.
        new, out, read, short, long, searches = tokens
        into = new + read + short + long
        rates = self.tiers[sum(into > threshold for threshold in self.thresholds)]
        fixed = out * rates.output + searches * rates.web_searches + _FINER // 2
        paid = new * rates.input + read * rates.cache_read + fixed
        paid += short * rates.cache_write_5m + long * rates.cache_write_1h
        return paid // _FINER, (into * rates.input + fixed) // _FINER


NOTHING = PriceList((), (Tokens(0, 0, 0, 0, 0, 0),))
"""The rates of requests that are not billed."""

_PREFIX = re.compile(r".*/|.*?(?<![a-z0-9])(?=claude-)")
_VERSION = re.compile(r"(-v\d+)?(:[\w.-]+)*$")
_TURNED = re.compile(r"^claude-([4-9](?:-\d)?)-([a-z]+)")  # claude-4-5-sonnet


def model_name(name: str) -> str:
    """The model behind an id of a cloud or gateway.

    >>> model_name("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    'claude-sonnet-4-5-20250929'
    >>> model_name("anthropic/claude-opus-4.6[1m]"), model_name("claude-opus-4-5@20251101")
    ('claude-opus-4-6', 'claude-opus-4-5-20251101')
    """
    if "claude" not in name.lower():
        return name
    name = re.sub(r"\[[^]]*\]$", "", name.strip().lower())
    name = _VERSION.sub("", _PREFIX.sub("", name))
    name = re.sub(r"@(\d+)$", r"-\1", name).partition("@")[0]
    return _TURNED.sub(r"claude-\2-\1", re.sub(r"(?<=\d)\.(?=\d)", "-", name))


def model_family(model: str) -> str:
    """The family and version of a model id, from any cloud or gateway.

    >>> model_family("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    'Sonnet 4.5'
    >>> model_family("claude-3-5-haiku-20241022"), model_family("house-model")
    ('Haiku 3.5', 'house-model')
    """
    name = model_name(model)
    family = re.search(r"opus|sonnet|haiku", name)
    version = re.findall(r"(?<!\d)\d{1,2}(?!\d)", re.sub(r"-\d{8}.*", "", name))
    return f"{family[0].title()} {'.'.join(version)}".strip() if family else name


def has_price(model: str) -> bool:
    """Whether a model has a price at all."""
    return _model(model_name(model)) is not None


@cache
def price_list(tariff: Tariff, day: date) -> PriceList | None:
    """The rates on a UTC day; None for a model without a known price."""
    if tariff.free:
        return NOTHING
    model = _model(model_name(tariff.model))
    if model is None:
        return None
    factor = US_INFERENCE if tariff.us_only else Decimal(1)
    context = {"speed": "fast"} if tariff.fast else None
    if tariff.fast and model.id in FAST_UNTIL:
        factor, context = factor * (FAST if day <= FAST_UNTIL[model.id] else 1), None
    price = model.get_prices(datetime.combine(day, time.min), context)
    # A kind of token without its own price costs the same as the kind it is part of.
    write = price.cache_write_mtok or price.input_mtok
    read, write_1h = price.cache_read_mtok or price.input_mtok, price.cache_write_1h_mtok or write
    million = (price.input_mtok, price.output_mtok, read, write, write_1h)
    kinds = [(_steps(kind), factor / 10**6) for kind in million]
    kinds.append((_steps(price.web_searches_kcount), Decimal(1) / 10**3))
    starts = sorted({start for steps, _ in kinds for start in steps})
    tiers = (
        Tokens._make(
            round(steps[max(one for one in steps if one <= start)] * part * UNITS * _FINER)
            for steps, part in kinds
        )
        for start in starts
    )
    return PriceList(tuple(starts[1:]), tuple(tiers))


@cache
def _model(name: str) -> "ModelInfo | None":
    # Imported late: a quarter of a second that readers of stored days do not need.
    from genai_prices import Usage, calc_price

    # Anthropic lists Mythos at the prices of the Fable of its number; genai-prices has no Mythos.
    name = name.replace("claude-mythos-", "claude-fable-")
    try:
        return calc_price(Usage(), name, provider_id="anthropic").model
    except LookupError:
        return None


def _steps(price: "Decimal | TieredPrices | None") -> dict[int, Decimal]:
    """The prices of one kind of token by the number of input tokens above which each applies."""
    if price is None or isinstance(price, Decimal):
        return {-1: price or Decimal(0)}
    return {-1: price.base} | {tier.start: tier.price for tier in price.tiers}
