"""The last closed weeks compared with those before, and the sentence about them."""

import math

import numpy as np
import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics as m
from ccanalytics.metrics.change import Comparison, Headline, compare
from ccanalytics.metrics.own_history import last_week_change, sides_change
from ccanalytics.metrics.ratios import Matrix

LAST = "2026-11-16"
MONDAYS = [f"{day:%Y-%m-%d}" for day in pd.date_range(end=LAST, periods=12, freq="7D")]


def person(n, day=LAST, cents=100, **measures):
    models = {"claude-sonnet-5": {"output": 100, "cents": cents}}
    return record(day, f"p{n}@x.example", models=models, **measures)


def week(day, commits=3, cents=100, people=10):
    """`people` with different costs, around `cents`."""
    return [person(n, day, cents=cents + 10 * n, commits=commits) for n in range(people)]


def history(cents, people=10, commits=3):
    """One week for each of `cents`; the last one is `LAST`."""
    days = MONDAYS[-len(cents) :]
    records = [
        one
        for day, much in zip(days, cents, strict=True)
        for one in week(day, cents=much, people=people, commits=commits)
    ]
    return dataset(records, days[0], "2026-11-22")


NEARLY_ALIKE = [100, 110, 95, 105, 100, 90, 110, 100, 105, 95, 100]


def test_a_last_week_like_those_before_is_no_detectable_change():
    """Eleven weeks at about a dollar a person, and one more."""
    found = m.headline(history([*NEARLY_ALIKE, 102]), "cost")
    assert found.verdict == "no detectable change"
    assert 0 < found.shown.detectable < 0.5


@pytest.mark.parametrize(("cents", "verdict"), [(300, "up"), (10, "down")])
@pytest.mark.parametrize("metric", ["cost", "cost_per_commit"])
def test_a_last_week_far_from_all_before_has_a_direction(metric, cents, verdict):
    """The value before is that of the eleven weeks combined."""
    found = m.headline(history([*NEARLY_ALIKE, cents]), metric)
    assert found.recent.verdict == verdict
    assert (found.recent.weeks, found.recent.weeks_before) == (1, 11)
    mean = sum(10 * one + 450 for one in NEARLY_ALIKE) / 11 / 100
    assert found.recent.previous == pytest.approx(mean / (30 if metric == "cost_per_commit" else 1))


def test_four_raised_weeks_are_detected_together():
    """Eight weeks at about 1.45 dollars a person, then four at about 1.85."""
    raised = [one + 40 for one in NEARLY_ALIKE[:4]]
    found = m.headline(history([*NEARLY_ALIKE[:8], *raised]), "cost")
    assert found.sustained.verdict == "up"
    assert (found.sustained.weeks, found.sustained.weeks_before) == (4, 8)
    before = sum(10 * one + 450 for one in NEARLY_ALIKE[:8]) / 8 / 100
    assert found.sustained.previous == pytest.approx(before)
    assert found.shown is found.sustained


def test_the_week_before_is_described_and_not_judged():
    """One week at ten times the cost does not make the next one a fall."""
    found = m.headline(history([*NEARLY_ALIKE[:10], 1000, 100]), "cost")
    assert found.change == pytest.approx(-90)
    assert found.recent.verdict == "no detectable change"


def test_fewer_than_eight_weeks_are_not_judged():
    """Seven weeks, the last one at ten times the cost of the others."""
    found = m.headline(history([*NEARLY_ALIKE[:6], 1000]), "cost")
    assert (found.verdict, found.words) == ("too few weeks", "too few weeks")
    assert found.previous == pytest.approx(13.5)


def test_identical_weeks_have_no_detectable_change():
    """No variation and no change; any change without variation is detected."""
    assert m.headline(history([100] * 12), "cost").verdict == "no detectable change"
    assert m.headline(history([100] * 11 + [200]), "cost").verdict == "up"


def test_four_people_are_too_few_to_say():
    """Whatever they do."""
    found = m.headline(history([*NEARLY_ALIKE, 900], people=4, commits=20), "cost_per_commit")
    assert found.verdict == "too few to say"
    assert math.isnan(found.recent.change)


def test_under_twenty_proposals_there_is_no_verdict():
    """The rate of six people with two proposals each is shown, but not judged."""
    tools = {"edit_tool": (1, 1)}
    records = [record(day, f"p{n}@x.example", tools=tools) for n in range(6) for day in MONDAYS]
    found = m.headline(dataset(records, MONDAYS[0], "2026-11-22"), "acceptance_rate")
    assert (found.value, found.recent.verdict) == (0.5, "too few to say")


def test_a_week_without_people_is_not_compared():
    """A shutdown in the first of twelve weeks: the last one is judged by the ten others."""
    records = [one for day in MONDAYS[1:] for one in week(day)]
    found = m.headline(dataset(records, MONDAYS[0], "2026-11-22"), "active_actors")
    assert (found.recent.weeks_before, found.recent.previous) == (10, 10)
    assert found.verdict == "no detectable change"


