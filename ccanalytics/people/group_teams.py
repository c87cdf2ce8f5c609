"""Roster teams from the organisation's groups, each from the day a person joined."""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from ccanalytics.people.roster import ROSTER, one_address, plain_address

Groups = Mapping[str, Mapping[str, date]]
"""The groups by name: each member's address and day of joining."""


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
