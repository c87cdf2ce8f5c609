"""What was billed <-> the store: fetched a month at a time, kept next to the source's own days."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Protocol, runtime_checkable

import pandas as pd

from ccanalytics.charges.billing_client import LONGEST_WALK, BillingClient
from ccanalytics.charges.billing_frames import build_billing
from ccanalytics.errors import StoreError
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.sources.keys import ADMIN_KEY, find_key
from ccanalytics.sources.registry import Access, SourceSpec
from ccanalytics.sources.source import Source
from ccanalytics.store.day_store import DayChange, Store
from ccanalytics.store.layout import Companion
from ccanalytics.store.sync import SyncResult
from ccanalytics.weeks import Settling, days_between, is_closed, parse_day
from ccanalytics.wire.cost_report import DayBill


@runtime_checkable
class BilledSource(Protocol):
    """A source that knows what UTC days were billed: the client, or the sample."""

    @property
    def organization_id(self) -> str | None:
        """Whose bill it is; None when that is unknown."""
        ...

    @property
    def billed_since(self) -> date | None:
        """The first day with a bill; None when only the service knows."""
        ...

    def bills(self, since: date, until: date) -> dict[date, DayBill]:
        """The bill of every day from `since` to `until`, or an error."""
        ...


def sync_billing(
    client: BilledSource,
    store: Store,
    source: str,
    since: date | str,
    until: date | str,
    *,
    now: datetime | None = None,
    force: bool = False,
) -> SyncResult:
    """Store what was billed from `since` to `until`, both inclusive.

    The bill must be of the same organization as the days of `source`. Every month is stored before
    the next one is asked for, so that a failure loses little.
    """
    now, name = now or datetime.now(UTC), COMPANION.stored_as(source)
    wanted = days_between(parse_day(since), parse_day(until))
    open_days = tuple(day for day in wanted if not is_closed(day, now, COMPANION.settling))
    stored = {} if force else store.days(name)
    final = tuple(day for day in wanted if day in stored and stored[day].final)
    missing = [day for day in wanted if day not in {*final, *open_days}]
    months = groupby(missing, lambda day: (day - missing[0]).days // LONGEST_WALK)
    changes = [change for _, days in months
               for change in _fetch(client, store, source, list(days), now)]  # fmt: skip
    return SyncResult.of(changes, final=final, open=open_days)


def stored_billing(store: Store, source: str, since: date, until: date) -> dict[str, pd.DataFrame]:
    """What was billed in the range, on closed days; no frames when nothing of it was fetched."""
    stored, tables = store.read_range(COMPANION.stored_as(source), since, until)
    days = [day for day, one in stored.items() if one.closed]
    if not days:
        return {}
    known = pd.DataFrame({"date": pd.DatetimeIndex(days).as_unit("ms")})
    return {name: to_pandas(tables[name]) for name in tables} | {"billed_days": known}


def _fetch(
    client: BilledSource, store: Store, source: str, days: Sequence[date], now: datetime
) -> Iterator[DayChange]:
    bills = client.bills(days[0], days[-1])
    whose = store.organization(source)
    if whose and client.organization_id and whose != client.organization_id:
        raise StoreError(
            f"The store {store.root} holds {source} days of organization {whose}, the bill is of "
            f"{client.organization_id}: they cannot be compared. Use the key of {whose}."
        )
    for day in days:
        yield store.write_day(
            COMPANION.stored_as(source),
            day,
            build_billing(day, bills[day]),
            fetched_at=now,
            organization=client.organization_id,
        )


def _open(spec: SourceSpec, access: Access) -> Source:
    """The client of the cost reports, which need an Admin key."""
    if spec.key is not ADMIN_KEY:
        raise ValueError("--billed needs --source api: the cost reports need an Admin key.")
    key = find_key(access.environ, access.key_file, ADMIN_KEY)
    return BillingClient(key, base_url=access.base_url)


def _sync(
    source: Source, store: Store, name: str, since: date, until: date, now: datetime, again: bool
) -> SyncResult | None:
    """Sync the bill, if the source knows one."""
    if not isinstance(source, BilledSource):
        return None
    first = max(since, source.billed_since or since)
    return sync_billing(source, store, name, first, until, now=now, force=again)


COMPANION = Companion(
    name="billing",
    # The service corrects what it billed for up to 30 days.
    settling=Settling(timedelta(hours=1), timedelta(days=30)),
    frames=("billed", "billed_tokens"),
    open=_open,
    load=stored_billing,
    sync=_sync,
)
"""What was billed is stored next to the days of its source, as `api-billing`."""
