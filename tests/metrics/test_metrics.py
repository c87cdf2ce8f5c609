"""Rules for every metric: one entry each, closed weeks, sums, minimums, hidden groups."""

from functools import cache

import pandas as pd
import pytest
from builders import dataset, record
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_results import result_of

import ccanalytics as m
from ccanalytics.metrics import definitions

ROSTER = "email,team,start,end\n" + "".join(
    f"p{n}@x.example,{'red' if n < 4 else 'blue'},2026-01-01,\n" for n in range(6)
)
OF_RECORDS = {name: metric for name, metric in m.METRICS.items() if not metric.basis}
"""Without those about money that records do not have, such as what was billed."""

TOTALS = [name for name, one in OF_RECORDS.items() if one.numerator and not one.is_ratio]
RATIOS = [name for name, metric in OF_RECORDS.items() if metric.is_ratio]
OF_LOGS = [name for name, metric in m.METRICS.items() if metric.source.startswith("Session logs")]
FRAMES = [name for name in m.METRICS if name not in ("intervention_effects", *OF_LOGS)]
OF_THE_ACTIVE = [
    name for name in RATIOS if m.METRICS[name].denominator not in ("on_roster", "active_before")
]


def frame_of(found):
    """The metric frame itself, or the one that comes with words."""
    return getattr(found, "frame", found)


def people(count, day="2026-11-16", **measures):
    """One record each of `count` people."""
    return [record(day, f"p{n}@x.example", **measures) for n in range(count)]


def sonnet(cents, tokens=100):
    return {"claude-sonnet-5": {"output": tokens, "cents": cents}}


@st.composite
def histories(draw):
    """Records of six people on some days of two weeks."""
    days = [*range(9, 23)]
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 5),
                st.sampled_from(days),
                st.integers(0, 30),
                st.integers(0, 5000),
                st.integers(0, 9),
            ),
            max_size=25,
        )
    )
    return [
        record(
            f"2026-11-{day:02}",
            f"p{who}@x.example",
            commits=commits,
            tools={"edit_tool": (accepted, 3)},
            models=sonnet(cents),
        )
        for who, day, commits, cents, accepted in rows
    ]


def two_weeks(records, **options):
    return dataset(records, "2026-11-09", "2026-11-22", **options)


@cache
def busy_week():
    """Six people in the last of two weeks; made once, as metrics change nothing."""
    return two_weeks(people(6, models=sonnet(100)))


@cache
def no_records():
    """Two weeks of an inactive organisation."""
    return two_weeks([])


@cache
def empty_middle():
    """Six people in the first and the last of three weeks."""
    measures = {"commits": 9, "pull_requests": 1, "tools": {"edit_tool": (5, 5)}}
    records = [
        one
        for day in ("2026-11-02", "2026-11-16")
        for one in people(6, day, models=sonnet(100) | HAIKU, **measures)
    ]
    return dataset(records, "2026-11-02", "2026-11-22")


def test_every_definition_can_be_computed():
    """By week, by `metric_frame`, or by a public function of the same name."""
    for name, metric in m.METRICS.items():
        if not (metric.numerator or metric.frame or metric.function):
            assert callable(getattr(m, name.replace("cost_per_commit_d", "cost_d"))), name


def test_every_entry_is_described():
    """The definitions section has text, source and caveats."""
    for name, metric in m.METRICS.items():
        assert metric.id == name
        assert metric.formula.endswith(".")
        assert metric.source
        assert all(caveat.endswith(".") for caveat in metric.caveats)


def test_every_denominator_has_a_word():
    """A sentence can count whatever a ratio divides by."""
    assert {m.METRICS[name].denominator for name in RATIOS} <= set(definitions.COLUMN_WORDS)


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("cost_per_commit", 1.349, "$1.35"),
        ("cost", 12345.6, "$12,346"),
        ("cost", 0.0, "$0.00"),
        ("acceptance_rate", 0.77, "77 %"),
        ("acceptance_rate", 0.004, "0.4 %"),
        ("acceptance_rate", 1.0, "100 %"),
        ("commits", 421.0, "421"),
        ("commits_per_active_day", 1.234, "1.23"),
        ("cost", None, "n/a"),
        ("cost", float("nan"), "n/a"),
    ],
)
def test_a_value_is_written_in_its_unit(metric, value, text):
    """Money has dollars, shares percent, counts thousands."""
    assert m.METRICS[metric].format(value) == text


