"""Who was in the organisation, in which team and when.

roster    actor, team, start, end, name, alias, cost_centre, user_id    one row per person and stay

`actor` is the e-mail address in lower case; `alias` has further addresses and `user_id` the ids of
the person's accounts in the source, with spaces between them. `start` and `end` are the first and
last day, both inclusive; NaT is open-ended. `team` and `cost_centre` may be missing; a change of
either is another row. API keys are never on a roster.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccanalytics.people.csv_rows import CsvColumns, Listener, parse_date, read_text

ROSTER = {
    "actor": "str",
    "team": "str",
    "start": "datetime64[ms]",
    "end": "datetime64[ms]",
    "name": "str",
    "alias": "str",
    "cost_centre": "str",
    "user_id": "str",
}
"""Columns and dtypes of a roster, also of an empty one."""

NO_TEAM, OTHER_TEAMS = "no team", "other teams"
"""The names of the people without a team, and of the teams withheld in a week together, whose row
makes what is shown add up to the total. No team of a roster has such a name."""

COLUMNS = CsvColumns(
    required=("email", "team"),
    optional=("start", "end", "name", "alias", "cost_centre", "user_id"),
    aliases=dict.fromkeys(("actor", "e-mail", "mail", "email_address", "email address"), "email")
    | dict.fromkeys(("start_date", "start date"), "start")
    | dict.fromkeys(("end_date", "end date"), "end")
    | dict.fromkeys(("cost_center", "cost centre", "cost center"), "cost_centre"),
    further=True,
)
"""Columns of the file."""

_ADDRESS = re.compile(r"(?!')[^\s<>\"(),;:@]+@[^\s<>\"(),;:@]*[^\s<>\"(),;:@.]")
_NO_NAME = re.compile(rf"(?i){NO_TEAM}|{OTHER_TEAMS}|#N/A|#[A-Z0/]+[!?]")
"""What means something else in reports, and the errors of spreadsheets."""

_UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Zs")
"""Kinds of signs that look like none or like a space: with one, two names would look the same."""

Stay = dict[str, Any]
"""One row of a roster."""

WEEK = pd.Timedelta(days=7)
_EVER = pd.Timestamp(1, 1, 1)


def read_roster(path: Path, ignored: Listener | None = None) -> pd.DataFrame:
    """One row per person and stay in a team, from a CSV `email,team[,start,end,...]`."""
    return parse_roster(read_text(path, "roster"), str(path), ignored)


def parse_roster(text: str, name: str, ignored: Listener | None = None) -> pd.DataFrame:
    """One row per line of `text`, in order of actor and start.

    `SettingsError` lists every bad line: a bad date, an end before its start, no e-mail address,
    the same person twice at one time. Names that differ in case only are one. `ignored` is called
    with further columns, if there are any.
    """
    roster = roster_of(COLUMNS.rows(text, name, _stay, _conflicts, ignored).values())
    for column in ("team", "cost_centre"):
        names = roster[column]
        roster[column] = names.groupby(names.str.casefold()).transform("first").astype("str")
    return roster


def roster_of(stays: Iterable[Stay]) -> pd.DataFrame:
    """The roster of these rows, in order of actor and start."""
    roster = pd.DataFrame(list(stays), columns=list(ROSTER)).astype(ROSTER)
    return roster.sort_values(["actor", "start"], na_position="first", ignore_index=True)


def no_roster() -> pd.DataFrame:
    """An empty roster."""
    return roster_of(())


def roster_of_weeks(
    roster: pd.DataFrame, weeks: pd.DatetimeIndex, by_team: bool = False
) -> pd.DataFrame:
    """One row per week and person on the roster on a day of it: where they were last in it.

    With `by_team` one row per team they were in.
    """
    stays = pd.DataFrame({"week": weeks.as_unit("ms")}).merge(roster, how="cross")
    # NaT compares as false: open.
    there = ~(stays["start"] >= stays["week"] + WEEK) & ~(stays["end"] < stays["week"])
    ordered = stays[there].sort_values(["week", "actor", "start"], na_position="first")
    one = ["week", "actor", "team"] if by_team else ["week", "actor"]
    return ordered.drop_duplicates(one, keep="last", ignore_index=True)


def joined_and_left(roster: pd.DataFrame, week: pd.Timestamp) -> tuple[int, int]:
    """How many people joined the roster and left it since the week before."""
    weeks = pd.DatetimeIndex([week, week - WEEK])
    people = roster_of_weeks(roster, weeks).groupby("week")["actor"].agg(set)
    now, before = (people.get(one, set()) for one in weeks)
    return len(now - before), len(before - now)


def not_on_roster(frame: pd.DataFrame, roster: pd.DataFrame) -> list[str]:
    """The people with rows in `frame` on days they were not on the roster."""
    strangers = frame[(frame["actor_kind"] == "user") & (_rows_of(frame, roster) < 0)]
    return sorted(strangers["actor"].astype("str").unique())


def never_seen(frame: pd.DataFrame, roster: pd.DataFrame, since: date, until: date) -> list[str]:
    """The people on the roster between `since` and `until` without any row in `frame`."""
    before, after = roster["end"] < pd.Timestamp(since), roster["start"] > pd.Timestamp(until)
    seen = frame.loc[frame["actor_kind"] == "user", "actor"].unique()
    return sorted({*roster.loc[~before & ~after, "actor"]}.difference(seen))


def normalised_actors(frame: pd.DataFrame, people: Mapping[str, str]) -> pd.DataFrame:
    """`frame` with one address per person, so that two spellings are one person.

    `people` maps addresses to the main one. The names of API keys are unchanged.
    """
    return with_actor_names(frame, lambda name: people.get(one := plain_address(name), one))


@lru_cache(maxsize=2**20)  # the same people are in every frame and every week
def plain_address(text: str) -> str:
    """An address in lower case and NFC, without invisible characters and surrounding spaces."""
    if text.isascii():
        return text.strip().lower()
    seen = (sign for sign in text if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFC", "".join(seen)).strip().lower()


def plain_name(text: str) -> str:
    """The name of a team in NFC with single spaces, without invisible characters."""
    kinds = ((sign, unicodedata.category(sign)) for sign in text)
    seen = "".join(" " if kind in _UNSEEN else sign for sign, kind in kinds if kind != "Cf")
    return unicodedata.normalize("NFC", " ".join(seen.split()))


def one_address(roster: pd.DataFrame, ids: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """The main address for every other address of the same person.

    From the roster's columns `alias` and `user_id`, and from a source's `ids`: its id of a person
    with an address, ordered by time. The main address is the one on the roster, else the last.
    """
    found = {alias: actor for alias, (actor, *_) in _by_word(roster, "alias").items()}
    owners = _by_word(roster, "user_id")
    on_roster = {*roster["actor"], *found}
    by_id: dict[str, list[str]] = {}
    for person, address in ids:
        by_id.setdefault(person, []).append(plain_address(address))
    for person, addresses in by_id.items():
        owner, *others = owners.get(person, addresses[-1:])
        # An id of several people is nobody's.
        known = [a for a in addresses if a in on_roster] or [addresses[-1] if others else owner]
        stands = found.get(known[-1], known[-1])
        found |= {a: stands for a in addresses if a not in on_roster and a != stands}
    return found


def _by_word(roster: pd.DataFrame, column: str) -> dict[str, list[str]]:
    """The people of each word in a column that may be missing."""
    found: dict[str, list[str]] = {}
    texts = roster[column].fillna("") if column in roster else ()
    for actor, text in dict.fromkeys(zip(roster["actor"], texts, strict=False)):
        for word in text.split():
            found.setdefault(word, []).append(actor)
    return found


def with_teams(frame: pd.DataFrame, roster: pd.DataFrame) -> pd.DataFrame:
    """`frame` with the `team` of each actor on the date; null when in none."""
    teams = roster["team"].astype("category").cat
    codes = np.append(teams.codes, -1)[_rows_of(frame, roster)]
    return frame.assign(team=pd.Categorical.from_codes(codes, teams.categories))


def _stay(cells: Mapping[str, str]) -> Stay:
    """The roster row of one line; `ValueError` with the first thing that is wrong with it."""
    actor = plain_address(cells["email"])
    aliases = {*re.split(r"[\s,;]+", plain_address(cells.get("alias", "")))} - {"", actor}
    for column, address in [("email", actor), *(("alias", one) for one in sorted(aliases))]:
        if not _ADDRESS.fullmatch(address):
            raise ValueError(f"{column} is {address!r}, not an address")
    names = {}
    for column in ("team", "cost_centre"):
        names[column] = plain_name(cells.get(column, ""))
        if _NO_NAME.fullmatch(names[column]):
            raise ValueError(
                f"{column} is {names[column]!r}: leave it empty, or choose another name"
            )
    for column in ("email", *names):
        for sign in cells.get(column, "").replace(" ", ""):
            if unicodedata.category(sign) in _UNSEEN:
                raise ValueError(f"{column} has U+{ord(sign):04X} in it, which is invisible")
    start, end = (parse_date(cells[c], c) if cells.get(c) else None for c in ("start", "end"))
    if start and end and end < start:
        raise ValueError(f"end {end} is before start {start}")
    return {
        **{column: name or None for column, name in names.items()},
        **{column: cells.get(column, "") for column in ("name", "user_id")},
        **{"actor": actor, "alias": " ".join(sorted(aliases)), "start": start, "end": end},
    }


def _conflicts(stays: Mapping[int, Stay]) -> dict[int, str]:
    """The lines about a person who is there at that time already, or with the alias of another."""
    problems: dict[int, str] = {}
    latest: dict[str, tuple[date, int]] = {}
    owners = {stay["actor"]: stay["actor"] for stay in stays.values()}
    for line, stay in sorted(stays.items(), key=lambda one: one[1]["start"] or date.min):
        actor, start = stay["actor"], stay["start"] or date.min
        reach, other = latest.get(actor, (start, 0))
        if other and start <= reach:
            earlier, later = sorted((line, other))
            problems[later] = f"{actor} is on the roster at that time already, by line {earlier}"
        latest[actor] = max((reach, other), (stay["end"] or date.max, line))
        for alias in stay["alias"].split():
            if owners.setdefault(alias, actor) != actor:
                problems[line] = f"the alias {alias} is also that of somebody else"
    return problems


def _rows_of(frame: pd.DataFrame, roster: pd.DataFrame) -> npt.NDArray[np.int64]:
    """For each row of `frame` the position of its roster row, or -1."""
    people = pd.Index(roster["actor"].unique())
    actor = frame["actor"].astype("category").cat
    person = np.append(people.get_indexer(actor.categories), -1)[actor.codes]
    person = np.where(frame["actor_kind"] == "user", person, -1)
    rows = pd.DataFrame({"date": frame["date"].astype(ROSTER["start"]).array, "person": person})
    begins = roster["start"].astype(ROSTER["start"]).fillna(_EVER)
    stays = pd.DataFrame({"date": begins, "end": roster["end"]})
    stays = stays.assign(person=people.get_indexer(roster["actor"]), place=range(len(roster)))
    ordered = rows.sort_values("date", kind="stable")  # no copy: most frames are in order already
    found = pd.merge_asof(ordered, stays.sort_values("date"), on="date", by="person")
    there = found["place"].notna() & ~(found["end"] < found["date"])
    places = np.full(len(rows), -1)
    places[ordered.index[there]] = found["place"][there]
    return places


def with_actor_names(
    frame: pd.DataFrame, user: Callable[[str], str], key: Callable[[str], str] = str
) -> pd.DataFrame:
    """`frame` with every actor renamed: people by `user`, all others by `key`."""
    actor = frame["actor"].astype("category").cat
    names = actor.categories.tolist()
    every = np.array([*map(user, names), *map(key, names)], dtype="object")
    keys = len(names) * (frame["actor_kind"] != "user")
    places = np.where(actor.codes < 0, len(every), actor.codes + keys)  # the last is of nobody
    used = np.flatnonzero(np.bincount(places, minlength=len(every) + 1)[: len(every)])
    numbers = np.full(len(every) + 1, -1)
    numbers[used], known = pd.factorize(every[used], sort=True)
    renamed = pd.Categorical.from_codes(numbers[places], pd.Index(known, dtype="str"))
    return frame.assign(actor=renamed)
