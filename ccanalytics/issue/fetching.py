"""Filling the store for a command: the days of a range or a report, and their companions.

It is the first part of a command, whose progress is a share of the whole.
"""

import logging
from collections.abc import Callable
from datetime import date, timedelta
from itertools import count

from ccanalytics.errors import ApiError, AuthError, SchemaError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.store.day_changes import SyncResult
from ccanalytics.store.layout import Companion, companions
from ccanalytics.store.sync import sync, sync_available
from ccanalytics.weeks import newest_closed_week, parse_week

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]
"""Called with the current step, and a share from 0 to 1 that never falls."""


def silent(what: str, share: float) -> None:
    """Progress that is not shown."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """Progress of one part of the whole, from one share of it to another."""
    return lambda what, share: progress(what, start + (end - start) * share)


def of_days(progress: Progress) -> Callable[[date, int], None]:
    """Progress of days: called with each finished day and their number."""
    done = count(1)
    return lambda day, total: progress(f"day {day}", next(done) / total)


def of_notebooks(progress: Progress, total: int) -> Callable[[str, int, int], None]:
    """Progress of `total` notebooks: called with each one, its started cells and all its cells."""
    done: dict[str, float] = {}

    def begun(notebook: str, cell: int, cells: int) -> None:
        done[notebook] = cell / cells
        share = sum(list(done.values())) / total  # a copy: several threads report cells
        progress(notebook.removesuffix(".ipynb") if share < 1 else "the page", share)

    return begun


def fetch_days(
    options: RunOptions,
    since: date | None = None,
    until: date | None = None,
    *,
    workers: int = 4,
    again: bool = False,
    progress: Progress = silent,
) -> SyncResult:
    """Sync the days from `since` to `until`; a source that is synced whole has no range."""
    done, total = of_days(progress), (until - since).days + 1 if since and until else 0
    with options.open_source() as source:
        return sync(
            source,
            options.store,
            since,
            until,
            now=options.now,
            workers=workers,
            again=again,
            progress=(lambda day: done(day, total)) if total else None,
        )


def fetch_report_days(options: RunOptions, *, progress: Progress = silent) -> None:
    """Sync the days of a report, whatever the source.

    A companion, such as the bill, is synced too once it was asked for. One that is refused is a
    warning: the days are complete without it.
    """
    if not options.spec.network:
        source = options.open_source()
        sync_available(source, options.store, now=options.now, progress=of_days(progress))
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


def fetch_companion(
    options: RunOptions, companion: Companion, since: date, until: date
) -> SyncResult:
    """Sync a companion of a source's days, such as the bill."""
    with companion.open(options.spec, options.access) as source:
        result: SyncResult = companion.sync(
            source, options.store, options.source, since, until, options.now, False
        )
    return result
