"""Calendars from small CSV files: holidays, events and interventions.

holidays       date,name          days off for everybody
events         date,what[,team]   explains a number, drawn as an annotation
interventions  team,date,what     a change made for one team, compared before and after
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from ccanalytics.people.csv_rows import CsvColumns, parse_date, read_text
from ccanalytics.people.identity import without_emails

COLUMNS = {
    "holidays": CsvColumns(("date", "name")),
    "events": CsvColumns(("date", "what"), ("team",)),
    "interventions": CsvColumns(("team", "date", "what")),
}

SATURDAY_SUNDAY = (5, 6)


def week_of(date: pd.Series) -> pd.Series:
    """The Monday of each day's ISO week."""
    return date - pd.to_timedelta(date.dt.day_of_week, unit="D").astype("timedelta64[ms]")


@dataclass(frozen=True, eq=False)
class Calendars:
    """The three calendars, each a frame with one row per line, in order of date."""

    holidays: pd.DataFrame = field(default_factory=lambda: parse_calendar("holidays"))
    events: pd.DataFrame = field(default_factory=lambda: parse_calendar("events"))
    interventions: pd.DataFrame = field(default_factory=lambda: parse_calendar("interventions"))
    weekend: tuple[int, ...] = SATURDAY_SUNDAY
    """The weekend as numbers; Monday is 0."""

    def is_working_day(self, dates: pd.Series) -> pd.Series:
        """Whether each day is neither on a weekend nor a holiday."""
        return ~self.is_weekend(dates) & ~dates.isin(self.holidays["date"])

    def is_weekend(self, dates: pd.Series) -> pd.Series:
        """Whether each day is on a weekend."""
        return dates.dt.day_of_week.isin(self.weekend)


def read_calendars(
    paths: Mapping[str, Path], weekend: tuple[int, ...] = SATURDAY_SUNDAY
) -> Calendars:
    """The calendars of these kinds from their CSV files; the others are empty."""
    parsed = {
        kind: parse_calendar(kind, read_text(path, kind), str(path)) for kind, path in paths.items()
    }
    return Calendars(**parsed, weekend=weekend)


def parse_calendar(kind: str, text: str = "", name: str = "") -> pd.DataFrame:
    """One row per line of `text` by date, none without any; an event for everybody has no `team`.

    E-mail addresses that people noted are left out. `SettingsError` lists every bad line.
    """
    columns = COLUMNS[kind]
    every = [*columns.required, *columns.optional]

    def parse(cells: Mapping[str, str]) -> list[date | str]:
        if empty := next((c for c in columns.required if not cells[c]), None):
            raise ValueError(f"{empty} is empty")
        texts = {name: without_emails(text) for name, text in cells.items()}
        return [parse_date(cells[c], c) if c == "date" else texts.get(c, "") for c in every]

    rows = columns.rows(text, name, parse) if text else {}
    frame = pd.DataFrame(list(rows.values()), columns=every)
    frame = frame.astype(dict.fromkeys(every, "str") | {"date": "datetime64[ms]"})
    return frame.sort_values("date", kind="stable", ignore_index=True)
