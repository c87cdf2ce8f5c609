"""Session logs -> the store: what was read once stays, and only changed files are read.

    ledger ─▶ LocalLogs.news ─▶ facts ─┬─ joined with the stored facts of the same days ─▶ days
                                       └─ the other store's facts, when two are merged

The facts are the rows of the stored frames. A ledger next to them says which logs were read. Days
and ledger are written together or not at all, by one process at a time, so a crash loses nothing,
and what is read twice is counted once.
"""

import contextlib
import gc
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache, partial
from itertools import chain
from types import MappingProxyType
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ccanalytics.errors import SettingsError, StoreError
from ccanalytics.frames.schemas import SCHEMAS, Frames
from ccanalytics.logs.log_fact_set import Copies, Facts
from ccanalytics.logs.log_facts import Session
from ccanalytics.logs.log_frames import by_day, facts_of, frames_of
from ccanalytics.logs.log_reader import LogIndex, code_version
from ccanalytics.logs.log_schemas import LOG_SCHEMAS
from ccanalytics.logs.log_source import LocalLogs
from ccanalytics.store.day_changes import Changes, SyncResult
from ccanalytics.store.day_store import NewDay, Store
from ccanalytics.store.repair import repair
from ccanalytics.weeks import days_between, is_closed, is_final, monday

log = logging.getLogger(__name__)

SOURCE = "local"
LEDGER = "logs.ledger"

ORGANIZATION = "local"
"""One organization for all folders: another folder adds to a store."""

LOGS_KEPT = timedelta(days=30)
"""How long Claude Code keeps its logs unless set otherwise."""


IDENTITIES = {
    "sessions": ("session",),
    "requests": ("session", "message"),
    "tool_calls": ("session", "call"),
    "log_events": ("event",),
}
"""The columns of each frame by which its facts are found."""

SHARED = ("message", "call")
"""Those of facts that two sessions may have."""


