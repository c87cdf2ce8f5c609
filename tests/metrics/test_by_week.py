"""Any metric by its id, any known split, and any custom ratio."""

import copy
import pickle

import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics as cca
from ccanalytics.metrics.by_week import MetricFrame

USAGE = {
    "claude-sonnet-5": {"input": 1, "output": 2, "cache_read": 30, "cents": 100},
    "claude-opus-4-5": {"input": 10, "cache_creation": 20, "cents": 300},
}
BY_WEEK = [name for name, metric in cca.METRICS.items() if metric.numerator or metric.frame]
OWN_SHAPE = [name for name in BY_WEEK if not cca.METRICS[name].numerator]


def six_people(**measures):
    """Six people of one team in the second of two weeks, each with both models."""
    measures = {"commits": 5, "added": 40, "sessions": 2, "models": USAGE} | measures
    roster = "email,team,start\n" + "".join(f"p{n}@x.example,red,2026-01-01\n" for n in range(6))
    records = [record("2026-11-17", f"p{n}@x.example", **measures) for n in range(6)]
    return dataset(records, "2026-11-09", "2026-11-22", roster=roster)


def last_values(frame, by):
    """The value of each group in the last week."""
    last = frame[frame["week"] == frame["week"].max()]
    return dict(zip(last[by], last["value"], strict=True))


def test_tokens_are_split_by_kind():
    """Input, output, cache read and cache write, which add up to all tokens."""
    data = six_people()
    kinds = last_values(cca.by_week(data, "tokens", by="kind"), "kind")
    assert kinds == {"input": 66, "output": 12, "cache read": 180, "cache write": 120}
    assert cca.by_week(data, "tokens")["value"].iloc[-1] == sum(kinds.values())


def test_tokens_and_cost_are_split_by_model_and_by_family():
    """The id from the service, or the everyday name."""
    data = six_people()
    tokens = last_values(cca.by_week(data, "tokens", by="model"), "model")
    assert tokens == {"claude-sonnet-5": 198, "claude-opus-4-5": 180}
    cost = last_values(cca.by_week(data, "cost", by="family"), "family")
    assert cost == {"Sonnet 5": 6, "Opus 4.5": 18}


def test_a_value_of_few_people_is_withheld_with_the_next_one():
    """One person's kind of token could be found by subtraction from the others."""
    few = [record("2026-11-17", "p9@x.example", models={"claude-opus-4-5": {"input": 7}})]
    many = [
        record("2026-11-17", f"p{n}@x.example", models={"claude-sonnet-5": {"output": n + 1}})
        for n in range(6)
    ]
    data = dataset(few + many, "2026-11-09", "2026-11-22", minimum_group=5)
    assert cca.by_week(data, "tokens", by="kind")["value"].isna().all()


@pytest.mark.parametrize("metric", BY_WEEK)
def test_every_metric_by_week_is_available_by_its_id(metric):
    """At least one row per week, and the frame knows its metric."""
    frame = cca.by_week(six_people(), metric)
    assert isinstance(frame, MetricFrame)
    assert (frame.metric.id, frame.title) == (metric, cca.METRICS[metric].name)
    assert {"week", "value"} <= set(frame.columns)


@pytest.mark.parametrize("metric", OWN_SHAPE)
def test_a_metric_with_its_own_shape_is_for_one_kind_of_actor(metric):
    """For the other kind it raises an error."""
    with pytest.raises(ValueError, match=metric):
        cca.by_week(six_people(), metric, actor_kind="api_key")


def test_an_unknown_id_lists_the_known_ones():
    """Including the metrics with their own shape."""
    with pytest.raises(ValueError, match=r"'nope'.*cost_per_commit.*gini"):
        cca.by_week(six_people(), "nope")


def test_a_metric_without_weeks_names_the_function_that_has_it():
    """Retention has one row per cohort."""
    with pytest.raises(ValueError, match="metric_frame"):
        cca.by_week(six_people(), "retention")


def test_a_custom_ratio_is_a_ratio_of_sums_with_people_and_interval():
    """240 lines in 12 sessions of six people."""
    frame = cca.ratio_by_week(six_people(), top="lines_added", bottom="sessions")
    last = frame.iloc[-1]
    assert (last["value"], last["numerator"], last["n_actors"]) == (20, 240, 6)
    assert {"low", "high"} <= set(frame.columns)
    assert frame.title == "Lines added per session"


def test_a_custom_ratio_withholds_small_teams():
    """With the same minimums as every metric."""
    people = [*(f"p{n}@x.example" for n in range(6)), "q@x.example"]
    roster = "email,team,start\n" + "".join(
        f"{who},{'blue' if who[0] == 'q' else 'red'},2026-01-01\n" for who in people
    )
    records = [record("2026-11-17", who, sessions=1, added=9) for who in people]
    data = dataset(records, "2026-11-09", "2026-11-22", roster=roster, minimum_group=5)
    frame = cca.ratio_by_week(data, top="lines_added", bottom="sessions", by="team")
    assert frame["value"].isna().all()


def test_an_unknown_column_cannot_be_summed():
    """The error lists the available ones."""
    with pytest.raises(ValueError, match="lines_added"):
        cca.ratio_by_week(six_people(), top="lines", bottom="sessions")


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame[frame["n_actors"] > 0],
        lambda frame: frame.assign(more=1),
        lambda frame: frame.sort_values("value").head(1),
        copy.deepcopy,
        lambda frame: pickle.loads(pickle.dumps(frame)),
    ],
)
def test_a_metric_frame_keeps_its_type(change):
    """After filtering, adding columns or copying."""
    frame = change(cca.by_week(six_people(), "cost", by="team"))
    assert (frame.metric.id, frame.by, frame.title) == ("cost", "team", "Cost by team")
    assert cca.chart(frame).to_dict()["usermeta"]["ccanalytics"]["metric"] == "cost"


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.groupby("team").sum(numeric_only=True),
        lambda frame: frame[["week", "value"]],
        lambda frame: pd.concat([frame, frame]),
    ],
)
def test_a_frame_that_is_no_longer_a_metric_has_no_chart(change):
    """Its columns or its meaning are gone."""
    with pytest.raises(TypeError, match="altair"):
        cca.chart(change(cca.by_week(six_people(), "cost", by="team")))


def test_an_own_ratio_of_money_has_no_value_while_prices_are_unknown():
    """Half of the tokens have no price, so what people without a commit cost is not known."""
    models = {
        "claude-sonnet-5": {"input": 9, "cents": 100},
        "house-model": {"input": 9, "cents": None},
    }
    data = six_people(commits=0, models=models)
    last = cca.ratio_by_week(data, top="cost_without_commit", bottom="active_days").iloc[-1]
    assert (last["numerator"], last["priced_share"]) == (6.0, 0.5)
    assert pd.isna(last["value"])
