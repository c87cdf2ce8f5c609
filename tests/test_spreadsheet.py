"""What a spreadsheet opens is text and numbers."""

import pandas as pd
import pytest

from ccanalytics.spreadsheet import csv_text


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "\n=1", " =1", "＝1", "＋1", "－1", "＠x"],  # noqa: RUF001
)
def test_text_like_a_formula_gets_an_apostrophe(text):
    """In a cell and in a header."""
    lines = csv_text(pd.DataFrame({text: [text]}))
    assert lines == f'"\'{text}"\n"\'{text}"\n'


def test_numbers_days_and_plain_text_stay_as_they_are():
    """A negative number is a number; null is empty; a day is written as a day."""
    frame = pd.DataFrame(
        {
            "week": pd.to_datetime(["2026-11-16", "2026-11-23"]),
            "team": pd.Categorical(["Red", 'Blu"e']),
            "value": [-1.5, float("nan")],
        }
    )
    assert csv_text(frame) == (
        '"week","team","value"\n"2026-11-16","Red",-1.5\n"2026-11-23","Blu""e",""\n'
    )


def test_no_rows_are_a_header():
    """An empty frame is a file with its columns."""
    assert csv_text(pd.DataFrame({"team": []})) == '"team"\n'
