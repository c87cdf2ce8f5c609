"""What one UTC day was charged -> a tidy Arrow table.

`amount_usd` is after discounts and before credits: it is not the invoice. It is never added to the
estimates of `model_usage`, which are for the same use. Rows without an actor are kept: they belong
to the bill, and to nobody.
"""

from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from ccanalytics.frames.arrow_tables import table_of, usd_units
from ccanalytics.frames.schemas import USD, field
from ccanalytics.wire.analytics_cost import ChargedDays, CostActor

if TYPE_CHECKING:
    from ccanalytics.dataset.dataset import Dataset  # a sync needs the schema, and no frame

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

CHARGED_DAYS = pa.schema(
    [field("date", pa.timestamp("ms"), "UTC day whose bill was fetched, at its midnight")]
)

CHARGE_SCHEMAS = {"charges": CHARGES, "charged_days": CHARGED_DAYS}

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


def has_bill(data: "Dataset") -> bool:
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
