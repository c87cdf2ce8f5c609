"""Who is who: a roster with dates and teams, what an actor is called, which groups are too small.

roster    actor, team, start, end, name    one row per person and stay in a team

`actor` is the e-mail address, stripped and in lower case; `start` and `end` are the first and the
last day, both inclusive, and NaT is open. `team` may be missing. API keys are never on a roster.
"""

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccanalytics.errors import SettingsError
from ccanalytics.rows import parse_date, parse_rows, raise_problems, read_text

Identity = Literal["named", "pseudonym", "aggregate"]
Frames = Mapping[str, pd.DataFrame]

ROSTER = {
    "actor": "str",
    "team": "str",
    "start": "datetime64[ms]",
    "end": "datetime64[ms]",
    "name": "str",
}
"""Columns and dtypes of a roster, also of one without a row."""

ALIASES = {
    "actor": "email",
    "e-mail": "email",
    "mail": "email",
    "email_address": "email",
    "email address": "email",
    "start_date": "start",
    "start date": "start",
    "end_date": "end",
    "end date": "end",
}

WEEK = pd.Timedelta(days=7)
_SPAN = 1 << 32  # room for every day beside an actor's number in one integer
_ZERO = 1 << 31


# Roster


def read_roster(path: Path) -> pd.DataFrame:
    """One row per person and stay in a team, from a CSV `email,team,start,end[,name]`."""
    return parse_roster(read_text(path, "roster"), str(path))


def parse_roster(text: str, name: str) -> pd.DataFrame:
    """One row per line of `text`, in order of actor and start.

    `SettingsError` with every bad line: a bad date, an end before its start, no e-mail address,
    the same person twice at one time.
    """
    lines = parse_rows(text, name, ["email", "team", "start"], ["end", "name"], _stay,
                       aliases=ALIASES)  # fmt: skip
    roster = _roster({line: stay for line, stay in lines if isinstance(stay, dict)})
    problems = {line: stay for line, stay in lines if isinstance(stay, str)}
    for line, earlier in overlapping(roster).items():
        actor = roster["actor"][line]
        problems[line] = f"{actor} is on the roster at that time already, by line {earlier}"
    raise_problems(name, [f"line {line}: {problems[line]}" for line in sorted(problems)])
    return roster.sort_values(["actor", "start"], na_position="first", ignore_index=True)


def no_roster() -> pd.DataFrame:
    """A roster without a row."""
    return _roster({})


def overlapping(roster: pd.DataFrame) -> "pd.Series[int]":
    """For each row that begins before an earlier one of the same person ended: that row's index."""
    ordered = roster.sort_values(["actor", "start", "end"], na_position="first")
    starts, ends = _first_days(ordered["start"]), _last_days(ordered["end"])
    found: dict[int, int] = {}
    latest: dict[str, tuple[int, int]] = {}
    for row, actor, start, end in zip(ordered.index, ordered["actor"], starts, ends, strict=True):
        reach, earlier = latest.get(actor, (-1, -1))
        if start <= reach:
            found[max(row, earlier)] = min(row, earlier)
        latest[actor] = max((reach, earlier), (int(end), row))
    return pd.Series(found, dtype="int64").sort_index()


def roster_of_week(roster: pd.DataFrame, week: pd.Timestamp) -> pd.DataFrame:
    """One row per person on the roster on a day of the week: where they were last in it."""
    return _between(roster, week, week + WEEK - pd.Timedelta(days=1))


