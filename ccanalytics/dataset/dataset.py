"""Stored days of one date range -> a Dataset, ready to ask.

Dataset ┬─ activity, model_usage, tool_actions   tidy frames, each with the actor's `team`
        ├─ sessions, requests, tool_calls, log_events   local logs only, each with its moment
        ├─ seats                                 assigned seats by day; Enterprise only
        ├─ billing                               what was billed, where it was asked for
        ├─ roster                                people with dates and teams
        └─ days ─▶ weeks, coverage               what is stored, and how far it can be trusted
"""

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from weakref import WeakKeyDictionary

import pandas as pd
import pyarrow as pa

from ccanalytics.charges.billing_frames import Billing
from ccanalytics.charges.billing_sync import Biller, billing_of, stored_billing, sync_billing
from ccanalytics.errors import SettingsError, StoreError
from ccanalytics.frames.record_frames import LOG_SCHEMAS, SCHEMAS, to_pandas
from ccanalytics.logs.log_source import LocalLogs, log_folders
from ccanalytics.people.calendars import COLUMNS, Calendars, parse_calendar, read_calendars
from ccanalytics.people.identity import apply_identity, load_secret, without_emails
from ccanalytics.people.roster import (
    no_roster,
    normalised_actors,
    parse_roster,
    read_roster,
    with_teams,
)
from ccanalytics.settings import IDENTITIES, Settings, read_settings
from ccanalytics.sources import Source
from ccanalytics.sources.keys import KEYS, source_with_key
from ccanalytics.store.day_store import Restatement, Store, StoredDay
from ccanalytics.store.sync import sync
from ccanalytics.weeks import (
    day_end,
    days_between,
    is_closed,
    monday,
    newest_closed_week,
    parse_day,
    parse_week,
    settling,
    week_days,
    week_name,
)

__all__ = ["MINIMUM_GROUP", "SOURCES", "Dataset", "build_dataset", "load", "parse_week"]

WITHOUT_USAGE = {"enterprise"}
"""Sources that tell neither models nor tokens nor cost."""

SOURCES = ("api", "enterprise", "local", "sample")

