"""Tables -> RFC 4180 CSV that is safe to open in a spreadsheet.

Excel and others run text that begins like a formula, so it gets an apostrophe in front.
Numbers are not text and stay as they are. Null is an empty cell, a date is 2026-11-20.
"""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

_FORMULA = r"\A( *[=+\-@\t\r\n＝＋－＠])"  # noqa: RUF001 - spreadsheets take the wide characters too

_PLAIN_DECIMALS = 6
"""Up to this many decimals are written without an exponent."""

_OPTIONS = pa.csv.WriteOptions(eol="\r\n")


def safe_csv(frame: pd.DataFrame) -> str:
    """The text of a CSV file of `frame`, without its index, safe to open in a spreadsheet."""
    out = pa.BufferOutputStream()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    columns = [_dates(column) for column in table.columns]
    write_csv(pa.table(columns, names=table.column_names), out)
    return bytes(out.getvalue()).decode()


def write_csv(table: pa.Table, out: "Path | pa.NativeFile") -> None:
    """Write `table` as safe CSV with a header line."""
    names = _safe(pa.array(table.column_names, pa.string())).to_pylist()
    columns = [_safe(column) for column in table.columns]
    pa.csv.write_csv(pa.table(columns, names=names), out, _OPTIONS)


def _safe(column: "pa.Array | pa.ChunkedArray") -> "pa.Array | pa.ChunkedArray":
    """The column with an apostrophe before text that begins like a formula.

    Timestamps with a time zone become 2026-11-20T00:00:00Z, money 0.125 and 0.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.replace_substring_regex(column, _FORMULA, r"'\1")
    if pa.types.is_timestamp(kind) and kind.tz:
        return pc.strftime(column.cast(pa.timestamp("s", "UTC")), "%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_decimal(kind) and kind.scale > _PLAIN_DECIMALS:
        # A float has all the digits of amounts up to ten million, and its zero is no 0E-8. By way
        # of text, because Arrow's own cast is off in the last digit.
        return column.cast(pa.string()).cast(pa.float64())
    return column


def _dates(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Timestamps that are all midnight, as dates."""
    if not pa.types.is_timestamp(column.type) or column.type.tz:
        return column
    days = pc.floor_temporal(column, unit="day")
    midnight = pc.all(pc.equal(column, days), min_count=0).as_py()
    return column.cast(pa.date32()) if midnight else column
