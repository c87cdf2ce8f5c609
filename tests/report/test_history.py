"""An issue stores its numbers; the next one reports how later data changed them."""

import json
from contextlib import closing
from datetime import UTC, date, datetime

import pytest
from builders import dataset, record
from msgspec.structs import replace

import ccanalytics as m
from ccanalytics.errors import SettingsError
from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.issue.weekly import weekly_report
from ccanalytics.report.archive import Issue, issues, restatements
from ccanalytics.settings import Settings

SCOPE = {"team": "", "identity": "aggregate"}
BEFORE = Issue(
    file="2026-W46.html",
    source="api",
    definitions={"cost": 1, "cost_per_commit": 1},
    numbers={
        "cost": {"2026-11-02": 1000.0, "2026-11-09": 500.0},
        "cost_per_commit": {"2026-11-02": 2.0},
    },
    parameters=SCOPE,
)
MONDAY, SUNDAY = date(2026, 11, 16), date(2026, 11, 22)


def words(metric, value):
    return f"{metric.replace('_', ' ')} ${value:,.0f}"


def test_a_changed_number_is_shown_with_both_values():
    """A thousand dollars became 1,018: +1.8 %."""
    now = replace(BEFORE, numbers={"cost": {"2026-11-02": 1018.0, "2026-11-09": 500.0}})
    assert restatements(now, [BEFORE], words) == [
        "Week 45: cost $1,018, restated by +1.8 % by later data; the report 2026-W46 said $1,000."
    ]


def test_nothing_is_shown_if_nothing_changed():
    """Rounding differences are not changes."""
    now = replace(BEFORE, numbers={"cost": {"2026-11-02": 1000.1}})
    assert restatements(now, [BEFORE], words) == []


def test_a_redefined_metric_is_not_compared():
    """The difference would come from the definitions."""
    numbers = {"cost_per_commit": {"2026-11-02": 4.0}}
    now = replace(BEFORE, numbers=numbers, definitions={"cost_per_commit": 2})
    (changes,) = restatements(now, [BEFORE], words)
    assert changes.startswith("The definition of cost per commit changed (version 1 to 2)")
    assert "restated" not in changes


@pytest.mark.parametrize("other", [{"parameters": SCOPE | {"team": "Data"}}, {"source": "sample"}])
def test_another_team_or_source_is_not_compared(other):
    """Their numbers were never comparable."""
    now = replace(BEFORE, numbers={"cost": {"2026-11-02": 9.0}}, **other)
    assert restatements(now, [BEFORE], words) == []


def test_a_week_is_compared_with_the_newest_issue_that_has_it():
    """The older issue agrees with the current value, the newer one does not."""
    newer = replace(BEFORE, file="newer.html", numbers={"cost": {"2026-11-02": 900.0}})
    now = replace(BEFORE, numbers={"cost": {"2026-11-02": 1000.0}})
    (changes,) = restatements(now, [newer, BEFORE], words)
    assert changes.endswith("the report newer said $900.")


def test_only_the_largest_differences_are_listed():
    """Eight, largest first, and how many more there are."""
    days = [f"2026-{month:02}-{day:02}" for month in (6, 7) for day in (1, 8, 15, 22, 29)]
    before = replace(BEFORE, numbers={"cost": dict.fromkeys(days, 100.0)})
    now = replace(BEFORE, numbers={"cost": {d: 101.0 + n for n, d in enumerate(days)}})
    changes = restatements(now, [before], words)
    assert "restated by +10.0 %" in changes[0]
    assert changes[-1] == "Not listed: 2 smaller differences."


def organisation(day, late=0):
    """Twelve people in three teams; `late` additional commits on the Sunday."""
    if day not in (MONDAY, SUNDAY):
        return []
    usage = {"claude-sonnet-4-5-20250929": {"output": 100_000, "cents": 150}}
    commits = 5 + (late if day == SUNDAY else 0)
    return [record(str(day), f"p{n}@x.example", commits=commits, models=usage) for n in range(12)]


