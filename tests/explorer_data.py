"""Three weeks of three teams, as the explorer holds them in memory."""

from datetime import date

from builders import dataset, record

from ccanalytics.explorer.question import LoadedData, Question

HOSTILE = "a\"b'\\\n</script><script>alert(1)</script>"
TEAMS = {"Red": range(6), "Blue": range(6, 12), "Few": range(12, 14)}
WEEKS = [f"2026-11-{day:02}" for day in (3, 10, 17)]

QUESTION = Question("api", date(2026, 11, 9), date(2026, 11, 22))


def roster(teams):
    lines = [f"p{n}@x.example,{name},2026-01-01," for name, them in teams.items() for n in them]
    return "email,team,start,end\n" + "\n".join(lines)


def team_roster(names):
    """The same people, in teams with any names."""
    frame = dataset([], "2026-11-16", "2026-11-22", roster=roster(TEAMS)).roster
    return frame.assign(team=frame["team"].map(dict(zip(TEAMS, names, strict=True))).astype("str"))


def people_of(day):
    """Fourteen people in three teams: person n makes n + 10 commits at a dollar each."""
    return [
        record(
            day,
            f"p{n}@x.example",
            commits=n + 10,
            tools={"edit_tool": (9, 1)},
            models={"claude-sonnet-5": {"cache_read": 100, "cents": 100 * (n + 10)}},
        )
        for n in range(14)
    ]


def keys_of(day):
    return [record(day, api_key="ci", models={"claude-sonnet-5": {"output": 9, "cents": 700}})]


def three_weeks(names=("Red", "Blue", "Few"), minimum_group=5, **how):
    records = [one for day in WEEKS for one in people_of(day) + keys_of(day)]
    return dataset(
        records,
        "2026-11-02",
        "2026-11-22",
        roster=team_roster(names),
        minimum_group=minimum_group,
        **how,
    )


def loaded_with(data):
    """One dataset, whatever the arguments."""
    return LoadedData(lambda *_, **__: data)
