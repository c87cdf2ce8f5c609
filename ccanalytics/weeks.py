"""Days and weeks as text -> dates; when a day is closed, and when it is final.

All days are UTC days. A week is an ISO week, Monday to Sunday, and is named by its Monday.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta


@dataclass(frozen=True)
class Settling:
    """How long after its end a day is complete, and how long until it counts as final."""

    closed: timedelta
    final: timedelta


TWO_DAYS = Settling(timedelta(hours=1), timedelta(hours=48))
"""The service promises a complete day within the hour; later changes are not documented."""

CLOCKS_APART = timedelta(minutes=10)
"""How far two clocks may differ before one counts as wrong."""

_WEEK = re.compile(r"(\d{4})-?W(\d{1,2})", re.IGNORECASE)


def day_end(day: date) -> datetime:
    """The midnight, UTC, at which `day` ends."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def is_closed(day: date, now: datetime, settling: Settling = TWO_DAYS) -> bool:
    """Whether `day` is complete at `now`."""
    return now >= day_end(day) + settling.closed


def is_final(day: date, now: datetime, settling: Settling = TWO_DAYS) -> bool:
    """Whether `day` is no longer expected to change at `now`."""
    return now >= day_end(day) + settling.final


def parse_day(day: date | str) -> date:
    """A date from a date or text like 2026-11-20; else `ValueError` with the value."""
    if isinstance(day, datetime):
        return day.date()
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"{day!r} is not a date like 2026-11-20.") from None


def parse_week(text: date | str) -> date:
    """The Monday of a week given as 2026-W47 or as any date in it.

    >>> parse_week("2026-W47"), parse_week("2026-11-22")
    (datetime.date(2026, 11, 16), datetime.date(2026, 11, 16))
    """
    match = _WEEK.fullmatch(text.strip()) if isinstance(text, str) else None
    try:
        if match:
            return date.fromisocalendar(int(match[1]), int(match[2]), 1)
        return monday(parse_day(text))
    except ValueError:
        raise ValueError(f"{text!r} is not a week like 2026-W47, nor a date inside one.") from None


def week_name(week: date) -> str:
    """The name of a week: 2026-W47."""
    year, number, _ = week.isocalendar()
    return f"{year}-W{number:02}"


def monday(day: date) -> date:
    """The Monday of the ISO week of `day`."""
    return day - timedelta(days=day.weekday())


def week_days(week: date) -> list[date]:
    """The seven days of the week of Monday `week`."""
    return [week + timedelta(days=n) for n in range(7)]


def newest_closed_week(now: datetime, settling: Settling = TWO_DAYS) -> date:
    """The Monday of the newest ISO week whose Sunday is closed at `now`."""
    week = monday(now.astimezone(UTC).date())
    while not is_closed(week + timedelta(days=6), now, settling):
        week -= timedelta(days=7)
    return week


def month_days(text: str) -> tuple[date, date]:
    """The first and last day of a month such as 2026-10.

    >>> month_days("2026-02")
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28))
    """
    try:
        first = date.fromisoformat(f"{text.strip()}-01")
    except ValueError:
        raise ValueError(f"{text!r} is not a month like 2026-10.") from None
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def days_between(since: date | str, until: date | str) -> list[date]:
    """All days from `since` to `until`, both inclusive; `ValueError` when they are reversed."""
    first, last = parse_day(since), parse_day(until)
    if last < first:
        raise ValueError(f"The range is reversed: it begins {since} and ends {until}.")
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