def roster_sizes(
    roster: pd.DataFrame, weeks: Iterable[pd.Timestamp], by_team: bool = False
) -> pd.DataFrame:
    """One row per week (and team): people on the roster, and who joined or left since the last.

    Columns: week, [team], people, joined, left. Somebody who changes team leaves one and joins the
    other; a person without a team is only in the total.
    """
    rows = [row for week in weeks for row in _sizes(roster, week, by_team)]
    counts = dict.fromkeys(["people", "joined", "left"], "int64")
    kinds = {"week": "datetime64[ms]", **({"team": "str"} if by_team else {}), **counts}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def not_on_roster(frame: pd.DataFrame, roster: pd.DataFrame) -> pd.DataFrame:
    """One row per person with rows in `frame` on days when they were not on the roster.

    Columns: actor, first, last (such days), days (how many).
    """
    strangers = frame[(frame["actor_kind"] == "user") & (_rows_of(frame, roster) < 0)]
    days = strangers.astype({"actor": "str"}).groupby("actor")["date"]
    found = days.agg(first="min", last="max", days="nunique").reset_index()
    return found.astype({"days": "int64"})


def never_seen(frame: pd.DataFrame, roster: pd.DataFrame, since: date, until: date) -> pd.DataFrame:
    """One roster row per person on it between `since` and `until` without any row in `frame`."""
    on_roster = _between(roster, pd.Timestamp(since), pd.Timestamp(until))
    seen = frame.loc[frame["actor_kind"] == "user", "actor"].unique()
    return on_roster[~on_roster["actor"].isin(list(seen))].reset_index(drop=True)


# Frames


