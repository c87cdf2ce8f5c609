"""Tokens of a model on a day -> dollars at list price, or None when the price is unknown.

The prices come with the genai-prices package: dated, so a request costs what it cost on its
day, and read without network. Its own calculation takes a tenth of a millisecond, so the rates
are looked up once per model, day and speed, and are whole numbers, which are exact and quick.

A subscriber does not pay list prices.
"""

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

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
        cached = (
            read * rates.cache_read + short * rates.cache_write_5m + long * rates.cache_write_1h
        )
        return (
            (new * rates.input + cached + fixed) // _FINER,
            (into * rates.input + fixed) // _FINER,
        )


NOTHING = PriceList((), (Tokens(0, 0, 0, 0, 0, 0),))
"""The rates of requests that are not billed."""

_PREFIX = re.compile(r".*/|.*?(?<![a-z0-9])(?=claude-)")
_VERSION = re.compile(r"(-v\d+)?(:[\w.-]+)*$")
_TURNED = re.compile(r"^claude-([4-9](?:-\d)?)-([a-z]+)")


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


class Prices:
    """List prices, each looked up once."""

    def __init__(self) -> None:
        self._models: dict[str, ModelInfo | None] = {}
        self._lists: dict[tuple[Tariff, date], PriceList | None] = {}

    def knows(self, model: str) -> bool:
        """Whether a model has a price at all."""
        name = model_name(model)
        if name not in self._models:
            self._models[name] = _find_model(name)
        return self._models[name] is not None

    def price_list(self, tariff: Tariff, day: date) -> PriceList | None:
        """The rates on a UTC day; None for a model without a known price."""
        key = tariff, day
        if key not in self._lists:
            self._lists[key] = self._look_up(tariff, day)
        return self._lists[key]

    def _look_up(self, tariff: Tariff, day: date) -> PriceList | None:
        if tariff.free:
            return NOTHING
        model = self._models[model_name(tariff.model)] if self.knows(tariff.model) else None
        if model is None:
            return None
        factor = US_INFERENCE if tariff.us_only else Decimal(1)
        context = {"speed": "fast"} if tariff.fast else None
        if tariff.fast and model.id in FAST_UNTIL:
            factor, context = factor * (FAST if day <= FAST_UNTIL[model.id] else 1), None
        price = model.get_prices(datetime.combine(day, time.min), context)
        return _price_list(price, factor)


def _find_model(name: str) -> "ModelInfo | None":
    # Imported late: a quarter of a second that readers of stored days do not need.
    from genai_prices import Usage, calc_price

    # Anthropic lists Mythos at the prices of the Fable of its number; genai-prices has no Mythos.
    name = name.replace("claude-mythos-", "claude-fable-")
    try:
        return calc_price(Usage(), name, provider_id="anthropic").model
    except LookupError:
        return None


def _price_list(price: "ModelPrice", factor: Decimal) -> PriceList:
    # A kind of token without its own price costs the same as the kind it is part of.
    write = price.cache_write_mtok or price.input_mtok
    million = [
        price.input_mtok,
        price.output_mtok,
        price.cache_read_mtok or price.input_mtok,
        write,
        price.cache_write_1h_mtok or write,
    ]
    searches = price.web_searches_kcount
    starts = {start for price in [*million, searches] for start in _starts(price)}
    thresholds = tuple(sorted(starts))
    tiers = (
        Tokens._make(
            [
                *(_rate(_at(kind, above) * factor, 10**6) for kind in million),
                _rate(_at(searches, above), 10**3),
            ]
        )
        for above in (-1, *thresholds)
    )
    return PriceList(thresholds, tuple(tiers))


def _rate(dollars: Decimal, count: int) -> int:
    """The rate of one token when `count` of them cost this many dollars."""
    return round(dollars * UNITS * _FINER / count)


def _starts(price: "Decimal | TieredPrices | None") -> list[int]:
    """The thresholds above which another price applies."""
    if price is None or isinstance(price, Decimal):
        return []
    return [tier.start for tier in price.tiers]


def _at(price: "Decimal | TieredPrices | None", above: int) -> Decimal:
    """The price of one kind of token for a request just above `above` tokens."""
    if price is None:
        return Decimal(0)
    if isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if tier.start <= above]
    return reached[-1] if reached else price.base
