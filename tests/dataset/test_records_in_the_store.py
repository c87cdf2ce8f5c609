"""Records too large to read up front: summed in parts, with the same figures."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from builders import record

import ccanalytics.dataset.dataset as dataset_module
import ccanalytics.dataset.loading as loading
from ccanalytics.dataset.loading import load
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.metrics.actor_weeks import actor_days, actor_weeks, model_weeks, tool_weeks
from ccanalytics.metrics.by_week import by_week
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.store.day_store import Store

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def at_once(monkeypatch):
    """Change how many records are read, and how many are summed, together."""

    def change(count):
        monkeypatch.setattr(dataset_module, "PART", count)
        monkeypatch.setattr(loading, "AT_ONCE", count)

    return change


def both(sample_days, at_once, count=1250, **options):
    """A dataset that is read at once, and the same one read `count` records at a time."""
    at_once(10**9)
    read = load(source="sample", weeks=12, store=sample_days, now=NOW, **options)
    at_once(count)
    later = load(source="sample", weeks=12, store=sample_days, now=NOW, **options)
    assert (read.is_read, later.is_read) == (True, False)
    return read, later


def same(one, other):
    """Assert that frames are equal except for the order of categories (tools and models)."""
    frames = [
        pd.DataFrame(frame).astype(dict.fromkeys(frame.select_dtypes("category"), "str"))
        for frame in (one, other)
    ]
    keys = [key for key in ("date", "week", "actor", "tool", "model") if key in one]
    pd.testing.assert_frame_equal(
        *(frame.sort_values(keys, kind="stable", ignore_index=True) for frame in frames)
    )


@pytest.mark.parametrize("identity", ["named", pytest.param("pseudonym", marks=pytest.mark.slow)])
def test_sums_in_parts_equal_the_sums_of_all_records(sample_days, at_once, identity):
    """Every actor, day, tool and model has the same sums, in order of week and actor."""
    read, later = both(sample_days, at_once, identity=identity)
    assert len(list(read.parts())) == len(list(later.parts())) == 4
    sums = (actor_weeks, actor_days, tool_weeks, model_weeks)
    in_parts = [[rows_of(data) for rows_of in sums] for data in (read, later)]
    assert not later.is_read
    at_once(10**9)
    whole = [rows_of(replace(read)) for rows_of in sums]
    for parts in in_parts:
        assert parts[0]["actor"].tolist() == whole[0]["actor"].tolist()
        for one, other in zip(parts, whole, strict=True):
            same(one, other)


@pytest.mark.parametrize(
    ("metric", "by"),
    [
        ("cost_per_commit", None),
        ("cost_per_commit", "team"),
        ("cost", "model"),
        *(
            pytest.param(*one, marks=pytest.mark.slow)
            for one in [
                ("acceptance_rate", "tool"),
                ("commits", "is_remote"),
                ("returning_share", None),
            ]
        ),
    ],
)
def test_a_metric_by_week_is_the_same(sample_days, at_once, metric, by):
    """Including its intervals and withheld values."""
    read, later = both(sample_days, at_once)
    in_parts = [by_week(data, metric, by=by) for data in (read, later)]
    at_once(10**9)
    for frame in in_parts:
        same(frame, by_week(replace(read), metric, by=by))


def test_records_are_the_same_when_they_are_read(sample_days, at_once):
    """Each frame by itself; also from a copy and from a range of the dataset."""
    read, later = both(sample_days, at_once)
    part = later.between("2026-09-07", "2026-09-20")
    assert later.record_count == len(read.activity)
    assert part.record_count == len(read.between("2026-09-07", "2026-09-20").activity)
    assert not part.is_read
    for name in ("activity", "model_usage", "tool_actions"):
        same(getattr(read, name), getattr(later.copy(), name))
        same(getattr(read.between("2026-09-07", "2026-09-20"), name), getattr(part, name))
    assert later.is_read


def test_a_team_and_cost_centres_are_selected_in_the_store(sample_days, at_once):
    """Functions that need single records read them, even after a frame was read."""
    read, later = both(sample_days, at_once)
    assert len(later.activity) == len(read.activity)
    same(actor_weeks(read), actor_weeks(later))
    _, later = both(sample_days, at_once)
    for cut in (lambda data: data.of_team("Web"), lambda data: data.by_cost_centre()):
        for name in ("activity", "model_usage", "tool_actions"):
            same(getattr(cut(read), name), getattr(cut(later), name))


def test_no_more_than_the_weeks_of_a_part_are_read_together(sample_days, at_once, monkeypatch):
    """12 weeks are read in parts of about 700 records, and no day twice."""
    _, later = both(sample_days, at_once, 700)
    spans, real = [], Store.read

    def seen(store, source, frame, since, until):
        spans.append((until - since).days + 1)
        return real(store, source, frame, since, until)

    monkeypatch.setattr(Store, "read", seen)
    by_week(later, "cost_per_commit")
    assert max(spans) <= 28
    assert sum(spans) == 3 * 12 * 7


def test_a_sync_after_the_load_changes_nothing(tmp_path, at_once):
    """The dataset shows the moment it was loaded, whenever its records are read."""
    store, days = Store(tmp_path), [date(2026, 11, 2) + timedelta(n) for n in range(14)]

    def write(commits):
        for day in days:
            five = [record(str(day), f"p{n}@x.example", commits=commits) for n in range(5)]
            frames = build_frames(day, five)
            store.write_day("api", day, frames, fetched_at=NOW)

    write(1)
    at_once(40)
    before = load(days[0], days[-1], source="api", store=store, now=NOW)
    write(5)
    after = load(days[0], days[-1], source="api", store=store, now=NOW)
    assert by_week(before, "commits")["value"].tolist() == [35, 35]
    assert before.activity["commits"].sum() == 70
    assert by_week(after, "commits")["value"].tolist() == [175, 175]


def test_functions_that_need_all_records_read_them_all(sample_days, at_once):
    """Numbers in place of names, and the rest of a team, need every record at once."""
    at_once(700)
    for options in ({"identity": "aggregate"}, {"team": "Web"}):
        assert load(source="sample", weeks=12, store=sample_days, now=NOW, **options).is_read


def test_displaying_a_dataset_in_the_store_reads_nothing(sample_days, at_once):
    """Neither as text nor as a table."""
    _, later = both(sample_days, at_once)
    assert f"{later.record_count} records>" in repr(later)
    later._repr_mimebundle_()
    assert not later.is_read


def any_records(day, rng):
    """Records of some of 24 people: two spellings, keys, unknown prices, new tools and models."""
    for n in range(24):
        for _ in range(rng.choice([0, 1, 1, 2])):
            tools = rng.sample(["edit_tool", "write_tool", "new_tool"], rng.randrange(4))
            models = rng.sample(["claude-sonnet-5", "claude-opus-5", "odd-model"], rng.randrange(4))
            yield record(
                str(day),
                rng.choice(["p{}@x.example", "P{}@X.example"]).format(n),
                api_key="ci" if rng.random() < 0.1 else None,
                terminal=rng.choice(["vscode", "tmux"]),
                is_remote=rng.random() < 0.1,
                sessions=rng.randrange(4),
                commits=rng.choice([0, 0, 1, 5]),
                tools={tool: (rng.randrange(9), rng.randrange(4)) for tool in tools},
                models={
                    model: {"output": rng.randrange(10**5), "cents": rng.choice([None, 0, 4321])}
                    for model in models
                },
            )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_every_metric_of_any_records_is_the_same(tmp_path, at_once, seed):
    """Split or not, with missing days, joiners and leavers, or refused with the same message."""
    rng, store = random.Random(seed), Store(tmp_path / "store")
    for day in (date(2026, 9, 28) + timedelta(n) for n in range(56)):
        if rng.random() > 0.02:
            frames = build_frames(day, list(any_records(day, rng)))
            store.write_day("api", day, frames, fetched_at=NOW)
    (tmp_path / "roster.csv").write_text(
        "email,team,start,end\n"
        + "".join(f"p{n}@x.example,{'ABC'[n % 3]},2026-{1 + n % 11:02}-01,\n" for n in range(22))
    )

    def loaded(count):
        at_once(count)
        days = ("2026-09-28", "2026-11-22")
        return load(*days, source="api", store=store, roster=tmp_path / "roster.csv", now=NOW)

    def asked(data, metric, by):
        try:
            return by_week(data, metric, by=by)
        except ValueError as error:
            return pd.DataFrame({"error": [str(error)]})

    read, later = loaded(10**9), loaded(rng.choice([60, 150, 400]))
    for metric in METRICS:
        for by in (None, "team", "model"):
            one, other = asked(read, metric, by), asked(later, metric, by)
            keys = list(one.select_dtypes(exclude="number"))
            same(one.sort_values(keys), other.sort_values(keys))