def test_a_change_has_a_sign_and_shares_change_by_points():
    """Three percent and three percentage points are different."""
    assert m.METRICS["cost"].format_change(-0.11) == "-$0.11"
    assert m.METRICS["acceptance_rate"].format_change(0.12) == "+12 points"
    assert m.METRICS["commits"].format_change(float("nan")) == "n/a"


@pytest.mark.parametrize("metric", FRAMES)
def test_no_records_keep_columns_and_types(metric):
    """An inactive organisation has the same frame with other numbers."""
    full = frame_of(result_of(busy_week(), metric))
    empty = frame_of(result_of(no_records(), metric))
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


@pytest.mark.parametrize("metric", [name for name in FRAMES if name != "daily_cost"])
def test_a_range_without_a_closed_week_has_no_rows(metric):
    """Three days are not a week."""
    data = dataset(people(6, models=sonnet(100)), "2026-11-16", "2026-11-18")
    assert frame_of(result_of(data, metric)).empty


def test_the_sums_shared_by_metrics_cannot_be_changed_from_outside():
    """A user may change the returned frame freely."""
    data = two_weeks(people(6, commits=9))
    weeks = m.actor_weeks(data)
    weeks.loc[:, "commits"] = 7
    assert m.by_week(data, "commits")["value"].tolist() == [0, 54]


@pytest.mark.parametrize("metric", TOTALS)
def test_an_empty_week_in_the_middle_totals_zero(metric):
    """Every day is stored, so nothing is missing: there was no activity."""
    frame = m.by_week(empty_middle(), metric)
    assert frame["value"].iloc[[0, 2]].gt(0).all()
    assert frame["value"].iloc[1] == 0


@pytest.mark.parametrize("metric", OF_THE_ACTIVE)
def test_an_empty_week_in_the_middle_has_no_ratio(metric):
    """Nothing divided by nothing is not zero."""
    frame = m.by_week(empty_middle(), metric)
    assert frame["value"].notna().tolist() == [True, False, True]


HAIKU = {"claude-haiku-4-5-20251001": {"input": 10, "cache_read": 90, "cents": 5}}


@pytest.mark.parametrize("metric", [name for name in TOTALS if name != "cost"])
def test_keys_are_not_people(metric):
    """An organisation of pipelines has no metrics about people."""
    keys = [
        record("2026-11-16", api_key=f"ci-{n}", commits=5, models=sonnet(100)) for n in range(6)
    ]
    assert m.by_week(two_weeks(keys), metric)["value"].tolist() == [0, 0]


def test_two_spellings_of_one_address_are_one_person():
    """Addresses differ in capitals and blanks, people do not."""
    data = two_weeks([record(actor="Ann@X.example"), record(actor="ann@x.example ")])
    assert m.by_week(data, "active_actors")["value"].tolist() == [0, 1]


def test_models_and_tools_of_a_record_do_not_multiply_its_counts():
    """Frames are summed before they are joined."""
    models = {"a": {"output": 1, "cents": 100}, "b": {"output": 1, "cents": 200}}
    tools = {"edit_tool": (1, 0), "write_tool": (2, 0), "bash": (3, 0)}
    week = m.actor_weeks(two_weeks([record(commits=4, models=models, tools=tools)])).iloc[0]
    assert (week["cost_usd"], week["commits"], week["accepted"]) == (3.0, 4, 3)


