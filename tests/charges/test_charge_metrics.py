"""Billed cost next to estimated cost: the same people, never added up, never shown for too few."""

import math

import pandas as pd
import pytest
from builders import dataset, record
from charges_made import billed_dataset, charge

import ccanalytics as cca
from ccanalytics.charges.charge_metrics import billed
from ccanalytics.metrics.ratios import week_frame

WEEK = "2026-11-16", "2026-11-22"
PEOPLE = [f"p{n}@x.example" for n in range(6)]


def spend(cents, model="claude-opus-5", tokens=100):
    return {model: {"output": tokens, "cents": cents}}


def one(frame):
    (row,) = frame.to_dict("records")
    return row


def test_a_commit_costs_what_was_billed_for_it_with_the_estimate_next_to_it():
    """Billed three dollars and estimated five for twenty commits: 15 and 25 cents, never 40."""
    data = billed_dataset([record(commits=20, models=spend(500))], [charge(cents=300)], *WEEK)
    row = one(cca.by_week(data, "billed_cost_per_commit"))
    assert (row["value"], row["estimated"]) == (0.15, 0.25)
    assert one(cca.by_week(data, "billed_cost"))["value"] == 3.0
    assert one(cca.by_week(data, "cost"))["value"] == 5.0


def test_an_estimate_stands_next_to_the_bill_of_its_own_group():
    """A charge has no terminal: it is of none that is known, where there is no estimate."""
    records = [
        record(terminal=terminal, commits=20, models=spend(cents))
        for terminal, cents in (("vscode", 500), ("tmux", 100))
    ]
    data = billed_dataset(records, [charge(cents=300)], *WEEK)
    frame = cca.by_week(data, "billed_cost_per_commit", by="terminal").set_index("terminal")
    assert frame["estimated"].dropna().to_dict() == {"tmux": 0.05, "vscode": 0.25}


def test_billed_cost_belongs_to_the_team_of_the_day():
    """Ann moved on Thursday: each of her charges belongs to her team of that day."""
    roster = "email,team,start,end\nann@x.example,A,,2026-11-18\nann@x.example,B,2026-11-19,\n"
    charges = [charge(cents=300), charge("2026-11-20", cents=100)]
    records = [record(), record("2026-11-20")]
    data = billed_dataset(records, charges, *WEEK, roster=roster)
    frame = cca.by_week(data, "billed_cost", by="team").set_index("team")
    assert frame["value"].to_dict() == {"A": 3.0, "B": 1.0}
    assert one(cca.by_week(data.of_team("B"), "billed_cost"))["value"] == 1.0


def test_a_week_with_a_day_that_is_not_billed_yet_has_no_billed_figure():
    """Sunday's costs are incomplete: the week is null, not a six-day sum; its estimate stays."""
    data = billed_dataset(
        [record(commits=20, models=spend(500))],
        [charge(cents=300)],
        *WEEK,
        days=(WEEK[0], "2026-11-21"),
    )
    row = one(cca.by_week(data, "billed_cost_per_commit"))
    assert math.isnan(row["value"])
    assert row["estimated"] == 0.25
    assert cca.by_week(data, "bill")["value"].isna().all()


def test_without_charges_the_billed_cost_is_unknown():
    """There is no figure, but an instruction for getting one."""
    data = dataset([record(models=spend(500))], *WEEK)
    assert cca.by_week(data, "billed_cost")["value"].isna().all()
    assert cca.by_week(data, "bill").empty
    assert "ccanalytics sync --since 2026-11-16 --billed" in cca.sentence(data, "bill")


def test_the_bill_covers_people_keys_and_unattributed_cost():
    """Ten dollars: six for a person, three for a key, one that cannot be attributed."""
    charges = [charge(cents=600), charge(who="apikey_1", cents=300), charge(who=None, cents=100)]
    data = billed_dataset([record()], charges, *WEEK)
    shares = cca.by_week(data, "bill").set_index("part")["share"].to_dict()
    assert shares == {"people": 0.6, "API keys": 0.3, "unattributed": 0.1}
    said = str(cca.sentence(data, "bill"))
    assert "$10.00" in said
    assert "unattributed 10 %" in said
    assert "not the invoice" in said
    assert set(data.charges["actor"].dropna()) == {"ann@x.example", "ci"}


def test_the_discount_compares_the_bill_with_list_prices():
    """Nine dollars instead of ten are a discount of ten percent."""
    data = billed_dataset([record()], [charge(cents=900, listed=1000)], *WEEK)
    assert one(cca.metric_frame(data, "discount"))["value"] == pytest.approx(0.1)


def test_the_estimate_is_compared_over_the_person_days_that_both_have():
    """Monday has both, Tuesday only an estimate, Wednesday only a charge."""
    records = [record(models=spend(500)), record("2026-11-17", models=spend(900))]
    charges = [charge(cents=360, listed=400), charge("2026-11-18", cents=70)]
    row = one(cca.metric_frame(billed_dataset(records, charges, *WEEK), "reconciliation"))
    assert (row["estimated"], row["listed"], row["gap"], row["value"]) == (5.0, 4.0, 1.0, 0.25)
    assert row["actor_days"] == 1


