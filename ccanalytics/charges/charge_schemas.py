"""Charges as stored: one row per actor, model, kind of cost and kind of token."""

import pyarrow as pa

from ccanalytics.frames.schemas import USD, field

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
