"""What people know about days: holidays, noted events and interventions, from small CSV files.

holidays       date,name          days off for everybody: not working days
events         date,what[,team]   something that explains a number, drawn as an annotation
interventions  team,date,what     a change made for one team, looked at before and after
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from ccanalytics.rows import parse_date, parse_rows, read_text

COLUMNS = {
    "holidays": {"date": "datetime64[ms]", "name": "str"},
    "events": {"date": "datetime64[ms]", "what": "str", "team": "str"},
    "interventions": {"team": "str", "date": "datetime64[ms]", "what": "str"},
}

OPTIONAL = {"team": ("events",)}


def empty(kind: str) -> pd.DataFrame:
    """A calendar of `kind` without a row."""
    return pd.DataFrame({c: pd.Series(dtype=d) for c, d in COLUMNS[kind].items()})


def read_calendar(kind: str, path: Path) -> pd.DataFrame:
    """One row per line of the CSV at `path`, in order of date."""
    return parse_calendar(kind, read_text(path, kind), str(path))


def parse_calendar(kind: str, text: str, name: str) -> pd.DataFrame:
    """One row per line of `text`, in order of date; an event of no team has an empty `team`.

    `SettingsError` naming every line that is wrong.
    """
    columns = COLUMNS[kind]
    optional = [column for column in columns if kind in OPTIONAL.get(column, ())]
    required = [column for column in columns if column not in optional]

    def parse(cells: Mapping[str, str]) -> dict[str, date | str]:
        return {column: _cell(cells, column, column in optional) for column in columns}

    rows = [row for _, row in parse_rows(text, name, required, optional, parse)]
    frame = pd.DataFrame(rows, columns=list(columns)).astype(columns)
    return frame.sort_values("date", kind="stable", ignore_index=True)


def working_days(days: pd.DatetimeIndex, holidays: pd.DataFrame) -> pd.DatetimeIndex:
    """The days of `days` that are Monday to Friday and no holiday."""
    return days[(days.day_of_week < 5) & ~days.isin(holidays["date"])]


def _cell(cells: Mapping[str, str], column: str, optional: bool) -> date | str:
    text = cells.get(column, "")
    if column == "date":
        return parse_date(text, column)
    if not text and not optional:
        raise ValueError(f"{column} is empty")
    return text
