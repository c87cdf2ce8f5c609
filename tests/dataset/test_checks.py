"""The checks before a report: each passes good records and names what is wrong with bad ones."""

import pandas as pd
import pytest
from builders import dataset, record

from ccanalytics.dataset.preflight import CHECKS, preflight, stops

SONNET = "claude-sonnet-4-5-20250929"
LIST_CENTS = 300 + 1500  # a million tokens in and a million out


def week(cents=LIST_CENTS, people=6, day="2026-11-16", **more):
    """One record each of some people, at the list price unless said otherwise."""
    usage = {SONNET: {"input": 1_000_000, "output": 1_000_000, "cents": cents}}
    return [record(day, f"p{n}@x.example", models=usage, **more) for n in range(people)]


def checked(records, since="2026-11-16", days=None, minimum=1):
    """The level of each check by its name, and what was found."""
    data = dataset(records, since, "2026-11-22", minimum_group=minimum)
    if days is not None:
        for column, dates in days.items():
            data.days.loc[data.days["date"].isin(pd.to_datetime(dates)), column] = False
    return {check.name: check for check in preflight(data)}


def test_good_records_pass_every_check():
    """There are no warnings."""
    found = checked(week())
    assert {check.level for check in found.values()} == {"passed"}
    assert len(found) == len(CHECKS)
    assert stops(list(found.values())) == []


def test_no_records_at_all_pass_without_an_exception():
    """An empty week is not an error."""
    assert stops(list(checked([]).values())) == []


def test_the_cost_is_compared_with_the_list_price():
    """Six times $18 recorded for six times $18 of tokens."""
    assert "1.00 times" in checked(week())["Cost plausible against tokens"].found
    assert "$108 to $108" in checked(week())["Cost plausible against tokens"].found
    assert "$" not in checked(week(), minimum=5)["Cost plausible against tokens"].found


@pytest.mark.parametrize(("cents", "level"), [(100, "stop"), (1, "warning"), (0.01, "stop")])
def test_dollars_taken_for_cents_stop_a_report(cents, level):
    """A hundred times too much or too little cannot be a discount; three times could be."""
    times = 3 if level == "warning" else cents
    assert checked(week(LIST_CENTS * times))["Cost plausible against tokens"].level == level


def test_two_equal_records_of_a_person_count_with_a_warning():
    """Pages that overlap are noticed when they are fetched; of what is left both count."""
    found = checked([*week(), *week(people=2)])["No record twice"]
    assert found.level == "warning"
    assert "4 records" in found.found


def test_two_records_of_one_key_with_other_figures_only_warn():
    """They may be right; both count."""
    found = checked([*week(), *week(people=1, commits=3)])["No record twice"]
    assert found.level == "warning"


def test_two_keys_of_one_name_are_not_a_duplicate():
    """They share a name and a few counts, but used different numbers of tokens."""
    keys = [
        record(api_key="ci", models={SONNET: {"input": n * 1_000_000, "cents": n * 300}})
        for n in (1, 4)
    ]
    assert checked([*week(), *keys])["No record twice"].level == "warning"
    assert checked([*week(), keys[0], keys[0]])["No record twice"].level == "warning"
    idle = record(api_key="ci")
    assert checked([*week(), idle, idle])["No record twice"].level == "warning"


@pytest.mark.parametrize("priced", [0, 6])
def test_amounts_of_zero_do_not_stop_a_report(priced):
    """Twenty people on seats whose tokens cost nothing, with no or six people who pay by use."""
    seats = week(cents=0, people=20, customer_type="subscription")
    found = checked([*seats, *week(people=priced)])["Cost plausible against tokens"]
    assert found.level == "warning"
    assert "$360" in found.found  # 20 times $18


def test_amounts_of_zero_do_not_hide_another_unit():
    """The people who pay have dollars read as cents."""
    seats = week(cents=0, people=2, customer_type="subscription")
    found = checked([*seats, *week(LIST_CENTS / 100)])["Cost plausible against tokens"]
    assert found.level == "stop"


def test_two_terminals_are_two_records():
    """A person has a record per terminal."""
    assert checked([*week(), *week(terminal="tmux")])["No record twice"].level == "passed"


def test_a_gap_in_the_days_stops_a_report():
    """The missing day is named."""
    found = checked(week(), days={"stored": ["2026-11-18"]})["Days without a gap"]
    assert found.level == "stop"
    assert "2026-11-18" in found.found


def test_records_that_start_late_only_warn():
    """Days before the first stored day are unknown, which is not a gap."""
    found = checked(week(day="2026-11-20"), days={"stored": ["2026-11-16", "2026-11-17"]})
    assert found["Days without a gap"].level == "warning"
    assert "2 days into the range" in found["Days without a gap"].found


def test_a_day_fetched_too_early_is_named():
    """Its week is left out, so it warns."""
    found = checked(week(), days={"closed": ["2026-11-22"]})["Days closed when fetched"]
    assert found.level == "warning"
    assert "2026-11-22" in found.found


def test_counts_below_zero_stop_a_report():
    """The frame and the column are named."""
    found = checked([*week(), record(commits=-3)])["No count below zero"]
    assert found.level == "stop"
    assert "activity.commits" in found.found


def test_new_tools_and_unpriced_models_are_named():
    """They are included, and the reader is informed."""
    strange = record(
        actor="z@x.example",
        tools={"teleport_tool": (1, 0)},
        models={"claude-nova-1": {"input": 5, "cents": None}},
    )
    found = checked([*week(), strange])["Schema as expected"]
    assert found.level == "warning"
    assert "teleport_tool" in found.found
    assert "claude-nova-1" in found.found


def test_a_week_with_half_its_people_missing_is_a_warning():
    """Six people in four weeks, then two: missing data is not zero use."""
    days = ["2026-10-19", "2026-10-26", "2026-11-02", "2026-11-09"]
    records = [r for day in days for r in week(day=day)] + week(people=2)
    found = checked(records, since="2026-10-19")["People still there"]
    assert found.level == "warning"
    assert "in the last week: 2; 6 in the four weeks before" in found.found
