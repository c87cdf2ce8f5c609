"""A Dataset -> rows in the shape of FOCUS 1.2, the FinOps cost and usage specification.

One row per UTC day, actor (or team, under `aggregate`), model and kind of token. FOCUS-shaped, not
conformant: these are estimates and no invoice, so BilledCost is 0 and x_IsEstimate true, and there
are no unit prices. The service has the cost of a model, not of each kind of token: it is split in
proportion to list prices, and x_CostAllocation says so.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.frames.schemas import USD
from ccanalytics.metrics.families import model_family
from ccanalytics.people.small_groups import withheld
from ccanalytics.prices import Prices, Tariff

METERS = {
    "input_tokens": "Input Tokens",
    "output_tokens": "Output Tokens",
    "cache_read_tokens": "Cache Read Input Tokens",
    "cache_creation_tokens": "Cache Write Input Tokens",
}

TYPICAL_RATES = (1.0, 5.0, 0.1, 1.25)
"""List prices of the kinds of tokens relative to input, which most models share."""

NO_METER = "Other"
"""The meter of a cost for which there are no tokens."""

_TYPES = {
    "usd": USD,
    "text": pa.string(),
    "time": pa.timestamp("s", tz="UTC"),
    "quantity": pa.decimal128(24, 6),
    "bool": pa.bool_(),
}
_KEYS = ["date", "organization", "sub_account", "sub_type", "team", "customer_type", "model",
         "priced"]  # fmt: skip
_UNITS = 10**8  # of these make a dollar, so that whole numbers are split exactly


@cache
def focus_columns() -> list[dict[str, str]]:
    """One entry per column: column, type, nullable, constant, description."""
    text = (files("ccanalytics.export") / "focus_columns.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def focus_schema() -> pa.Schema:
    """The columns with their types and meanings."""
    return pa.schema(
        pa.field(
            one["column"],
            _TYPES[one["type"]],
            one["nullable"] == "null",
            {"description": one["description"]},
        )
        for one in focus_columns()
    )


def focus_table(data: Dataset, by_team: bool) -> pa.Table:
    """The rows of all days of the dataset; with `by_team` of teams large enough, never of people.

    Smaller teams, and further ones where those could be had by subtraction, are together in rows
    without a sub account; of weeks with fewer people than the minimum only API keys have rows.
    """
    usage = data.model_usage.astype({"actor": "object", "team": "object"})
    usage = _teams(data, usage) if by_team else _actors(usage)
    usage = usage.assign(
        priced=usage["cost_usd"].notna(),
        organization=usage["organization"].astype("object").fillna(data.source),
    )
    sums = usage.groupby(_KEYS, dropna=False)[[*METERS, "cost_usd"]].sum().reset_index()
    sums = sums.astype(dict.fromkeys(_KEYS[1:], object))
    groups = sums.where(sums.notna(), None).to_dict("records")
    rows = [row for group in groups for row in _rows(group, data.source)]
    return pa.Table.from_pylist(rows, focus_schema())


def _actors(usage: pd.DataFrame) -> pd.DataFrame:
    kind = np.where(usage["actor_kind"] == "api_key", "API key", "Person")
    return usage.assign(sub_account=usage["actor"], sub_type=kind)


def _teams(data: Dataset, usage: pd.DataFrame) -> pd.DataFrame:
    is_key = usage["actor_kind"] == "api_key"
    week = _monday(usage["date"])
    activity = data.activity[data.activity["actor_kind"] == "user"]
    people = activity.groupby(_monday(activity["date"]))["actor"].nunique()
    enough = week.map(people).fillna(0) >= data.minimum_group
    usage, is_key = usage[is_key | enough], is_key[is_key | enough]
    shown = _shown_teams(usage[~is_key], data.minimum_group)
    at = pd.MultiIndex.from_frame(usage[["date", "team"]])
    team = usage["team"].where(~is_key & at.isin(shown))
    kind = team.notna().map({True: "Team", False: None}).astype("object")
    return usage.assign(
        sub_account=team.where(~is_key, "API keys"),
        sub_type=kind.where(~is_key, "API keys"),
        team=team,
    )


def _shown_teams(usage: pd.DataFrame, minimum: int) -> list[tuple[pd.Timestamp, str]]:
    """The days and teams that may be shown."""
    found = []
    for day, rows in usage.groupby("date"):
        sizes = rows.groupby(rows["team"].fillna(""))["actor"].nunique().to_dict()
        found += [(day, team) for team in set(sizes) - withheld(sizes, minimum) - {""}]
    return found


def _monday(dates: pd.Series) -> pd.Series:
    return dates - pd.to_timedelta(dates.dt.day_of_week, unit="D")


def _rows(group: dict[str, Any], source: str) -> Iterator[dict[str, Any]]:
    """The rows of one sub account and model: one per kind of token that was used."""
    tokens = {name: int(group[name]) for name in METERS}
    cost = round(float(group["cost_usd"]) * _UNITS)
    weights, how = _weights(group["model"], group["date"], tokens)
    if cost and not any(weights.values()):
        tokens, weights, how = {NO_METER: 0}, {NO_METER: 1.0}, "none"
    for meter, part in _split(cost, weights).items():
        if tokens[meter] or part:
            yield _row(group, source, METERS.get(meter, NO_METER), tokens[meter], part, how)


def _weights(
    model: str, day: pd.Timestamp, tokens: Mapping[str, int]
) -> tuple[dict[str, float], str]:
    """What the tokens of each kind would cost, in proportion."""
    prices = _PRICES.price_list(Tariff(model), day.date())
    rates: tuple[float, ...] = TYPICAL_RATES
    if prices is not None:
        tier = prices.tiers[0]
        rates = (tier.input, tier.output, tier.cache_read, tier.cache_write_5m)
    weights = {name: n * rate for (name, n), rate in zip(tokens.items(), rates, strict=True)}
    return weights, "list price" if prices else "typical ratio of list prices"


_PRICES = Prices()


def _split(whole: int, weights: Mapping[str, float]) -> dict[str, int]:
    """`whole` in parts as the weights are, which add up to it exactly."""
    total = sum(weights.values())
    ends = np.cumsum(list(weights.values())) / total if total else np.zeros(len(weights))
    parts = np.diff([0, *(round(float(end) * whole) for end in ends)])
    return dict(zip(weights, map(int, parts), strict=True))


def _row(
    group: dict[str, Any], source: str, kind: str, tokens: int, cost: int, how: str
) -> dict[str, Any]:
    day = group["date"]
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    estimate, model = Decimal(cost).scaleb(-8), group["model"]
    details = {"ModelDeveloper": "Anthropic", "ModelFamily": model_family(model)}
    return {
        **_constants(),
        "BillingAccountId": group["organization"],
        "BillingPeriodStart": start.replace(day=1),
        "BillingPeriodEnd": (start.replace(day=28) + timedelta(4)).replace(day=1),
        "ChargeDescription": f"{kind} of {model}, estimated at list price",
        "ChargePeriodStart": start,
        "ChargePeriodEnd": start + timedelta(1),
        "ConsumedQuantity": Decimal(tokens),
        "PricingQuantity": Decimal(tokens).scaleb(-6),
        **dict.fromkeys(("ContractedCost", "EffectiveCost", "ListCost"), estimate),
        **dict.fromkeys(("SkuId", "SkuPriceId"), f"{model}/{kind}"),
        "SkuMeter": kind,
        "SkuPriceDetails": json.dumps({**details, "ModelId": model, "TokenType": kind}),
        **dict.fromkeys(("SubAccountId", "SubAccountName"), group["sub_account"]),
        "SubAccountType": group["sub_type"],
        "Tags": json.dumps({"team": group["team"]}) if group["team"] else None,
        "x_EstimatedCost": estimate if group["priced"] else None,
        "x_CostAllocation": how,
        "x_CustomerType": group["customer_type"],
        "x_Source": source,
    }


@cache
def _constants() -> dict[str, Any]:
    """The columns that hold the same in every row."""
    typed = {"usd": Decimal, "bool": bool, "text": str}
    return {
        one["column"]: typed[one["type"]](one["constant"])
        for one in focus_columns()
        if one["constant"]
    }
