"""What was billed -> the store, the days that may still change a month at a time; and back."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol, runtime_checkable

import pandas as pd

from ccanalytics.charges.billing_client import BillingClient
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

AT_A_TIME = 31
"""Days of one question: what is answered is stored before the next one is asked."""


@runtime_checkable
class Biller(Protocol):
    """Anything that can tell what UTC days were billed."""

    @property
    def organization_id(self) -> str | None:
        """Whose bill it is; None when nothing told."""
        ...

    @property
    def billed_since(self) -> date | None:
        """The first day with a bill; None when only the service knows."""
        ...

    def bills(self, since: date, until: date) -> dict[date, DayBill]:
        """The bill of every day from `since` to `until`; an error rather than a part."""
        ...


def sync_billing(
    biller: Biller,
    store: Store,
    source: str,
    since: date | str,
    until: date | str,
    *,
    now: datetime | None = None,
    force: bool = False,
) -> SyncResult:
    """Bring what was billed from `since` to `until`, both inclusive, into `store`.

    It is kept beside the days of `source`, never among them, and must be of the same organization.
    """
    now, name = now or datetime.now(UTC), COMPANION.stored_as(source)
    wanted = days_between(parse_day(since), parse_day(until))
    open_days = tuple(day for day in wanted if not is_closed(day, now, COMPANION.settling))
    stored = {} if force else store.days(name)
    final = tuple(day for day in wanted if day in stored and stored[day].final)
    missing = [day for day in wanted if day not in {*final, *open_days}]
    changes = [change for days in _stretches(missing)
               for change in _fetch(biller, store, source, days, now)]  # fmt: skip
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
    biller: Biller, store: Store, source: str, days: Sequence[date], now: datetime
) -> Iterator[DayChange]:
    bills = biller.bills(days[0], days[-1])
    whose = store.organization(source)
    if whose and biller.organization_id and whose != biller.organization_id:
        raise StoreError(
            f"The store {store.root} holds {source} days of organization {whose}, the bill is of "
            f"{biller.organization_id}: it is not compared with them. Use the key of {whose}."
        )
    for day in days:
        yield store.write_day(
            COMPANION.stored_as(source),
            day,
            build_billing(day, bills[day]),
            fetched_at=now,
            organization=biller.organization_id,
        )


def _stretches(days: Sequence[date]) -> Iterator[Sequence[date]]:
    """`days` in groups that lie within `AT_A_TIME` days."""
    while days:
        last = days[0].toordinal() + AT_A_TIME
        size = sum(day.toordinal() < last for day in days)
        yield days[:size]
        days = days[size:]


def _open(spec: SourceSpec, access: Access) -> Source:
    """The client of the cost reports, which only Admin keys open."""
    if spec.key is not ADMIN_KEY:
        raise ValueError("--billed needs --source api: only Admin keys open the cost reports.")
    key = find_key(access.environ, access.key_file, ADMIN_KEY)
    return BillingClient(key, base_url=access.base_url)


def _sync(
    source: Source, store: Store, name: str, since: date, until: date, now: datetime, again: bool
) -> SyncResult | None:
    """Sync what the days were billed, where the source itself knows it."""
    if not isinstance(source, Biller):
        return None
    first = max(since, source.billed_since or since)
    return sync_billing(source, store, name, first, until, now=now, force=again)


COMPANION = Companion(
    name="billing",
    # Money of the platform is revised for up to 30 days.
    settling=Settling(timedelta(hours=1), timedelta(days=30)),
    frames=("billed", "billed_tokens"),
    open=_open,
    load=stored_billing,
    sync=_sync,
)
"""What was billed is kept next to the days of its source, as `api-billing`."""
