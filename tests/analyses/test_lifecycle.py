"""Who on the roster is active, stays, comes back and stops; nothing below the minimum group."""

import math

import pytest
from builders import dataset, record
from hypothesis import given, settings
from hypothesis import strategies as st

import ccanalytics as cca
from ccanalytics.analyses.lifecycle import actor_flow

MONDAYS = ("2026-11-02", "2026-11-09", "2026-11-16")


def person(name):
    return f"{name}@x.example"


def weeks(*active, **options):
    """A dataset in which `active[k]` names the people active on the Monday of week k."""
    records = [
        record(f"2026-11-{2 + 7 * k:02}", person(name))
        for k, names in enumerate(active)
        for name in names
    ]
    return dataset(records, "2026-11-02", f"2026-11-{1 + 7 * len(active):02}", **options)


def roster(**stays):
    """A roster of one team from "start,end" by name."""
    return "email,team,start,end\n" + "".join(
        f"{person(name)},red,{stay}\n" for name, stay in stays.items()
    )


def crowd(count, first=0):
    return [f"p{n}" for n in range(first, first + count)]


def flows(data, week=-1):
    """The flows of one week by name."""
    frame = actor_flow(data)
    last = frame[frame["week"] == data.weeks[week]]
    return dict(zip(last["flow"], last["value"], strict=True))


def triangle(data):
    """Value and status of each cell by the cohort's number and k."""
    frame = cca.metric_frame(data, "retention")
    cohorts = {week: n for n, week in enumerate(data.weeks)}
    return {
        (cohorts[row.cohort], row.k): row.value if row.status == "seen" else row.status
        for row in frame.itertuples()
    }


# The roster


def test_the_share_uses_the_roster_of_that_week():
    """Two of three in the first week; Dan has joined by the second, so it is two of four."""
    stays = roster(ann=",", bea=",", cid=",", dan="2026-11-11,")
    frame = cca.by_week(weeks(["ann", "bea"], ["ann", "bea"], roster=stays), "active_rate")
    assert frame["value"].tolist() == [2 / 3, 0.5]
    assert frame["denominator"].tolist() == [3, 4]


def test_people_who_left_before_the_week_are_not_in_its_share():
    """Cid's last day is the Sunday before: one of two, and one has left."""
    data = weeks(["ann"], ["ann"], roster=roster(ann=",", bea=",", cid=",2026-11-08"))
    assert cca.by_week(data, "active_rate")["value"].iloc[-1] == 0.5
    assert "0 joined and 1 left" in cca.sentence(data, "active_rate")


def test_people_off_the_roster_are_counted_separately():
    """The guest is active but in no share: a sentence says so."""
    data = weeks(["ann", "guest"], roster=roster(ann=",", bea=","))
    assert cca.by_week(data, "active_rate")["value"].tolist() == [0.5]
    assert "1 active people were not on it" in cca.sentence(data, "active_rate")


def test_a_few_people_off_the_roster_are_not_counted_exactly():
    """Four, with a minimum of five: the sentence says fewer than five."""
    stays = roster(**dict.fromkeys(crowd(8), ","))
    data = weeks(crowd(12), roster=stays, minimum_group=5)
    assert "Fewer than 5 active people were not on it" in cca.sentence(data, "active_rate")


def test_without_a_roster_there_is_no_share():
    """It is null and says why."""
    data = weeks(["ann"], ["ann"])
    assert cca.by_week(data, "active_rate")["value"].isna().all()
    assert cca.metric_frame(data, "roster_use").empty
    assert "There is no roster" in cca.sentence(data, "active_rate")
    assert "no roster of the week" in cca.headline(data, "active_rate").why_null()


def test_an_inactive_roster_is_zero_only_when_it_is_large():
    """Nobody of ten is active: a true zero. Nobody of four: withheld with a minimum of five."""
    for size, value in ((10, 0.0), (4, None)):
        stays = roster(**dict.fromkeys(crowd(size), ","))
        frame = cca.by_week(weeks([], roster=stays, minimum_group=5), "active_rate")
        assert frame["value"].isna().item() if value is None else frame["value"].item() == value