def test_an_actor_who_changes_team_in_a_week_counts_in_both_and_once_in_all():
    """Each day belongs to the team of that day: activity adds up, people do not."""
    roster = (
        "email,team,start,end\n"
        "ann@x.example,red,2026-01-01,2026-11-17\n"
        "ann@x.example,blue,2026-11-18,\n"
    )
    records = [record("2026-11-16", commits=2), record("2026-11-18", commits=3)]
    data = two_weeks(records, roster=roster)
    weeks = m.actor_weeks(data, split="team")
    assert dict(zip(weeks["team"], weeks["commits"], strict=True)) == {"red": 2, "blue": 3}
    assert m.by_week(data, "commits")["value"].iloc[-1] == 5
    assert m.by_week(data, "active_actors")["value"].iloc[-1] == 1
    assert m.by_week(data, "active_rate", by="team")["value"].tolist()[-2:] == [1, 1]


@pytest.mark.parametrize("metric", ["cost", "commits", "active_actors", "active_rate"])
def test_the_line_of_a_team_agrees_with_its_own_page(metric):
    """Including a team that somebody left on a Thursday."""
    roster = (
        "email,team,start,end\nmove@x.example,red,,2026-11-18\nmove@x.example,blue,2026-11-19,\n"
    )
    roster += "".join(
        f"{team}{n}@x.example,{team},,\n" for team in ("red", "blue") for n in range(2)
    )
    records = [
        record(f"2026-11-{day}", f"{name}@x.example", commits=day, models=sonnet(10 * day))
        for day in (17, 20)
        for name in ("move", "red0", "red1", "blue0")
    ]
    data = two_weeks(records, roster=roster)
    lines = m.by_week(data, metric, by="team").groupby("team")["value"].last().to_dict()
    assert lines == {
        team: m.by_week(data.of_team(team), metric)["value"].iloc[-1] for team in ("red", "blue")
    }


def test_people_without_a_team_are_a_separate_group():
    """Otherwise the teams would not add up to the total."""
    records = [*people(1, commits=2), record(commits=3, actor="guest@x.example")]
    frame = m.by_week(two_weeks(records, roster=ROSTER), "commits", by="team")
    last = frame[frame["week"] == frame["week"].max()]
    assert dict(zip(last["team"], last["value"], strict=True)) == {"no team": 3, "red": 2}


def test_a_group_under_the_minimum_shows_no_number():
    """Four people are hidden with a minimum of five, in every column."""
    data = two_weeks(people(4, commits=9, models=sonnet(100)), minimum_group=5)
    last = m.by_week(data, "cost_per_commit").drop(columns="week").iloc[-1]
    assert last.isna().all()


def test_a_hidden_team_cannot_be_found_by_subtraction():
    """With one small team, the next smallest is hidden too; together they may be shown."""
    roster = "email,team,start,end\n" + "".join(
        f"p{n}@x.example,{'red' if n < 2 else 'blue' if n < 8 else 'green'},2026-01-01,\n"
        for n in range(20)
    )
    data = two_weeks(people(20, commits=1), roster=roster, minimum_group=5)
    frame = m.by_week(data, "commits", by="team")
    last = frame[frame["week"] == frame["week"].max()].set_index("team")["value"]
    assert last.dropna().to_dict() == {"green": 12, "other teams": 8}


def test_two_small_teams_hide_each_other():
    """Three and four are shown as seven together; no large team has to be hidden."""
    roster = "email,team,start,end\n" + "".join(
        f"p{n}@x.example,{'red' if n < 3 else 'blue' if n < 7 else 'green'},2026-01-01,\n"
        for n in range(20)
    )
    frame = m.by_week(
        two_weeks(people(20, commits=1), roster=roster, minimum_group=5), "commits", by="team"
    )
    assert frame["value"].dropna().tolist() == [13, 7]


def test_a_week_can_be_split_by_a_key_of_the_records():
    """Terminals add up to the week."""
    records = [record(terminal="vscode", commits=2), record(terminal="tmux", commits=3)]
    frame = m.by_week(two_weeks(records), "commits", by="terminal")
    assert frame["value"].tolist()[2:] == [3, 2]
    assert frame["terminal"].tolist()[2:] == ["tmux", "vscode"]


@pytest.mark.parametrize("by", ["actor", "tool", "nonsense"])
def test_an_unknown_split_names_the_known_ones(by):
    """People are not a split either."""
    with pytest.raises(ValueError, match=r"by is one of team, terminal"):
        m.by_week(two_weeks([]), "cost", by=by)


