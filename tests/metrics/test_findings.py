"""Changes in the newest weeks: ranked, with the false discovery rate controlled."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics as cca

MONDAYS = pd.date_range("2026-08-31", periods=12, freq="7D")
TEAMS = ("Red", "Blue", "Green")


@pytest.fixture(scope="module")
def sample(sample_days):
    return cca.load(source="sample", store=sample_days)


def organisation(seed, raised="", times=2.0, people=36, weeks=12):
    """Three teams of people with constant habits; `raised` costs `times` as much for 4 weeks."""
    random = np.random.default_rng(seed)
    habit = random.lognormal(0, 0.6, people)
    records = []
    for at, monday in enumerate(MONDAYS[-weeks:]):
        for n in range(people):
            work = habit[n] * random.lognormal(0, 0.3)
            lift = times if TEAMS[n % 3] == raised and at >= weeks - 4 else 1.0
            cents = round(800 * work * lift * random.lognormal(0, 0.3))
            usage = {"claude-sonnet-5": {"output": 100, "cents": cents}}
            commits = int(random.poisson(4 * work))
            who = f"p{n}@x.example"
            records.append(record(f"{monday:%Y-%m-%d}", who, commits=commits, models=usage))
    roster = "email,team,start\n" + "\n".join(
        f"p{n}@x.example,{TEAMS[n % 3]}," for n in range(people)
    )
    return dataset(records, f"{MONDAYS[-weeks]:%Y-%m-%d}", "2026-11-22", roster=roster)


def test_the_change_planted_in_the_sample_ranks_first(sample):
    """Payments, from the week of 2 November, with the event noted then."""
    first = cca.findings(sample)[0]
    assert (first.kind, first.group, first.since) == ("change", "Payments", "2026-11-02")
    assert "Whole repository in the context" in first.text


def test_findings_are_computed_once_for_a_dataset_and_its_copies(sample):
    """But not for a part of it: eight weeks have findings of their own."""
    found = cca.findings(sample)
    assert cca.findings(sample.copy()) is found
    assert cca.findings(sample.between(sample.weeks[4].date(), sample.until)) is not found


def test_a_team_that_costs_twice_as_much_is_found_with_its_size():
    """Only Red changed, and the change starts where it was planted."""
    found = [one for one in cca.findings(organisation(1, raised="Red")) if one.kind == "change"]
    red = next(one for one in found if one.group == "Red")
    assert red.since == f"{MONDAYS[-4]:%Y-%m-%d}"
    assert 0.6 < red.change.change < 1.6
    assert {one.group for one in found} <= {"", "Red"} | {"Sonnet 5"}


@pytest.mark.slow
def test_without_any_change_few_issues_report_one():
    """30 organisations; a tenth of them may, plus two standard errors."""
    reported = sum(
        any(one.kind == "change" for one in cca.findings(organisation(seed))) for seed in range(30)
    )
    assert reported <= 30 * 0.10 + 2 * np.sqrt(30 * 0.1 * 0.9)


def test_no_finding_says_how_large_a_change_would_be_detected():
    """One finding, with the detectable rise of each headline."""
    (only,) = cca.findings(organisation(2))
    assert only.kind == "nothing"
    assert only.text.count("%") >= 3


def test_too_few_weeks_or_none_are_a_message():
    """Seven weeks, and a store whose first week is not over."""
    (few,) = cca.findings(organisation(3, weeks=7))
    assert (few.kind, few.change) == ("unknown", None)
    (none,) = cca.findings(dataset([], "2026-11-16", "2026-11-17"))
    assert none.kind == "unknown"


def test_a_headline_verdict_is_also_a_finding(sample):
    """A card says up only if the same change is a finding."""
    found = {(one.metric, one.group) for one in cca.findings(sample)}
    for one in cca.headlines(sample, ["active_actors", "cost_per_commit", "cost"]):
        assert one.shown.is_change == ((one.metric.id, "") in found)


def test_a_withheld_group_is_not_a_finding():
    """A team of three people at ten times the cost, with a minimum group of five."""
    data = organisation(4, raised="Red", times=10.0, people=9)
    small = replace(data, minimum_group=5)
    assert not any(one.group == "Red" for one in cca.findings(small))


def test_findings_are_displayed_as_a_numbered_list(sample):
    """As text, and as data for the page."""
    bundle = cca.findings(sample)._repr_mimebundle_()
    content = bundle["application/vnd.ccanalytics.findings+json"]["findings"]
    assert content[0]["group"] == "Payments"
    assert bundle["text/plain"].startswith("1. ")


def test_one_person_is_enough_for_local_records():
    """Weeks are the replicates: eight at about eight dollars, then four at about thirty."""
    costs = [800, 900, 750, 850, 800, 700, 820, 780, 3000, 3200, 2900, 3100]
    usage = [{"claude-sonnet-5": {"output": 100, "cents": cents}} for cents in costs]
    records = [
        record(f"{monday:%Y-%m-%d}", models=models)
        for monday, models in zip(MONDAYS, usage, strict=True)
    ]
    own = dataset(records, f"{MONDAYS[0]:%Y-%m-%d}", "2026-11-22", source="local")
    found = cca.findings(own)[0]
    assert (found.metric, found.since) == ("cost", f"{MONDAYS[-4]:%Y-%m-%d}")