def test_the_roster_sentence_counts_joiners_and_leavers():
    """Three people, one of them new in the week."""
    data = weeks(["ann"], ["ann"], roster=roster(ann=",", bea=",", cid="2026-11-09,"))
    assert cca.sentence(data, "active_rate") == (
        "The week's roster has 3 people: 1 joined and 0 left since the week before."
    )


def test_a_share_of_the_roster_splits_by_team_only():
    """The roster knows nothing about terminals."""
    with pytest.raises(ValueError, match="by is one of team or nothing"):
        cca.by_week(weeks(["ann"]), "active_rate", by="terminal")


def test_the_roster_is_active_dormant_never_seen_or_too_new():
    """Last seen five weeks ago is dormant; joined in the last week is too new to say."""
    records = [record("2026-10-12", person("ann")), record("2026-11-16", person("bea"))]
    stays = roster(ann=",", bea=",", cid="2026-01-01,", dan="2026-11-16,")
    data = dataset(records, "2026-10-12", "2026-11-22", roster=stays)
    found = cca.metric_frame(data, "roster_use").set_index("status")["value"].to_dict()
    assert found == {"active": 1, "dormant": 1, "never seen": 1, "too new to say": 1}


def test_a_status_of_few_people_is_hidden_with_the_next_smallest():
    """Two of 28 were never seen: if only they were hidden, subtraction would reveal them."""
    stays = roster(**dict.fromkeys(crowd(28), ","))
    data = weeks(crowd(26), roster=stays, minimum_group=5)
    found = cca.metric_frame(data, "roster_use").set_index("status")["value"]
    assert found[["active", "never seen"]].isna().all()


def test_a_small_roster_shows_no_zero_either():
    """With three people, "nobody is dormant" says something about each of them."""
    data = weeks([], roster=roster(ann=",", bea=",", cid=","), minimum_group=5)
    assert cca.metric_frame(data, "roster_use")["value"].isna().all()


# Flows


def test_flow_counts_who_stayed_came_and_went():
    """Bea stays, Cid comes, Ann goes."""
    found = flows(weeks(["ann", "bea"], ["bea", "cid"], roster=roster(ann=",", bea=",", cid=",")))
    assert found == {"retained": 1, "reactivated": 0, "new": 1, "lapsed": 1, "left": 0}


def test_a_person_back_after_a_pause_is_reactivated():
    """Ann is not new a second time."""
    data = weeks(["ann", "bea"], ["bea"], ["ann", "bea"])
    assert flows(data)["reactivated"] == 1
    assert flows(data)["new"] == 0


def test_people_who_left_the_roster_are_not_lapsed():
    """Ann's last day is the Wednesday of the week in which she was not active."""
    data = weeks(["ann", "bea"], ["bea"], roster=roster(ann=",2026-11-11", bea=","))
    assert (flows(data)["lapsed"], flows(data)["left"]) == (0, 1)


def test_without_a_roster_nobody_is_known_to_have_left():
    """The flow is null, not zero."""
    assert math.isnan(flows(weeks(["ann", "bea"], ["bea"]))["left"])


def test_the_first_week_has_no_flow():
    """Nobody knows who was active before it."""
    data = weeks(["ann"], ["ann"])
    assert actor_flow(data)["week"].unique().tolist() == [data.weeks[1]]


def test_a_flow_out_of_a_hidden_week_is_hidden():
    """Retained and lapsed would add up to the four people of the week before."""
    data = weeks(crowd(4), crowd(10), minimum_group=5)
    assert all(math.isnan(value) for value in flows(data).values())


