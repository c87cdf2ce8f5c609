"""Today's members of an organisation -> the roster file, updated.

The service knows current members and since when, but not former ones. So each pull updates
the file: new members get a row, leavers an end date, returners another row. Teams,
names and dates written by hand are kept. A member whose address changed is known by their id.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pandas as pd

from ccanalytics.atomic import write_text
from ccanalytics.errors import SettingsError, StoreError
from ccanalytics.people.csv_rows import read_text
from ccanalytics.people.roster import (
    COLUMNS,
    ROSTER,
    no_roster,
    one_address,
    owners_of_ids,
    parse_roster,
    plain_address,
)
from ccanalytics.wire.organization import Member
from ccanalytics.words import counted

Groups = Mapping[str, Mapping[str, date]]
"""The groups by name: each member's address and day of joining."""


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
    readdressed: tuple[str, ...] = ()
    """People known by their id, with a new address."""

    def __str__(self) -> str:
        now = self.roster[self.roster["end"].isna()]
        more = (
            (self.unable, f"{self.unable} more whose role has no Claude Code."),
            (self.readdressed, f"{len(self.readdressed)} with a new address."),
            (self.several, f"{counted(len(self.several), 'person', 'people')} in several groups: "
                           "give each a team in the file."),
        )  # fmt: skip
        said = (
            f"{counted(now['actor'].nunique(), 'member')}: {len(self.joined)} new, "
            f"{len(self.left)} gone, {len(self.back)} back; "
            f"{int(now['team'].isna().sum())} without a team."
        )
        return " ".join([said, *(text for those, text in more if those)])


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


def merged(
    roster: pd.DataFrame, members: Sequence[Member], today: date, unable: Collection[str] = ()
) -> Pull:
    """`roster` updated with the members of `today`.

    A new stay starts on the day the service gives, or after the last stay if that is later, in the
    same team; a finished stay ended yesterday. Nobody is added whose role is one of
    `unable`. A person is known by any of their addresses, else by the id of their account.
    """
    roster, actors, readdressed = _recognised(roster, members)
    listed = dict(zip(actors, members, strict=True))
    # Of several accounts of a person one that can use the product is enough.
    able = {actor for actor, one in zip(actors, members, strict=True) if one.role not in unable}
    moment, ever = pd.Timestamp(today), set(roster["actor"])
    present = roster["end"].isna() | (roster["end"] >= moment)
    before = set(roster.loc[present, "actor"])
    joined = sorted((listed.keys() & able) - ever)
    back = sorted((listed.keys() & ever) - before)
    left = sorted(before - listed.keys())
    yesterday = moment - pd.Timedelta(days=1)
    ended = roster.assign(end=roster["end"].mask(present & roster["actor"].isin(left), yesterday))
    ended = ended[~(ended["end"] < ended["start"])]  # joined and left on the same day
    last = roster.drop_duplicates("actor", keep="last").set_index("actor")
    since = pd.Series({actor: pd.Timestamp(one.since(today)) for actor, one in listed.items()})
    free = ended.groupby("actor")["end"].max() + pd.Timedelta(days=1)
    start = pd.DataFrame({"since": since, "free": free}).max(axis=1)
    new = last.reindex([*joined, *back]).fillna({"name": "", "alias": "", "user_id": ""})
    new = new.assign(start=start.reindex(new.index), end=pd.NaT).rename_axis("actor").reset_index()
    ordered = pd.concat([ended, new[list(ROSTER)].astype(ROSTER)]).sort_values(
        ["actor", "start"], na_position="first", ignore_index=True
    )
    kept_out = len(listed.keys() - able - ever)
    ordered = _with_ids(ordered, actors, members)
    return Pull(ordered, tuple(joined), tuple(left), tuple(back), kept_out, readdressed=readdressed)