class Ledger(msgspec.Struct):
    """Which logs were read, and what of them the frames do not hold."""

    version: str
    index: LogIndex = msgspec.field(default_factory=LogIndex)
    borrowed: list[tuple[str, str, Session]] = []
    """Sessions found only in files with other names: their id and the file name."""
    continued: dict[str, str] = {}
    """Sessions continued under another id, which was not read so far."""
    copies: Copies = set()
    """Sessions that start with lines of another one, each with that one."""


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """While a function runs, and its facts live, the garbage collector does not scan them.

    There are a million, and none has a cycle.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@_no_collection()
def sync_logs(logs: LocalLogs, store: Store, now: datetime, again: bool = False) -> SyncResult:
    """Sync what is new in the session logs; with `again` every file is read from its start."""
    lost, stored = repair(store, SOURCE), store.organization(SOURCE)
    if logs.missing and stored is None:
        raise SettingsError(logs.missing)
    if logs.missing:
        _warn_once(f"{logs.missing} The stored days of earlier logs are used.")
    whose = stored or ORGANIZATION
    with store.alone(SOURCE):
        ledger = None if again or lost else _ledger(store)
        index = ledger.index if ledger else LogIndex()
        if not logs.models.items() <= index.models.items():
            # What ids stand for is known from now on, also where no setting says it.
            ledger, index = None, LogIndex(models=index.models)
        news = logs.news(index, ledger.copies if ledger else None)
        newest = ledger is None
        return _join(store, ledger, news.facts, news.index, whose, now, newest=newest, lost=lost)


@cache
def _warn_once(text: str) -> None:
    """One command syncs several times: with each load."""
    log.warning("%s", text)


@_no_collection()
def merge_stores(other: Store, store: Store, now: datetime) -> SyncResult:
    """Merge the session-log facts of another store; facts in both count once."""
    if other.root == store.root:
        raise ValueError(f"{store.root} is this store itself: give another one to merge.")
    if not other.dates(SOURCE):
        raise StoreError(f"The store {other.root} holds no days of session logs.")
    facts = facts_of(other.read_days(SOURCE, other.dates(SOURCE), LOG_SCHEMAS)[1])
    if theirs := _ledger(other):
        _recall(facts, theirs)
    with store.alone(SOURCE):
        ledger = _ledger(store)
        whose = store.organization(SOURCE) or other.organization(SOURCE)
        return _join(store, ledger, facts, ledger.index if ledger else LogIndex(), whose, now)


def _join(
    store: Store,
    ledger: Ledger | None,
    news: Facts,
    index: LogIndex,
    organization: str | None,
    now: datetime,
    *,
    newest: bool = False,
    lost: Mapping[date, set[str]] = MappingProxyType({}),
) -> SyncResult:
    """Join news with the stored facts; write the changed days and the new ledger.

    Some frames of the `lost` days were damaged.
    """
    stored, new = store.days(SOURCE), partial(NewDay, fetched_at=now, organization=organization)
    facts, frames = _rebuilt(store, ledger, news, organization, lost.keys(), newest=newest)
    for day, damaged in lost.items():
        frames[day] |= _sums_kept(store, day, frames[day], damaged)
    writes = {
        day: one
        for day, one in ((day, new(day, made)) for day, made in frames.items())
        if day not in stored or day in lost or one.digest != stored[day].digest
    }
    if gaps := _empty_days(stored.keys(), writes.keys(), now.date()) - writes.keys():
        # Nothing is the same on every day, and is made once for all of them.
        nothing = frames_of(Facts(), organization)
        writes |= {day: new(day, nothing) for day in sorted(gaps)}
    for day, known in stored.items():
        # A day that has ended since is written again for that alone: its rows are the same.
        moves = not known.final and (is_final(day, now) or is_closed(day, now) > known.closed)
        if moves and day not in writes:
            writes[day] = new(day, store.read_days(SOURCE, [day])[1])

    rest = {name: whole for name, whole in facts.continued.items() if name not in facts.own}
    written = Ledger(code_version(), index, facts.borrowed_only(), rest, facts.copies)
    changes: Changes = {}
    if writes or written != ledger:
        files = {LEDGER: msgspec.msgpack.encode(written)}
        changes = store.write_days(SOURCE, writes.values(), files=files)
    everything = stored.keys() | writes.keys()
    open_days = {day for day in everything if not is_closed(day, now)}
    final = tuple(sorted(everything - changes.keys()))
    return SyncResult.of(changes, final=final, open=tuple(sorted(open_days)))


def _rebuilt(
    store: Store,
    ledger: Ledger | None,
    news: Facts,
    organization: str | None,
    lost: Iterable[date],
    *,
    newest: bool,
) -> tuple[Facts, dict[date, Frames]]:
    """The facts with the news, and the frames of all days that these concern, and `lost` ones.

    Without a ledger all days are read, because nothing says how far they were.
    """
    days, names = set(store.dates(SOURCE)), set[str | None]()
    if ledger:
        days, names = _concerned(store, _names_of(news, ledger))
    days |= news.days()
    stored, known = store.read_days(SOURCE, days, LOG_SCHEMAS, lost_ok=True)
    facts, others = news, None
    if stored or ledger:
        facts = facts_of(known)
        if ledger:
            _recall(facts, ledger)
        facts.join(news, newest=newest)
    if not (concerned := sorted(days.union(lost))):
        return facts, {}
    if ledger:
        # Other sessions of these days have more facts on days that are not read.
        is_whole = pc.is_in(known["sessions"]["session"], pa.array(names, pa.string()))
        others = known["sessions"].filter(pc.invert(is_whole))
    return facts, by_day(frames_of(facts, organization, others), concerned)


def _concerned(store: Store, names: set[str | None]) -> tuple[set[date], set[str | None]]:
    """The stored days of facts with one of these identities and of their sessions, and these."""
    if not names:
        return set(), set()
    schemas = {
        frame: pa.schema([LOG_SCHEMAS[frame].field(name) for name in ("date", *columns)])
        for frame, columns in IDENTITIES.items()
    }
    _, tables = store.read_days(
        SOURCE, store.dates(SOURCE), schemas, lost_ok=True, schema=schemas.__getitem__
    )
    # When a fact moves to another session, the one it leaves changes too.
    everything = [(tables[frame], name) for frame, ids in IDENTITIES.items() for name in ids]
    shared = [_where(table, name, names, "session") for table, name in everything if name in SHARED]
    every = names.union(*shared)
    days = (_where(table, name, every, "date") for table, name in everything)
    return {midnight.date() for midnight in chain.from_iterable(days)}, every


def _where(table: pa.Table, column: str, names: set[str | None], wanted: str) -> list[Any]:
    """The values of the `wanted` column in the rows with one of these names."""
    found = pc.is_in(table[column], pa.array(names, pa.string()))
    return table[wanted].filter(found).unique().to_pylist()


def _sums_kept(store: Store, day: date, found: Frames, damaged: set[str]) -> Frames:
    """The stored sums of a day whose facts were damaged and are in no log any more."""
    facts = damaged & LOG_SCHEMAS.keys()
    if not facts or any(len(found[name]) for name in facts):
        return {}
    return store.read_days(SOURCE, [day], SCHEMAS.keys() - damaged, lost_ok=True)[1]


def _empty_days(stored: Collection[date], logged: Collection[date], today: date) -> set[date]:
    """The days without anything up to today, from the first one that is known to be so."""
    first = min(stored, default=None)
    if logged and (first is None or min(logged) < first):
        first = min(logged)
        # Nothing was deleted yet, so earlier days of the first week were empty.
        first = monday(first) if timedelta(0) <= today - first < LOGS_KEPT else first
    if first is None or first > today:
        return set()
    return set(days_between(first, today)) - set(stored)


def _ledger(store: Store) -> Ledger | None:
    """The ledger, if it is of this version."""
    try:
        ledger = msgspec.msgpack.decode(store.read_file(SOURCE, LEDGER) or b"", type=Ledger)
    except msgspec.DecodeError:
        return None
    return ledger if ledger.version == code_version() else None


def _recall(facts: Facts, ledger: Ledger) -> None:
    """Add what the frames of a store do not hold."""
    for name, file, session in ledger.borrowed:
        facts.own.pop(name, None)
        facts.borrowed[name, file] = session
    facts.continued |= ledger.continued
    facts.copies |= ledger.copies


def _names_of(news: Facts, ledger: Ledger) -> set[str | None]:
    """The identities of facts, of their sessions, and of facts they could replace."""
    pairs = chain(
        ((request.message, request.place.session) for request in news.requests.values()),
        ((call.call, call.place.session) for call in news.calls.values()),
        news.borrowed,
    )
    own, borrowed = news.own, ledger.borrowed
    replaced = (name for name, file, _ in borrowed if name in own or file in own)
    return {*chain.from_iterable(pairs), *news.events, *own, *news.continued, *replaced}
