"""The requested days: a range, a week and the weeks before it, or the newest."""

import shlex
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from ccanalytics.errors import StoreError
from ccanalytics.sources.registry import SourceSpec
from ccanalytics.store.day_store import Store
from ccanalytics.store.source_files import StoredDay
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
    if days and (week or since is not None):
        raise ValueError(f"Either {days} days or a range: week is {week!r}, since is {since}.")
    if days:
        return _days_before(parse_day(until), days) if until is not None else None
    if since is None and until is None:
        return _days_before(week_days(parse_week(week))[-1], 7 * weeks) if week else None
    if since is None or until is None:
        raise ValueError(f"A range needs both ends: since is {since}, until is {until}.")
    if week:
        raise ValueError(f"Either a week or a range: week is {week}, since is {since}.")
    range_ = days_between(parse_day(since), parse_day(until))
    return range_[0], range_[-1]


def newest_range(
    spec: SourceSpec, store: Store, now: datetime, weeks: int, days: int
) -> tuple[date, date]:
    """The newest `days` days, or if that is 0, the newest `weeks` closed weeks.

    A day in the future, which a wrong clock wrote down, is the newest only if there is no other.
    """
    if not days:
        return _days_before(week_days(newest_week(spec, store, now))[-1], 7 * weeks)
    used = [day for day, stored in store.days(spec.name).items() if stored.rows]
    if not used:
        raise StoreError(f"The store {store.root} has no {spec.name} day with any use.")
    today = (now + CLOCKS_APART).date()
    past = [day for day in used if spec.invented or day <= today]
    return _days_before(max(past or used), days)


def newest_week(spec: SourceSpec, store: Store, now: datetime) -> date:
    """The Monday of the newest completely stored week; for local and sample days, with activity."""
    weeks = sorted({monday(day) for day in store.dates(spec.name)}, reverse=True)
    for week in weeks:
        stored = store.days(spec.name, week, week_days(week)[-1]).values()
        whole = sum(day.closed for day in stored) == 7
        if whole and (spec.network or any(day.rows for day in stored)):
            _check_clock(spec, store, stored, now)
            return week
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
    _check_clock(spec, store, days.values(), now)
    if all(day in days and days[day].closed for day in week_days(week)):
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


def _check_clock(spec: SourceSpec, store: Store, days: Iterable[StoredDay], now: datetime) -> None:
    """Raise `StoreError` when a day was fetched in the future: it may have been incomplete."""
    late = [day for day in days if day.fetched_at > now + CLOCKS_APART]
    if late and not spec.invented:
        again = how_to_fill(spec, store, late[0].day, late[-1].day)
        raise StoreError(
            f"{late[0].day} was fetched at {late[0].fetched_at:%Y-%m-%d %H:%M} UTC, and it is "
            f"{now:%Y-%m-%d %H:%M} now: one of the two clocks was wrong, so the day may not be "
            f"whole. Set the clock right, then fetch it again. {again}"
        )


def _days_before(last: date, days: int) -> tuple[date, date]:
    return last - timedelta(days=days - 1), last
