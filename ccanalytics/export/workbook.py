"""A table -> an Excel workbook: text stays text, numbers are numbers, dates are dates.

A sheet has at most 1,048,576 rows, so a longer table goes on in further sheets of the workbook.
"""

from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa

from ccanalytics.errors import ExportError

MOST_ROWS = 1_048_576
"""Rows of a sheet, with the line of names."""

LONGEST_TEXT = 32_767
"""Signs of a cell."""

WHOLE_DIGITS = 2**53
"""Above this a number of Excel loses its last digits."""

_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


def write_workbook(table: pa.Table, path: Path, name: str) -> None:
    """Write `table` to a workbook of sheets `name`, `name 2` and so on.

    A moment is told in UTC. `ExportError` for text that no cell can hold, rather than a part of it.
    """
    book = _library().Workbook(path, _OPTIONS)
    styles = {
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        "head": book.add_format({"bold": True}),
    }
    with book:
        for number, start in enumerate(range(0, max(1, len(table)), MOST_ROWS - 1), start=1):
            sheet = book.add_worksheet(name[:28] + (f" {number}" if number > 1 else ""))
            _write_sheet(sheet, table.slice(start, MOST_ROWS - 1), styles)


def _write_sheet(sheet: Any, table: pa.Table, styles: dict[str, Any]) -> None:
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(table.column_names):
        sheet.write_string(0, column, name, styles["head"])
        sheet.set_column(column, column, max(10, min(len(name) + 2, 40)))
    row = 0
    for batch in table.to_batches(max_chunksize=10_000):
        for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            row += 1
            for column, value in enumerate(cells):
                _write_cell(sheet, row, column, value, styles)


def _write_cell(sheet: Any, row: int, column: int, value: Any, styles: dict[str, Any]) -> None:
    """One cell; nothing for null and what is no number."""
    if value is None or value != value:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float | Decimal) and -WHOLE_DIGITS <= value <= WHOLE_DIGITS:
        sheet.write_number(row, column, float(value))
    elif hasattr(value, "hour"):
        sheet.write_datetime(row, column, value.replace(tzinfo=None), styles["moment"])
    elif hasattr(value, "year"):
        sheet.write_datetime(row, column, value, styles["day"])
    else:
        _write_text(sheet, row, column, str(value))


def _write_text(sheet: Any, row: int, column: int, text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise ExportError(
            f"A text of {len(text):,} signs ({text[:40]!r}...) fits in no cell of Excel: export "
            "with --format parquet or csv."
        )
    sheet.write_string(row, column, text)


def _library() -> Any:
    try:
        return import_module("xlsxwriter")
    except ImportError:
        raise ExportError(
            "Excel workbooks need one more package: pip install 'ccanalytics[excel]'."
        ) from None