@settings(max_examples=20, deadline=None)
@given(histories())
@pytest.mark.slow
def test_a_ratio_is_its_numerator_over_its_denominator(records):
    """Summed over people and records, in every week."""
    data = two_weeks(records)
    for name in RATIOS:
        frame = m.by_week(data, name).dropna(subset="value")
        expected = frame["numerator"] / frame["denominator"]
        assert frame["value"].to_list() == pytest.approx(expected.to_list())


@settings(max_examples=20, deadline=None)
@given(histories())
@pytest.mark.slow
def test_teams_add_up_to_the_total(records):
    """Numerators and denominators, in every week."""
    data = two_weeks(records, roster=ROSTER)
    for name in ("active_actors", "cost", "cost_per_commit", "acceptance_rate"):
        columns = ["numerator", "denominator", "n_actors"]
        teams = m.by_week(data, name, by="team").groupby("week")[columns].sum()
        total = m.by_week(data, name).set_index("week")[columns].fillna(0)
        teams = teams.reindex(total.index, fill_value=0)
        assert teams.to_numpy() == pytest.approx(total.to_numpy())


@settings(max_examples=20, deadline=None)
@given(histories(), st.randoms())
@pytest.mark.slow
def test_the_order_of_records_never_matters(records, random):
    """Including the intervals."""
    shuffled = random.sample(records, len(records))
    for name in ("cost_per_commit", "acceptance_rate", "commits"):
        before, after = m.by_week(two_weeks(records), name), m.by_week(two_weeks(shuffled), name)
        pd.testing.assert_frame_equal(before, after)


def key_records(count, day="2026-11-16", **measures):
    """One record each of `count` API keys."""
    return [record(day, api_key=f"key {n}", **measures) for n in range(count)]


def test_api_keys_are_counted_separately_and_shown_together():
    """Three keys cost 6 dollars, five people cost 5, and neither is in the other's sum."""
    records = key_records(3, models=sonnet(200)) + people(5, models=sonnet(100))
    data = dataset(records, "2026-11-16", "2026-11-22", minimum_group=5)
    (keys,) = m.by_week(data, "cost", actor_kind="api_key").to_dict("records")
    assert (keys["value"], keys["n_actors"]) == (6.0, 3.0)
    assert m.by_week(data, "cost")["value"].tolist() == [5.0]


def test_few_api_keys_of_a_group_are_withheld():
    """Split by terminal, three keys are a group below the minimum."""
    data = dataset(key_records(3), "2026-11-16", "2026-11-22", minimum_group=5)
    frame = m.by_week(data, "active_actors", "terminal", "api_key")
    assert frame["value"].isna().all()


@pytest.mark.parametrize("name", [*TOTALS, *OF_THE_ACTIVE])
def test_every_total_and_ratio_of_activity_works_for_api_keys(name):
    """Five keys have the figures of five people, in text that does not mention people."""
    measures = {"commits": 9, "tools": {"edit_tool": (3, 1)}, "models": sonnet(100)}
    keys = dataset(key_records(5, **measures), "2026-11-16", "2026-11-22")
    others = dataset(people(5, **measures), "2026-11-16", "2026-11-22")
    of_keys = m.by_week(keys, name, actor_kind="api_key")
    pd.testing.assert_frame_equal(of_keys, m.by_week(others, name)[list(of_keys.columns)])
    words = definitions.metric_in_words(m.METRICS[name], "api_key")
    assert "people" not in f"{words.name} {words.unit} {words.formula}".lower()
    assert "API key" in words.name


@pytest.mark.parametrize(
    ("name", "by", "kind", "words"),
    [
        ("active_rate", None, "api_key", "API keys are not on a roster"),
        ("cost", "team", "api_key", "by is one of terminal"),
        ("cost", None, "keys", "actor_kind is 'keys'; it is user or api_key"),
    ],
)
def test_metrics_of_people_are_refused_for_api_keys(name, by, kind, words):
    """The roster and the teams are about people."""
    with pytest.raises(ValueError, match=words):
        m.by_week(dataset([], "2026-11-16", "2026-11-22"), name, by, kind)
