"""What was billed on one UTC day -> two tidy Arrow tables.

    billed          one row per model, kind of cost, kind of token and workspace   amount_usd
    billed_tokens   one row per model and workspace                                tokens

They cover everything that used the API, in Claude Code or not. They are never added to the
estimates of `model_usage`, because what Claude Code cost is already in them. They have no actors.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

import pyarrow as pa

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.errors import SchemaError
from ccanalytics.frames.schemas import USD, Frames, field
from ccanalytics.wire.cost_report import Cost, DayBill, Usage

DEFAULT_WORKSPACE = "default workspace"
"""What the workspace is called that the service does not list and sends as null."""

_count = pa.int64()
_PLACE = Decimal("1e-8")

_KEYS = [
    field("date", pa.timestamp("ms"), "UTC day, at its midnight"),
    field("workspace_id", pa.string(), "null: the default workspace"),
    field("workspace", pa.string(), "its name when the day was fetched"),
    field("model", pa.string(), "an open set; null for what is not of one model"),
]

BILLED = pa.schema(
    [
        *_KEYS,
        field("cost_type", pa.string(), "tokens, web_search, code_execution, session_usage, ..."),
        field("token_type", pa.string(), "kind of token; null for other costs"),
        field("service_tier", pa.string(), "standard or batch"),
        field("amount_usd", USD, "US dollars billed, after what the service deducts by itself"),
    ]
)

BILLED_TOKENS = pa.schema(
    [
        *_KEYS,
        field("input_tokens", _count, "neither read from nor written to cache"),
        field("output_tokens", _count, "output tokens"),
        field("cache_read_tokens", _count, "read from the cache"),
        field("cache_creation_tokens", _count, "written to the cache, for 5 minutes or an hour"),
        field("web_searches", _count, "web searches run by the service"),
    ]
)

BILLING_SCHEMAS = {"billed": BILLED, "billed_tokens": BILLED_TOKENS}


def build_billing(day: date, bill: DayBill) -> Frames:
    """The two tables of one UTC day; no rows when nothing was billed."""
    return {"billed": _billed(day, bill), "billed_tokens": _tokens(day, bill)}


def _billed(day: date, bill: DayBill) -> pa.Table:
    costs = bill.costs
    columns: list[Sequence[object]] = [
        *_keys(day, costs, bill.workspaces),
        [cost.cost_type for cost in costs],
        [cost.token_type for cost in costs],
        [cost.service_tier for cost in costs],
        [dollars(cost.amount) for cost in costs],
    ]
    return _table(columns, BILLED)


def _tokens(day: date, bill: DayBill) -> pa.Table:
    usage = bill.usage
    written = [one.cache_creation for one in usage]
    columns: list[Sequence[object]] = [
        *_keys(day, usage, bill.workspaces),
        [one.uncached_input_tokens for one in usage],
        [one.output_tokens for one in usage],
        [one.cache_read_input_tokens for one in usage],
        [one.ephemeral_5m_input_tokens + one.ephemeral_1h_input_tokens for one in written],
        [one.server_tool_use.web_search_requests for one in usage],
    ]
    return _table(columns, BILLED_TOKENS)


def dollars(cents: Decimal) -> Decimal:
    """US dollars of an amount in cents, to the millionth of a cent.

    >>> dollars(Decimal("123.78912"))
    Decimal('1.23789120')
    """
    return cents.scaleb(-2).quantize(_PLACE, ROUND_HALF_EVEN)


def _keys(
    day: date, rows: Sequence[Cost] | Sequence[Usage], names: Mapping[str, str]
) -> list[list[object]]:
    midnight = datetime(day.year, day.month, day.day)
    ids = [row.workspace_id for row in rows]
    return [
        [midnight] * len(rows),
        list(ids),
        [names.get(one, one) if one else DEFAULT_WORKSPACE for one in ids],
        [row.model for row in rows],
    ]


def _table(columns: Sequence[Sequence[object]], schema: pa.Schema) -> pa.Table:
    try:
        arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    except (pa.ArrowException, OverflowError) as error:
        raise SchemaError(f"A number of the bill is out of range: {error}.") from error
    return pa.table(arrays, schema=schema)


def has_bill(data: Dataset) -> bool:
    """Whether anything is known about what the days of a dataset were billed."""
    return "billed_days" in data.extras