def print_report(folder, now, late=0, roster="", team=""):
    """One report of the week over real HTTP, at the time `now`."""
    service = FakeService(lambda day: organisation(day, late), now=lambda: now)
    people = folder / "people.csv"
    people.write_text(f"email,team,start\n{roster}")
    with serve(service) as server:
        settings = Settings(
            store=folder / "store", roster=people, identity="aggregate", base_url=server.url
        )
        options = RunOptions(
            environ={"ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-x"},
            settings=settings,
            now=now,
            source="api",
            week="2026-W47",
            team=team,
            weeks=1,
            out=folder / "reports",
        )
        with closing(options.notebook_workers()) as workers:
            return weekly_report(options, workers)


def teams(sizes):
    """Roster lines of p0, p1, ... in teams of these sizes."""
    names = [name for name, size in sizes.items() for _ in range(size)]
    return "\n".join(f"p{n}@x.example,{name}," for n, name in enumerate(names))


SOON, LATER = (datetime(2026, 11, day, 5, tzinfo=UTC) for day in (23, 25))


@pytest.mark.slow
def test_late_data_restates_a_number_on_the_next_page(tmp_path):
    """120 commits, then 132 when the Sunday is fetched again two days later."""
    page = print_report(tmp_path, SOON)
    assert "Restated since" not in page.read_text(encoding="utf-8")
    (first,) = issues(tmp_path / "reports")
    page = print_report(tmp_path, LATER, late=1)
    (second,) = issues(tmp_path / "reports")
    assert first.numbers["commits"] == {"2026-11-16": 120.0}
    assert second.numbers["commits"] == {"2026-11-16": 132.0}
    assert first.data != second.data
    assert "commits 132, restated by +10.0" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_second_issue_does_not_reveal_a_small_team_of_the_first(tmp_path):
    """At first Red (3) is hidden with Blue; when Blue is merged into Green, both are hidden."""
    print_report(tmp_path, LATER, roster=teams({"Red": 3, "Blue": 4, "Green": 5}))
    print_report(tmp_path, LATER, roster=teams({"Red": 3, "Green": 9}))
    data = m.load(
        week="2026-W47",
        weeks=1,
        source="api",
        store=tmp_path / "store",
        roster=tmp_path / "people.csv",
        identity="aggregate",
    )
    assert m.by_week(data, "commits", by="team")["value"].isna().all()


def test_the_stored_numbers_of_an_issue_are_plain_json():
    """Other programs can read them from the page."""
    assert json.loads(json.dumps(BEFORE.stored))["definitions"]["cost"] == 1


def test_subtraction_does_not_recover_a_team_of_three():
    """The total minus all teams shown covers five people or more."""
    sizes = {"Blue": 6, "Green": 12, "Red": 3}
    roster = "email,team,start\n" + "\n".join(
        f"{team}{n}@x.example,{team}," for team, size in sizes.items() for n in range(size)
    )
    records = [
        record("2026-11-17", f"{team}{n}@x.example", commits=7 if team == "Red" else 2)
        for team, size in sizes.items()
        for n in range(size)
    ]
    data = dataset(records, "2026-11-16", "2026-11-22", roster=roster, minimum_group=5)
    total = m.by_week(data, "commits")["value"].iloc[0]
    shown = m.by_week(data, "commits", by="team").dropna(subset="value").set_index("team")
    assert list(shown.index) == ["Green", "other teams"]
    assert shown.loc["other teams", "value"] == total - 12 * 2 == 3 * 7 + 6 * 2
    assert shown.loc["other teams", "n_actors"] == 9  # both hidden teams, not only the one of three


@pytest.mark.slow
def test_a_withheld_team_has_no_report(tmp_path):
    """Red and Blue have seven people together, and each alone too few; Green is large enough."""
    roster = teams({"Red": 3, "Blue": 4, "Green": 5})
    with pytest.raises(SettingsError, match="Team 'Blue' has no report"):
        print_report(tmp_path, LATER, roster=roster, team="Blue")
    assert print_report(tmp_path, LATER, roster=roster, team="Green").exists()