def test_one_withheld_week_leaves_nothing_to_compare():
    """Together with the other weeks, the sums of a side would reveal the hidden one."""
    days = [day for day in MONDAYS for _ in range(1 if day == MONDAYS[0] else 6)]
    records = [person(n % 6, day) for n, day in enumerate(days)]
    found = m.headline(dataset(records, MONDAYS[0], "2026-11-22", minimum_group=5), "cost")
    assert math.isnan(found.recent.previous)
    assert found.recent.verdict == "nothing to compare"


def test_one_heavy_user_does_not_change_the_typical_person():
    """Nine people as usual, the tenth at a hundred times the cost."""
    records = [one for day in MONDAYS[:-1] for one in week(day)]
    last = [person(n, LAST, cents=100 + 10 * n + 9000 * (n == 9), commits=3) for n in range(10)]
    found = m.headline(dataset(records + last, MONDAYS[0], "2026-11-22"), "cost_per_commit")
    raw = found.recent.value / found.recent.previous - 1
    assert found.recent.change < 0.6 * raw


def test_a_headline_is_the_last_point_of_the_chart():
    """Value, interval, sums and people, exactly."""
    data = history([100, 200])
    for name, metric in m.METRICS.items():
        if metric.numerator is None:
            continue
        point, found = m.by_week(data, name).iloc[-1], m.headline(data, name)
        for column in ("value", "low", "high", "numerator", "denominator", "n_actors"):
            assert getattr(found, column) == pytest.approx(point[column], abs=0, nan_ok=True)


def test_no_closed_week_is_a_message_not_an_error():
    """A new store."""
    found = m.headline(dataset([], LAST, "2026-11-17"), "cost")
    assert pd.isna(found.week)
    assert found.why_null() == "no week is closed yet"


def test_headlines_keep_the_requested_order():
    """The notebook arranges the cards."""
    names = ["cost", "active_actors", "acceptance_rate"]
    found = m.headlines(history([100, 100]), names)
    assert [one.metric.id for one in found] == names


def test_only_totals_and_ratios_have_headlines():
    """A mix of models is not a single number."""
    with pytest.raises(ValueError, match="no total or ratio"):
        m.headline(history([100, 100]), "model_mix")


def people(random, n, weeks=12):
    """Cost and commits of people with constant habits; a fifth is away in each week."""
    habit = random.lognormal(0, 1, (n, 1)) * random.lognormal(0, 0.4, (n, weeks))
    work = habit * (random.random((n, weeks)) < 0.8)
    return Matrix(8 * work * random.lognormal(0, 0.5, (n, weeks)), random.poisson(2.5 * work) * 1.0)


def share_detected(metric, late, lift=1.0, shock=0.0, replications=200):
    """How often the `late` last weeks of 40 people are said to be up or down."""
    random = np.random.default_rng(late)
    after = np.arange(12) >= 12 - late
    changes = 0
    for _ in range(replications):
        actors = people(random, 40)
        moved = np.where(after, lift, 1.0) * np.exp(random.normal(0, shock, 12))
        compared = compare(m.METRICS[metric], Matrix(actors.top * moved, actors.bottom), after)
        changes += compared.is_change
    return changes / replications


@pytest.mark.parametrize("metric", ["cost_per_commit", "cost"])
@pytest.mark.parametrize("late", [1, 4])
@pytest.mark.parametrize("shock", [0.0, 0.1])
def test_false_changes_are_rare(metric, late, shock):
    """One in ten is what 90 % allows, even if weeks share a shock; plus two standard errors."""
    assert share_detected(metric, late, shock=shock) <= 0.10 + 2 * 0.021


@pytest.mark.parametrize(("late", "least"), [(1, 0.5), (4, 0.8)])
def test_a_rise_of_thirty_percent_is_detected(late, least):
    """A test that never reports a change would have no false ones either."""
    assert share_detected("cost_per_commit", late, lift=1.3) >= least - 2 * 0.035


def comparison(verdict="no detectable change", weeks=1, **changes):
    numbers = {"value": 2.31, "previous": 2.2, "change": 0.05, "low": -0.1, "high": 0.3}
    known = numbers | {"detectable": 0.25, "p_value": 0.5} | changes
    return Comparison(weeks, 12 - weeks, **known, verdict=verdict)


@pytest.mark.parametrize(
    ("found", "parts"),
    [
        (comparison(), ["no detectable change from $2.20 in the 11 weeks before", "25 %"]),
        (comparison("up"), ["up from $2.20", "+5 % for the typical person, 90 % interval -10 %"]),
        (comparison("up", 4), ["in the 8 weeks before"]),
        (comparison("too few to say"), ["too few to say"]),
    ],
)
def test_a_comparison_reads_as_a_sentence_with_its_basis(found, parts):
    """The verdict, its size, and the smallest detectable change."""
    said = found.sentence(m.METRICS["cost_per_commit"])
    assert [part for part in parts if part not in said] == []


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({"denominator": 7}, "too few to say with 7 commits (at least 20)"),
        ({"priced_share": 0.5}, "only 50 % of the tokens have a known price"),
    ],
)
def test_a_headline_says_why_it_has_no_value(known, why):
    """Its events are too few, or their prices are not known."""
    found = Headline(m.METRICS["cost_per_commit"], pd.Timestamp(LAST), n_actors=77, **known)
    assert found.why_null() == why


