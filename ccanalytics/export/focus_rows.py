"""A Dataset -> rows in the shape of FOCUS 1.2, the FinOps cost and usage specification.

One row per UTC day, actor, model and kind of token. FOCUS-shaped, not conformant: this is no
invoice, and there are no unit prices. On days whose bill is known the money is what was billed; on
others it is the estimate, BilledCost is 0 and x_IsEstimate true. The cost of a model is split over
kinds of tokens in proportion to list prices, as x_CostAllocation says. `focus_columns.csv` has each
column, and its value in SQL. Rows of teams are those of `ccanalytics showback`.
"""

import json
from operator import attrgetter
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.frames.schemas import USD
from ccanalytics.prices import UNITS, Tariff, model_family, price_list

METERS = {
    "input_tokens": "Input Tokens",
    "output_tokens": "Output Tokens",
    "cache_read_tokens": "Cache Read Input Tokens",
    "cache_creation_tokens": "Cache Write Input Tokens",
}

TYPICAL_RATES = (1.0, 5.0, 0.1, 1.25)
"""List prices of token kinds relative to input, which most models share."""

NO_METER = "Other"  # the meter of a cost without tokens
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

_KEYS = [
    "date",
    "is_billed",
    "organization",
    "customer_type",
    "model",
    "priced",
    "sub_account",
    "sub_type",
    "team",
]
_MONEY = ["cost_usd", "billed_usd", "listed_usd"]


def focus_table(data: Dataset) -> pa.Table:
    """The rows of all days, by person and API key."""
    usage, days = _plain(data.model_usage).assign(billed_usd=0.0, listed_usd=0.0), ()
    if "charges" in data.extras:
        # What was billed, as rows of the same accounts and models; seats are not billed by use.
        charges, days = _plain(data.extras["charges"]), data.extras["charged_days"]["date"]
        billed = charges.assign(
            model=charges["model"].fillna(charges["cost_type"]).fillna(NO_METER),
            customer_type="api" if data.has_tokens else None,
            billed_usd=charges["amount_usd"],
            listed_usd=charges["list_usd"],
            cost_usd=0.0,
            **dict.fromkeys(METERS, 0),
        )
        usage = pd.concat([usage, billed], ignore_index=True)
    kind = usage["actor_kind"].map({"user": "Person", "api_key": "API key"})
    usage = usage.assign(
        priced=usage["cost_usd"].notna(),
        organization=usage["organization"].fillna(data.source),
        is_billed=usage["date"].isin(days),
        sub_account=usage["actor"],
        sub_type=kind.fillna(usage["actor_kind"]).where(usage["actor"].notna(), None),
    )
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


_RATES = attrgetter("input", "output", "cache_read", "cache_write_5m")
"""The prices of a tier, in the order of `METERS`."""


def _by_meter(groups: pd.DataFrame) -> pd.DataFrame:
    """One row per group and kind of token; the parts of its money, in units, add up exactly."""
    at_day = zip(groups["model"], groups["date"].dt.date, strict=True)
    prices = [price_list(Tariff(model), day) for model, day in at_day]
    rates = [_RATES(one.tiers[0]) if one else TYPICAL_RATES for one in prices]
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
        json.dumps(
            {
                "ModelDeveloper": "Anthropic",
                "ModelFamily": model_family(model),
                "ModelId": model,
                "TokenType": kind,
            }
        )
        for model, kind in zip(rows["model"], rows["meter"], strict=True)
    ]
    return rows.assign(tags=tags, details=details)
