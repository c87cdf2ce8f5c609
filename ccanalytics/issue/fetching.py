"""Filling the store for a command: the days of a range or a report, and their companions.

It is the first part of a command, whose progress is a share of the whole.
"""

import logging
from collections.abc import Callable
from datetime import date, timedelta
from itertools import count
from typing import Any

from ccanalytics.errors import ApiError, AuthError, SchemaError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.store.layout import Companion, companions
from ccanalytics.store.sync import SyncResult, sync, sync_available
from ccanalytics.weeks import newest_closed_week, parse_week

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]
"""Called with the current step, and a share from 0 to 1 that never falls."""


def silent(what: str, share: float) -> None:
    """Progress that is not shown."""


def fetch_days(
    options: RunOptions, *days: date, progress: Progress = silent, **how: Any
) -> SyncResult:
    """Sync the days from the first to the last of two; a source that is synced whole has no range.

    `how` is as for `sync`.
    """
    total = (days[-1] - days[0]).days + 1 if days else 0
    report = _of_days(progress, total) if days else None
    with options.spec.open(options.access) as source:
        return sync(source, options.store, *days, now=options.now, progress=report, **how)


def fetch_report_days(options: RunOptions, *, progress: Progress = silent) -> None:
    """Sync the days of a report, whatever the source.

    A companion, such as the bill, is synced too once it was asked for. One that is refused is a
    warning: the days are complete without it.
    """
    if not options.spec.network:
        source = options.spec.open(options.access)
        sync_available(source, options.store, now=options.now, progress=_of_days(progress))
        return
    newest = newest_closed_week(options.now, options.spec.settling)
    week = parse_week(options.week) if options.week else newest
    since, until = week - timedelta(weeks=options.weeks - 1), week + timedelta(days=6)
    fetch_days(options, since, until, progress=progress)
    for companion in companions():
        if not options.store.dates(companion.stored_as(options.source)):
            continue
        try:
            fetch_companion(options, companion, since, until)
        except (ApiError, AuthError, SchemaError) as error:
            missing = f"Newer {companion.name} are missing, everything else is complete"
            log.warning("%s: %s", missing, error)


def fetch_companion(options: RunOptions, companion: Companion, since: date, until: date) -> Any:
    """Sync a companion of a source's days, such as the bill; returns what was done."""
    stored = options.store, options.source
    with companion.open(options.spec, options.access) as source:
        return companion.sync(source, *stored, since, until, options.now, False)


def _of_days(progress: Progress, total: int = 0) -> Callable[..., None]:
    """Progress of days: called with each finished day, and their number where it is not `total`."""
    done = count(1)
    return lambda day, of=total: progress(f"day {day}", next(done) / of)
