"""Session logs -> the store: what was read once stays, and only changed files are read.

    ledger ─▶ LocalLogs.news ─▶ facts ─┬─ joined with the stored facts of the same days ─▶ days
                                       └─ the other store's facts, when two are merged

The facts are the rows of the stored frames. A ledger next to them says which logs were read. Days
and ledger are written together or not at all, by one process at a time, so a crash loses nothing,
and what is read twice is counted once.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.errors import SettingsError, StoreError
from ccanalytics.frames.schemas import SCHEMAS, Frames
from ccanalytics.logs.log_facts import accounts_of, days_of, keys_of, settled
from ccanalytics.logs.log_frames import WHO, by_day, frames_of
from ccanalytics.logs.log_schemas import ACCOUNTS, IDS, LOG_SCHEMAS
from ccanalytics.logs.log_source import Ledger, LocalLogs, code_version
from ccanalytics.store.day_store import Changes, NewDay, Store, repair
from ccanalytics.store.sync import SyncResult
from ccanalytics.weeks import days_between, is_closed, is_final, monday

log = logging.getLogger(__name__)

_warn_once = cache(log.warning)  # one command syncs several times: with each load

SOURCE = "local"
LEDGER = "logs.ledger"

IDENTITIES = {name: sorted({"session", ids[0]}) for name, ids in IDS.items()}  # to find facts


def sync_logs(logs: LocalLogs, store: Store, now: datetime, again: bool = False) -> SyncResult:
    """Sync what is new in the session logs; with `again` every file is read from its start."""
    lost = repair(store, SOURCE)
    if logs.missing:
        if not store.dates(SOURCE):
            raise SettingsError(logs.missing)
        _warn_once(f"{logs.missing} The stored days of earlier logs are used.")
    with store.alone(SOURCE):
        known = None if again or lost else _ledger(store)
        ledger = known if known and logs.models.items() <= known.models.items() else None
        # What ids stand for is known from now on, also where no setting says it.
        read = logs.news(ledger or Ledger(models=known.models if known else {}))
        written = Ledger(code_version(), read.files, read.models)
        return _join(store, ledger, written, read.accounts, now, lost, newest=ledger is None)


def merge(other: Store, store: Store, *, now: datetime | None = None) -> SyncResult:
    """Merge the session logs of another store into `store`; what both have counts once."""
    now = now or datetime.now(UTC)
    if other.root == store.root:
        raise ValueError(f"{store.root} is this store itself: give another one to merge.")
    if not other.dates(SOURCE):
        raise StoreError(f"The store {other.root} holds no days of session logs.")
    news = other.read_days(SOURCE, other.dates(SOURCE), ACCOUNTS)[1]
    with store.alone(SOURCE):
        ledger = _ledger(store)
        written = ledger or Ledger(code_version())
        return _join(store, ledger, written, news, now, {}, newest=False)


def _join(
    store: Store,
    ledger: Ledger | None,
    written: Ledger,
    news: Frames,
    now: datetime,
    lost: Mapping[date, set[str]],
    *,
    newest: bool,
) -> SyncResult:
    """Join news with the stored facts; write the changed days, and what was read as the new ledger.

    Some frames of the `lost` days were damaged.
    """
    stored = store.days(SOURCE)
    frames = _rebuilt(store, ledger, news, lost.keys(), newest=newest)
    for day, damaged in lost.items():
        frames[day] |= _sums_kept(store, day, frames[day], damaged)
    # A day that has ended since is written again for that alone.
    ended = {
        day
        for day, one in stored.items()
        if not one.final and (is_final(day, now) or is_closed(day, now) > one.closed)
    }
    for day in ended - frames.keys():
        frames[day] = store.read_days(SOURCE, [day])[1]
    if gaps := _empty_days(stored.keys(), frames.keys(), now.date()):
        # Nothing is the same on every day, and is made once for all of them.
        frames |= dict.fromkeys(gaps, frames_of(accounts_of(defaultdict(list))))
    writes = [
        one
        for one in (NewDay(day, made, now, WHO["organization"]) for day, made in frames.items())
        if one.day in ended | lost.keys()
        or one.day not in stored
        or one.digest != stored[one.day].digest
    ]
    changes: Changes = {}
    if writes or written != ledger:
        files = {LEDGER: msgspec.msgpack.encode(written)}
        changes = store.write_days(SOURCE, writes, files=files)
    days = store.dates(SOURCE)
    final = tuple(day for day in days if day not in changes)
    opened = tuple(day for day in days if not is_closed(day, now))
    return SyncResult.of(changes, final=final, open=opened)


def _rebuilt(
    store: Store,
    ledger: Ledger | None,
    news: Frames,
    lost: Iterable[date],
    *,
    newest: bool,
) -> dict[date, Frames]:
    """The frames of all days that the news concern, and of `lost` ones, with the news.

    Without a ledger all days are read, because nothing says how far they were.
    """
    days, names = _concerned(store, news) if ledger else (set(store.dates(SOURCE)), set())
    days |= days_of(news)
    _, known = store.read_days(SOURCE, days, LOG_SCHEMAS, lost_ok=True)
    if not (concerned := sorted(days.union(lost))):
        return {}
    accounts = {}
    for name, table in news.items():
        stored = known[name].select(table.column_names)
        if newest and name != "sessions":  # what older rules made of the same lines is replaced
            ids = "session", *IDS[name]
            stored = stored.filter(pc.invert(pc.is_in(keys_of(stored, ids), keys_of(table, ids))))
        accounts[name] = pa.concat_tables([stored, table])
    others = None
    if ledger:
        # Other sessions of these days have more facts on days that are not read.
        is_whole = pc.is_in(known["sessions"]["session"], pa.array(names, pa.string()))
        others = known["sessions"].filter(pc.invert(is_whole))
    return by_day(frames_of(settled(accounts), others), concerned)


def _concerned(store: Store, news: Frames) -> tuple[set[date], set[str | None]]:
    """The stored days of facts with the identities of news and of their sessions, and these."""
    columns = ((name, column) for name in news for column in IDENTITIES[name])
    names = {one for name, column in columns for one in news[name][column].unique().to_pylist()}
    if not names:
        return set(), names
    schemas = {
        name: pa.schema([LOG_SCHEMAS[name].field(column) for column in ("date", *columns)])
        for name, columns in IDENTITIES.items()
    }
    _, tables = store.read_days(SOURCE, store.dates(SOURCE), schemas, lost_ok=True)

    def where(frame: str, column: str, other: str) -> list[Any]:
        found = pc.is_in(tables[frame][column], pa.array(names, pa.string()))
        return tables[frame][other].filter(found).unique().to_pylist()

    # When a fact moves to another session, the one it leaves changes too.
    names |= {*where("requests", "message", "session"), *where("tool_calls", "call", "session")}
    found = (where(name, column, "date") for name in schemas for column in IDENTITIES[name])
    return {midnight.date() for midnight in chain.from_iterable(found)}, names


def _sums_kept(store: Store, day: date, found: Frames, damaged: set[str]) -> Frames:
    """The stored sums of a day whose facts were damaged and are in no log any more."""
    facts = damaged & LOG_SCHEMAS.keys()
    if not facts or any(len(found[name]) for name in facts):
        return {}
    return store.read_days(SOURCE, [day], SCHEMAS.keys() - damaged, lost_ok=True)[1]


def _empty_days(stored: Collection[date], logged: Collection[date], today: date) -> list[date]:
    """The days without anything up to today, from the first one that is known to be so."""
    first = min((*stored, *logged), default=date.max)
    if first not in stored and timedelta(0) <= today - first < timedelta(days=30):
        # Claude Code has deleted nothing yet, so earlier days of the first week were empty.
        first = monday(first)
    known = {*stored, *logged}
    return [day for day in days_between(first, today) if day not in known] if first <= today else []


def _ledger(store: Store) -> Ledger | None:
    """The ledger, if it is of this version."""
    try:
        ledger = msgspec.msgpack.decode(store.read_file(SOURCE, LEDGER) or b"", type=Ledger)
    except msgspec.DecodeError:
        return None
    return ledger if ledger.version == code_version() else None