@pytest.mark.parametrize(
    "metric", [one for one, entry in m.METRICS.items() if entry.numerator and not entry.basis]
)
def test_a_headline_is_the_aggregate_of_its_chart(metric):
    """The last point of the chart, and the ratio of sums of its teams."""
    roster = "email,team,start\n" + "\n".join(
        f"p{n}@x.example,{'Red' if n < 6 else 'Blue'}," for n in range(13)
    )
    tools = {"edit_tool": (7, 3)}
    records = [
        record(
            day,
            f"p{n}@x.example",
            commits=n,
            pull_requests=n % 3,
            tools=tools,
            models={"claude-sonnet-5": {"input": 5 + n, "cache_read": 90, "cents": 100 + 10 * n}},
        )
        for day in MONDAYS[-2:]
        for n in range(12)
    ]
    data = dataset(records, MONDAYS[-2], "2026-11-22", roster=roster)
    found, drawn = m.headline(data, metric), m.by_week(data, metric)
    teams = m.by_week(data, metric, by="team").query("week == @found.week")
    whole = teams["numerator"].sum()
    if found.metric.is_ratio:
        whole /= teams["denominator"].sum()
    assert found.value == drawn["value"].iloc[-1]
    assert found.value == pytest.approx(whole)


def test_a_last_week_without_people_says_so():
    """It is neither judged as a fall nor called too few people."""
    empty = dataset([], MONDAYS[0], "2026-11-22")
    assert m.headline(empty, "active_actors").words == "nobody was active"
    left = dataset([one for day in MONDAYS[:-1] for one in week(day)], MONDAYS[0], "2026-11-22")
    assert m.headline(left, "commits").why_null() == "nobody was active; the week before it was 30"


AFTER = np.arange(12) >= 8
DRIFTED = (0.008 * 6) ** 2


def test_over_four_weeks_the_variation_comes_from_people():
    """Ten people with one a week, five of whom double: each is 2/60 off the mean of the others."""
    top = np.ones((10, 12))
    top[:5, 8:] = 2
    found = sides_change(top, np.zeros_like(top), AFTER)
    alike = 140**2 / (5 * 16**2 + 5 * 12**2)  # totals of 16 and 12: worth 9.8 equal people
    people = 10 * (2 / 60) ** 2 * alike / (alike - 1)
    assert found.estimate == pytest.approx(math.log(1.5))
    assert found.error == pytest.approx(math.sqrt(people + DRIFTED))
    assert found.freedom == pytest.approx(alike - 1)


def test_over_four_weeks_a_shared_shock_adds_variation():
    """Ten equal people, a tenth up or down in turn: people do not differ, but weeks vary by a
    tenth."""
    shock = np.tile([1.1, 0.9], 6)
    found = sides_change(np.tile(shock, (10, 1)), np.zeros((10, 12)), AFTER)
    together, own = 12 * 0.1**2, 10 * 12 * (0.1 / 10) ** 2
    shared = (together / 1.25 - own) / 10 * (1 / 8 + 1 / 4)
    assert found.error == pytest.approx(math.sqrt(shared + DRIFTED))
    assert found.freedom == pytest.approx(10)


def test_over_four_weeks_one_persons_weeks_are_the_only_replicates():
    """One person, a tenth up or down in turn: there is nobody else to estimate variation from."""
    top = np.tile([1.1, 0.9], 6)[None, :]
    found = sides_change(top, np.zeros_like(top), AFTER)
    scatter = 12 * 0.1**2 / 10 * (1 / 8 + 1 / 4)
    assert found.error == pytest.approx(math.sqrt(scatter + DRIFTED))
    assert found.freedom == pytest.approx(10)


def test_a_last_week_is_as_unsure_as_the_weeks_before_it_scatter_and_drift():
    """Ten weeks a tenth up or down in turn and one at 0, on the log scale; the last is 0.2 up.
    Drift is given, so the ten degrees of freedom of the scatter are more for the whole."""
    top = np.exp([*np.tile([0.1, -0.1], 5), 0, 0.2])[None, :]
    found = last_week_change(top, np.zeros_like(top))
    scatter = 0.1**2 * (1 + 1 / 11)
    assert found.estimate == pytest.approx(0.2)
    assert found.error == pytest.approx(math.sqrt(scatter + DRIFTED))
    assert found.freedom == pytest.approx(10 * ((scatter + DRIFTED) / scatter) ** 2)


def test_weeks_that_are_all_alike_leave_only_drift():
    """Nothing is estimated, so Student's t is that of the normal distribution."""
    found = last_week_change(np.ones((5, 12)), np.zeros((5, 12)))
    assert found.interval == pytest.approx(np.expm1([-1.645 * 0.048, 1.645 * 0.048]), abs=1e-4)
