"""Who the actors are: a roster with dates and teams, and how much of a person may be shown.

    roster      actor, team, start, end, name    one row per person, team and stretch of days
    identity    named       as recorded
                pseudonym   a keyed HMAC: the same person has the same name in every report
                aggregate   "person 17": nothing that outlives this dataset

An end is the last day; no start or end means always. API keys are never people.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from ccanalytics.errors import SettingsError
from ccanalytics.rows import parse_date, parse_rows, raise_problems, read_text

Identity = Literal["named", "pseudonym", "aggregate"]
IDENTITIES: tuple[str, ...] = get_args(Identity)

ROSTER = {
    "actor": "str",
    "team": "str",
    "start": "datetime64[ms]",
    "end": "datetime64[ms]",
    "name": "str",
}
"""The columns of a roster and their types."""

_ALIASES = {"actor": "email", "e-mail": "email", "mail": "email", "email address": "email"}


def no_roster() -> pd.DataFrame:
    """A roster of nobody."""
    return pd.DataFrame({column: pd.Series(dtype=kind) for column, kind in ROSTER.items()})


def read_roster(path: Path) -> pd.DataFrame:
    """One row per person, team and stretch of days, from the CSV file at `path`."""
    return parse_roster(read_text(path, "roster"), str(path))


def parse_roster(text: str, name: str = "roster") -> pd.DataFrame:
    """One row per line of `text` (email,team and optionally start,end,name).

    A person may be in several teams, one after the other or at once; `SettingsError` with the
    number of every line that is wrong, or that repeats a person and team for the same days.
    """
    rows = parse_rows(
        text, name, ["email", "team"], ["start", "end", "name"], _roster_row, aliases=_ALIASES
    )
    _check_repeats(name, rows)
    return pd.DataFrame([row for _, row in rows], columns=list(ROSTER)).astype(ROSTER)


def normalised_actors(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with people's e-mail addresses stripped and in lower case; keys as recorded."""
    actor = frame["actor"].astype("category")
    names = pd.Series(actor.cat.categories.astype("str"))
    plain = names.str.strip().str.lower()
    if plain.equals(names):
        return frame.assign(actor=actor)
    codes = actor.cat.codes
    of_person = (frame["actor_kind"] == "user").to_numpy(dtype=bool)
    text = np.where(of_person, plain.to_numpy()[codes], names.to_numpy()[codes])
    return frame.assign(actor=pd.Series(text, index=frame.index, dtype="str").astype("category"))


def with_teams(frame: pd.DataFrame, roster: pd.DataFrame) -> pd.DataFrame:
    """`frame` with a category column `team`: the person's team on that day, null without one.

    Somebody in two teams at once counts in the one that comes first in the roster, once.
    """
    teams = pd.Index(sorted(roster["team"].unique()), dtype="str")
    codes = np.full(len(frame), -1, dtype=np.int64)
    if len(roster) and len(frame):
        people = frame["actor"].astype("str").to_numpy()
        of_person = (frame["actor_kind"] == "user").to_numpy(dtype=bool)
        days = frame["date"].to_numpy()
        rows = pd.Series(np.arange(len(frame))).groupby(people).indices
        for entry in reversed(list(roster.itertuples())):
            at = rows.get(entry.actor)
            if at is not None:
                codes[at[_within(days[at], entry) & of_person[at]]] = teams.get_loc(entry.team)
    return frame.assign(team=pd.Categorical.from_codes(codes, categories=teams))


def roster_of_week(roster: pd.DataFrame, week: pd.Timestamp) -> pd.DataFrame:
    """The rows of `roster` that hold on at least one day of the ISO week of Monday `week`."""
    sunday = week + pd.Timedelta(days=6)
    started = roster["start"].isna() | (roster["start"] <= sunday)
    going = roster["end"].isna() | (roster["end"] >= week)
    return roster[started & going]


def roster_sizes(roster: pd.DataFrame, weeks: pd.DatetimeIndex) -> pd.DataFrame:
    """One row per week: people on its roster, and how many joined or left since the week before.

    joined and left are null in the first week. A move between teams is neither.
    """
    members = [set(roster_of_week(roster, week)["actor"]) for week in weeks]
    moves = [(float(len(b - a)), float(len(a - b))) for a, b in pairwise(members)]
    joined, left = zip(*[(np.nan, np.nan), *moves], strict=True)
    return pd.DataFrame(
        {
            "week": weeks,
            "people": [len(people) for people in members],
            "joined": joined[: len(weeks)],
            "left": left[: len(weeks)],
        }
    )


def overlapping(roster: pd.DataFrame) -> pd.DataFrame:
    """One row per person who is in two teams on one day: actor, team, other."""
    both = roster.reset_index().merge(roster.reset_index(), on="actor", suffixes=("", "_other"))
    both = both[both["index"] < both["index_other"]]
    starts_before = both["start"].isna() | both["end_other"].isna()
    starts_before |= both["start"] <= both["end_other"]
    ends_after = both["end"].isna() | both["start_other"].isna()
    ends_after |= both["end"] >= both["start_other"]
    frame = both[starts_before & ends_after][["actor", "team", "team_other"]]
    return frame.rename(columns={"team_other": "other"}).reset_index(drop=True)


def not_on_roster(frame: pd.DataFrame, roster: pd.DataFrame) -> list[str]:
    """The people in `frame` who are on no row of `roster`, sorted."""
    people = frame.loc[frame["actor_kind"] == "user", "actor"].astype("str")
    return sorted(set(people) - set(roster["actor"]))


def never_seen(frame: pd.DataFrame, roster: pd.DataFrame) -> list[str]:
    """The people on `roster` who are not in `frame`, sorted."""
    return sorted(set(roster["actor"]) - set(frame["actor"].astype("str")))


