"""What was billed on one UTC day -> two tidy Arrow tables.

    billed          one row per model, kind of cost, kind of token and workspace   amount_usd
    billed_tokens   one row per model and workspace                                tokens

They are about everything that used the API, in Claude Code or not, and are never added to the
estimates of `model_usage`: what Claude Code cost is in them already. Nobody is in them by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

import pandas as pd
import pyarrow as pa

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.errors import SchemaError
from ccanalytics.frames.schemas import USD, Frames, field
from ccanalytics.wire.cost_report import Cost, DayBill, Usage

DEFAULT_WORKSPACE = "default workspace"
"""The workspace that the service lists nowhere, and writes as null."""

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


@dataclass(frozen=True, eq=False)
class Billing:
    """What was billed in a date range: the frames, and the days that are known."""

    days: pd.DatetimeIndex
    billed: pd.DataFrame
    billed_tokens: pd.DataFrame

    def between(self, first: date, last: date) -> "Billing":
        """What was billed from `first` to `last`, both inclusive."""
        ends = pd.Timestamp(first), pd.Timestamp(last)
        parts = (self.billed, self.billed_tokens)
        billed, tokens = (part[part["date"].between(*ends)] for part in parts)
        days = self.days[(self.days >= ends[0]) & (self.days <= ends[1])]
        return Billing(days, billed.reset_index(drop=True), tokens.reset_index(drop=True))


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
        raise SchemaError(f"A number of the bill is too large to be one: {error}.") from error
    return pa.table(arrays, schema=schema)


def billing_in(data: Dataset) -> Billing | None:
    """What was billed in the range of a dataset; None when it is not known."""
    if "billed" not in data.extras:
        return None
    days = pd.DatetimeIndex(data.extras["billed_days"]["date"])
    return Billing(days, data.extras["billed"], data.extras["billed_tokens"])