MINIMUM_GROUP = 5
"""Fewest people a group must have to be shown, unless the records are one's own."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """The three tidy frames of `since` to `until`, both inclusive, and what they rest on.

    `days` has one row per UTC day: date, stored, closed (an hour after its end), final (two days
    after its end), fetched_at, and restated (fetched again, it had changed). Closed and final are
    as the day was fetched, not as it is now. `unknown_fields` are those of the source that this
    version does not know.
    """

    source: str
    since: date
    until: date
    activity: pd.DataFrame
    model_usage: pd.DataFrame
    tool_actions: pd.DataFrame
    sessions: pd.DataFrame | None
    roster: pd.DataFrame
    days: pd.DataFrame
    minimum_group: int = MINIMUM_GROUP
    identity: str = "named"
    team: str = ""
    calendars: Calendars = field(default_factory=Calendars)
    monthly_budget_usd: float | None = None
    unknown_fields: tuple[str, ...] = ()
    requests: pd.DataFrame | None = None
    tool_calls: pd.DataFrame | None = None
    log_events: pd.DataFrame | None = None
    seats: pd.DataFrame | None = None
    billing: Billing | None = None

    @property
    def whole(self) -> "Dataset | None":
        """The dataset of which `between` cut this out: what it knows of a week holds here too."""
        return _wholes.get(self)

    @property
    def knows_usage(self) -> bool:
        """Whether the source tells models, tokens and cost; where it does not they are unknown."""
        return self.source not in WITHOUT_USAGE

    @cached_property
    def weeks(self) -> pd.DatetimeIndex:
        """The Mondays of the ISO weeks of which all seven days are in range, stored and closed."""
        coverage = self.coverage
        whole = (coverage["days_closed"] == 7) & (coverage["days_stored"] == 7)
        return pd.DatetimeIndex(coverage["week"][whole], name="week")

    @property
    def coverage(self) -> pd.DataFrame:
        """One row per ISO week in range: days_in_range, days_stored, days_closed, days_final,
        and fetched_at of the day fetched longest ago."""
        monday = self.days["date"] - pd.to_timedelta(self.days["date"].dt.day_of_week, unit="D")
        weeks = self.days.groupby(monday.astype("datetime64[ms]").rename("week")).agg(
            days_in_range=("date", "size"),
            days_stored=("stored", "sum"),
            days_closed=("closed", "sum"),
            days_final=("final", "sum"),
            fetched_at=("fetched_at", "min"),
        )
        return weeks.reset_index()

    def between(self, since: date | str, until: date | str) -> "Dataset":
        """The days from `since` to `until` of this dataset, both inclusive, without reading again.

        Metrics of it are those of `load(since, until)`; days outside this dataset are not there.
        """
        wanted = days_between(parse_day(since), parse_day(until))
        first, last = max(wanted[0], self.since), min(wanted[-1], self.until)
        if last < first:
            raise ValueError(
                f"There is no day of {wanted[0]} to {wanted[-1]}: these are {self.since} to "
                f"{self.until}."
            )
        billing = None if self.billing is None else self.billing.between(first, last)
        parts = {
            name: _days_of(part, first, last)
            for name, part in vars(self).items()
            if isinstance(part, pd.DataFrame) and "date" in part
        }
        part = replace(self, since=first, until=last, billing=billing, **parts)
        _wholes[part] = self.whole or self
        return part

    def of_team(self, team: str) -> "Dataset":
        """Only the people of one team of the roster, as `load(team=team)` has it."""
        _check_team(team, self.roster)
        parts = {
            name: _team_of(part, team)
            for name, part in vars(self).items()
            if isinstance(part, pd.DataFrame) and "team" in part
        }
        return replace(self, team=team, seats=None, billing=None, **parts)

    def __repr__(self) -> str:
        who = f" of team {self.team}" if self.team else ""
        return (
            f"<Dataset {self.source}{who}: {self.since} to {self.until}, {len(self.weeks)} closed "
            f"weeks, {len(self.activity)} records of {self.activity['actor'].nunique()} actors>"
        )


_wholes: WeakKeyDictionary[Dataset, Dataset] = WeakKeyDictionary()
"""No field, so that a copy with other frames has none."""


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
    not be over. Sample and local days are brought into the store first; of `api` it has what
    `ccanalytics sync` put there. Store, roster and identity are those of ccanalytics.toml and the
    environment unless given; the calendars and the budget are always theirs. The sample brings its
    own.
    """
    settings = read_settings(os.environ, Path.cwd())
    identity = identity or settings.identity
    if identity not in IDENTITIES:
        raise ValueError(f"identity is {identity!r}; it is one of {', '.join(IDENTITIES)}.")
    shelf = store if isinstance(store, Store) else Store(Path(store or settings.store))
    asked = _asked(since, until, week, weeks, days)
    source, now = _known_source(source, shelf), now or datetime.now(UTC)
    origin = _origin(source, logs)
    if origin is not None:
        _bring(origin, shelf, asked[1] if asked else None, now)
    first, last = asked or _newest(source, shelf, now, weeks, days)
    if week:
        _check_stored(source, shelf, last, now)
    stored, tables = shelf.read_range(source, first, last)
    if not stored:
        fill = _fill(source, shelf, first, last)
        raise StoreError(f"No {source} day of {first} to {last} {_in(shelf)}. {fill}")
    if origin is not None and not since:
        first = max(first, monday(min(stored)))
    return build_dataset(
        tables,
        _day_table(days_between(first, last), stored, shelf.restatements(source)),
        _roster(roster, origin, settings.roster),
        source=source,
        minimum_group=1 if source == "local" else MINIMUM_GROUP,
        identity=identity,
        secret=b"" if identity == "named" else load_secret(shelf.root / "identity.secret"),
        team=team,
        calendars=_calendars(settings, origin),
        monthly_budget_usd=_budget(settings, origin),
        unknown_fields={name for day in stored.values() for name in day.unknown_fields},
        billing=stored_billing(shelf, source, first, last),
    )


def bring_days(
    source: str,
    store: Store,
    *,
    roster: pd.DataFrame | Path | str | None = None,
    logs: Sequence[Path | str] = (),
    now: datetime,
) -> pd.DataFrame:
    """The roster; afterwards the days of a source that needs no network are in the store."""
    origin = _origin(source, logs)
    if origin is not None:
        _bring(origin, store, None, now)
    return _roster(roster, origin, None)