NAMES = "abcdefg"
HISTORIES = st.lists(st.sets(st.sampled_from(NAMES)), min_size=2, max_size=4)
STAYS = st.fixed_dictionaries(
    {name: st.sampled_from([",", ",2026-11-08", "2026-11-10,", ",2026-11-18"]) for name in NAMES}
)


@settings(max_examples=15, deadline=None)
@given(HISTORIES, STAYS)
def test_flows_add_up_to_both_weeks(active, stays):
    """Into this week's active people, and out of those of the week before."""
    data = weeks(*active, roster=roster(**stays))
    for position in range(1, len(active)):
        flow = flows(data, position)
        assert flow["retained"] + flow["reactivated"] + flow["new"] == len(active[position])
        assert flow["retained"] + flow["lapsed"] + flow["left"] == len(active[position - 1])


@settings(max_examples=15, deadline=None)
@given(HISTORIES)
def test_the_returning_share_is_the_retained_flow_over_the_week_before(active):
    """One number, defined once."""
    data = weeks(*active)
    frame = cca.by_week(data, "returning_share")
    for position in range(1, len(active)):
        row, before = frame.iloc[position], len(active[position - 1])
        assert row["numerator"] == flows(data, position)["retained"]
        assert row["denominator"] == before
        assert math.isnan(row["value"]) == (before == 0)


def test_the_returning_share_of_a_hidden_week_is_hidden():
    """All ten people of this week may be shown, but not the four of the week before."""
    assert (
        cca.by_week(weeks(crowd(4), crowd(10), minimum_group=5), "returning_share")
        .iloc[-1]
        .isna()["value"]
    )


# Retention


def test_a_cohort_is_the_people_first_active_in_a_week():
    """Bea and Cid start in the second week; only Bea is active in the third."""
    data = weeks(["ann"], ["ann", "bea", "cid"], ["bea", "dan"])
    assert triangle(data) == {(1, 0): 1.0, (1, 1): 0.5, (2, 0): 1.0, (2, 1): "not yet"}


def test_the_first_week_is_not_a_cohort():
    """Its people may have started long before."""
    assert 0 not in {cohort for cohort, _ in triangle(weeks(["ann"], ["ann"], ["ann"]))}


def test_a_small_cohort_is_withheld():
    """Four people start, next to six who were already there."""
    data = weeks(crowd(6), crowd(10), crowd(10), minimum_group=5)
    assert triangle(data)[1, 0] == triangle(data)[1, 1] == "withheld"


def test_a_withheld_cohort_cannot_be_found_by_subtraction():
    """Nobody is active in the first week: all active minus the second week's six are the two."""
    alone = weeks([], crowd(6), crowd(6), minimum_group=5)
    assert triangle(alone)[1, 1] == 1.0
    joined = weeks([], crowd(6), crowd(8), minimum_group=5)
    assert triangle(joined)[1, 1] == triangle(joined)[2, 0] == "withheld"


def test_range_ends_are_blank_not_zero():
    """Weeks that have not happened yet have no value and no people."""
    frame = cca.metric_frame(weeks(["ann"], ["ann", "bea"], ["bea"]), "retention")
    later = frame[frame["status"] == "not yet"]
    assert len(later) == 1
    assert later[["value", "n_actors"]].isna().all(axis=None)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sets(st.sampled_from(crowd(14))), min_size=3, max_size=4),
    st.integers(2, 5),
)
def test_the_unshown_remainder_is_zero_or_large_enough(active, minimum):
    """A week's active people minus the cohorts shown are also a group of people."""
    data = weeks(*active, minimum_group=minimum)
    shown = {cohort for (cohort, _), value in triangle(data).items() if isinstance(value, float)}
    first = {name: k for k in reversed(range(len(active))) for name in active[k]}
    for until in range(len(active)):
        rest = [name for name, week in first.items() if week <= until and week not in shown]
        known = [name for name, week in first.items() if week <= until and week in shown]
        assert not rest or not known or len(rest) >= minimum
