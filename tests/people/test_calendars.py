"""Calendars are small CSV files written by people; every bad line is named."""

import pandas as pd
import pytest

from ccanalytics.errors import SettingsError
from ccanalytics.people.calendars import Calendars, parse_calendar, read_calendars
from ccanalytics.sources.sample.organisation import SampleOrganisation


def test_a_calendar_has_one_row_per_line_in_order_of_date():
    """The team of an event is optional."""
    text = "date,what\n2026-11-20,Outage\n2026-11-02,New prices\n"
    events = parse_calendar("events", text, "events.csv")
    assert events["what"].tolist() == ["New prices", "Outage"]
    assert events["team"].tolist() == ["", ""]


def test_every_bad_line_is_named():
    """An empty cell and a bad date, with their lines."""
    text = "team,date,what\n,2026-11-02,Training\nData,2.11.2026,Training\n"
    with pytest.raises(SettingsError) as error:
        parse_calendar("interventions", text, "i.csv")
    assert "line 2: team is empty" in str(error.value)
    assert "line 3: date is '2.11.2026'" in str(error.value)


def test_a_working_day_is_neither_a_weekend_day_nor_a_holiday(tmp_path):
    """Thursday is off, Friday is not, Saturday is."""
    (tmp_path / "h.csv").write_text("date,name\n2026-11-26,Thanksgiving\n")
    calendars = read_calendars({"holidays": tmp_path / "h.csv"})
    days = pd.Series(pd.to_datetime(["2026-11-26", "2026-11-27", "2026-11-28"]))
    assert calendars.is_working_day(days).tolist() == [False, True, False]
    assert calendars.events.empty
    assert Calendars().is_working_day(days).tolist() == [True, True, False]


def test_the_weekend_days_can_be_configured():
    """Friday and Saturday are off, Sunday is not."""
    days = pd.Series(pd.to_datetime(["2026-11-27", "2026-11-28", "2026-11-29"]))
    calendars = Calendars(weekend=(4, 5))
    assert calendars.is_working_day(days).tolist() == [False, False, True]


@pytest.mark.parametrize("kind", ["holidays", "events", "interventions"])
def test_the_sample_includes_calendars(kind):
    """Each can be read like a user's file."""
    calendars = SampleOrganisation().organisation().calendars_csv
    assert len(parse_calendar(kind, calendars[kind], "sample"))
