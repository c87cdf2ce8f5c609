"""The stored days of a date range -> a Dataset.

load ─▶ source, store, range ─▶ sync where no network is needed ─▶ read ─▶ Dataset
"""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import pandas as pd
import pyarrow as pa

from ccanalytics.dataset.dataset import Dataset, Reader, check_team
from ccanalytics.dataset.published_teams import withheld_before
from ccanalytics.dataset.ranges import check_week, how_to_fill, newest_range, requested_range
from ccanalytics.errors import StoreError
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.people.calendars import parse_calendar, read_calendars
from ccanalytics.people.identity import apply_identity, load_secret
from ccanalytics.people.roster import (
    no_roster,
    normalised_actors,
    one_address,
    parse_roster,
    read_roster,
    with_teams,
)
from ccanalytics.settings import IDENTITIES, Settings, read_settings
from ccanalytics.sources.registry import (
    Access,
    SourceSpec,
    no_source,
    source_spec,
    source_specs,
    source_with_key,
)
from ccanalytics.store.day_store import Restatement, Store
from ccanalytics.store.layout import companions, layout_of
from ccanalytics.store.source_files import StoredDay
from ccanalytics.store.sync import sync_available
from ccanalytics.weeks import days_between, monday

log = logging.getLogger(__name__)

P = ParamSpec("P")
Frames = Mapping[str, pd.DataFrame]

AT_ONCE = 500_000
"""Records (rows of `activity`) that are read at once: with two models and tools each 125 MB."""

_shared: dict[str, Dataset] | None = None
"""Datasets by arguments and settings, for a process that loads the same ones repeatedly."""


def share_datasets() -> None:
    """From now on `load` returns copies of one dataset for equal arguments.

    For processes that run several notebooks over a store nobody writes to. A copy is as
    good as a fresh one: pandas copies on write.
    """
    global _shared
    _shared = {}


def _is_shared(function: Callable[P, Dataset]) -> Callable[P, Dataset]:
    """`function`, which answers the same question once where datasets are shared."""

    @wraps(function)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Dataset:
        asked = (*args, *kwargs.values())
        # Tables and open stores have no text that says all of them: these are always read anew.
        if _shared is None or any(isinstance(one, pd.DataFrame | Store) for one in asked):
            return function(*args, **kwargs)
        settings = read_settings(os.environ, Path.cwd())
        key = repr((args, sorted(kwargs.items()), Path.cwd(), settings))
        if key not in _shared:
            _shared[key] = function(*args, **kwargs)
        return _shared[key].copy()

    return answer


