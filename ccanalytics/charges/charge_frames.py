"""What one UTC day was charged -> a tidy Arrow table.

`amount_usd` is after discounts and before credits: it is not the invoice. It is never added to the
estimates of `model_usage`, which are for the same use. Rows without an actor are kept: they belong
to the bill, and to nobody.
"""

from datetime import date

import pandas as pd
import pyarrow as pa

from ccanalytics.charges.charge_schemas import CHARGES
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.frames.arrow_tables import table_of, usd_units
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.wire.analytics_cost import ChargedDays, CostActor

UNATTRIBUTED = "unattributed"
"""The actor kind of cost that is attributed to nobody."""

KINDS = {"user_actor": "user", "api_actor": "api_key"}


def build_charges(day: date, charged: ChargedDays) -> pa.Table:
    """One row per actor, model, kind of cost and kind of token of the day."""
    rows = [
        (
            charged.organization,
            *_actor(one.group.actor, charged.key_names),
            one.group.model,
            one.group.cost_type,
            one.group.token_type,
            usd_units(one.cost.amount),
            usd_units(one.cost.list_amount),
            one.cost.requests,
        )
        for one in charged.days[day]
    ]
    return table_of(CHARGES, day, rows)


def units_of(dollars: pd.Series) -> pd.Series:
    """Dollars in units of the last stored digit; a float is exact to more digits."""
    return (dollars * 10**8).round().astype("int64")


def usage_of(charges: pd.DataFrame, money: str) -> pd.DataFrame:
    """Charges as rows of `model_usage`: `money` is their cost; tokens are unknown."""
    names = SCHEMAS["model_usage"].names
    rows = charges.rename(columns={money: "cost_usd"})
    tokens = dict.fromkeys((name for name in names if name.endswith("_tokens")), 0)
    unknown = [name for name in names if name not in rows and name not in tokens]
    nothing = pd.Categorical([None] * len(rows), [])
    remote = pd.array([pd.NA] * len(rows), "boolean")
    rows = rows.assign(**dict.fromkeys(unknown, nothing), **tokens).assign(is_remote=remote)
    return rows[[*names, *(name for name in ("team", "actor_id") if name in rows)]]


def month_of(dates: pd.Series) -> pd.Series:
    """The first day of the month of each."""
    return dates.dt.to_period("M").dt.to_timestamp().astype("datetime64[ms]")


def has_bill(data: Dataset) -> bool:
    """Whether any charges are known for the days of a dataset."""
    return "charges" in data.extras


def _actor(actor: CostActor | None, names: dict[str, str]) -> tuple[str | None, str | None, str]:
    """Id, name and kind; a person without an address is known by their id."""
    if actor is None:
        return None, None, UNATTRIBUTED
    kind = KINDS.get(actor.type, actor.type.removesuffix("_actor"))
    known = (actor.user_id, actor.api_key_id, actor.service_account_id, actor.subject)
    id = next(filter(None, known), actor.type)
    return id, actor.email_address or names.get(id, id), kind
