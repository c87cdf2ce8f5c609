"""Which groups are too small to show, and what a reader could infer from the rest."""

from itertools import combinations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccanalytics.people.small_groups import (
    enough,
    joined,
    moved_by_few,
    withheld,
    withheld_rows,
)

NAMES = "abcdefghij"


def of_people(people):
    return dict.fromkeys([(0, person) for person in people], 0.0)


def on_side(side, amounts):
    return {(side, person): amount for person, amount in amounts.items()}


def disjoint(**sizes):
    return {name: of_people(f"{name}{n}" for n in range(size)) for name, size in sizes.items()}


def overlapping(**people):
    return {name: of_people(letters) for name, letters in people.items()}


def test_large_groups_are_shown():
    """Nothing is withheld if no group is small."""
    assert withheld(disjoint(A=5, B=9), 5) == frozenset()


def test_a_single_small_group_is_hidden_with_the_next_smallest():
    """Three people could be found as the total less the others."""
    assert withheld(disjoint(A=3, B=12, C=7), 5) == {"A", "C"}


def test_small_groups_with_too_few_people_together_hide_another_one():
    """One and two people are three, and three can be found by subtraction."""
    assert withheld(disjoint(A=1, B=2, C=7, D=9), 5) == {"A", "B", "C"}


def test_small_groups_with_enough_people_together_hide_no_other():
    """Four and three people are seven, which may be known."""
    assert withheld(disjoint(A=4, B=3, C=7), 5) == {"A", "B"}


def test_the_same_three_people_in_two_groups_are_three():
    """Three people who use two models are not six: a third model is withheld too."""
    groups = overlapping(opus="abc", haiku="abc", sonnet="abcdefghij")
    assert withheld(groups, 5) == {"opus", "haiku", "sonnet"}


def test_an_empty_group_reveals_nothing():
    """It hides no other group."""
    assert withheld(disjoint(A=0, B=5), 5) == frozenset()


def test_a_cost_dominated_by_one_person_is_sensitive():
    """One person has 90 of 98 dollars, which is too much; 80 of 100 is not."""
    costs = [90.0, 2.0, 2.0, 2.0, 2.0], [80.0, 5.0, 5.0, 5.0, 5.0]
    theirs, shared = (on_side(0, dict(zip("abcde", amounts, strict=True))) for amounts in costs)
    assert (enough(theirs, 5), enough(shared, 5)) == (False, True)


def test_one_person_may_see_their_own_cost():
    """Without a minimum, the records are the user's own."""
    assert enough({(0, "a"): 90.0}, 1)


def test_both_parts_of_a_split_have_enough_people_or_none():
    """Eight people, two of whom made no commit: the split would reveal those two."""
    many, two = dict.fromkeys("abcdef", 1.0), dict.fromkeys("gh", 1.0)
    assert enough(on_side(0, many), 5)
    assert not enough(on_side(0, many) | on_side(1, two), 5)


@pytest.mark.parametrize(
    ("moved", "staying", "left_out"),
    [
        ("AAAAA>B", "ABCD", ""),  # five are enough
        ("A>B", "ABCD", "AB"),
        ("AAAAA>B C>B", "ABCD", "BC"),  # C alone would tell the one that left it
        ("AAAAA>B C>B D>C", "ABCD", "BCD"),
        ("AAAA>N", "ABCD", "AN"),  # a new team of four
        ("BBBBBB>N B>C", "ACD", "CN"),  # B less N, which is its new name
        ("BBBBBB>A B>C", "ACD", "AC"),  # A and B before less A now
        ("BBBBBB>N", "ACD", ""),  # only another name
        ("BBBBB>N B>B", "ACD", "BN"),  # one stays in B: B before less N
    ],
)
def test_groups_that_few_people_left_or_joined_are_left_out_with_where_they_went(
    moved, staying, left_out
):
    """Of two outputs of a week, one before and one after people moved; nine stay in each group."""
    moves = [(group, part[-1]) for part in moved.split() for group in part.partition(">")[0]]
    moves += [(group, group) for group in staying for _ in range(9)]
    rows = [("week", f"person {n}", *groups) for n, groups in enumerate(moves)]
    frame = pd.DataFrame(rows, columns=["week", "actor", "before", "now"])
    assert moved_by_few(frame, 5) == {("week", group) for group in left_out}


groups_of_people = st.dictionaries(
    st.sampled_from(["opus", "sonnet", "haiku", "fable", "other"]),
    st.dictionaries(st.sampled_from(NAMES), st.floats(0, 100), max_size=10),
    min_size=1,
)


@given(amounts=groups_of_people, minimum=st.integers(2, 6))
def test_no_sum_or_difference_of_shown_groups_reveals_few_people(amounts, minimum):
    """A reader can add any groups shown, or subtract them from the total if it is shown."""
    groups = {name: on_side(0, people) for name, people in amounts.items()}
    shown = [name for name in groups if name not in withheld(groups, minimum) and amounts[name]]
    total_is_shown = enough(joined(groups.values()), minimum)
    assert total_is_shown or not shown
    for size in range(len(shown) + 1):
        for chosen in combinations(shown, size):
            left = joined(groups[name] for name in groups if name not in chosen)
            those = joined(groups[name] for name in chosen)
            assert not chosen or enough(those, minimum)
            assert not total_is_shown or not any(left) or enough(left, minimum)


@given(
    amounts=st.lists(groups_of_people, min_size=1, max_size=3),
    minimum=st.integers(2, 6),
)
def test_rows_are_withheld_as_their_groups_are(amounts, minimum):
    """Separately in each week."""
    rows = pd.DataFrame(
        [
            (week, group, actor, amount)
            for week, groups in enumerate(amounts)
            for group, people in groups.items()
            for actor, amount in people.items()
        ],
        columns=["week", "group", "actor", "cost_usd"],
    )
    found = withheld_rows(rows, minimum, ["week"], "group")
    for week, groups in enumerate(amounts):
        hidden = withheld({name: on_side(0, people) for name, people in groups.items()}, minimum)
        assert set(rows.loc[found & (rows["week"] == week), "group"]) == hidden
