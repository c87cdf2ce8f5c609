"""The weekly views of an export say what the metric frames say, in every database."""

from datetime import timedelta

import pandas as pd
import pytest
from builders import record
from export_stores import MONDAY, NOW, awkward, export, query, roster

from ccanalytics.dataset.loading import load
from ccanalytics.export import export_days
from ccanalytics.export.views import COUNTS, WEEKLY, described_columns
from ccanalytics.frames.record_frames import build_frames, build_seats
from ccanalytics.metrics import actor_weeks, by_week
from ccanalytics.store.day_store import Store

SUNDAY = MONDAY + timedelta(27)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return awkward(tmp_path_factory.mktemp("awkward"))


@pytest.fixture(scope="module")
def data(store):
    return load(MONDAY, SUNDAY, source="api", store=store, roster=roster(), now=NOW)


@pytest.fixture(scope="module", params=["duckdb", "sqlite", "postgresql"])
def database(request, store, tmp_path_factory):
    """The same store in each database."""
    if request.param == "postgresql":
        target = request.getfixturevalue("new_database")()
    else:
        target = tmp_path_factory.mktemp("target") / f"usage.{request.param}"
    export(store, target, roster=roster())
    return target


def frame_of(target, view, keys):
    names = [*keys, *described_columns()]
    rows = query(target, f"select {', '.join(names)} from {view}")
    frame = pd.DataFrame(rows, columns=names).astype(dict.fromkeys(described_columns(), "float64"))
    frame["week"] = pd.to_datetime(frame["week"]).astype("datetime64[ms]")
    return frame.set_index(keys).sort_index()


def expected(data, metric_id, by=None):
    keys = ["week", *([by] if by else [])]
    return by_week(data, metric_id, by).set_index(keys)["value"]


def check(seen, wanted, name):
    pd.testing.assert_series_equal(
        seen, wanted.reindex(seen.index), check_names=False, check_dtype=False, obj=name
    )


def test_the_test_data_has_every_awkward_case(data):
    """Three closed weeks of four, a withheld team, one withheld by subtraction, a lone person."""
    assert len(data.weeks) == 3
    by_team = by_week(data, "active_actors", "team").set_index(["week", "team"])["value"]
    assert by_team[data.weeks[0]].isna().sum() >= 2
    total = by_week(data, "active_actors").set_index("week")["value"]
    assert total.notna().tolist() == [True, True, False]
    assert 0.95 < by_week(data, "cost")["priced_share"].min() < 1


def test_weekly_metrics_are_those_of_the_metric_frames(database, data):
    """Every total and ratio of the registry, by week, null where theirs is null."""
    seen = frame_of(database, "weekly_metrics", ["week"])
    assert list(seen.index) == list(data.weeks)
    for metric_id in WEEKLY:
        check(seen[metric_id], expected(data, metric_id), metric_id)


def test_weekly_team_metrics_are_those_of_the_metric_frames(database, data):
    """The same by team, small teams withheld together with those that would tell them."""
    seen = frame_of(database, "weekly_team_metrics", ["week", "team"])
    for metric_id in WEEKLY:
        wanted = expected(data, metric_id, "team")
        check(seen[metric_id], wanted, metric_id)
        assert wanted.drop(seen.index).isna().all()
    assert seen["active_actors"].isna().any()
    assert seen["active_actors"].notna().any()


def test_the_people_of_a_week_are_those_of_the_package(database, data):
    """One row per closed week and person: the same sums, the team of the last day."""
    columns = ["commits", "sessions", "active_days", "accepted", "total_tokens", "cost_usd"]
    rows = query(database, f"select week, actor, team, {', '.join(columns)} from actor_weeks")
    seen = pd.DataFrame(rows, columns=["week", "actor", "team", *columns])
    seen["week"] = pd.to_datetime(seen["week"]).astype("datetime64[ms]")
    seen = seen.set_index(["week", "actor"]).sort_index()
    wanted = actor_weeks(data).astype({"actor": "str", "team": "object"})
    wanted = wanted.set_index(["week", "actor"]).sort_index()
    assert seen["team"].fillna("none").tolist() == wanted["team"].fillna("none").tolist()
    for column in columns:
        check(seen[column].astype("float64"), wanted[column], column)


def test_counts_are_hidden_with_the_rest(database, data):
    """In the week of one person nothing is told, not even how many sessions there were."""
    seen = frame_of(database, "weekly_metrics", ["week"])
    assert seen.loc[data.weeks[-1], list(COUNTS)].isna().all()
    assert seen["n_actors"].dropna().tolist() == (
        by_week(data, "active_actors")["n_actors"].dropna().tolist()
    )


def test_aggregate_exports_the_same_numbers_and_nobody(database, store, data, tmp_path):
    """Under aggregate the views are tables, no table has an actor, and the numbers are the same."""
    target = tmp_path / "aggregate.duckdb"
    export(store, target, roster=roster(), identity="aggregate")
    for view, keys in {"weekly_metrics": ["week"], "weekly_team_metrics": ["week", "team"]}.items():
        pd.testing.assert_frame_equal(
            frame_of(target, view, keys), frame_of(database, view, keys), check_exact=False
        )
    columns = query(
        target, "select table_name, column_name from duckdb_columns() where not internal"
    )
    assert {table for table, _ in columns} == {
        "exports",
        "export_policy",
        "weekly_metrics",
        "weekly_team_metrics",
    }
    assert "actor" not in {column for _, column in columns}


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_what_the_source_does_not_tell_is_null_in_the_views(kind, tmp_path):
    """Claude Enterprise tells commits and no cost: a commit there did not cost $0."""
    store = Store(tmp_path / "store")
    for day in (MONDAY + timedelta(n) for n in range(7)):
        people = [record(str(day), f"p{n}@x.example", commits=5) for n in range(6)]
        frames = build_frames(day, people) | {"seats": build_seats(day, None)}
        store.write_day("enterprise", day, frames, fetched_at=NOW)
    target = tmp_path / f"usage.{kind}"
    export_days(str(target), source="enterprise", store=store, now=NOW)
    names = "commits, cost, cost_per_commit, unconverted_share, cache_read_share, n_actors"
    assert query(target, f"select {names} from weekly_metrics") == [
        (210, None, None, None, None, 6)
    ]
    assert query(target, "select distinct cost_usd, input_tokens from actor_days") == [(None, None)]
