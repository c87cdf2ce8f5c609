"""Withheld teams are combined in one row if that reveals no more than the total does."""

import pytest
from builders import dataset, record

import ccanalytics as cca

WEEK = ("2026-11-16", "2026-11-22")


def day(person, usd=10, on="2026-11-17", commits=2):
    usage = {"claude-sonnet-5": {"output": 1000, "cents": 100 * usd}}
    return record(on, f"{person}@x.example", models=usage, commits=commits)


def of_teams(records, **teams):
    """A dataset of these records; each team is given by its people, or by their number."""
    people = {
        team: [f"{team}{n}" for n in range(size)] if isinstance(size, int) else size
        for team, size in teams.items()
    }
    lines = [f"{name}@x.example,{team}," for team, names in people.items() for name in names]
    records = records or [day(name) for names in people.values() for name in names]
    return dataset(records, *WEEK, roster="\n".join(["email,team,start", *lines]), minimum_group=5)


def by_team(data, metric_id):
    return cca.by_week(data, metric_id, by="team").set_index("team")


@pytest.mark.parametrize("metric_id", ["cost", "active_actors", "commits"])
def test_the_rows_by_team_add_up_to_the_total(metric_id):
    """Twelve are shown; small teams of two and four are six together."""
    data = of_teams(None, Big=12, Two=2, Four=4)
    frame = by_team(data, metric_id)
    assert frame["value"].dropna().index.tolist() == ["Big", "other teams"]
    assert frame["value"].sum() == cca.by_week(data, metric_id)["value"].item()
    assert frame.loc["other teams", "n_actors"] == 6


def test_the_other_teams_have_a_ratio_of_their_sums_and_no_interval():
    """Six people with four commits each, two at $10 and four at $20."""
    small = {"Two": 10, "Four": 20}
    sizes = {"Big": 12, "Two": 2, "Four": 4}
    records = [
        day(f"{team}{n}", small.get(team, 10), commits=4)
        for team, size in sizes.items()
        for n in range(size)
    ]
    row = by_team(of_teams(records, **sizes), "cost_per_commit").loc["other teams"]
    assert row["value"] == pytest.approx((2 * 10 + 4 * 20) / 24)
    assert row[["low", "high"]].isna().all()


@pytest.mark.parametrize(
    "teams", [{"Big": 12, "Mid": 6}, {"Few": 3, "Two": 1}, {"Few": 3, "Six": 6}]
)
def test_there_is_no_row_of_other_teams_if_none_or_all_are_withheld(teams):
    """If all teams are large there are no others; if none is shown they would be the total."""
    assert "other teams" not in by_team(of_teams(None, **teams), "cost").index


def test_other_teams_dominated_by_one_person_take_in_another_team():
    """One of six people has $1,000 of $1,050: adding the next team dilutes the share."""
    sizes = {"Big": 12, "Mid": 7, "Few": 6}
    records = [
        day(f"{team}{n}", 1000 if (team, n) == ("Few", 0) else 300 if team == "Mid" else 10)
        for team, size in sizes.items()
        for n in range(size)
    ]
    frame = by_team(of_teams(records, **sizes), "cost")
    assert frame["value"].dropna().to_dict() == {"Big": 120, "other teams": 7 * 300 + 1050}


def test_a_person_in_two_of_the_other_teams_counts_once():
    """Ann moves from Two to Four in the week: five active people, not six."""
    lines = [f"Big{n}@x.example,Big,," for n in range(12)]
    lines += [f"Four{n}@x.example,Four,," for n in range(4)]
    lines += ["ann@x.example,Two,,2026-11-17", "ann@x.example,Four,2026-11-18,"]
    names = [f"Big{n}" for n in range(12)] + [f"Four{n}" for n in range(4)]
    records = [*map(day, names), day("ann"), day("ann", on="2026-11-18")]
    roster = "\n".join(["email,team,start,end", *lines])
    data = dataset(records, *WEEK, roster=roster, minimum_group=5)
    other = by_team(data, "active_actors").loc["other teams"]
    assert (other["value"], other["n_actors"]) == (5, 5)
    assert by_team(data, "cost").loc["other teams", "value"] == 60
