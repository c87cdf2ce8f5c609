"""The store filled for a command: days of a range, of a report, and what goes with them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from itertools import count

from ccanalytics.errors import ApiError, AuthError, SchemaError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.sources.http import Client
from ccanalytics.sources.source import Source
from ccanalytics.store.layout import Companion, companions
from ccanalytics.store.sync import SyncResult, sync, sync_available
from ccanalytics.weeks import newest_closed_week, parse_week

log = logging.getLogger(__name__)

SyncProgress = Callable[[date, int, int], None]
"""Called with each day that is done, how many are, and of how many."""


def fetch_days(
    options: RunOptions,
    since: date,
    until: date,
    *,
    workers: int = 4,
    again: bool = False,
    progress: SyncProgress | None = None,
) -> SyncResult:
    """Sync the days from `since` to `until` of a source on a network."""
    with _opened(options) as source:
        return sync(
            source,
            options.store,
            since,
            until,
            now=options.now,
            workers=workers,
            again=again,
            progress=_counted(progress, (until - since).days + 1),
        )


def fetch_report_days(
    options: RunOptions, *, progress: SyncProgress | None = None
) -> SyncResult | None:
    """Sync the days a report is about, whatever the source; None where none are fetched.

    What is stored next to them, such as a bill, is brought up to date where it was asked for once.
    """
    if not options.spec.network:
        sync_available(options.open_source(), options.store, now=options.now)
        return None
    newest = newest_closed_week(options.now, options.spec.settling)
    week = parse_week(options.week) if options.week else newest
    since, until = week - timedelta(weeks=options.weeks - 1), week + timedelta(days=6)
    result = fetch_days(options, since, until, progress=progress)
    for companion in companions():
        if options.store.dates(companion.stored_as(options.source)):
            result = _with_companion(result, options, companion, since, until)
    return result


def _with_companion(
    result: SyncResult, options: RunOptions, companion: Companion, since: date, until: date
) -> SyncResult:
    """`result`, with a remark when what goes with the days was refused: they are whole without."""
    try:
        fetch_companion(options, companion, since, until)
    except (ApiError, AuthError, SchemaError) as error:
        said = f"What is newer of {companion.name} is not known, all else is complete: {error}"
        log.warning("%s", said)
        return replace(result, remark=f"{result.remark} {said}".strip())
    return result


def fetch_companion(
    options: RunOptions, companion: Companion, since: date, until: date
) -> SyncResult:
    """Sync what is stored next to the days of a source, such as what they were billed."""
    with closing_client(companion.open(options.spec, options.access)) as source:
        result: SyncResult = companion.sync(
            source, options.store, options.source, since, until, options.now, False
        )
    return result


def fetch_all(options: RunOptions, *, again: bool = False) -> SyncResult:
    """Sync all there is of a source whose days cannot be asked for one by one."""
    return sync(options.open_source(), options.store, now=options.now, again=again)


@contextmanager
def _opened(options: RunOptions) -> Iterator[Source]:
    if not options.spec.network:
        raise ValueError(f"Days of {options.source} are not fetched from a network.")
    with closing_client(options.open_source()) as source:
        yield source


@contextmanager
def closing_client(source: Source) -> Iterator[Source]:
    """The source; afterwards its connections are closed, where it has any."""
    if isinstance(source, Client):
        with source:
            yield source
    else:
        yield source


def _counted(progress: SyncProgress | None, total: int) -> Callable[[date], None] | None:
    """`progress` of a day, with how many are done of how many."""
    if progress is None:
        return None
    done = count(1)
    return lambda day: progress(day, next(done), total)