def test_seats_and_keys_are_not_compared_with_list_prices():
    """Use included in a seat is not charged, so it would look like a gap."""
    seat = record(actor="bob@x.example", customer_type="subscription", models=spend(900))
    records = [record(models=spend(500)), seat, record(api_key="ci", models=spend(50))]
    charges = [charge(cents=500), charge(who="bob@x.example", cents=1), charge(who="apikey_1")]
    row = one(cca.metric_frame(billed_dataset(records, charges, *WEEK), "reconciliation"))
    assert (row["estimated"], row["listed"]) == (5.0, 5.0)


def enterprise(people=PEOPLE, **options):
    """Twelve weeks of people with commits, and charges of a claude.ai organisation."""
    weeks = pd.date_range("2026-08-31", periods=12, freq="7D").strftime("%Y-%m-%d")
    records = [
        record(w, who, commits=5, terminal=None, customer_type=None)
        for w in weeks
        for who in people
    ]
    charges = [charge(w, who, cents=180, listed=200) for w in weeks for who in people]
    return billed_dataset(
        records, charges, "2026-08-31", "2026-11-22", source="enterprise", **options
    )


def test_an_enterprise_organisation_has_a_cost_per_commit():
    """Two dollars at list price for five commits are 40 cents, or 36 billed; without tokens."""
    data = enterprise(minimum_group=5)
    assert cca.by_week(data, "cost_per_commit")["value"].tolist() == [0.4] * 12
    assert cca.by_week(data, "billed_cost_per_commit")["value"].iloc[-1] == pytest.approx(0.36)
    assert cca.headline(data, "cost_per_commit").value == 0.4
    assert cca.by_week(data, "cost", by="family")["value"].iloc[-1] == 12.0
    assert cca.by_week(data, "cache_read_share")["value"].isna().all()
    assert cca.by_week(data, "model_mix")["share"].iloc[-1] == 1.0
    assert cca.metric_frame(data, "reconciliation").empty


def test_an_enterprise_week_that_is_not_charged_in_full_has_no_cost():
    """The newest days arrive hours later: the week is null, the earlier weeks keep their figure."""
    weeks = "2026-11-09", "2026-11-16"
    records = [record(w, commits=20, customer_type=None) for w in weeks]
    charges = [charge(w, cents=200) for w in weeks]
    data = billed_dataset(
        records,
        charges,
        "2026-11-09",
        "2026-11-22",
        source="enterprise",
        days=("2026-11-09", "2026-11-20"),
    )
    values = cca.by_week(data, "cost_per_commit")["value"].tolist()
    assert values[0] == 0.1
    assert math.isnan(values[1])


@pytest.mark.parametrize("metric", ["billed_cost", "billed_cost_per_commit"])
def test_too_few_people_have_no_billed_figure(metric):
    """Three people are too few for the week, and so is a team of two."""
    few = [record(actor=who, commits=20) for who in PEOPLE[:3]]
    data = billed_dataset(few, [charge(who=who) for who in PEOPLE[:3]], *WEEK, minimum_group=5)
    assert cca.by_week(data, metric)["value"].isna().all()
    assert cca.by_week(data, "bill")["value"].isna().all()
    assert cca.metric_frame(data, "reconciliation")["listed"].isna().all()


def test_a_bill_dominated_by_one_person_is_not_shown():
    """Six people, one of whom has 95 percent of the cost: the total would reveal it."""
    charges = [charge(who=who) for who in PEOPLE] + [charge(who=PEOPLE[0], cents=9900)]
    data = billed_dataset([record(actor=who) for who in PEOPLE], charges, *WEEK, minimum_group=5)
    assert cca.by_week(data, "billed_cost")["value"].isna().all()


def test_billed_and_estimated_cost_are_not_mixed():
    """Once billed cost is used, it is used for a part of the range too."""
    data = billed_dataset([record(models=spend(500))], [charge(cents=300)], *WEEK)
    for basis in (billed(data), billed(billed(data)), billed(data).between(*WEEK)):
        assert one(week_frame(basis, "billed_cost"))["value"] == 3.0
    assert one(week_frame(data, "cost"))["value"] == 5.0


def test_aggregates_name_nobody_in_charges():
    """Actors are numbers, the same as in the records, and ids are removed."""
    data = billed_dataset([record()], [charge()], *WEEK, identity="aggregate")
    assert "actor_id" not in data.charges
    assert data.charges["actor"].tolist() == data.activity["actor"].tolist() == ["person 1"]


def test_the_inventory_says_that_charges_of_people_were_read():
    """Billed amounts are also data about people; Enterprise sends no tokens."""
    data = billed_dataset([record()], [charge()], *WEEK)
    assert "Charges by model" in set(cca.data_inventory(data)["what"])
    assert "Cost at list prices by model" in set(cca.data_inventory(enterprise())["what"])
