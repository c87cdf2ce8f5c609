"""Rows of one UTC day -> an Arrow table; an Arrow table -> pandas; several frames -> one."""

import re
import sys
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pyarrow as pa

from ccanalytics.frames.schemas import USD

if TYPE_CHECKING:
    import pandas as pd

FEW_ROWS = 50_000  # read by one thread: several would cost more than they save

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def do_without_pandas() -> None:
    """Have Arrow work as where there is no pandas, in a process that makes tables and no frames.

    It would import pandas for its first array. A frame that is made all the same imports it then.
    """

    def refuse(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)

    hiding = SimpleNamespace(find_spec=refuse)
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, hiding)
        try:
            pa.array([])
        finally:
            sys.meta_path.remove(hiding)


def table_of(schema: pa.Schema, day: date, rows: Sequence[Sequence[object]]) -> pa.Table:
    """A table of rows without their first column, `date`; dollars are in units of USD's scale."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(schema) - 1)
    arrays = [pa.repeat(pa.scalar(day).cast(schema[0].type), len(rows))]
    for field, column in zip(list(schema)[1:], columns, strict=True):
        kind = pa.int64() if field.type == USD else field.type
        array = pa.array(column, kind)
        if field.type == USD:
            # A decimal is stored in whole units, so a cast to its scale would only shift digits.
            whole = array.cast(pa.decimal128(19, 0))
            array = pa.Array.from_buffers(USD, len(whole), whole.buffers())
        arrays.append(array)
    return pa.table(arrays, schema=schema)


def usd_units(cents: Decimal) -> int:
    """Dollars of an amount in cents, in units of USD's scale, as `table_of` takes them.

    >>> usd_units(Decimal("123.78912"))
    123789120
    """
    return int(cents.scaleb(6).to_integral_value(ROUND_HALF_EVEN))


def to_pandas(table: pa.Table) -> "pd.DataFrame":
    """`table` with text keys as categories and `cost_usd` as float dollars (null is NaN).

    Control characters in names become U+FFFD: some end a chart, others move a terminal's cursor.
    """
    import pandas as pd  # a sync makes tables, and no frame

    for position, column in enumerate(table.schema):
        if column.type == USD:
            money = table.column(position).cast(pa.float64())
            table = table.set_column(position, column.name, money)
    kinds = {pa.bool_(): pd.BooleanDtype()}
    threads = len(table) > FEW_ROWS
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas(
        strings_to_categorical=True, types_mapper=kinds.get, use_threads=threads
    )
    for name, words in frame.select_dtypes("category").items():
        if _CONTROL.search("".join(words.cat.categories)):
            plain = words.astype("str").str.replace(_CONTROL, "\ufffd", regex=True)
            frame[name] = plain.astype("category")
    return frame


def stacked(frames: Sequence["pd.DataFrame"]) -> "pd.DataFrame":
    """The rows of frames with the same texts, in order; texts are categories, in order of name.

    Text is slow to group, and so would categories be that differ from frame to frame.
    """
    import pandas as pd

    texts = [name for name, kind in frames[0].dtypes.items() if kind.kind not in "iufM"]
    joined = pd.concat([frame.drop(columns=texts) for frame in frames], ignore_index=True)
    for name in texts:
        parts = [frame[name].astype("category") for frame in frames]
        parts = [part.cat.rename_categories(part.cat.categories.astype("str")) for part in parts]
        column = pd.api.types.union_categoricals(parts, sort_categories=True)
        joined.insert(frames[0].columns.get_loc(name), name, column)
    return joined
