"""How many new people started using it, and how soon; people still waiting are not counted as
"no"."""

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import dataset, record
from hypothesis import given, settings
from hypothesis import strategies as st

import ccanalytics as cca
from ccanalytics.analyses.lifecycle import activation_rate, kaplan_meier


def joined(people, **options):
    """Eight weeks of data: each pair (first day on the roster, first active day) is one person."""
    stays, records = ["email,team,start,end"], []
    for number, (start, first) in enumerate(people):
        begins, _, ends = start.partition("/")
        stays.append(f"p{number}@x.example,red,{begins},{ends}")
        records += [record(first, f"p{number}@x.example")] if first else []
    return dataset(records, "2026-09-07", "2026-11-01", roster="\n".join(stays) + "\n", **options)


def counted(data, *names):
    row = activation_rate(data).iloc[0]
    return tuple(row[list(names)])


def curve(*waits):
    """The share who have started, by day; a wait is in days, or "7+" for a person still waiting."""
    days = np.array([float(str(wait).removesuffix("+")) for wait in waits])
    began = np.array([not str(wait).endswith("+") for wait in waits])
    return kaplan_meier(days, began)


def test_first_use_on_day_thirty_is_in_time_and_on_day_thirty_one_is_not():
    """The first day on the roster is day 1."""
    data = joined([("2026-09-07", "2026-10-06"), ("2026-09-07", "2026-10-07")])
    assert counted(data, "numerator", "denominator") == (1, 2)


def test_people_with_fewer_than_thirty_days_are_not_in_the_rate():
    """For 3 October, day 30 is 1 November, the last day; for 4 October it is still to come."""
    data = joined([("2026-10-03", ""), ("2026-10-04", "")])
    assert counted(data, "denominator", "unfinished") == (1, 1)


def test_people_outside_the_rate_are_counted_by_reason():
    """No start date, joined before the records, or left within the thirty days."""
    data = joined(
        [
            ("", "2026-09-08"),
            ("2026-09-06", "2026-09-08"),
            ("2026-09-10/2026-09-20", "2026-09-12"),
            ("2026-09-07", "2026-09-08"),
        ]
    )
    names = ("value", "unknown_start", "before", "unfinished")
    assert counted(data, *names) == (1.0, 1, 1, 1)


def test_use_before_joining_counts_as_use():
    """They had already started, so they waited zero days."""
    data = joined([("2026-09-20", "2026-09-10")])
    assert counted(data, "value") == (1.0,)


def test_few_joiners_have_no_rate():
    """Four, with a minimum of five; the sentence still says who is not included."""
    data = joined([("2026-09-07", "2026-09-08")] * 4 + [("", "")], minimum_group=5)
    assert math.isnan(counted(data, "value")[0])
    assert "Too few people joined" in cca.sentence(data, "activation_rate")
    assert "1 without a start date" in cca.sentence(data, "activation_rate")


def test_the_activation_sentence_counts():
    """Eight of ten started."""
    data = joined([("2026-09-07", "2026-09-08")] * 8 + [("2026-09-07", "")] * 2)
    assert cca.sentence(data, "activation_rate").startswith("8 of 10 people, 80 % (90 % interval ")


def test_without_a_roster_there_is_no_activation():
    """Both results say so in words, and neither has a value."""
    data = dataset([record("2026-11-16")], "2026-11-16", "2026-11-22")
    assert activation_rate(data)["value"].isna().all()
    assert cca.metric_frame(data, "time_to_first_use").empty
    assert "Without a roster" in cca.sentence(data, "activation_rate")
    assert "not available" in cca.sentence(data, "time_to_first_use")


def test_records_with_a_gap_begin_after_it():
    """People who joined before the missing week may have started in it."""
    data = joined([("2026-09-08", "2026-09-20"), ("2026-09-21", "2026-09-22")])
    is_lost = data.days["date"] == "2026-09-16"
    there = {name: data.days[name] & ~is_lost for name in ("stored", "closed", "final")}
    data = replace(data, days=data.days.assign(**there))
    assert counted(data, "denominator", "before") == (1, 1)


def test_first_use_is_shown_for_ten_people_but_not_for_nine():
    """It is the shape of a distribution."""
    assert cca.metric_frame(joined([("2026-09-07", "2026-09-08")] * 9), "time_to_first_use").empty
    shown = cca.metric_frame(joined([("2026-09-07", "2026-09-08")] * 10), "time_to_first_use")
    assert shown["value"].tolist() == [0.0, 1.0]
    assert shown["n_actors"].tolist() == [10, 10]


def test_the_curve_ends_where_few_are_left():
    """Six start at once; beyond that, the other four would be visible one by one."""
    people = [("2026-09-07", "2026-09-07")] * 6 + [
        ("2026-09-07", f"2026-09-1{n}") for n in range(4)
    ]
    frame = cca.metric_frame(joined(people, minimum_group=5), "time_to_first_use")
    assert frame[["day", "value", "at_risk"]].to_numpy().tolist() == [[0, 0.6, 10]]


def test_the_first_use_sentence_has_the_quartiles():
    """Of ten people, five start on the first day and five never."""
    data = joined([("2026-09-07", "2026-09-07")] * 5 + [("2026-09-07", "")] * 5)
    assert cca.sentence(data, "time_to_first_use").startswith(
        "Of 10 people who joined, a quarter had begun by day 0, half by day 0, "
        "three quarters at a time not seen yet."
    )


def test_a_person_still_waiting_counts_for_the_days_observed():
    """1 of 4 on day 1; the one who leaves on day 2 leaves two at risk on day 3: 1 - 3/4 * 1/2."""
    frame = curve(1, "2+", 3, "5+")
    assert frame["at_risk"].tolist() == [4, 4, 3, 2, 1, 1]
    assert frame["value"].tolist() == pytest.approx([0, 0.25, 0.25, 0.625, 0.625, 0.625])


def test_the_interval_of_the_curve_is_greenwoods():
    """Five of ten on day 1: variance 5 / (10 * 5), on the scale of log(-log)."""
    row = curve(*[1] * 5, *["1+"] * 5).iloc[-1]
    width = math.exp(1.6448536 * math.sqrt(0.1) / math.log(2))
    assert (row["low"], row["high"]) == pytest.approx((1 - 0.5 ** (1 / width), 1 - 0.5**width))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=30))
def test_when_everybody_started_the_curve_is_a_plain_share(waits):
    """If nobody is still waiting, it is a plain count."""
    frame = curve(*waits)
    shares = [np.mean(np.array(waits) <= day) for day in frame["day"]]
    assert frame["value"].tolist() == pytest.approx(shares)
    assert ((frame["low"] <= frame["value"]) & (frame["value"] <= frame["high"]))[
        frame["low"].notna()
    ].all()