def build_dataset(
    tables: Mapping[str, pa.Table],
    days: pd.DataFrame,
    roster: pd.DataFrame,
    *,
    source: str,
    minimum_group: int = MINIMUM_GROUP,
    identity: str = "named",
    secret: bytes = b"",
    team: str = "",
    calendars: Calendars | None = None,
    monthly_budget_usd: float | None = None,
    unknown_fields: Iterable[str] = (),
    billing: Billing | None = None,
) -> Dataset:
    """The dataset of all `days`; with `team` only of that team, with actors as `identity` says."""
    frames = {n: with_teams(normalised_actors(to_pandas(tables[n])), roster) for n in SCHEMAS}
    if team:
        _check_team(team, roster)
        frames = {name: _team_of(frame, team) for name, frame in frames.items()}
        roster = _team_of(roster, team)
    known = calendars or Calendars()
    shown = apply_identity(frames | {"roster": roster}, identity, secret)
    return Dataset(
        source=source,
        since=days["date"].iloc[0].date(),
        until=days["date"].iloc[-1].date(),
        **shown,
        **{name: to_pandas(tables[name]) if name in tables else None for name in LOG_SCHEMAS},
        days=days,
        minimum_group=minimum_group,
        identity=identity,
        team=team,
        calendars=known if identity == "named" else known.said_by(without_emails),
        monthly_budget_usd=monthly_budget_usd,
        unknown_fields=tuple(sorted(unknown_fields)),
        # Neither is told by team.
        seats=to_pandas(tables["seats"]) if "seats" in tables and not team else None,
        billing=None if team else billing,
    )


def _team_of(frame: pd.DataFrame, team: str) -> pd.DataFrame:
    return frame[frame["team"] == team].reset_index(drop=True)


