"""Today's members of an organisation -> the roster file, updated.

The service knows current members and since when, but not former ones. So each pull updates
the file: new members get a row, leavers an end date, returners another row. Teams,
names and dates written by hand are kept. A member whose address changed is known by their id.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from ccanalytics.atomic import write_text
from ccanalytics.errors import SettingsError
from ccanalytics.people.roster import (
    ROSTER,
    Stay,
    no_roster,
    one_address,
    parse_roster,
    plain_address,
    plain_name,
    read_roster,
    roster_of,
)
from ccanalytics.wire.organization import Member, utc_day
from ccanalytics.words import counted

Groups = Mapping[str, Mapping[str, date]]
"""The groups by name: each member's address and day of joining."""

Account = tuple[str, Member]
"""The address of an account, as it is compared, and the member."""

_NOBODY: Stay = {**dict.fromkeys(ROSTER, ""), "team": None, "cost_centre": None}

KINDS = ("new", "gone", "back", "with a new address", "in several groups", "without Claude Code")
"""What is said of people: those with a new address are known by their id, those in several groups
have no team from them, and new members whose role cannot use the product are not added."""


class Pull(NamedTuple):
    """A roster after a pull, and the people of each kind."""

    roster: pd.DataFrame
    people: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        now = self.roster[self.roster["end"].isna()]
        members = counted(now["actor"].nunique(), "member")
        found = ", ".join(f"{len(self.people[kind])} {kind}" for kind in KINDS)
        return f"{members}, {int(now['team'].isna().sum())} of them without a team: {found}."


def pull_roster(
    path: Path,
    members: Sequence[Member],
    today: date,
    unable: Collection[str] = (),
    groups: Groups = MappingProxyType({}),
) -> Pull:
    """Update the roster at `path` with the members of `today`, in one atomic write.

    A missing file is created; a file that is not a roster, or has columns that writing it would
    lose, is a `SettingsError` and left alone. So is an empty list, and one that would end the stay
    of more than half of the people: it is from another organisation, or from a key that cannot see
    them.
    """

    def refuse(columns: list[str]) -> None:
        raise SettingsError(
            f"The roster {path} has columns that a pull would lose ({', '.join(columns)}), so it "
            "was not changed. Give another file with --out."
        )

    known = read_roster(path, refuse) if path.exists() else no_roster()
    pull = merged(known, members, today, unable, groups)
    before, gone = known.loc[known["end"].isna(), "actor"].nunique(), len(pull.people["gone"])
    if not members or gone > max(1, before / 2):
        raise SettingsError(
            f"The service lists {counted(len(members), 'member')}, and {gone} of "
            f"the {before} people in {path} are not among them, so it was not changed. Is the key "
            "of this organisation? To start a new roster, give another file with --out."
        )
    text = roster_csv(pull.roster)
    parse_roster(text, f"The new {path}")  # an address or a group may be what no file can have
    write_text(path, text)
    return pull


def merged(
    roster: pd.DataFrame,
    members: Sequence[Member],
    today: date,
    unable: Collection[str] = (),
    groups: Groups = MappingProxyType({}),
) -> Pull:
    """`roster` updated with the members of `today`, and `groups` as teams.

    A new stay starts on the day the service gives, or after the last stay if that is later, in the
    same team; a finished stay ended yesterday. Nobody is added whose role is one of
    `unable`. A person is known by any of their addresses, else by the id of their account.

    A group sets the team of people who have none and of those whose team is another group, which
    they have left. A team written by hand stays, and people in several groups get none.
    """
    listed = [(plain_address(one.email), one) for one in members if one.email]
    same = one_address(roster, [(one.id, address) for address, one in listed if one.id])
    stays, accounts = defaultdict[str, list[Stay]](list), defaultdict[str, list[Account]](list)
    for stay in roster.to_dict("records"):
        stays[stay["actor"]].append(stay)
    for address, one in listed:
        accounts[same.get(address, address)].append((address, one))
    since = defaultdict[str, dict[str, date]](dict)
    for name, joined in groups.items():
        for address, day in ((plain_address(email), day) for email, day in joined.items()):
            since[same.get(address, address)][plain_name(name)] = day
    teams = set(map(plain_name, groups))
    people = defaultdict[str, list[str]](list)
    updated: list[Stay] = []
    for actor in sorted(stays.keys() | accounts.keys()):
        kinds = _changes(actor, stays[actor], accounts[actor], unable, pd.Timestamp(today))
        for kind in kinds + ["in several groups"] * (len(since[actor]) > 1):
            people[kind].append(actor)
        updated += [part for stay in stays[actor] for part in _in_group(stay, since[actor], teams)]
    return Pull(roster_of(updated), {kind: tuple(people[kind]) for kind in KINDS})


def _changes(
    actor: str,
    stays: list[Stay],
    accounts: Sequence[Account],
    unable: Collection[str],
    today: pd.Timestamp,
) -> list[str]:
    """What has changed for a person; their `stays` are updated."""
    # Of several accounts of a person one that can use the product is enough.
    if not stays and all(one.role in unable for _, one in accounts):
        return ["without Claude Code"]
    kinds, day = list[str](), pd.Timedelta(days=1)
    addresses = [address for address, _ in accounts]
    known = {actor, *" ".join(stay["alias"] for stay in stays).split()}
    fresh = [address for address in addresses if address not in known]
    if stays and fresh:
        kinds.append("with a new address")
        main = actor if actor in addresses else fresh[0]
        for stay in stays:
            stay |= {"actor": main, "alias": " ".join(sorted({*known, *fresh} - {main}))}
    present = [stay for stay in stays if not stay["end"] < today]  # NaT compares as false: open
    if accounts and not present:
        kinds.append("back" if stays else "new")
        last = stays[-1] if stays else {**_NOBODY, "actor": actor}
        since = pd.Timestamp(utc_day(accounts[-1][1].added_at, today.date()))
        start = max([since, *(stay["end"] + day for stay in stays)])
        stays.append({**last, "start": start, "end": pd.NaT})
    elif present and not accounts:
        kinds.append("gone")
        for stay in present:
            stay["end"] = today - day
        stays[:] = [stay for stay in stays if not stay["end"] < stay["start"]]  # came and went
    for stay in stays:
        ids = {*stay["user_id"].split(), *(one.id for _, one in accounts)}
        stay["user_id"] = " ".join(sorted(ids))
    return kinds


def _in_group(stay: Stay, since: Mapping[str, date], teams: Collection[str]) -> list[Stay]:
    """The stay until the day before the person joined their only group, and the rest of it."""
    written = not pd.isna(stay["team"]) and stay["team"] not in teams
    if len(since) != 1 or stay["team"] in since or written or not pd.isna(stay["end"]):
        return [stay]
    ((team, day),) = since.items()
    joined, after = pd.Timestamp(day), {**stay, "team": team}
    if stay["start"] >= joined:  # NaT compares as false: before
        return [after]
    return [{**stay, "end": joined - pd.Timedelta(days=1)}, {**after, "start": joined}]


def roster_csv(roster: pd.DataFrame) -> str:
    """The roster as a file; an open date is empty, and an unused column is left out."""
    rare = roster[["alias", "cost_centre", "user_id"]].fillna("")
    unused = rare.columns[(rare == "").all()]
    file = roster.drop(columns=unused).rename(columns={"actor": "email"})
    return str(file.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n"))
