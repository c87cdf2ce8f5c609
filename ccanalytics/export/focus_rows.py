"""A Dataset -> rows in the shape of FOCUS 1.2, the FinOps cost and usage specification.

One row per UTC day, actor (or team, under `aggregate`), model and kind of token. FOCUS-shaped, not
conformant: this is no invoice, and there are no unit prices. On days whose bill is known the money
is what was billed; on others, and of teams, it is the estimate, BilledCost is 0 and x_IsEstimate
true. The cost of a model is split over kinds of tokens in proportion to list prices, as
x_CostAllocation says. `focus_columns.csv` has each column, and its value in SQL.
"""

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.frames.schemas import USD
from ccanalytics.people.calendars import week_of
from ccanalytics.people.roster import NO_TEAM
from ccanalytics.people.small_groups import few, withheld_rows, withheld_teams
from ccanalytics.prices import UNITS, Tariff, model_family, price_list

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
_COLUMNS = pd.read_csv(Path(__file__).with_name("focus_columns.csv"), keep_default_na=False)
FOCUS = pa.schema(
    pa.field(one.column, _TYPES[one.type], one.nullable == "null", {"description": one.description})
    for one in _COLUMNS.itertuples()
)
"""The columns with their types and meanings."""

_SKU = ["organization", "customer_type", "model", "priced"]
_KEYS = ["date", "until", "is_billed", *_SKU, "sub_account", "sub_type", "team"]
_MONEY = ["cost_usd", "billed_usd", "listed_usd"]


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
    if by_team:
        usage = _teams(data, usage)
    else:
        kind = np.where(usage["actor_kind"] == "api_key", "API key", "Person")
        kind = pd.Series(kind, dtype="object").where(usage["actor"].notna(), None)
        usage = usage.assign(sub_account=usage["actor"], sub_type=kind)
    sums = usage.groupby(_KEYS, dropna=False)[[*METERS, *_MONEY]].sum().reset_index()
    rows = _by_meter(sums).assign(source=data.source)
    # Whole units of money become exact dollars.
    dollars = ", ".join(f"{name} * {1 / UNITS:.8f} as {name}" for name in _MONEY)
    values = ", ".join(f'{one.value} as "{one.column}"' for one in _COLUMNS.itertuples())
    with duckdb.connect() as connection:
        connection.register("incoming", pa.Table.from_pandas(rows, preserve_index=False))
        found = connection.sql(
            f"select {values} from (select * replace ({dollars}) from incoming)"
        ).to_arrow_table()
    return found.cast(FOCUS)


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
    usage = usage.assign(week=week_of(usage["date"]))
    hidden_weeks = {*usage.loc[few(usage, minimum, ["week"]), "week"], *data.hidden_weeks}
    usage = usage[~usage["week"].isin(hidden_weeks)]
    team = usage["team"].astype("str").fillna(NO_TEAM)
    at = pd.MultiIndex.from_arrays([usage["week"], team])
    hidden = at.isin(data.withheld_teams().union(withheld_teams([usage], minimum)))
    hidden |= (team == NO_TEAM).to_numpy()
    return usage.assign(team=team.astype("object").mask(hidden, ""))


def _merged_days(usage: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Days on which a team has too few people are one period of the week, for all teams."""
    days = usage.loc[withheld_rows(usage, minimum, ["week", "team"], "date"), "date"]
    merged = usage["date"].isin(days)
    periods = usage["date"].where(merged).groupby(usage["week"])
    return usage.assign(
        date=periods.transform("min").where(merged, usage["date"]),
        until=periods.transform("max").where(merged, usage["date"]),
    )


def _merged_models(usage: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Models that too few people of a team used in a period are one in that week, for all teams."""
    usage = usage.assign(sku=usage.groupby(_SKU, dropna=False).ngroup())
    hidden = usage[withheld_rows(usage, minimum, ["week", "team", "date"], "sku")]
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


def _by_meter(groups: pd.DataFrame) -> pd.DataFrame:
    """One row per group and kind of token; the parts of its money, in units, add up exactly."""
    at_day = zip(groups["model"], groups["date"].dt.date, strict=True)
    prices = [price_list(Tariff(model), day) for model, day in at_day]
    rates = [TYPICAL_RATES if one is None else (one.tiers[0].input, one.tiers[0].output,
             one.tiers[0].cache_read, one.tiers[0].cache_write_5m) for one in prices]  # fmt: skip
    tokens = np.column_stack([groups[[*METERS]], np.zeros(len(groups), "int64")])
    weights = tokens * np.reshape([(*one, 0.0) for one in rates], tokens.shape)
    weights[:, -1] = weights.sum(axis=1) == 0  # without tokens all of it has no meter
    ends = weights.cumsum(axis=1)
    ends /= ends[:, -1:]
    units = {name: np.rint(groups[[name]].to_numpy() * UNITS) for name in _MONEY}
    parts = {name: np.diff(np.rint(ends * whole), prepend=0) for name, whole in units.items()}
    at, meter = np.nonzero(tokens.astype(bool) | np.any(list(parts.values()), axis=0))
    known = np.array([one is not None for one in prices], bool)[at]
    by = np.where(known, "list price", "typical ratio of list prices")
    rows = groups.iloc[at].assign(
        meter=np.array([*METERS.values(), NO_METER])[meter],
        tokens=tokens[at, meter],
        allocation=np.where(meter == len(METERS), "none", by),
        **{name: part[at, meter].astype("int64") for name, part in parts.items()},
    )
    tags = rows["team"].map(lambda team: json.dumps({"team": team}), na_action="ignore")
    details = [
        json.dumps({"ModelDeveloper": "Anthropic", "ModelFamily": model_family(model),
                    "ModelId": model, "TokenType": kind})
        for model, kind in zip(rows["model"], rows["meter"], strict=True)
    ]  # fmt: skip
    return rows.assign(tags=tags, details=details)
