"""A source -> the store: the days that are missing or may still change, fetched and written."""

import copy
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ccanalytics.errors import CCAnalyticsError, StoreError
from ccanalytics.frames import build_frames
from ccanalytics.log_syncing import Brought, bring_logs, merge_logs
from ccanalytics.periods import FINAL_AFTER, day_end, days_between, is_closed, parse_day
from ccanalytics.sources import Source
from ccanalytics.sources.local_logs import LocalLogs
from ccanalytics.store import DayChange, Store, StoredDay

log = logging.getLogger(__name__)

NETWORK = ("api", "enterprise")
"""Sources one waits for; the others are of this machine."""


@dataclass(frozen=True)
class SyncResult:
    """What a sync did: days by what became of them, in order."""

    new: tuple[date, ...] = ()
    changed: tuple[date, ...] = ()
    same: tuple[date, ...] = ()
    kept: tuple[date, ...] = ()
    """Days an older version stored, whose logs are partly gone by now: left as they were."""
    final: tuple[date, ...] = ()
    """Days not asked for again."""
    open: tuple[date, ...] = ()
    """Days not over, or over for less than an hour: not fetched, or of logs what there is."""

    @property
    def fetched(self) -> int:
        """How many days were read from the source."""
        return len(self.new) + len(self.changed) + len(self.same) + len(self.kept)

    def __str__(self) -> str:
        parts = [
            f"{len(self.new)} new",
            f"{len(self.changed)} changed",
            f"{len(self.same) + len(self.final)} as they were",
            *([f"{len(self.kept)} kept though their logs are gone"] if self.kept else []),
            *([f"{len(self.open)} not closed yet"] if self.open else []),
        ]
        return f"Days: {', '.join(parts)}."


def sync(
    source: Source,
    store: Store,
    since: date | str | None = None,
    until: date | str | None = None,
    *,
    now: datetime | None = None,
    workers: int = 4,
    progress: Callable[[date], None] | None = None,
    force: bool = False,
) -> SyncResult:
    """Bring the days from `since` to `until`, both inclusive, into `store`; of logs, all there is.

    Final days are not fetched again unless `force`. When a day fails, those already fetched stay
    stored and the error names the day; the next sync goes on from there. `progress` is called
    with each day that is done with.
    """
    now = _moment(source, now or datetime.now(UTC))
    if isinstance(source, LocalLogs):
        return _result_of(bring_logs(source, store, now, again=force), progress)
    if since is None or until is None:
        raise ValueError(f"A range needs both ends: since is {since}, until is {until}.")
    wanted = _known(source, days_between(parse_day(since), parse_day(until)))
    open_days = tuple(day for day in wanted if not is_closed(day, now))
    stored = {} if force else _trusted(source, store, now)
    final = tuple(day for day in wanted if day in stored and stored[day].final)
    for day in (*final, *open_days):
        _tell(progress, day)

    def fetch(day: date) -> DayChange:
        return _fetch_day(source, store, day, now)

    missing = [day for day in wanted if day not in {*final, *open_days}]
    # Threads only help where one waits for a network.
    changes = _each(fetch, missing, workers if source.name in NETWORK else 1, progress)
    days = {kind: tuple(c.day for c in changes if c.kind == kind) for kind in _KINDS}
    return SyncResult(**days, final=final, open=open_days)


def merge(other: Store, store: Store, *, now: datetime | None = None) -> SyncResult:
    """Bring what another store has of session logs into `store`; what both have counts once."""
    return _result_of(merge_logs(other, store, now or datetime.now(UTC)), None)


def _result_of(brought: Brought, progress: Callable[[date], None] | None) -> SyncResult:
    for change in brought.changes:
        _tell(progress, change.day)
    days = {k: tuple(c.day for c in brought.changes if c.kind == k) for k in _KINDS}
    rest = brought.stored - {change.day for change in brought.changes}
    return SyncResult(**days, final=tuple(sorted(rest)), open=tuple(sorted(brought.open)))


_KINDS = ("new", "changed", "same", "kept")


def _trusted(source: Source, store: Store, now: datetime) -> dict[date, StoredDay]:
    """The stored days that need not be looked at again once they are final."""
    stored = store.days(source.name)
    if source.name == "sample" and stored:
        # Another version of the package may invent another organisation; one day shows it.
        change = _fetch_day(source, store, max(stored), now)
        return stored if change.kind == "same" else {}
    return stored


def _moment(source: Source, now: datetime) -> datetime:
    """When the days count as fetched; an invented organisation does not depend on the clock."""
    if now.tzinfo is None:
        raise ValueError(f"now is {now}, without a time zone.")
    span = source.span() if source.name == "sample" else None
    return day_end(span[1]) + FINAL_AFTER if span else now


def _known(source: Source, days: list[date]) -> list[date]:
    """Without the days before the first a source can know: nothing there is not the same as 0."""
    span = source.span()
    if span is None:
        return days
    return [day for day in days if day >= span[0]]


def _fetch_day(source: Source, store: Store, day: date, now: datetime) -> DayChange:
    records = source.records(day)
    frames = build_frames(day, records)
    return store.write_day(
        source.name,
        day,
        frames,
        fetched_at=now,
        organization=_organization(day, {record.organization_id for record in records}),
        unknown_fields=getattr(source, "unknown_fields", ()),
    )


def _organization(day: date, ids: set[str]) -> str | None:
    if len(ids) > 1:
        raise StoreError(f"The records of {day} are of several organizations: {sorted(ids)}.")
    return next(iter(ids), None)


def _each(
    fetch: Callable[[date], DayChange],
    days: Iterable[date],
    workers: int,
    progress: Callable[[date], None] | None,
) -> list[DayChange]:
    """What `fetch` says of each day, in order; days begun before a failure are still finished."""
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        futures = {pool.submit(fetch, day): day for day in days}
        try:
            for future in as_completed(futures):
                _raise_for(futures[future], future)
                _tell(progress, futures[future])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _raise_for(day: date, future: Future[DayChange]) -> None:
    error = future.exception()
    if isinstance(error, CCAnalyticsError) and str(day) not in str(error):
        named = copy.copy(error)
        named.args = (f"{day}: {error}",)
        raise named from error
    if error is not None:
        raise error


def _tell(progress: Callable[[date], None] | None, day: date) -> None:
    if progress is not None:
        progress(day)
