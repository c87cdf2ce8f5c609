"""Today's members of an organisation -> the roster file, updated.

The service knows current members and since when, but not former ones. So each pull updates
the file: new members get a row, leavers an end date, returners another row. Teams,
names and dates written by hand are kept. A member whose address changed is known by their id.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from ccanalytics.atomic import write_text
from ccanalytics.errors import SettingsError, StoreError
from ccanalytics.people.csv_rows import read_text
from ccanalytics.people.roster import (
    COLUMNS,
    ROSTER,
    Stay,
    no_roster,
    one_address,
    owners_of_ids,
    parse_roster,
    plain_address,
    roster_of,
)
from ccanalytics.wire.organization import Member
from ccanalytics.words import counted

Groups = Mapping[str, Mapping[str, date]]
"""The groups by name: each member's address and day of joining."""

_NOBODY: Stay = {**dict.fromkeys(ROSTER, ""), "team": None, "cost_centre": None}


@dataclass(frozen=True)
class Pull:
    """A roster after a pull, and who joined, left and returned since the last pull."""

    roster: pd.DataFrame
    joined: tuple[str, ...]
    left: tuple[str, ...]
    back: tuple[str, ...]
    readdressed: tuple[str, ...]
    """People known by their id, with a new address."""
    unable: int = 0
    """New members who were not added because their role cannot use the product."""
    several: tuple[str, ...] = ()
    """People in several groups, whose team is therefore unknown."""

    def __str__(self) -> str:
        now = self.roster[self.roster["end"].isna()]
        people = counted(len(self.several), "person", "people")
        said = (
            f"{counted(now['actor'].nunique(), 'member')}: {len(self.joined)} new, "
            f"{len(self.left)} gone, {len(self.back)} back; "
            f"{int(now['team'].isna().sum())} without a team."
        )
        further = (
            (self.unable, f" {self.unable} more whose role has no Claude Code."),
            (self.readdressed, f" {len(self.readdressed)} with a new address."),
            (self.several, f" {people} in several groups: give each a team in the file."),
        )
        return said + "".join(text for there, text in further if there)


