"""Stored days -> rows in the shape of FOCUS 1.2, the FinOps cost and usage specification.

One row per UTC day, actor (or team, when nobody may be told), model and kind of token. FOCUS-shaped
and not conformant: these are estimates and no invoice, so BilledCost is 0 and x_IsEstimate true,
and there are no unit prices. The service tells the cost of a model, not of each kind of token: it
is split in proportion to list prices, and x_CostAllocation says so.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.analyses.drivers import TOKEN_WEIGHTS
from ccanalytics.export.parts import Part, digest_of
from ccanalytics.export.records import Records
from ccanalytics.frames.record_frames import USD, to_pandas
from ccanalytics.metrics.cost import model_family
from ccanalytics.people.roster import withheld
from ccanalytics.prices import Prices, Tariff
from ccanalytics.sources.registry import source_spec
from ccanalytics.weeks import monday

LAYOUT = 1
"""Raised when the same stored day gives other rows."""

VENDOR = "Anthropic"

ALLOWED = {
    "BillingCurrency": ("USD",),
    "ChargeCategory": ("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    "ChargeClass": ("Correction",),
    "ChargeFrequency": ("One-Time", "Recurring", "Usage-Based"),
    "PricingCategory": ("Standard", "Dynamic", "Committed", "Other"),
    "ServiceCategory": ("AI and Machine Learning",),
    "ServiceSubcategory": ("Generative AI",),
}
"""The values FOCUS allows in a column, as far as these rows use it."""

METERS = {
    "input_tokens": "Input Tokens",
    "output_tokens": "Output Tokens",
    "cache_read_tokens": "Cache Read Input Tokens",
    "cache_creation_tokens": "Cache Write Input Tokens",
}

NO_METER = "Other"
"""The meter of a cost for which there are no tokens."""

_text, _time = pa.string(), pa.timestamp("s", tz="UTC")
_quantity = pa.decimal128(24, 6)


def _column(name: str, kind: pa.DataType, text: str, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable, {"description": text})


FOCUS = pa.schema(
    [
        _column("BilledCost", USD, "0: nothing here is reconciled with an invoice"),
        _column("BillingAccountId", _text, "organization; without one the source"),
        _column("BillingAccountName", _text, "not told", True),
        _column("BillingCurrency", _text, "USD"),
        _column("BillingPeriodEnd", _time, "first moment of the next month, UTC"),
        _column("BillingPeriodStart", _time, "first moment of the month, UTC"),
        _column("ChargeCategory", _text, "Usage"),
        _column("ChargeClass", _text, "null: no correction", True),
        _column("ChargeDescription", _text, "model and kind of token", True),
        _column("ChargeFrequency", _text, "Usage-Based"),
        _column("ChargePeriodEnd", _time, "first moment of the next UTC day"),
        _column("ChargePeriodStart", _time, "first moment of the UTC day"),
        _column("ConsumedQuantity", _quantity, "tokens"),
        _column("ConsumedUnit", _text, "Tokens"),
        _column("ContractedCost", USD, "as EffectiveCost: no contract is known"),
        _column("EffectiveCost", USD, "the estimate at list prices; 0 without a known price"),
        _column("InvoiceIssuerName", _text, VENDOR),
        _column("ListCost", USD, "as EffectiveCost"),
        _column("PricingCategory", _text, "Standard"),
        _column("PricingQuantity", _quantity, "millions of tokens"),
        _column("PricingUnit", _text, "1000000 Tokens"),
        _column("ProviderName", _text, VENDOR),
        _column("PublisherName", _text, VENDOR),
        _column("ServiceCategory", _text, "AI and Machine Learning"),
        _column("ServiceName", _text, "Claude Code"),
        _column("ServiceSubcategory", _text, "Generative AI"),
        _column("SkuId", _text, "model and kind of token"),
        _column("SkuMeter", _text, "kind of token"),
        _column("SkuPriceDetails", _text, "model and kind of token, as JSON"),
        _column("SkuPriceId", _text, "as SkuId"),
        _column("SubAccountId", _text, "actor, or team; null where it is withheld", True),
        _column("SubAccountName", _text, "as SubAccountId", True),
        _column("SubAccountType", _text, "Person, API key, Team or API keys", True),
        _column("Tags", _text, "team of the actor, as JSON", True),
        _column("x_EstimatedCost", USD, "the estimate; null without a known price", True),
        _column("x_IsEstimate", pa.bool_(), "true"),
        _column("x_CostAllocation", _text, "how the model's cost was split over kinds of tokens"),
        _column("x_CustomerType", _text, "api: pay as you go; subscription: a seat, not billed so"),
        _column("x_Source", _text, "where the records come from"),
    ]
)

_OUT_OF_PRICES = "list price"
_OUT_OF_RATIOS = "typical ratio of list prices"
_NOT_SPLIT = "none"

_KEYS = ["organization", "sub_account", "sub_type", "team", "customer_type", "model", "priced"]
_CENTS = 10**8  # of these make a dollar, so that whole numbers can be split without a rest


@dataclass(frozen=True)
class Focus:
    """The plan to export FOCUS-shaped rows, made of the records that `records` would export.

    Under `aggregate` the rows are of teams. Teams of fewer people than the minimum on the day, and
    further ones where those could be had by subtraction, are together in rows without a sub
    account; of weeks with fewer people than that only API keys are told.
    """

    records: Records
    contents: str = "focus"

    @property
    def source(self) -> str:
        """Where the records come from."""
        return self.records.source

    @property
    def policy(self) -> str:
        """As of the records, or aggregate."""
        return "aggregate" if self._by_team else self.records.policy

    @cached_property
    def schemas(self) -> Mapping[str, pa.Schema]:
        """One table."""
        return {"focus": FOCUS}

    @property
    def parts(self) -> Mapping[date, str]:
        """The stored days in the range asked for."""
        return {day: self.known[day] for day in self.records.parts}

    @cached_property
    def known(self) -> Mapping[date, str]:
        """All stored days."""
        return {day: self._digest(day, digest) for day, digest in self._rows.known.items()}

    def build(self, firsts: Iterable[date]) -> Iterator[Part]:
        """The rows of these days, one part each."""
        for part in self._rows.build(firsts):
            usage = self._with_sub_accounts(to_pandas(part.tables["model_usage"]), part.first)
            groups = _grouped(usage, self.source)
            rows = [row for group in groups for row in _rows(group, part.first, self.source)]
            table = pa.Table.from_pylist(rows, FOCUS)
            yield Part(part.first, self._digest(part.first, part.digest), {"focus": table})

    @property
    def _by_team(self) -> bool:
        return self.records.identity == "aggregate"

    @cached_property
    def _rows(self) -> Records:
        """The records with names where they are only counted."""
        return replace(self.records, identity="named") if self._by_team else self.records

    def _digest(self, day: date, digest: str) -> str:
        enough = self._enough(monday(day)) if self._by_team else True
        return digest_of(LAYOUT, FOCUS.names, self.policy, enough, digest)

    @cached_property
    def _floor(self) -> int:
        return source_spec(self.source).minimum_group

    @cached_property
    def _people(self) -> dict[date, int]:
        return {}

    def _enough(self, week: date) -> bool:
        """Whether the week has people enough for its sums to be shown."""
        if week not in self._people:
            self._people[week] = self._count(week)
        return self._people[week] >= self._floor

    def _count(self, week: date) -> int:
        columns = ["actor", "actor_kind"]
        rows = self.records.store.read(self.source, "activity", week, week + timedelta(6), columns)
        people = rows.filter(pc.equal(rows["actor_kind"], "user"))["actor"]
        return int(pc.count_distinct(pc.utf8_lower(pc.utf8_trim_whitespace(people))).as_py())

    def _with_sub_accounts(self, usage: pd.DataFrame, day: date) -> pd.DataFrame:
        usage = usage.astype({"actor": "object", "team": "object"})
        is_key = usage["actor_kind"] == "api_key"
        if not self._by_team:
            kind = np.where(is_key, "API key", "Person")
            return usage.assign(sub_account=usage["actor"], sub_type=kind)
        if not self._enough(monday(day)):
            usage, is_key = usage[is_key], is_key[is_key]
        team = usage["team"].where(~is_key & usage["team"].isin(self._shown_teams(usage)))
        return usage.assign(
            sub_account=team.where(~is_key, "API keys"),
            sub_type=team.notna().map({True: "Team", False: None}).where(~is_key, "API keys"),
            team=team,
        )

    def _shown_teams(self, usage: pd.DataFrame) -> set[str]:
        people = usage[usage["actor_kind"] == "user"]
        sizes = people.groupby(people["team"].fillna(""))["actor"].nunique().to_dict()
        return set(sizes) - withheld(sizes, self._floor) - {""}


def _grouped(usage: pd.DataFrame, source: str) -> list[dict[str, Any]]:
    """One row per day, sub account, model and whether it is priced: tokens and cost."""
    usage = usage.assign(
        priced=usage["cost_usd"].notna(), organization=usage["organization"].fillna(source)
    )
    sums = usage.groupby(_KEYS, dropna=False)[[*METERS, "cost_usd"]].sum().reset_index()
    sums = sums.astype(dict.fromkeys(_KEYS, object))
    return sums.where(sums.notna(), None).to_dict("records")


def _rows(group: dict[str, Any], day: date, source: str) -> list[dict[str, Any]]:
    """The rows of one sub account and model: one per kind of token that was used."""
    tokens = {name: int(group[name]) for name in METERS}
    cost = round(float(group["cost_usd"]) * _CENTS)
    weights, how = _weights(group["model"], day, tokens)
    if cost and not any(weights.values()):
        tokens, weights, how = {NO_METER: 0}, {NO_METER: 1.0}, _NOT_SPLIT
    return [
        _row(group, day, source, meter, tokens[meter], part, how)
        for meter, part in _split(cost, weights).items()
        if tokens[meter] or part
    ]


def _weights(model: str, day: date, tokens: Mapping[str, int]) -> tuple[dict[str, float], str]:
    """What the tokens of each kind would cost, in proportion."""
    prices = _PRICES.price_list(Tariff(model), day)
    if prices is None:
        return {name: n * TOKEN_WEIGHTS[name] for name, n in tokens.items()}, _OUT_OF_RATIOS
    rates = prices.tiers[0]
    each = (rates.input, rates.output, rates.cache_read, rates.cache_write_5m)
    return {
        name: n * float(rate) for (name, n), rate in zip(tokens.items(), each, strict=True)
    }, _OUT_OF_PRICES


_PRICES = Prices()


def _split(whole: int, weights: Mapping[str, float]) -> dict[str, int]:
    """`whole` in parts as the weights are, which add up to it exactly."""
    total = sum(weights.values())
    ends = np.cumsum(list(weights.values())) / total if total else np.zeros(len(weights))
    parts = np.diff([0, *(round(float(end) * whole) for end in ends)])
    return dict(zip(weights, map(int, parts), strict=True))


def _row(
    group: dict[str, Any], day: date, source: str, meter: str, tokens: int, cost: int, how: str
) -> dict[str, Any]:
    model, kind = group["model"], METERS.get(meter, NO_METER)
    estimate = _decimal(cost, 8)
    start, month = _midnight(day), _midnight(day.replace(day=1))
    family = {"ModelDeveloper": VENDOR, "ModelFamily": model_family(model)}
    return {
        "BilledCost": _decimal(0, 8),
        "BillingAccountId": group["organization"],
        "BillingCurrency": "USD",
        "BillingPeriodEnd": _midnight((day.replace(day=28) + timedelta(4)).replace(day=1)),
        "BillingPeriodStart": month,
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{kind} of {model}, estimated at list price",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": start + timedelta(1),
        "ChargePeriodStart": start,
        "ConsumedQuantity": _decimal(tokens, 0),
        "ConsumedUnit": "Tokens",
        "ContractedCost": estimate,
        "EffectiveCost": estimate,
        "InvoiceIssuerName": VENDOR,
        "ListCost": estimate,
        "PricingCategory": "Standard",
        "PricingQuantity": _decimal(tokens, 6),
        "PricingUnit": "1000000 Tokens",
        "ProviderName": VENDOR,
        "PublisherName": VENDOR,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Claude Code",
        "ServiceSubcategory": "Generative AI",
        "SkuId": f"{model}/{kind}",
        "SkuMeter": kind,
        "SkuPriceDetails": json.dumps({**family, "ModelId": model, "TokenType": kind}),
        "SkuPriceId": f"{model}/{kind}",
        "SubAccountId": group["sub_account"],
        "SubAccountName": group["sub_account"],
        "SubAccountType": group["sub_type"],
        "Tags": json.dumps({"team": group["team"]}) if group["team"] else None,
        "x_EstimatedCost": estimate if group["priced"] else None,
        "x_IsEstimate": True,
        "x_CostAllocation": how,
        "x_CustomerType": group["customer_type"],
        "x_Source": source,
    }


def _decimal(number: int, places: int) -> Decimal:
    return Decimal(number).scaleb(-places)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
