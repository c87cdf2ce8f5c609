"""A Dataset -> flat Arrow tables: its frames, sums by person and day, the weekly metrics.

    activity, model_usage, ...   the frames, actors named as the identity policy says
    actor_days                   one row per UTC day and actor: all measures side by side
    exports                      one row per UTC day: whether it was closed, final, when fetched
    weekly_metrics               one row per closed week: the metric frames side by side
    weekly_team_metrics          the same by team

Under `aggregate` only the weekly tables are made. A date is a date, money an exact decimal, a list
is written as JSON text, and `source` says whose rows these are, as one target may hold several.
"""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.errors import StoreError
from ccanalytics.frames.schemas import SCHEMAS, USD
from ccanalytics.metrics.actor_weeks import day_sums
from ccanalytics.metrics.definitions import METRICS, POPULATIONS
from ccanalytics.metrics.ratios import rows_of, week_frame
from ccanalytics.metrics.withholding import TOKENS, USAGE
from ccanalytics.people.calendars import week_of
from ccanalytics.store.layout import frame_schemas

Tables = dict[str, pa.Table]

WEEKLY = tuple(
    metric.id
    for metric in METRICS.values()
    if metric.numerator and metric.denominator not in POPULATIONS
)
"""The metrics of the weekly tables, one column each; not those that need more than one week."""

DESCRIPTIONS = {
    "activity": "One row per record: sessions, lines, commits, pull requests.",
    "model_usage": "One row per record and model: tokens and estimated cost.",
    "tool_actions": "One row per record and tool: proposals accepted and rejected.",
    "actor_days": "One row per UTC day and actor: all measures, each summed by itself.",
    "exports": "One row per exported UTC day: whether it was closed and final, when fetched.",
    "weekly_metrics": "One row per closed ISO week: people only, null below the floors.",
    "weekly_team_metrics": "One row per closed ISO week and team: null below the floors, and where "
    "subtraction would reveal a small team.",
    "focus": "One row per UTC day, actor, model and kind of token, in the shape of FOCUS.",
}
"""The row of each table."""

SUMS = ["sessions", "lines_added", "lines_removed"]  # weekly sums that are not metrics
N_ACTORS = "n_actors"  # the column of the metric `active_actors`, named as in metric frames


def tables_of(data: Dataset) -> Tables:
    """The weekly tables; unless under `aggregate` also every frame, `actor_days` and `exports`."""
    frames = {
        "weekly_metrics": _weekly(data, None),
        "weekly_team_metrics": _weekly(data, "team"),
    }
    if data.identity != "aggregate":
        records = {name: getattr(data, name) for name in SCHEMAS}
        sums = day_sums(records, ["date", "actor_kind", "actor", "team"])
        if not data.has_tokens:
            unknown = (TOKENS if data.has_cost else USAGE) & set(sums)
            sums = sums.assign(**dict.fromkeys(unknown, np.nan))
        sums = sums.assign(weekday=sums["date"].dt.day_of_week + 1)
        days = data.days[data.days["stored"]].drop(columns=["stored", "restated"])
        days = days.assign(floor=data.minimum_group, week=week_of(days["date"]))
        frames = {**records, **data.extras, "actor_days": sums, "exports": days, **frames}
    elif not len(data.weeks):
        raise StoreError(f"There is no closed week of {data.source} to export.")
    return {name: _table(name, one, data.source) for name, one in frames.items()}


def table_names() -> set[str]:
    """The names of all tables of any export."""
    return {*frame_schemas(), *DESCRIPTIONS}


def columns_of(tables: Tables) -> pa.Table:
    """One row per column of the tables: table, column, type, description."""
    rows = [
        (name, column.name, str(column.type), _description(name, column))
        for name, table in tables.items()
        for column in table.schema
    ]
    names = ["table", "column", "type", "description"]
    return pa.table([pa.array(values) for values in zip(*rows, strict=True)], names)


def _description(table: str, column: pa.Field) -> str:
    """The description of a column; empty when its name says it all."""
    name, of_table = column.name, frame_schemas().get(table)
    metric = METRICS.get("active_actors" if name == N_ACTORS else name)
    if metric and table.startswith("weekly"):
        return metric.formula
    schemas = [of_table] if of_table else SCHEMAS.values()
    known = [column, *(schema.field(name) for schema in schemas if name in schema.names)]
    texts = [(one.metadata or {}).get(b"description", b"").decode() for one in known]
    return next(filter(None, texts), "")


def _weekly(data: Dataset, by: str | None) -> pd.DataFrame:
    """The metric frames and `SUMS` side by side, null where there are too few people."""
    keys = ["week", *([by] if by else [])]
    frames = {name: week_frame(data, name, by).set_index(keys) for name in WEEKLY}
    people = frames["active_actors"]["value"]
    columns = {name: frame["value"] for name, frame in frames.items()}
    columns["priced_share"] = frames["cost"]["priced_share"]
    rows = rows_of(data, METRICS["active_actors"], by)
    sums = rows.groupby(keys, observed=True)[SUMS].sum().reindex(people.index)
    wide = pd.DataFrame(columns).reindex(people.index).join(sums.where(people.notna()))
    return wide.reset_index().rename(columns={"active_actors": N_ACTORS})


def _table(name: str, frame: pd.DataFrame, source: str) -> pa.Table:
    """`frame` with `source` first and plain types, those of its schema where it has the column."""
    types = {one.name: one.type for one in frame_schemas().get(name, ())}
    columns = {one: _column(frame[one], types.get(one), one) for one in frame.columns}
    return pa.table({"source": pa.array([source] * len(frame), pa.string()), **columns})


def _column(values: pd.Series, kind: pa.DataType | None, name: str) -> pa.Array:
    array = pa.Array.from_pandas(values)  # a chunked one of some
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_large_string(array.type) or pa.types.is_null(array.type):
        array = array.cast(pa.string())
    if pa.types.is_nested(array.type):
        texts = [None if one is None else json.dumps(one) for one in array.to_pylist()]
        return pa.array(texts, pa.string())
    if name in ("date", "week"):
        return array.cast(pa.date32())
    if kind == USD or (kind is None and name.endswith("_usd")):
        return pc.round(array, USD.scale).cast(USD)
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.timestamp("ms"))
    return array if kind is None or pa.types.is_nested(kind) else array.cast(kind)