def pull_roster(
    path: Path,
    members: Sequence[Member],
    today: date,
    unable: Collection[str] = (),
    groups: Groups = MappingProxyType({}),
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
    pull = merged(known, members, today, unable, groups)
    before = known.loc[known["end"].isna(), "actor"].nunique()
    # More than half do not leave between two pulls: the key is of another organisation.
    if len(pull.left) > max(1, before / 2):
        raise SettingsError(
            f"The service lists {pull.roster['end'].isna().sum()} members, and {len(pull.left)} of "
            f"the {before} people in {path} are not among them, so it was not changed. Is the key "
            "of this organisation? To start a new roster, give another file with --out."
        )
    try:
        write_text(path, roster_csv(pull.roster))
    except OSError as error:
        raise StoreError(f"The roster {path} cannot be written: {error.strerror}.") from error
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
    listed = [(plain_address(one.email or ""), one) for one in members]
    roster, readdressed = _with_new_addresses(roster, listed)
    same = one_address(roster)
    groups_of = _groups_of(groups, same)
    accounts: dict[str, list[Member]] = {}
    for address, one in listed:
        accounts.setdefault(same.get(address, address), []).append(one)
    stays: dict[str, list[Stay]] = {}
    for stay in roster.to_dict("records"):
        stays.setdefault(stay["actor"], []).append(stay)
    updated: list[Stay] = []
    changes: dict[str, list[str]] = {"joined": [], "left": [], "back": [], "unable": [], "same": []}
    for actor in sorted(stays.keys() | accounts.keys()):
        past, known = stays.get(actor, []), accounts.get(actor, [])
        # Of several accounts of a person one that can use the product is enough.
        is_kept = any(one.role not in unable for one in known) or bool(past)
        change = _change(actor, past, known, pd.Timestamp(today)) if is_kept else "unable"
        changes[change].append(actor)
        since = groups_of.get(actor, {})
        updated += [part for stay in past for part in _in_group(stay, since, groups)]
    joined, left, back = (tuple(changes[what]) for what in ("joined", "left", "back"))
    several = tuple(sorted(actor for actor, since in groups_of.items() if len(since) > 1))
    kept_out = len(changes["unable"])
    return Pull(roster_of(updated), joined, left, back, readdressed, kept_out, several)


def _change(actor: str, stays: list[Stay], accounts: list[Member], today: pd.Timestamp) -> str:
    """What has changed for a person; their `stays` are updated."""
    change, day = "same", pd.Timedelta(days=1)
    present = [stay for stay in stays if not stay["end"] < today]  # NaT compares as false: open
    if accounts and not present:
        change = "back" if stays else "joined"
        last = stays[-1] if stays else {**_NOBODY, "actor": actor}
        since = pd.Timestamp(accounts[-1].since(today.date()))
        start = max([since, *(stay["end"] + day for stay in stays)])
        stays.append({**last, "start": start, "end": pd.NaT})
    elif present and not accounts:
        change = "left"
        for stay in present:
            stay["end"] = today - day
        stays[:] = [stay for stay in stays if not stay["end"] < stay["start"]]  # came and went
    for stay in stays:
        ids = {*stay["user_id"].split(), *(one.id for one in accounts)}
        stay["user_id"] = " ".join(sorted(ids))
    return change


def roster_csv(roster: pd.DataFrame) -> str:
    """The roster as a file; an open date is empty, and an unused column is left out."""
    unused = [
        name for name in ("alias", "cost_centre", "user_id") if not roster[name].fillna("").any()
    ]
    file = roster.drop(columns=unused).rename(columns={"actor": "email"})
    return str(file.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n"))


def _known(path: Path) -> pd.DataFrame:
    """The roster at `path`; `SettingsError` when it has columns that writing it would lose."""
    text = read_text(path, "roster")
    if further := COLUMNS.ignored(text):
        raise SettingsError(
            f"The roster {path} has columns that a pull would lose ({', '.join(further)}), so it "
            "was not changed. Give another file with --out."
        )
    return parse_roster(text, str(path))


def _with_new_addresses(
    roster: pd.DataFrame, listed: Sequence[tuple[str, Member]]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The roster with the new addresses of its people, and whose they are.

    A new address becomes the main one, and the one before an alias, unless that is still in use.
    """
    known, owners = {*roster["actor"], *one_address(roster)}, owners_of_ids(roster)
    addresses, fresh = {address for address, _ in listed}, dict[str, list[str]]()
    for address, one in listed:
        if address not in known and one.id in owners:
            fresh.setdefault(owners[one.id], []).append(address)
    stays: list[Stay] = roster.to_dict("records")
    for stay in stays:
        if found := fresh.get(stay["actor"]):
            main = stay["actor"] if stay["actor"] in addresses else found[0]
            aliases = {stay["actor"], *stay["alias"].split(), *found} - {main}
            stay |= {"actor": main, "alias": " ".join(sorted(aliases))}
    return roster_of(stays), tuple(sorted(fresh))


def _groups_of(groups: Groups, same: Mapping[str, str]) -> dict[str, dict[str, date]]:
    """The groups of each person; of two groups with one name the earlier day counts."""
    found: dict[str, dict[str, date]] = {}
    for team, members in groups.items():
        for email, since in members.items():
            address = plain_address(email)
            teams = found.setdefault(same.get(address, address), {})
            teams[team] = min(since, teams.get(team, since))
    return found


def _in_group(stay: Stay, since: Mapping[str, date], groups: Groups) -> list[Stay]:
    """The stay until the day before the person joined their only group, and the rest of it."""
    written = not pd.isna(stay["team"]) and stay["team"] not in groups
    if len(since) != 1 or stay["team"] in since or written or not pd.isna(stay["end"]):
        return [stay]
    ((team, day),) = since.items()
    joined, after = pd.Timestamp(day), {**stay, "team": team}
    if stay["start"] >= joined:  # NaT compares as false: before
        return [after]
    return [{**stay, "end": joined - pd.Timedelta(days=1)}, {**after, "start": joined}]
