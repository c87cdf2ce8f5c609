"""Frames -> CSV text that a spreadsheet program takes for text and numbers, never for a formula."""

import csv
import io

import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
"""What a cell begins with that a spreadsheet would run; the last four are full-width signs."""


def csv_text(frame: pd.DataFrame) -> str:
    """`frame` as CSV, without its index: null is empty, a day is 2026-11-20.

    Text that could be a formula, in cells and headers, gets an apostrophe in front.
    """
    safe = frame.apply(_safe_column).rename(columns=_safe)
    text = io.StringIO()
    safe.to_csv(text, index=False, quoting=csv.QUOTE_NONNUMERIC, date_format="%Y-%m-%d")
    return text.getvalue()


def _safe_column(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return column
    return column.astype("object").map(_safe, na_action="ignore")


def _safe(text: object) -> object:
    return f"'{text}" if isinstance(text, str) and text.lstrip(" ").startswith(_FORMULA) else text
