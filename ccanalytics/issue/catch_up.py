"""The missing reports, oldest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from ccanalytics.dataset.loading import load
from ccanalytics.errors import AuthError, CCAnalyticsError
from ccanalytics.issue.fetching import fetch_days
from ccanalytics.issue.progress import Progress, part, silent
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.issue.weekly import issue_name, weekly_report
from ccanalytics.report.archive import read_issue
from ccanalytics.report.engine import NotebookWorkers
from ccanalytics.weeks import newest_closed_week, parse_week, week_days, week_name

_WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class WeekOutcome:
    """The result of one week: its page, or the error."""

    week: str
    page: Path | None = None
    error: CCAnalyticsError | None = None


def missing_weeks(options: RunOptions, since: str = "") -> list[date]:
    """The Mondays of closed weeks without a complete issue in the folder, oldest first.

    Among the last `options.weeks` closed weeks or, with `since`, all from that week on.
    """
    newest = _newest(options)
    first = parse_week(since) if since else newest - (options.weeks - 1) * _WEEK
    if first > newest:
        raise ValueError(
            f"since is {week_name(first)}; the newest closed week is {week_name(newest)}."
        )
    weeks = [first + n * _WEEK for n in range((newest - first).days // 7 + 1)]
    return [week for week in weeks if not _has_issue(options, week)]


def catch_up(
    options: RunOptions,
    weeks: Sequence[date],
    progress: Progress = silent,
    workers: NotebookWorkers | None = None,
) -> Iterator[WeekOutcome]:
    """The result of each of `weeks`; one that fails does not stop the others.

    Weeks before the first record are skipped. A key that is
    refused ends it, as it would be refused again.
    """
    for n, week in enumerate(weeks):
        one = replace(options, week=week_name(week))
        own = part(progress, n / len(weeks), (n + 1) / len(weeks))
        try:
            if _has_records(one, week, part(own, 0, 0.2)):
                page = weekly_report(one, part(own, 0.2, 1), workers)
                yield WeekOutcome(one.week, page)
        except AuthError:
            raise
        except CCAnalyticsError as error:
            yield WeekOutcome(one.week, error=error)


def _newest(options: RunOptions) -> date:
    """The newest closed week; for a source on this machine, the newest one with records."""
    if options.spec.network:
        return newest_closed_week(options.now, options.spec.settling)
    data = load(
        weeks=1, source=options.source, store=options.store, logs=options.logs, now=options.now
    )
    return data.until - timedelta(days=6)


def _has_issue(options: RunOptions, week: date) -> bool:
    issue = read_issue(options.out / f"{issue_name(week_name(week), options.team)}.html")
    return issue is not None and not issue.failed and issue.source == options.source


def _has_records(options: RunOptions, week: date, progress: Progress) -> bool:
    """Whether there is a record on or before the last day of `week`."""
    sunday = week_days(week)[-1]

    def stored() -> bool:
        days = options.store.days(options.source).items()
        return any(day.rows and at <= sunday for at, day in days)

    if not stored() and options.spec.network:
        fetch_days(options, week - (options.weeks - 1) * _WEEK, sunday, progress=progress)
    return stored()
