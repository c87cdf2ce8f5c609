"""A Dataset -> rows in the shape of FOCUS 1.2, the FinOps cost and usage specification.

One row per UTC day, actor (or team, under `aggregate`), model and kind of token. FOCUS-shaped, not
conformant: this is no invoice, and there are no unit prices. On days whose bill is known the money
is what was billed; on others, and of teams, it is the estimate, BilledCost is 0 and x_IsEstimate
true. The cost of a model is split over kinds of tokens in proportion to list prices, as
x_CostAllocation says.
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
from ccanalytics.people.small_groups import few, members, withheld_rows, withheld_teams
from ccanalytics.prices import Tariff, model_family, price_list

METERS = {
    "input_tokens": "Input Tokens",
    "output_tokens": "Output Tokens",
    "cache_read_tokens": "Cache Read Input Tokens",
    "cache_creation_tokens": "Cache Write Input Tokens",
}

TYPICAL_RATES = (1.0, 5.0, 0.1, 1.25)
"""List prices of token kinds relative to input, which most models share."""

SEVERAL = "several models"
"""The model name of rows that combine models used by too few people."""

NO_METER = "Other"
"""The meter of a cost without tokens."""

_TYPES = {
    "usd": USD,
    "text": pa.string(),
    "time": pa.timestamp("s", tz="UTC"),
    "quantity": pa.decimal128(24, 6),
    "bool": pa.bool_(),
}
_SKU = ["organization", "customer_type", "model", "priced"]
_KEYS = ["date", "until", "is_billed", *_SKU, "sub_account", "sub_type", "team"]
_MONEY = ["cost_usd", "billed_usd", "listed_usd"]
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
    """The rows of all days; with `by_team` by team of enough people, never by person.

    Every row is of enough people. Teams that are withheld are together in rows without a sub
    account, days of too few people in one period of the week, and models too few used in one; of
    weeks with fewer people than the minimum only API keys have rows.
    """
    usage = _plain(data.model_usage).assign(billed_usd=0.0, listed_usd=0.0)
    # Whether what was billed reveals somebody is not looked at, so of teams there is none.
    has_bill = "charges" in data.extras and not by_team
    billed = [_charges(data)] if has_bill else []
    days = data.extras["charged_days"]["date"] if has_bill else []
    usage = pd.concat([usage, *billed], ignore_index=True)
    usage = usage.assign(
        priced=usage["cost_usd"].notna(),
        organization=usage["organization"].fillna(data.source),
        until=usage["date"],
        is_billed=usage["date"].isin(days),
    )
    usage = _teams(data, usage) if by_team else _actors(usage)
    sums = usage.groupby(_KEYS, dropna=False)[[*METERS, *_MONEY]].sum().reset_index()
    sums = sums.astype(dict.fromkeys(_KEYS[2:], object))
    groups = sums.where(sums.notna(), None).to_dict("records")
    rows = [row for group in groups for row in _rows(group, data.source)]
    return pa.Table.from_pylist(rows, focus_schema())


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    texts = frame.select_dtypes(["category", "str"])
    return frame.astype(dict.fromkeys(texts, "object"))


def _charges(data: Dataset) -> pd.DataFrame:
    """What was billed, as rows of the same accounts and models; seats are not billed by use."""
    charges = _plain(data.extras["charges"])
    return charges.assign(
        model=charges["model"].fillna(charges["cost_type"]).fillna(NO_METER),
        customer_type="api" if data.has_tokens else None,
        billed_usd=charges["amount_usd"],
        listed_usd=charges["list_usd"],
        cost_usd=0.0,
        **dict.fromkeys(METERS, 0),
    )


def _actors(usage: pd.DataFrame) -> pd.DataFrame:
    kind = usage["actor_kind"].map(lambda kind: "API key" if kind == "api_key" else "Person")
    kind = kind.astype("object").where(usage["actor"].notna(), None)
    return usage.assign(sub_account=usage["actor"], sub_type=kind)


def _teams(data: Dataset, usage: pd.DataFrame) -> pd.DataFrame:
    """The use of people by team, in blocks of enough people each, and that of API keys together."""
    is_key = usage["actor_kind"] == "api_key"
    keys = usage[is_key].assign(sub_account="API keys", sub_type="API keys", team=None)
    people = _known_teams(data, usage[~is_key])
    people = _merged_models(_merged_days(people, data.minimum_group), data.minimum_group)
    kind = people["team"].notna().map({True: "Team", False: None}).astype("object")
    return pd.concat([keys, people.assign(sub_account=people["team"], sub_type=kind)])


def _known_teams(data: Dataset, usage: pd.DataFrame) -> pd.DataFrame:
    """The weeks of enough people; a team that is withheld in one is no team there."""
    minimum = data.minimum_group
    monday = usage["date"] - pd.to_timedelta(usage["date"].dt.day_of_week, unit="D")
    usage = usage.assign(week=monday)
    weeks = members(usage, ["week"])
    hidden_weeks = {*weeks.loc[few(weeks, minimum, ["week"]), "week"], *data.hidden_weeks}
    usage = usage[~usage["week"].isin(hidden_weeks)]
    team = usage["team"].astype("str").fillna("")
    at = pd.MultiIndex.from_arrays([usage["week"], team])
    hidden = at.isin(data.withheld_teams().union(withheld_teams(usage, usage, minimum))) | (
        team == ""
    )
    return usage.assign(team=team.astype("object").mask(hidden, ""))


def _merged_days(usage: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Days on which a team has too few people are one period of the week, for all teams."""
    rows = members(usage, ["week", "team", "date"])
    days = rows.loc[withheld_rows(rows, minimum, ["week", "team"], "date"), "date"]
    merged = usage["date"].isin(days)
    periods = usage["date"].where(merged).groupby(usage["week"])
    return usage.assign(
        date=periods.transform("min").where(merged, usage["date"]),
        until=periods.transform("max").where(merged, usage["date"]),
    )