def check_identity(identity: str) -> None:
    """`ValueError` when `identity` is no policy."""
    if identity not in IDENTITIES:
        raise ValueError(f"identity is {identity!r}; it is one of {', '.join(IDENTITIES)}.")


def disguises(
    identity: str, frames: Sequence[pd.DataFrame], roster: pd.DataFrame, secret: bytes = b""
) -> dict[tuple[str, str], str]:
    """What every (actor_kind, actor) of the frames and the roster is called under `identity`.

    One mapping for all frames of a dataset, so that they still belong together. In aggregate the
    numbers are dealt in the order of a hash keyed with `secret`, so they say nothing to others.
    """
    actors = {("user", actor) for actor in roster["actor"]}
    for frame in frames:
        pairs = frame[["actor_kind", "actor"]].drop_duplicates().astype("str")
        actors |= set(pairs.itertuples(index=False, name=None))
    if identity == "named":
        return {actor: actor[1] for actor in actors}
    if identity == "pseudonym":
        return {actor: _pseudonym(actor, secret) for actor in actors}
    dealt = sorted(actors, key=lambda actor: _digest(secret, actor))
    words = {"user": "person", "api_key": "key"}
    count = dict.fromkeys(words, 0)
    names = {}
    for kind, actor in dealt:
        count[kind] += 1
        names[kind, actor] = f"{words[kind]} {count[kind]}"
    return names


def disguised(frame: pd.DataFrame, names: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """`frame` with every actor called as in `names`."""
    kinds, actors = frame["actor_kind"].astype("str"), frame["actor"].astype("str")
    called = [names[pair] for pair in zip(kinds, actors, strict=True)]
    return frame.assign(actor=pd.Series(called, index=frame.index, dtype="str").astype("category"))


def disguised_roster(
    roster: pd.DataFrame, identity: str, names: Mapping[tuple[str, str], str]
) -> pd.DataFrame:
    """`roster` with every person called as in `names`, and without their real names."""
    if identity == "named":
        return roster
    called = pd.Series([names["user", actor] for actor in roster["actor"]], index=roster.index)
    return roster.assign(actor=called, name="").astype(ROSTER)


def load_secret(path: Path) -> bytes:
    """The secret of the pseudonyms, made at first use in a file only its owner can read."""
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        return rotate_secret(path)
    if len(secret) < 32:
        raise SettingsError(
            f"The secret of the pseudonyms, {path}, has {len(secret)} bytes instead of 32: "
            "restore it, or delete it to begin with new pseudonyms."
        )
    return secret


def rotate_secret(path: Path) -> bytes:
    """A new secret at `path`: from now on every pseudonym is another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_bytes(32)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    aside.replace(path)
    return secret


def withheld(sizes: Mapping[str, int], minimum: int) -> set[str]:
    """The groups that must not be shown, so that none under `minimum` can be had by subtraction.

    When the total is known, the hidden groups together are one group: it must have `minimum`
    people too, so the next smallest groups are hidden until it has.
    """
    order = sorted((group for group in sizes if sizes[group] > 0), key=lambda g: (sizes[g], g))
    hidden = [group for group in order if sizes[group] < minimum]
    if hidden:
        for group in order[len(hidden) :]:
            if len(hidden) > 1 and sum(sizes[g] for g in hidden) >= minimum:
                break
            hidden.append(group)
    return set(hidden)


def _roster_row(cells: Mapping[str, str]) -> dict[str, object]:
    email, team = cells["email"].lower(), cells["team"]
    if not email:
        raise ValueError("email is empty")
    if not team:
        raise ValueError(f"team of {email!r} is empty")
    start, end = (_day(cells, column) for column in ("start", "end"))
    if start and end and end < start:
        raise ValueError(f"{email!r} ends on {end}, before the start on {start}")
    return {
        "actor": email,
        "team": team,
        "start": start,
        "end": end,
        "name": cells.get("name", ""),
    }


def _day(cells: Mapping[str, str], column: str) -> date | None:
    text = cells.get(column, "")
    return parse_date(text, column) if text else None


def _check_repeats(name: str, rows: Sequence[tuple[int, Mapping[str, object]]]) -> None:
    seen: dict[tuple[object, object], list[tuple[int, date, date]]] = {}
    problems = []
    for number, row in rows:
        start = row["start"] if isinstance(row["start"], date) else date.min
        end = row["end"] if isinstance(row["end"], date) else date.max
        stretches = seen.setdefault((row["actor"], row["team"]), [])
        for line, first, last in stretches:
            if start <= last and first <= end:
                who = f"{row['actor']!r} in team {row['team']!r}"
                problems.append(f"line {number}: {who} is on line {line} for the same days")
        stretches.append((number, start, end))
    raise_problems(name, problems)


def _within(days: np.ndarray, entry: object) -> np.ndarray:
    inside = np.ones(len(days), dtype=bool)
    start, end = entry.start, entry.end  # type: ignore[attr-defined]
    if not pd.isna(start):
        inside &= days >= start.to_datetime64()
    if not pd.isna(end):
        inside &= days <= end.to_datetime64()
    return inside


def _pseudonym(actor: tuple[str, str], secret: bytes) -> str:
    word = "person" if actor[0] == "user" else "key"
    return f"{word}-{_digest(secret, actor)[:10]}"


def _digest(secret: bytes, actor: tuple[str, str]) -> str:
    if len(secret) < 32:
        raise ValueError(f"Names are hidden with a secret of 32 bytes, not of {len(secret)}.")
    return hmac.new(secret, "\0".join(actor).encode(), hashlib.sha256).hexdigest()