def roster_csv(roster: pd.DataFrame) -> str:
    """The roster as a file; an open date is empty, and an unused column is left out."""
    further = [
        name for name in ("alias", "cost_centre", "user_id") if roster[name].fillna("").any()
    ]
    columns = roster[["actor", "team", "start", "end", "name", *further]]
    file = columns.rename(columns={"actor": "email"})
    return str(file.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n"))


def with_group_teams(roster: pd.DataFrame, groups: Groups) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """`roster` with groups as teams, and the people in several groups, whose team stays empty.

    A group sets the team of people who have none and of those whose team is another group, which
    they have left. A team written by hand stays.
    """
    groups_of = _groups_of(roster, groups)
    several = tuple(sorted(actor for actor, since in groups_of.items() if len(since) > 1))
    stays: list[dict[str, object]] = []
    for stay in roster.to_dict("records"):
        since = groups_of.get(stay["actor"], {})
        written = not pd.isna(stay["team"]) and stay["team"] not in groups
        if len(since) != 1 or stay["team"] in since or written or not pd.isna(stay["end"]):
            stays.append(stay)
            continue
        ((team, joined),) = since.items()
        stays += _parted(stay, team, pd.Timestamp(joined))
    return pd.DataFrame(stays, columns=list(ROSTER)).astype(ROSTER), several


def _known(path: Path) -> pd.DataFrame:
    """The roster at `path`; `SettingsError` when it has columns that writing it would lose."""
    text = read_text(path, "roster")
    if further := COLUMNS.ignored(text):
        raise SettingsError(
            f"The roster {path} has columns that a pull would lose ({', '.join(further)}), so it "
            "was not changed. Give another file with --out."
        )
    return parse_roster(text, str(path))


def _recognised(
    roster: pd.DataFrame, members: Sequence[Member]
) -> tuple[pd.DataFrame, list[str], tuple[str, ...]]:
    """The roster with new addresses of its people, who each member is, and who has a new address.

    A new address becomes the main one, and the one before an alias, unless that is still in use.
    """
    same, owners = one_address(roster), owners_of_ids(roster)
    main = {actor: actor for actor in roster["actor"]}
    known = main | same
    addresses = [plain_address(member.email or "") for member in members]
    fresh: dict[str, list[str]] = {}
    for member, address in zip(members, addresses, strict=True):
        if address not in known and member.id in owners:
            fresh.setdefault(owners[member.id], []).append(address)
    changed = roster.copy()
    for actor, found in fresh.items():
        main[actor] = actor if actor in addresses else found[0]
        stays = roster["actor"] == actor
        aliases = {actor, *found, *" ".join(roster.loc[stays, "alias"]).split()} - {main[actor]}
        changed.loc[stays, ["actor", "alias"]] = main[actor], " ".join(sorted(aliases))
        known |= dict.fromkeys(found, actor)
    people = [known.get(address, address) for address in addresses]
    return changed, [main.get(actor, actor) for actor in people], tuple(sorted(fresh))


def _with_ids(
    roster: pd.DataFrame, actors: Sequence[str], members: Sequence[Member]
) -> pd.DataFrame:
    """The roster with the ids of the members added to those in it."""
    ids: dict[str, set[str]] = {}
    for actor, member in zip(actors, members, strict=True):
        ids.setdefault(actor, set()).add(member.id)
    texts = [" ".join(sorted({*text.split(), *ids.get(actor, ())}))
             for actor, text in zip(roster["actor"], roster["user_id"], strict=True)]  # fmt: skip
    return roster.assign(user_id=pd.Series(texts, roster.index, dtype="str"))


def _groups_of(roster: pd.DataFrame, groups: Groups) -> dict[str, dict[str, date]]:
    """The groups of each person; of two groups with one name the earlier day counts."""
    same = one_address(roster)
    found: dict[str, dict[str, date]] = {}
    for team, members in groups.items():
        for email, since in members.items():
            address = plain_address(email)
            teams = found.setdefault(same.get(address, address), {})
            teams[team] = min(since, teams.get(team, since))
    return found


def _parted(stay: dict[str, object], team: str, joined: pd.Timestamp) -> list[dict[str, object]]:
    """The stay until the day before, and the rest of it in the team."""
    start = stay["start"]
    if not pd.isna(start) and start >= joined:
        return [{**stay, "team": team}]
    before = {**stay, "end": joined - pd.Timedelta(days=1)}
    return [before, {**stay, "team": team, "start": joined}]