def _days_of(frame: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    """The rows of the days from `first` to `last`; a frame that has no others is not copied."""
    there = frame["date"].between(pd.Timestamp(first), pd.Timestamp(last))
    return frame if there.all() else frame[there].reset_index(drop=True)


def _check_team(team: str, roster: pd.DataFrame) -> None:
    known = ", ".join(sorted(roster["team"].dropna().unique()))
    if not known:
        raise ValueError(f"There is no roster, so no team {team!r}: name a CSV with --roster FILE.")
    if team not in set(roster["team"]):
        raise ValueError(f"There is no team {team!r} on the roster; there is: {known}.")


def _known_source(source: str, store: Store) -> str:
    """`source`, or the one whose key or days are at hand; nothing is invented unasked."""
    if source and source not in SOURCES:
        raise ValueError(f"There is no source {source!r}; there is: {', '.join(SOURCES)}.")
    if source:
        return source
    found = source_with_key(os.environ) or next((name for name in KEYS if store.dates(name)), None)
    if found:
        return found
    raise SettingsError(
        f"There is no key, and no day of an organisation in the store {store.root}. Ways on:\n"
        "  source sample      an invented organisation, to look around (--source sample)\n"
        "  source local       your own Claude Code session logs (--source local)\n"
        + "\n".join(
            f"  source {name:<11} your organisation, with an {kind.name}: {kind.variables[0]} "
            f"(--source {name})"
            for name, kind in KEYS.items()
        )
    )


def _origin(source: str, logs: Sequence[Path | str]) -> Source | None:
    """The source to bring days from without being asked to; None for those on a network."""
    if source == "local":
        return local_logs(logs)
    if logs:
        raise ValueError(f"logs are for source local, not for {source}.")
    if source == "sample":
        # Imported here: the inventor is not wanted where only the store is read.
        from ccanalytics.sources.sample.organisation import SampleOrganisation

        return SampleOrganisation()
    return None


def local_logs(folders: Sequence[Path | str] = ()) -> LocalLogs:
    """The session logs in these folders, or where Claude Code keeps them."""
    return LocalLogs([Path(folder) for folder in folders] or log_folders(os.environ, Path.home()))


def _asked(
    since: date | str | None, until: date | str | None, week: str, weeks: int, days: int
) -> tuple[date, date] | None:
    """The range that is asked for by its dates or its last week; None for the newest there is."""
    if weeks < 1 or days < 0:
        raise ValueError(f"weeks is {weeks} and days {days}; weeks are 1 or more, days 0 or more.")
    if days and (week or since is not None):
        raise ValueError(f"Either {days} days or a range: week is {week!r}, since is {since}.")
    if days:
        return _days_before(parse_day(until), days) if until is not None else None
    if since is None and until is None:
        return _weeks_before(parse_week(week), weeks) if week else None
    if since is None or until is None:
        raise ValueError(f"A range needs both ends: since is {since}, until is {until}.")
    if week:
        raise ValueError(f"Either a week or a range: week is {week}, since is {since}.")
    range_ = days_between(parse_day(since), parse_day(until))
    return range_[0], range_[-1]


def _weeks_before(week: date, weeks: int) -> tuple[date, date]:
    return week - timedelta(weeks=weeks - 1), week_days(week)[-1]


def _days_before(last: date, days: int) -> tuple[date, date]:
    return last - timedelta(days=days - 1), last


def _newest(source: str, store: Store, now: datetime, weeks: int, days: int) -> tuple[date, date]:
    """The newest `days` days there are, or where that is 0, the newest `weeks` closed weeks."""
    if not days:
        return _weeks_before(_newest_week(source, store, now), weeks)
    used = [day for day, stored in store.days(source).items() if stored.rows]
    if not used:
        raise StoreError(f"No {source} day with anything in it {_in(store)}.")
    return _days_before(max(used), days)


def _bring(origin: Source, store: Store, until: date | None, now: datetime) -> None:
    """All of a source that needs no network, and the empty days after it."""
    if origin.name == "local":
        sync(origin, store, now=now)
        if not store.dates("local"):
            raise StoreError("There is nothing in the session logs yet.")
        return
    span = origin.span()
    assert span is not None
    last = max(span[1], week_days(newest_closed_week(now))[-1], until or span[1])
    done = sync(origin, store, monday(span[0]), last, now=now)
    since: date | None = getattr(origin, "billed_since", None)
    if since and isinstance(origin, Biller):
        # Like all of the sample it does not depend on the clock.
        moment = day_end(span[1]) + settling(billing_of(origin.name)).final
        again = bool(done.changed)
        sync_billing(origin, store, origin.name, since, span[1], now=moment, force=again)


def _newest_week(source: str, store: Store, now: datetime) -> date:
    """The Monday of the newest week stored whole; of local and sample days, with activity."""
    weeks = sorted({monday(day) for day in store.dates(source)}, reverse=True)
    for week in weeks:
        stored = store.days(source, week, week_days(week)[-1]).values()
        whole = sum(day.closed for day in stored) == 7
        if whole and (source in KEYS or any(day.rows for day in stored)):
            return week
    week = newest_closed_week(now, source)
    fill = _fill(source, store, week, week_days(week)[-1])
    raise StoreError(f"No whole closed week with {source} activity {_in(store)}. {fill}")


def _check_stored(source: str, store: Store, sunday: date, now: datetime) -> None:
    """`sunday` ends the week asked for; it must be closed and stored whole."""
    week = monday(sunday)
    days = store.days(source, week, sunday)
    if all(day in days and days[day].closed for day in week_days(week)):
        return
    name = week_name(week)
    if source != "sample" and not is_closed(sunday, now, source):
        raise ValueError(
            f"Week {name} is not closed: it lasts until {sunday}. The newest closed week is "
            f"{week_name(newest_closed_week(now, source))}."
        )
    raise StoreError(f"Not all of week {name} {_in(store)}. {_fill(source, store, week, sunday)}")


def _in(store: Store) -> str:
    return f"is in the store {store.root}"


def _fill(source: str, store: Store, since: date, until: date) -> str:
    """What to do about days that are missing."""
    if source in KEYS:
        return (
            f"Fetch them: ccanalytics sync --source {source} --since {since} --until {until} "
            f"--store {shlex.quote(str(store.root))}"
        )
    days = store.dates(source)
    return f"There is {days[0]} to {days[-1]}." if days else "There is nothing else either."


def _day_table(
    days: Sequence[date], stored: Mapping[date, StoredDay], restatements: Iterable[Restatement]
) -> pd.DataFrame:
    there = [stored.get(day) for day in days]
    restated = {one.day for one in restatements}
    return pd.DataFrame(
        {
            "date": pd.Series(days).astype("datetime64[ms]"),
            "stored": [day is not None for day in there],
            "closed": [day is not None and day.closed for day in there],
            "final": [day is not None and day.final for day in there],
            "fetched_at": pd.Series(
                [day.fetched_at.replace(tzinfo=None) if day else None for day in there],
                dtype="datetime64[ms]",
            ).dt.tz_localize("UTC"),
            "restated": [day in restated for day in days],
        }
    )


def _roster(
    roster: pd.DataFrame | Path | str | None,
    origin: Source | None,
    default: Path | None,
) -> pd.DataFrame:
    """The roster given, else the sample's own, else that of the settings, else nobody."""
    if isinstance(roster, pd.DataFrame):
        return roster
    own = getattr(origin, "roster_csv", None)
    if not roster and own is not None:
        return parse_roster(own(), "the roster of the sample")
    path = roster or default
    return read_roster(Path(path)) if path else no_roster()


def _calendars(settings: Settings, origin: Source | None) -> Calendars:
    """The calendars of the settings, else the sample's own."""
    own = getattr(origin, "calendar_csv", None)
    if own is None or settings.calendars:
        return read_calendars(settings.calendars)
    parsed = {kind: parse_calendar(kind, own(kind), f"the sample's {kind}") for kind in COLUMNS}
    return Calendars(**parsed)


def _budget(settings: Settings, origin: Source | None) -> float | None:
    own: float | None = getattr(origin, "monthly_budget_usd", None)
    return settings.monthly_budget_usd or own