@_is_shared
def load(
    since: date | str | None = None,
    until: date | str | None = None,
    *,
    week: str = "",
    weeks: int = 12,
    days: int = 0,
    source: str = "",
    store: Store | Path | str | None = None,
    roster: pd.DataFrame | Path | str | None = None,
    team: str = "",
    identity: str = "",
    logs: Sequence[Path | str] = (),
    now: datetime | None = None,
) -> Dataset:
    """The days from `since` to `until`, both inclusive, or `weeks` closed weeks ending with `week`.

    `week` is "2026-W47", a date inside it, or "": the newest closed week there is. With `days`, the
    last so many days up to `until`, or to the newest one on which anything was recorded, which may
    not be over. Without `source` it is the one with a key or stored days. Sample and local days are
    synced first; those of an organisation are what `ccanalytics sync` has stored. Store, roster
    and identity are those of ccanalytics.toml and the environment unless given; the calendars and
    the budget are always theirs, but the sample has its own. More than half a million records are
    read only when a frame is asked for; sums by week do without.

    `StoreError` when no day of the range is stored, `SettingsError` when no source has a key or a
    day, `ValueError` for a range or a source that makes no sense.
    """
    settings = read_settings(os.environ, Path.cwd())
    identity = identity or settings.identity
    if identity not in IDENTITIES:
        raise ValueError(f"identity is {identity!r}; it is one of {', '.join(IDENTITIES)}.")
    opened = store if isinstance(store, Store) else Store(Path(store or settings.store))
    wanted = requested_range(since, until, week, weeks, days)
    spec, now = _spec(source, opened), now or datetime.now(UTC)
    if logs and spec.key:
        raise ValueError(f"logs are only for source local, not for {spec.name}.")
    if not spec.network and settings.sync_on_load:
        access = Access(folders=[Path(folder) for folder in logs])
        sync_available(spec.open(access), opened, now=now)
    first, last = wanted or newest_range(spec, opened, now, weeks, days)
    if week:
        check_week(spec, opened, last, now)
    stored, frames, later = _read(
        opened, spec.name, first, last, whole=bool(team) or identity == "aggregate"
    )
    if not stored:
        fill = how_to_fill(spec, opened, first, last)
        raise StoreError(
            f"No {spec.name} day of {first} to {last} is in the store {opened.root}. {fill}"
        )
    if not spec.network and not since:
        first = max(first, monday(min(stored)))
    people = roster_of(spec, roster, settings.roster)
    about = _of_settings(spec, settings) | {"source": spec.name, "team": team, "identity": identity}
    if identity != "named":
        about["secret"] = load_secret(opened.root / "identity.secret")
        about |= withheld_before(opened, spec, people)
    unknown = {name for day in stored.values() for name in day.unknown_fields}
    about["unknown_fields"] = tuple(sorted(unknown))
    for companion in companions():
        frames |= companion.load(opened, spec.name, first, last)
    days_known = _day_table(days_between(first, last), stored, opened.restatements(spec.name))
    return build_dataset(frames, days_known, people, later=later, **about)


def _read(
    store: Store, source: str, first: date, last: date, *, whole: bool
) -> tuple[dict[date, StoredDay], dict[str, pd.DataFrame], Reader | None]:
    """The stored days and their frames; records that are too many, unless `whole`, come later."""
    with store.atomic.reading():
        stored = store.days(source, first, last)
        many = not whole and sum(day.rows for day in stored.values()) > AT_ONCE
        opened = store.snapshot(source) if many else store

        def read(name: str, since: date, until: date) -> pd.DataFrame:
            return to_pandas(opened.read(source, name, since, until))

        now = [name for name in layout_of(source).frames if not (many and name in SCHEMAS)]
        frames = {name: read(name, first, last) for name in now}
    # Arrow would keep what it decoded the files in: more than the frames themselves take.
    pa.default_memory_pool().release_unused()
    return stored, frames, read if many else None


def build_dataset(
    frames: Frames,
    days: pd.DataFrame,
    roster: pd.DataFrame,
    *,
    source: str,
    identity: str = "named",
    secret: bytes = b"",
    team: str = "",
    later: Reader | None = None,
    **fields: Any,
) -> Dataset:
    """The dataset of all `days`; with `team` only that team, with actors shown as `identity` says.

    `frames` include those of companions; `fields` are further ones of it, such as hidden_weeks.
    """
    given = dict(frames)
    people = one_address(roster, _ids(given))
    given.pop("addresses", None)
    cost_days = given.pop("cost_days", None)

    def of_people(frame: pd.DataFrame) -> pd.DataFrame:
        """One address per person, with the team of the day; the ids would undo a pseudonym."""
        plain = frame.drop(columns="actor_id", errors="ignore")
        return with_teams(normalised_actors(plain, people), roster)

    def read(name: str, first: date, last: date) -> pd.DataFrame:
        assert later is not None
        return apply_identity({name: of_people(later(name, first, last))}, identity, secret)[name]

    actors = {name: of_people(frame) for name, frame in given.items() if "actor_kind" in frame}
    given |= apply_identity({**actors, "roster": roster}, identity, secret)
    data = Dataset(
        source=source,
        since=days["date"].iloc[0].date(),
        until=days["date"].iloc[-1].date(),
        **{name: given.pop(name, None) for name in (*SCHEMAS, "roster")},
        days=days,
        identity=identity,
        **fields,
        extras=given,
        cost_days=None if cost_days is None else frozenset(cost_days["date"]),
        reader=read if later else None,
    )
    return data.of_team(team) if team else data


