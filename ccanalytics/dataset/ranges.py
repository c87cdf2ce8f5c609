"""The requested days: a range, a week and the weeks before it, or the newest."""

import shlex
from datetime import date, datetime, timedelta

from ccanalytics.errors import StoreError
from ccanalytics.sources.registry import SourceSpec
from ccanalytics.store.day_store import Store
from ccanalytics.weeks import (
    CLOCKS_APART,
    days_between,
    is_closed,
    monday,
    newest_closed_week,
    parse_day,
    parse_week,
    week_days,
    week_name,
)


def requested_range(
    since: date | str | None, until: date | str | None, week: str, weeks: int, days: int
) -> tuple[date, date] | None:
    """The range given by dates or by its last week; None for the newest."""
    if weeks < 1 or days < 0:
        raise ValueError(f"weeks is {weeks} and days {days}; weeks must be >= 1, days >= 0.")
    if sum((bool(week), bool(days), since is not None)) > 1 or (week and until is not None):
        raise ValueError(
            f"Either a week, or days, or a range: week is {week!r}, days {days}, since {since}, "
            f"until {until}."
        )
    if week:
        return _days_before(week_days(parse_week(week))[-1], 7 * weeks)
    if days and until is not None:
        return _days_before(parse_day(until), days)
    if since is None and until is None:
        return None
    if since is None or until is None:
        raise ValueError(f"A range needs both ends: since is {since}, until is {until}.")
    range_ = days_between(since, until)
    return range_[0], range_[-1]


def newest_range(
    spec: SourceSpec, store: Store, now: datetime, weeks: int, days: int
) -> tuple[date, date]:
    """The newest `days` days with use, or if that is 0, the newest `weeks` closed weeks.

    Of local and sample weeks the last one has use. A day in the future, which a wrong clock wrote
    down, is the newest only if there is no other.
    """
    stored = store.days(spec.name)
    used = [day for day, one in stored.items() if one.rows]
    if days and not used:
        raise StoreError(f"The store {store.root} has no {spec.name} day with any use.")
    if days:
        today = (now + CLOCKS_APART).date()
        past = [day for day in used if spec.invented or day <= today]
        return _days_before(max(past or used), days)
    for week in sorted({monday(day) for day in stored}, reverse=True):
        known = [stored[day] for day in week_days(week) if day in stored and stored[day].closed]
        if len(known) == 7 and (spec.network or any(day.rows for day in known)):
            return _days_before(known[-1].day, 7 * weeks)
    week = newest_closed_week(now, spec.settling)
    fill = how_to_fill(spec, store, week, week_days(week)[-1])
    if spec.live:
        fill += " The days so far are shown by ccanalytics dashboard."
    raise StoreError(
        f"No whole closed week with {spec.name} activity is in the store {store.root}: a week is "
        f"reported once it is over. {fill}"
    )


def check_week(spec: SourceSpec, store: Store, sunday: date, now: datetime) -> None:
    """Raise an error when the week ending with `sunday` is not closed or not completely stored."""
    week = monday(sunday)
    days = store.days(spec.name, week, sunday)
    if sum(day.closed for day in days.values()) == 7:
        return
    name = week_name(week)
    if not spec.invented and not is_closed(sunday, now, spec.settling):
        raise ValueError(
            f"Week {name} is not closed: it lasts until {sunday}. The newest closed week is "
            f"{week_name(newest_closed_week(now, spec.settling))}."
        )
    fill = how_to_fill(spec, store, week, sunday)
    raise StoreError(f"Not all of week {name} is in the store {store.root}. {fill}")


def how_to_fill(spec: SourceSpec, store: Store, since: date, until: date) -> str:
    """What to do about missing days."""
    if spec.network:
        return (
            f"Fetch them: ccanalytics sync --source {spec.name} --since {since} --until {until} "
            f"--store {shlex.quote(str(store.root))}"
        )
    days = store.dates(spec.name)
    return f"Stored: {days[0]} to {days[-1]}." if days else "Nothing is stored yet."


def _days_before(last: date, days: int) -> tuple[date, date]:
    return last - timedelta(days=days - 1), last
