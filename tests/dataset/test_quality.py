"""Coverage is given in counts, and never for fewer people than may be shown."""

import pandas as pd
import pytest
from builders import dataset, record
from metric_results import card_of

import ccanalytics as cca
from ccanalytics.dataset.coverage import coverage_ledger, coverage_of, data_inventory, trust_facts
from ccanalytics.frames.arrow_tables import to_pandas
from ccanalytics.logs.log_schemas import LOG_SCHEMAS

PEOPLE = [f"p{n}@x.example" for n in range(8)]
ROSTER = "email,team,start\n" + "\n".join(f"{who},Red," for who in PEOPLE)
PRICED = {"claude-sonnet-5": {"output": 100, "cents": 5}}
UNPRICED = {"claude-nova-1": {"output": 100, "cents": None}}


def week(people, models=PRICED, roster=ROSTER, **options):
    records = [record("2026-11-17", who, models=models) for who in people]
    return dataset(records, "2026-11-16", "2026-11-22", roster=roster, **options)


def inventory(data):
    """The state of each row of the ledger, by the people it is about."""
    return coverage_ledger(data).set_index("who")["state"].to_dict()


def test_a_whole_week_is_complete():
    """Everybody is on the roster, everything is priced and final."""
    assert coverage_of(week(PEOPLE), money=True).grade == "complete"


def test_unpriced_tokens_make_money_partial_and_nothing_else():
    """Half the tokens have no price: counts of people are not affected."""
    data = week(PEOPLE, models=PRICED | UNPRICED)
    money = coverage_of(data, money=True)
    assert (money.grade, money.why) == ("partial", "50 % of tokens have a known price")
    assert coverage_of(data, money=False).grade == "complete"


def test_people_off_the_roster_make_it_partial():
    """Two of eight are not on it."""
    found = coverage_of(week([*PEOPLE[:6], "x@x.example", "y@x.example"]), money=False)
    assert (found.grade, found.why) == ("partial", "75 % of active people are on the roster")


def test_a_day_that_may_change_makes_it_provisional():
    """One of the seven days was fetched within two days of its end."""
    data = week(PEOPLE)
    data.days.loc[6, "final"] = False
    assert coverage_of(data, money=True).why == "1 of 7 days may still change"


def test_without_a_closed_week_there_is_no_coverage():
    """Three days are not a week."""
    data = dataset([record("2026-11-17")], "2026-11-16", "2026-11-18")
    assert coverage_of(data, money=True).grade == "none"


@pytest.mark.parametrize(("missing", "state"), [(0, "0 people"), (2, "fewer than 5 people")])
def test_a_few_inactive_people_are_not_counted_exactly(missing, state):
    """Two people without a record could be identified; zero may be shown."""
    data = week(PEOPLE[: 8 - missing], minimum_group=5)
    assert inventory(data)["People on the roster without any record in this range"] == state


def test_enough_inactive_people_are_counted():
    """Six of eight never used it."""
    data = week(PEOPLE[:2], minimum_group=5)
    assert inventory(data)["People on the roster without any record in this range"] == "6 people"


def test_without_a_roster_the_ledger_says_what_is_unknown():
    """Without a list, nobody can be missing from it."""
    data = week(PEOPLE, roster=None)
    assert inventory(data)["People who never used it"] == "not known"
    assert "without a roster" in trust_facts(data).set_index("what")["state"]["People"]


def test_a_key_is_in_the_ledger():
    """One key, counted separately."""
    data = dataset([record("2026-11-17", api_key="ci")], "2026-11-16", "2026-11-22")
    assert inventory(data)["People behind API keys"] == "1 key"


def test_logs_have_a_ledger_of_their_own():
    """One machine, deleted logs, and facts that are never logged."""
    none = {name: to_pandas(schema.empty_table()) for name, schema in LOG_SCHEMAS.items()}
    data = week(PEOPLE, source="local", extras=none)
    assert "Other machines, other people" in inventory(data)


def test_the_facts_name_nobody():
    """Only counts, whatever the policy."""
    data = week(PEOPLE)
    frames = [trust_facts(data), coverage_ledger(data), data_inventory(data)]
    text = pd.concat(frames).to_string()
    assert "x.example" not in text


def test_the_inventory_says_how_people_are_shown():
    """The policy in words, and the roster if there is one."""
    shown = data_inventory(week(PEOPLE, identity="aggregate", minimum_group=5))
    assert set(shown["shown"]) == {"only in groups of 5 or more"}
    assert len(shown) == len(data_inventory(week(PEOPLE, roster=None))) + 1


def test_a_headline_carries_its_coverage():
    """The card shows it, with the reason if it is incomplete."""
    found = cca.headline(week(PEOPLE, models=PRICED | UNPRICED), "cost")
    assert found.coverage.grade == "partial"
    card = card_of(found)
    assert card["grade"] == (
        "coverage partial (50 % of tokens have a known price), reliability medium"
    )