def _ids(frames: Frames) -> list[tuple[str, str]]:
    """The source's own ids of people with their addresses, ordered by time."""
    pair, last = ["actor_id", "actor"], []
    for frame in (frame for frame in frames.values() if "actor_id" in frame):
        rows = frame[frame["actor_kind"] == "user"] if "actor_kind" in frame else frame
        # Rows are ordered by day. Only the last row of each pair becomes text, not a year of rows.
        rows = rows[["date", *pair]].dropna().drop_duplicates(pair, keep="last")
        last.append(rows.astype(dict.fromkeys(pair, "object")))
    if not last:
        return []
    rows = pd.concat(last).sort_values(["date", *pair]).drop_duplicates(pair, keep="last")
    return list(zip(rows["actor_id"], rows["actor"], strict=True))


def roster_of(
    spec: SourceSpec, roster: pd.DataFrame | Path | str | None, default: Path | None
) -> pd.DataFrame:
    """The given roster, also by variable, else the source's own, else that of the settings."""
    if isinstance(roster, pd.DataFrame):
        return roster
    if not roster and spec.organisation and not os.environ.get("CCANALYTICS_ROSTER"):
        return parse_roster(spec.organisation().roster_csv, "the roster of the sample")
    path = roster or default
    return read_roster(Path(path)) if path else no_roster()


def check_files(spec: SourceSpec, settings: Settings, team: str = "") -> None:
    """Raise what `load` would about the roster, the calendars or a team that there is not, and warn
    of events that nobody will see.

    For commands that fetch days first, which can take minutes.
    """
    known = roster_of(spec, settings.roster, settings.roster)
    if team:
        check_team(team, known)
    noted = {*_of_settings(spec, settings)["calendars"].events["team"]} - {"", *known["team"]}
    if noted and spec.minimum_group > 1:
        teams = ", ".join(map(repr, sorted(noted)))
        log.warning("Events of %s are not shown: no such team is on the roster.", teams)


def _spec(source: str, store: Store) -> SourceSpec:
    """The named source, or the one with a key or stored days; never the sample unless asked."""
    stored = (spec.name for spec in source_specs() if spec.network and store.dates(spec.name))
    found = source or source_with_key(Access()) or next(stored, "")
    if not found:
        raise no_source(
            f"There is no key, and no day of an organisation in the store {store.root}."
        )
    return source_spec(found)


def _of_settings(spec: SourceSpec, settings: Settings) -> dict[str, Any]:
    """The calendars, budgets and prices of the settings, else the source's own; its floor."""
    own = spec.organisation() if spec.organisation else None
    calendars = read_calendars(settings.calendars, settings.weekend_days)
    if own and not settings.calendars:
        texts = own.calendars_csv.items()
        parsed = {kind: parse_calendar(kind, text, f"the sample's {kind}") for kind, text in texts}
        calendars = replace(calendars, **parsed)
    names = ("monthly_budget_usd", "budgets", "seat_prices")
    prices = {name: getattr(settings, name) or getattr(own or settings, name) for name in names}
    return {"calendars": calendars, "minimum_group": spec.minimum_group, **prices}


def _day_table(
    days: Sequence[date], stored: Mapping[date, StoredDay], restatements: Iterable[Restatement]
) -> pd.DataFrame:
    restated = {one.day for one in restatements}
    rows = [
        (day, True, one.closed, one.final, one.fetched_at, one.rows, day in restated)
        if (one := stored.get(day))
        else (day, False, False, False, None, 0, False)
        for day in days
    ]
    names = ["date", "stored", "closed", "final", "fetched_at", "records", "restated"]
    times = {"date": "datetime64[ms]", "fetched_at": "datetime64[ms, UTC]"}
    return pd.DataFrame(rows, columns=names).astype(times)
