"""The people of the invented organisation: names, teams with dates, and habits."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import product
from random import Random

ORGANIZATION = "5a3c1e00-0000-4000-8000-000000000001"
DOMAIN = "corvid.example"

Stretch = tuple[str, date | None, date | None]
"""A team, and the first and last day in it; None is before or after the sample."""

TEAMS = {  # people, the share of them that takes it up, and its cost centre
    "Payments": (19, 0.84, "4100 Products"),
    "Platform": (20, 0.80, "4200 Foundations"),
    "Web": (22, 0.72, "4100 Products"),
    "Mobile": (17, 0.70, "4100 Products"),
    "Data": (18, 0.80, "4200 Foundations"),
    "Search": (15, 0.66, "4200 Foundations"),
    "Security": (11, 0.55, "4300 Operations"),
    "Operations": (20, 0.48, "4300 Operations"),
}

_FIRST_NAMES = """
Ada Amir Anja Bela Bruno Chen Clara Dana Deniz Elif Emil Farah Felix Gita Hana Hugo
Ines Ivan Jana Jonas Kaya Kofi Lena Luca Mara Milo Nadia Noor Omar Paula Ravi Sofia
"""
_LAST_NAMES = """
Adler Banks Castell Dorn Eklund Fontana Garrow Holm Imhof Jarvis Keller Lund
Marsh Novak Okafor Prado Quist Rahman Sato Tamm Ulrich Vance Weber Yilmaz
"""
_TERMINALS = {  # and how many of a hundred people use it most
    "vscode": 44,
    "iTerm.app": 20,
    "Apple_Terminal": 12,
    "cursor": 10,
    "tmux": 8,
    "WarpTerminal": 6,
}


@dataclass(frozen=True)
class StaffMember:
    """One person: their teams over time, and how they work."""

    email: str
    name: str
    teams: tuple[Stretch, ...]
    first_use: date
    habit: float  # share of working days with use
    weight: float  # how much on such a day; 1 is usual
    commits: float
    accepts: float
    large_model: float
    lateness: float  # when in the migration they move, 0 to 1
    terminals: tuple[str, ...]
    subscription: str | None
    goes_remote: bool
    mixed_case: bool  # their address is sometimes recorded with capitals

    def team_on(self, day: date) -> str | None:
        """The team on `day`; None before joining and after leaving."""
        for team, start, end in self.teams:
            if (start is None or start <= day) and (end is None or day <= end):
                return team
        return None


@cache
def people() -> tuple[StaffMember, ...]:
    """Everybody on the roster of the 26 weeks, in order of team."""
    names = list(map(" ".join, product(_FIRST_NAMES.split(), _LAST_NAMES.split())))
    Random("names").shuffle(names)
    return tuple(
        _person(names.pop(), team, number, uptake)
        for team, (size, uptake, _) in TEAMS.items()
        for number in range(size)
    )


def _person(name: str, team: str, number: int, uptake: float) -> StaffMember:
    draw = Random(f"{team} {number}")
    teams = _stretches(team, number, draw)
    start, takes_up = teams[0][1], draw.random() < uptake
    # A third started before the sample, the others follow over four months; some never do.
    first_use, begin = date.max, start or date(2026, 5, 18)
    if takes_up and draw.random() < (0.45 if start else 0.36):
        first_use = begin - timedelta(days=0 if start else 60)
    elif takes_up:
        first_use = begin + timedelta(days=int(7 + 110 * draw.betavariate(1.3, 2.2)))
    return StaffMember(
        email=f"{name.replace(' ', '.').lower()}@{DOMAIN}",
        name=name,
        teams=teams,
        first_use=first_use,
        habit=0.25 + 0.7 * draw.betavariate(2.4, 1.5),
        weight=draw.lognormvariate(-0.18, 0.65),
        commits=draw.lognormvariate(-0.05, 0.45) if draw.random() < 0.86 else 0.15,
        accepts=0.66 + 0.3 * draw.betavariate(3, 2),
        large_model=draw.choice((0.15, 0.4, 0.85)),
        lateness=draw.random(),
        terminals=_terminals(draw),
        subscription=draw.choice(("team", "enterprise")) if draw.random() < 0.16 else None,
        goes_remote=draw.random() < 0.25,
        mixed_case=team == "Web" and number == 0,
    )


def _terminals(draw: Random) -> tuple[str, ...]:
    """The usual terminal, and for some another one."""
    usual, other = draw.choices(list(_TERMINALS), list(_TERMINALS.values()), k=2)
    return (usual, other) if draw.random() < 0.6 and other != usual else (usual,)


def _stretches(team: str, number: int, draw: Random) -> tuple[Stretch, ...]:
    """Most stay all the time; a few join or leave, and one moves."""
    if team == "Platform" and number == 2:
        return (team, None, date(2026, 8, 30)), ("Data", date(2026, 8, 31), None)
    kind = draw.random()
    some_day = date(2026, 6, 15) + timedelta(weeks=draw.randrange(18))
    joins, leaves = kind < 0.09, 0.09 <= kind < 0.15
    end = some_day + timedelta(days=4)
    return ((team, some_day if joins else None, end if leaves else None),)