def _merged_models(usage: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Models that too few people of a team used in a period are one in that week, for all teams."""
    usage = usage.assign(sku=usage.groupby(_SKU, dropna=False).ngroup())
    rows = members(usage, ["week", "team", "date", "sku"])
    hidden = rows[withheld_rows(rows, minimum, ["week", "team", "date"], "sku")]
    at = pd.MultiIndex.from_frame(usage[["week", "sku"]])
    merged = at.isin(pd.MultiIndex.from_frame(hidden[["week", "sku"]]))
    accounts = usage["organization"].unique()
    several = {
        "organization": accounts[0] if len(accounts) == 1 else SEVERAL,
        "customer_type": None,
        "model": SEVERAL,
        "priced": True,
    }
    usage = usage.assign(**{name: usage[name].mask(merged, one) for name, one in several.items()})
    return usage.assign(team=usage["team"].where(usage["team"] != "", None))


def _rows(group: dict[str, Any], source: str) -> Iterator[dict[str, Any]]:
    """The rows of one sub account and model: one per kind of token that was used."""
    tokens = {name: int(group[name]) for name in METERS}
    money = {name: round(float(group[name]) * _UNITS) for name in _MONEY}
    weights, how = _weights(group["model"], group["date"], tokens)
    if any(money.values()) and not any(weights.values()):
        tokens, weights, how = {NO_METER: 0}, {NO_METER: 1.0}, "none"
    parts = {name: _split(amount, weights) for name, amount in money.items()}
    for meter, count in tokens.items():
        usd = {name: Decimal(part[meter]).scaleb(-8) for name, part in parts.items()}
        if count or any(usd.values()):
            yield _row(group, source, METERS.get(meter, NO_METER), count, usd, how)


def _weights(
    model: str, day: pd.Timestamp, tokens: Mapping[str, int]
) -> tuple[dict[str, float], str]:
    """What the tokens of each kind would cost, in proportion."""
    prices = price_list(Tariff(model), day.date())
    rates: tuple[float, ...] = TYPICAL_RATES
    if prices is not None:
        tier = prices.tiers[0]
        rates = (tier.input, tier.output, tier.cache_read, tier.cache_write_5m)
    weights = {name: n * rate for (name, n), rate in zip(tokens.items(), rates, strict=True)}
    return weights, "list price" if prices else "typical ratio of list prices"


def _split(whole: int, weights: Mapping[str, float]) -> dict[str, int]:
    """`whole` in parts as the weights are, which add up to it exactly."""
    total = sum(weights.values())
    ends = np.cumsum(list(weights.values())) / total if total else np.zeros(len(weights))
    parts = np.diff([0, *(round(float(end) * whole) for end in ends)])
    return dict(zip(weights, map(int, parts), strict=True))


def _row(
    group: dict[str, Any],
    source: str,
    kind: str,
    tokens: int,
    usd: Mapping[str, Decimal],
    how: str,
) -> dict[str, Any]:
    day = group["date"]
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    model, is_billed = group["model"], group["is_billed"]
    cost, listed = ("billed_usd", "listed_usd") if is_billed else ("cost_usd", "cost_usd")
    origin = "billed" if is_billed else "estimated at list price"
    details = {"ModelDeveloper": "Anthropic", "ModelFamily": model_family(model)}
    return {
        **_constants(),
        "BilledCost": usd["billed_usd"],
        "BillingAccountId": group["organization"],
        "BillingPeriodStart": start.replace(day=1),
        "BillingPeriodEnd": (start.replace(day=28) + timedelta(4)).replace(day=1),
        "ChargeDescription": f"{kind} of {model}, {origin}",
        "ChargePeriodStart": start,
        "ChargePeriodEnd": start + (group["until"] - day) + timedelta(1),
        "ConsumedQuantity": Decimal(tokens),
        "PricingQuantity": Decimal(tokens).scaleb(-6),
        **dict.fromkeys(("ContractedCost", "EffectiveCost"), usd[cost]),
        "ListCost": usd[listed],
        **dict.fromkeys(("SkuId", "SkuPriceId"), f"{model}/{kind}"),
        "SkuMeter": kind,
        "SkuPriceDetails": json.dumps({**details, "ModelId": model, "TokenType": kind}),
        **dict.fromkeys(("SubAccountId", "SubAccountName"), group["sub_account"]),
        "SubAccountType": group["sub_type"],
        "Tags": json.dumps({"team": group["team"]}) if group["team"] else None,
        "x_EstimatedCost": usd["cost_usd"] if group["priced"] else None,
        "x_IsEstimate": not is_billed,
        "x_CostAllocation": how,
        "x_CustomerType": group["customer_type"],
        "x_Source": source,
    }


@cache
def _constants() -> dict[str, str]:
    """The columns that hold the same in every row."""
    return {one["column"]: one["constant"] for one in focus_columns() if one["constant"]}
