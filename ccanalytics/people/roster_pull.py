"""Today's members of an organisation -> the roster file, updated.

The service knows current members and since when, but not former ones. So each pull updates
the file: new members get a row, leavers an end date, returners another row. Teams,
names and dates written by hand are kept.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from ccanalytics.atomic import write_text
from ccanalytics.errors import SettingsError, StoreError
from ccanalytics.people.csv_rows import read_text
from ccanalytics.people.group_teams import Groups, with_group_teams
from ccanalytics.people.roster import (
    ROSTER,
    columns_not_read,
    no_roster,
    one_address,
    plain_address,
    read_roster,
)
from ccanalytics.wire.organization import Member
from ccanalytics.words import counted


@dataclass(frozen=True)
class Pull:
    """A roster after a pull, and who joined, left and returned since the last pull."""

    roster: pd.DataFrame
    joined: tuple[str, ...]
    left: tuple[str, ...]
    back: tuple[str, ...]
    unable: int = 0
    """New members who were not added because their role cannot use the product."""
    several: tuple[str, ...] = ()
    """People in several groups, whose team is therefore unknown."""

    def __str__(self) -> str:
        now = self.roster[self.roster["end"].isna()]
        unable = f" {self.unable} more whose role has no Claude Code." if self.unable else ""
        people = counted(len(self.several), "person", "people")
        several = f" {people} in several groups: give each a team in the file."
        return (
            f"{counted(now['actor'].nunique(), 'member')}: {len(self.joined)} new, "
            f"{len(self.left)} gone, {len(self.back)} back; "
            f"{int(now['team'].isna().sum())} without a team.{unable}"
            f"{several if self.several else ''}"
        )


def pull_roster(
    path: Path,
    members: Sequence[Member],
    today: date,
    unable: Collection[str] = (),
    groups: Groups | None = None,
) -> Pull:
    """Update the roster at `path` with the members of `today`, in one atomic write.

    A missing file is created; a file that is not a roster is a `SettingsError` and left alone. So
    is an empty list, and one that would end the stay of more than half of the people: it is from
    another organisation, or from a key that cannot see them.
    """
    known = _known(path) if path.exists() else no_roster()
    if not members:
        raise SettingsError(
            f"The service lists no members, so {path} was not changed. Is the key of this "
            "organisation?"
        )
    pull = merged(known, members, today, unable)
    before = known.loc[known["end"].isna(), "actor"].nunique()
    # More than half do not leave between two pulls: the key is of another organisation.
    if len(pull.left) > max(1, before / 2):
        raise SettingsError(
            f"The service lists {pull.roster['end'].isna().sum()} members, and {len(pull.left)} of "
            f"the {before} people in {path} are not among them, so it was not changed. Is the key "
            "of this organisation? To start a new roster, give another file with --out."
        )
    if groups:
        roster, several = with_group_teams(pull.roster, groups)
        pull = replace(pull, roster=roster, several=several)
    try:
        write_text(path, roster_csv(pull.roster))
    except OSError as error:
        raise StoreError(f"The roster {path} cannot be written: {error.strerror}.") from error
    return pull


def _known(path: Path) -> pd.DataFrame:
    """The roster at `path`; `SettingsError` when it has columns that writing it would lose."""
    further = columns_not_read(read_text(path, "roster"))
    if further:
        raise SettingsError(
            f"The roster {path} has columns that a pull would lose ({', '.join(further)}), so it "
            "was not changed. Give another file with --out."
        )
    return read_roster(path)


def merged(
    roster: pd.DataFrame, members: Sequence[Member], today: date, unable: Collection[str] = ()
) -> Pull:
    """`roster` updated with the members of `today`.

    A new stay starts on the day the service gives, or after the last stay if that is later, in the
    same team; a finished stay ended yesterday. Nobody is added whose role is one of
    `unable`.
    """
    same = one_address(roster)
    addresses = [plain_address(member.email or "") for member in members]
    actors = [same.get(address, address) for address in addresses]
    since = {actor: member.since(today) for actor, member in zip(actors, members, strict=True)}
    able = {actor for actor, one in zip(actors, members, strict=True) if one.role not in unable}
    moment = pd.Timestamp(today)
    present = roster["end"].isna() | (roster["end"] >= moment)
    members_before = set(roster.loc[present, "actor"])
    ever = set(roster["actor"])
    joined = sorted(actor for actor in since if actor not in ever and actor in able)
    back = sorted(actor for actor in since if actor in ever and actor not in members_before)
    left = sorted(actor for actor in members_before if actor not in since)
    ended = roster.assign(
        end=roster["end"].mask(present & roster["actor"].isin(left), moment - pd.Timedelta(days=1))
    )
    ended = ended[~(ended["end"] < ended["start"])]  # joined and left on the same day
    rows = [_stay(actor, since[actor]) for actor in joined]
    last = roster.drop_duplicates("actor", keep="last").set_index("actor")[
        ["team", "name", "alias", "cost_centre"]
    ]
    rows += [
        _stay(actor, _after(ended, actor, since[actor])) | last.loc[actor].to_dict()
        for actor in back
    ]
    new = pd.DataFrame(rows, columns=list(ROSTER)).astype(ROSTER)
    everybody = pd.concat([ended, new]) if rows else ended
    ordered = everybody.sort_values(["actor", "start"], na_position="first", ignore_index=True)
    kept_out = len(set(since) - able - ever)
    return Pull(ordered, tuple(joined), tuple(left), tuple(back), kept_out)


def roster_csv(roster: pd.DataFrame) -> str:
    """The roster as a file; an open date is empty, and an unused column is left out."""
    further = [name for name in ("alias", "cost_centre") if roster[name].fillna("").any()]
    columns = roster[["actor", "team", "start", "end", "name", *further]]
    file = columns.rename(columns={"actor": "email"})
    return str(file.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n"))


def _stay(actor: str, start: date) -> dict[str, object]:
    empty = {"team": None, "end": None, "name": "", "alias": "", "cost_centre": None}
    return {"actor": actor, "start": start, **empty}


def _after(roster: pd.DataFrame, actor: str, start: date) -> date:
    """`start`, or the day after the last stay when that is later."""
    last = roster.loc[roster["actor"] == actor, "end"].max()
    return start if pd.isna(last) else max(start, last.date() + timedelta(days=1))
