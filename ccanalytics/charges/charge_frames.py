"""What one UTC day was charged -> a tidy Arrow table.

`amount_usd` is after discounts and before credits: it is not the invoice. It is never added to the
estimates of `model_usage`, which are of the same use. Rows without an actor are kept: they are part
of the bill, and of nobody.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import pyarrow as pa

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.frames.arrow_tables import table_of
from ccanalytics.frames.schemas import USD, field
from ccanalytics.wire.analytics_cost import CostActor, CostItem

UNATTRIBUTED = "unattributed"
"""The kind of actor of what nobody is known to have caused."""

KINDS = {"user_actor": "user", "api_actor": "api_key"}

CHARGES = pa.schema(
    [
        field("date", pa.timestamp("ms"), "UTC day, at its midnight"),
        field("organization", pa.string(), "organization id; null when not known"),
        field("actor_id", pa.string(), "user_id, api_key_id, ...; only in the store"),
        field("actor", pa.string(), "address, or name of the API key; null when unattributed"),
        field("actor_kind", pa.string(), "user, api_key, others as sent, or unattributed"),
        field("model", pa.string(), "an open set; null for what is not of one model"),
        field("cost_type", pa.string(), "tokens, web_search, code_execution, session_usage, ..."),
        field("token_type", pa.string(), "kind of token; null for other costs"),
        field("amount_usd", USD, "US dollars after discounts, before credits: not the invoice"),
        field("list_usd", USD, "US dollars at list prices"),
        field("requests", pa.int64(), "null where split by kind of cost or token"),
    ]
)

CHARGE_SCHEMAS = {"charges": CHARGES}

Row = tuple[object, ...]


def build_charges(
    day: date, items: Sequence[CostItem], names: Mapping[str, str], organization: str | None
) -> pa.Table:
    """One row per actor, model, kind of cost and kind of token of the day."""
    rows = [(organization, *_row(item, names)) for item in items]
    return table_of(CHARGES, day, rows)


def usd_units(cents: Decimal) -> int:
    """Dollars of an amount in cents, in units of the last digit that is stored.

    >>> usd_units(Decimal("123.78912"))
    123789120
    """
    return int(cents.scaleb(6).to_integral_value(ROUND_HALF_EVEN))


def has_bill(data: Dataset) -> bool:
    """Whether anything is known about what the days of a dataset were charged."""
    return "charges" in data.extras


def _row(item: CostItem, names: Mapping[str, str]) -> Row:
    group, cost = item.group, item.cost
    return (
        *_actor(group.actor, names),
        group.model,
        group.cost_type,
        group.token_type,
        usd_units(cost.amount),
        usd_units(cost.list_amount),
        cost.requests,
    )


def _actor(actor: CostActor | None, names: Mapping[str, str]) -> Row:
    """Id, name and kind; a person without an address is known by their id."""
    if actor is None:
        return None, None, UNATTRIBUTED
    kind = KINDS.get(actor.type, actor.type.removesuffix("_actor"))
    known = (actor.user_id, actor.api_key_id, actor.service_account_id, actor.subject)
    id = next(filter(None, known), None) or actor.type
    return id, actor.email_address or names.get(id, id), kind
