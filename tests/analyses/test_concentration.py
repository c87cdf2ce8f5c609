"""How cost is distributed: only the shape, withheld where it would reveal a few people."""

import math

import numpy as np
import pytest
from builders import dataset, record
from hypothesis import given, settings
from hypothesis import strategies as st

import ccanalytics as cca
from ccanalytics.analyses.concentration import gini, gini_of, halfcount, top10_share


def spending(*dollars, **options):
    """One week in which each person has this estimated cost."""
    records = [
        record(
            "2026-11-16",
            f"p{number}@x.example",
            models={"claude-sonnet-5": {"output": 100, "cents": 100 * amount}},
        )
        for number, amount in enumerate(dollars)
    ]
    return dataset(records, "2026-11-16", "2026-11-22", **options)


def only(frame):
    return frame["value"].item()


def test_equal_costs_have_a_gini_of_zero():
    """Nobody costs more than anybody else."""
    assert only(gini(spending(*[5] * 10))) == pytest.approx(0)


def test_if_one_person_has_all_the_cost_the_gini_is_one():
    """Corrected for the number of people, so that it reaches one."""
    assert only(gini(spending(*[0] * 9, 10))) == pytest.approx(1)


def test_the_gini_of_costs_from_one_to_ten_is_a_third():
    """2 * 385 / (10 * 55) - 11 / 10 = 0.3, times 10 / 9."""
    assert only(gini(spending(*range(1, 11)))) == pytest.approx(0.3 * 10 / 9)


def test_the_top_tenth_is_rounded_up_to_whole_people():
    """Of eleven people it is two: 10 + 10 of 29."""
    assert only(top10_share(spending(*[1] * 9, 10, 10))) == pytest.approx(20 / 29)


def test_the_fewest_people_making_half():
    """Five and four of eighteen are half of it."""
    data = spending(5, 4, 2, 1, 1, 1, 1, 1, 1, 1)
    assert only(halfcount(data)) == 2
    assert halfcount(data)["share"].item() == 0.2


@pytest.mark.parametrize("function", [gini, top10_share, halfcount])
def test_under_ten_people_there_is_no_shape(function):
    """Nine are too few, even without any minimum group."""
    assert function(spending(*range(1, 10)))["value"].isna().all()
    assert function(spending(*range(1, 11)))["value"].notna().all()


def test_a_top_tenth_under_the_minimum_group_is_hidden():
    """A tenth of 49 people is under five, of 50 it is five."""
    assert math.isnan(only(top10_share(spending(*[1] * 49, minimum_group=5))))
    assert only(top10_share(spending(*[1] * 50, minimum_group=5))) == pytest.approx(0.1)


def test_a_half_made_by_fewer_than_the_minimum_group_is_hidden():
    """Two people account for half of it."""
    data = spending(50, 50, *[1] * 20, minimum_group=5)
    frame = halfcount(data)
    assert frame[["value", "share"]].isna().all(axis=None)


def test_an_unknown_cost_has_no_shape():
    """Half of the tokens have no price."""
    models = {"claude-sonnet-5": {"output": 100, "cents": None}}
    unpriced = [record("2026-11-16", f"q{n}@x.example", models=models) for n in range(10)]
    priced = {"claude-sonnet-5": {"output": 100, "cents": 100}}
    records = [
        *unpriced,
        *(record("2026-11-16", f"p{n}@x.example", models=priced) for n in range(10)),
    ]
    data = dataset(records, "2026-11-16", "2026-11-22")
    assert math.isnan(only(gini(data)))
    assert "is not shown" in cca.sentence(data, "top10_share")


def test_the_sentence_leaves_out_what_is_hidden():
    """Twelve people: no tenth at a minimum of five, but a Gini coefficient."""
    said = cca.sentence(spending(*[5] * 12, minimum_group=5), "top10_share")
    assert said == (
        "In the last week half of it was made by 6 of 12 people; the Gini coefficient (0: "
        "everybody alike) was 0.00."
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=10, max_size=20).filter(any))
def test_the_gini_is_the_mean_difference_over_twice_the_mean(dollars):
    """Its other definition, over all pairs of different people."""
    costs = np.array(dollars, dtype="float64")
    pairs = np.abs(costs[:, None] - costs).sum() / (len(costs) * (len(costs) - 1))
    assert gini_of(np.sort(costs)) == pytest.approx(pairs / (2 * costs.mean()))


def test_the_top_tenth_is_withheld_when_one_person_dominates_it():
    """Fifty people; one of the top five has 900 of their 904 dollars."""
    costs = [900, *[1] * 49]
    records = [
        record(
            "2026-11-17",
            f"p{n}@x.example",
            models={"claude-sonnet-5": {"output": 9, "cents": 100 * usd}},
        )
        for n, usd in enumerate(costs)
    ]
    data = dataset(records, "2026-11-16", "2026-11-22", minimum_group=5)
    assert cca.by_week(data, "top10_share")["value"].isna().all()
