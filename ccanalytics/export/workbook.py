"""A table -> an Excel workbook: text stays text, numbers are numbers, dates are dates."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.errors import ExportError

MOST_ROWS = 1_048_576
"""The most rows of a sheet, including the header."""

LONGEST_TEXT = 32_767
"""The most characters of a cell."""

# Excel would run text that starts with "=", and turn 0042 and 3E5 into other numbers.
_AS_TEXT = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}


def write_workbook(table: pa.Table, path: Path, name: str) -> None:
    """Write `table` to a workbook with sheets `name`, `name 2`, ..., because a sheet has a limit.

    Times are UTC. `ExportError` for text that does not fit a cell.
    """
    columns = [_cells(column) for column in table.columns]
    frame = pa.table(columns, table.column_names).to_pandas(date_as_object=True)
    try:
        book = pd.ExcelWriter(
            path,
            engine="xlsxwriter",
            date_format="yyyy-mm-dd",
            datetime_format="yyyy-mm-dd hh:mm:ss",
            engine_kwargs={"options": _AS_TEXT},
        )
    except ImportError:
        raise ExportError(
            "Excel workbooks need one more package: pip install 'ccanalytics[excel]'."
        ) from None
    with book:
        for number, start in enumerate(range(0, max(1, len(frame)), MOST_ROWS - 1), start=1):
            sheet = name[:28] + (f" {number}" if number > 1 else "")
            rows = frame.iloc[start : start + MOST_ROWS - 1]
            rows.to_excel(book, sheet_name=sheet, index=False, freeze_panes=(1, 0))


def _cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Money as a number, a time without its zone, text that fits."""
    if pa.types.is_decimal(column.type):
        return column.cast(pa.float64())
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("s"))
    if pa.types.is_string(column.type):
        longest = pc.max(pc.utf8_length(column)).as_py() or 0
        if longest > LONGEST_TEXT:
            raise ExportError(
                f"A text of {longest:,} characters fits in no cell of Excel: export with --format "
                "parquet or csv."
            )
    return column