def normalised_actors(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with people stripped and in lower case, so that two spellings are one person.

    The names of API keys stay as they are.
    """
    actor = frame["actor"].astype("category").cat
    names = pd.Index(actor.categories, dtype="str")
    folded = names.str.strip().str.lower()
    return _renamed(frame, actor.codes, {"user": folded, "api_key": names})


def with_teams(frame: pd.DataFrame, roster: pd.DataFrame) -> pd.DataFrame:
    """`frame` with the category `team` each actor was in on the date; null when in none."""
    teams = roster["team"].astype("category").cat
    codes = np.append(teams.codes, -1)[_rows_of(frame, roster)]
    return frame.assign(team=pd.Categorical.from_codes(codes, teams.categories))


# Identity


def apply_identity(frames: Frames, identity: str, secret: bytes = b"") -> dict[str, pd.DataFrame]:
    """The same frames (a roster may be one of them) with actors called as the policy says.

    named        as they are
    pseudonym    a keyed hash: the same under one secret, in every frame and every report
    aggregate    "person 17": the same in these frames only; other days or other actors are
                 numbered in another order, so nobody can be followed from report to report

    Different actors stay different, and API keys stay apart from people. Except under `named` the
    names of people go, and the rows are put in an order that the names have no part in.
    """
    if identity not in get_args(Identity):
        raise ValueError(f"identity is {identity!r}: it is one of {', '.join(get_args(Identity))}.")
    if identity == "named":
        return dict(frames)
    if not secret:
        raise ValueError(f"identity {identity!r} needs a secret: see load_secret.")
    actors = _actors(frames)
    if identity == "pseudonym":
        names = {kind: _pseudonyms(kind, known, secret) for kind, known in actors.items()}
    else:
        once = _keyed(secret, *_days(frames), *actors["user"], *actors["api_key"]).encode()
        names = {kind: _numbers(kind, known, once) for kind, known in actors.items()}
    return {key: _disguised(frame, names) for key, frame in frames.items()}


def load_secret(path: Path) -> bytes:
    """The local secret for pseudonyms, made on first use; only its owner may read the file."""
    try:
        return _read_secret(path)
    except FileNotFoundError:
        fresh = _write_secret(path)
    try:
        os.link(fresh, path)  # unlike a rename, never replaces a secret made at the same time
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return _read_secret(path)


def rotate_secret(path: Path) -> bytes:
    """A new secret in place of the old: no pseudonym can be followed across the change."""
    _write_secret(path).replace(path)
    return _read_secret(path)


# Small groups


def withheld(sizes: Mapping[str, int], minimum: int, total_known: bool = True) -> frozenset[str]:
    """The groups to withhold: those under `minimum` people, and more where the total is known.

    A single withheld group, or several that are too few people together, could be had by
    subtraction from the total; the next smallest groups are then withheld too.
    """
    ordered = sorted(sizes, key=lambda group: (sizes[group], group))
    hidden = sum(size < minimum for size in sizes.values())
    while total_known and 0 < hidden < len(ordered) and _telling(ordered[:hidden], sizes, minimum):
        hidden += 1
    return frozenset(ordered[:hidden])


def revealed(sizes: Mapping[str, int], minimum: int, *issues: Iterable[str]) -> frozenset[str]:
    """The groups that issues about the same records tell together though none does alone.

    Each of `issues` is the groups one issue withheld: what another shows of them leaves the rest.
    """
    left = sorted(frozenset(sizes).intersection(*issues))
    return frozenset(left) if left and _telling(left, sizes, minimum) else frozenset()


def _telling(groups: list[str], sizes: Mapping[str, int], minimum: int) -> bool:
    return len(groups) == 1 or sum(sizes[group] for group in groups) < minimum


def _stay(cells: Mapping[str, str]) -> dict[str, object] | str:
    """The roster row of one line, or everything that is wrong with it."""
    problems: list[str] = []
    actor = cells["email"].lower()
    if "@" not in actor:
        problems.append(f"email is {cells['email']!r}, not an address" if actor else "no email")
    start = _day(cells, "start", problems)
    end = _day(cells, "end", problems)
    if start and end and end < start:
        problems.append(f"end {end} is before start {start}")
    if problems:
        return "; ".join(problems)
    team = cells["team"] or None
    return {"actor": actor, "team": team, "start": start, "end": end, "name": cells.get("name", "")}


def _day(cells: Mapping[str, str], column: str, problems: list[str]) -> date | None:
    try:
        return parse_date(cells[column], column) if cells.get(column) else None
    except ValueError as error:
        problems.append(str(error))
        return None


def _roster(stays: Mapping[int, dict[str, object]]) -> pd.DataFrame:
    """The stays as a roster, by line."""
    columns = {column: [stay[column] for stay in stays.values()] for column in ROSTER}
    return pd.DataFrame(columns, index=pd.Index(stays, dtype="int64")).astype(ROSTER)


def _between(roster: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """One row per person on the roster on a day from `first` to `last`: the latest."""
    there = ~(roster["start"] > last) & ~(roster["end"] < first)  # NaT compares as false: open
    ordered = roster[there].sort_values(["actor", "start"], na_position="first")
    return ordered.drop_duplicates("actor", keep="last").reset_index(drop=True)


def _sizes(roster: pd.DataFrame, week: pd.Timestamp, by_team: bool) -> Iterator[dict[str, object]]:
    now, before = (roster_of_week(roster, monday) for monday in (week, week - WEEK))
    for team in sorted(roster["team"].dropna().unique()) if by_team else [None]:
        here, there = (set(r["actor"] if team is None else r["actor"][r["team"] == team])
                       for r in (now, before))  # fmt: skip
        sizes = {"people": len(here), "joined": len(here - there), "left": len(there - here)}
        yield {"week": week, "team": team, **sizes}


def _first_days(start: pd.Series) -> npt.NDArray[np.int64]:
    return np.where(start.isna(), 0, _day_numbers(start))


def _last_days(end: pd.Series) -> npt.NDArray[np.int64]:
    return np.where(end.isna(), _SPAN - 1, _day_numbers(end))


def _day_numbers(days: pd.Series) -> npt.NDArray[np.int64]:
    return days.to_numpy().astype("datetime64[D]").astype("int64") + _ZERO


def _rows_of(frame: pd.DataFrame, roster: pd.DataFrame) -> npt.NDArray[np.int64]:
    """For each row of `frame` the position of the roster row it falls under; -1 for none.

    Actor and day make one integer, so that a single search answers for millions of rows.
    """
    if roster.empty:
        return np.full(len(frame), -1)
    people = pd.Index(roster["actor"].unique())
    number = people.get_indexer(roster["actor"])
    begins = number * _SPAN + _first_days(roster["start"])
    order = np.argsort(begins)
    actor = frame["actor"].astype("category").cat
    person = np.append(people.get_indexer(actor.categories), -1)[actor.codes]
    person = np.where(frame["actor_kind"] == "user", person, -1)
    day = _day_numbers(frame["date"])
    place = np.searchsorted(begins[order], person * _SPAN + day, side="right") - 1
    found = order[place]
    there = (place >= 0) & (number[found] == person) & (day <= _last_days(roster["end"])[found])
    return np.where(there, found, -1)


def _renamed(frame: pd.DataFrame, codes: pd.Series, names: Mapping[str, pd.Index]) -> pd.DataFrame:
    """`frame` with each actor, by its code, called as `names` says for its kind."""
    known = pd.Index(
        sorted({name for index in names.values() for name in index.dropna()}), dtype="str"
    )
    places = {kind: np.append(known.get_indexer(index), -1) for kind, index in names.items()}
    is_user = frame["actor_kind"] == "user"
    chosen = np.where(is_user, places["user"][codes], places["api_key"][codes])
    actor = pd.Categorical.from_codes(chosen, known)
    return frame.assign(actor=actor.remove_unused_categories())


def _actors(frames: Frames) -> dict[str, list[str]]:
    """The actors of all frames by kind, sorted; a frame without kinds is a roster."""
    found: dict[str, set[str]] = {"user": set(), "api_key": set()}
    for frame in frames.values():
        if "actor_kind" not in frame:
            found["user"].update(frame["actor"])
            continue
        for kind, actors in found.items():
            actors.update(frame.loc[frame["actor_kind"] == kind, "actor"].unique())
    return {kind: sorted(actors) for kind, actors in found.items()}


def _days(frames: Frames) -> list[str]:
    """The first and last day of each frame that has days."""
    dates = [frame["date"] for _, frame in sorted(frames.items()) if "date" in frame]
    return [str(end) for date in dates for end in (date.min(), date.max())]


def _pseudonyms(kind: str, actors: list[str], secret: bytes) -> dict[str, str]:
    return {actor: f"{_WORDS[kind]}-{_keyed(secret, kind, actor)[:12]}" for actor in actors}


def _numbers(kind: str, actors: list[str], secret: bytes) -> dict[str, str]:
    """Numbers in an order that only the secret explains."""
    ordered = sorted(actors, key=lambda actor: _keyed(secret, kind, actor))
    return {actor: f"{_WORDS[kind]} {number}" for number, actor in enumerate(ordered, start=1)}


_WORDS = {"user": "person", "api_key": "key"}


def _keyed(secret: bytes, *parts: str) -> str:
    return hmac.new(secret, "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def _disguised(frame: pd.DataFrame, names: Mapping[str, dict[str, str]]) -> pd.DataFrame:
    """`frame` under other names, in an order without meaning; the roster loses people's names."""
    if "actor_kind" not in frame:
        roster = frame.assign(actor=frame["actor"].map(names["user"]).astype("str"), name="")
        return roster.astype(ROSTER).sort_values(["actor", "start"], ignore_index=True)
    actor = frame["actor"].astype("category").cat
    called = {
        kind: pd.Index([known.get(name, "") for name in actor.categories], dtype="str")
        for kind, known in names.items()
    }
    return _renamed(frame, actor.codes, called).sort_values(
        ["date", "actor"], kind="stable", ignore_index=True
    )


def _read_secret(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise SettingsError(
            f"The secret {path} can be read by others (mode {mode:o}): run `chmod 600 {path}`, "
            "and rotate it if somebody may have."
        )
    try:
        return _checked(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except ValueError as error:
        raise SettingsError(
            f"The secret {path} is damaged: restore it, or remove it and a new one is made "
            "(pseudonyms will then differ from those of earlier reports)."
        ) from error


def _checked(secret: bytes) -> bytes:
    if len(secret) != 32:
        raise ValueError(f"{len(secret)} bytes, not 32")
    return secret


def _write_secret(path: Path) -> Path:
    """A new file beside `path` with a fresh secret, private from its first byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    return fresh
