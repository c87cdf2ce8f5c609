"""Who was active, and how often."""

import math

from builders import dataset, record

import ccanalytics as m


def test_a_person_active_on_two_days_is_one_weekly_active_person():
    """Distinct people, not days."""
    data = dataset([record("2026-11-16"), record("2026-11-17")], "2026-11-16", "2026-11-22")
    assert m.by_week(data, "active_actors")["value"].tolist() == [1]


def test_a_record_of_zeros_is_not_activity():
    """A row alone does not make a person active."""
    data = dataset([record(sessions=0)], "2026-11-16", "2026-11-22")
    assert m.by_week(data, "active_actors")["value"].tolist() == [0]


def test_any_measure_alone_makes_a_person_active():
    """Sessions, commits, pull requests, lines, decisions or tokens."""
    alone = [
        {"sessions": 1},
        {"commits": 1},
        {"pull_requests": 1},
        {"added": 1},
        {"removed": 1},
        {"tools": {"bash": (0, 1)}},
        {"models": {"m": {"cache_read": 1}}},
    ]
    records = [
        record("2026-11-16", f"p{n}@x.example", **({"sessions": 0} | measure))
        for n, measure in enumerate(alone)
    ]
    data = dataset(records, "2026-11-16", "2026-11-22")
    assert m.by_week(data, "active_actors")["value"].tolist() == [len(alone)]


def test_sunday_belongs_to_the_week_before_monday():
    """ISO weeks start on Monday, UTC."""
    data = dataset([record("2026-11-15"), record("2026-11-16")], "2026-11-09", "2026-11-22")
    assert m.by_week(data, "active_actors")["value"].tolist() == [1, 1]


def test_an_incomplete_week_is_left_out():
    """Days before the first Monday and after the last Sunday are in no week."""
    records = [record("2026-11-15"), record("2026-11-16"), record("2026-11-23")]
    data = dataset(records, "2026-11-15", "2026-11-24")
    assert m.by_week(data, "active_actors")["week"].dt.strftime("%d").tolist() == ["16"]
    assert m.metric_frame(data, "active_actors_by_day")["value"].sum() == 1


def test_a_quiet_day_has_zero_people():
    """All seven days of a closed week are included."""
    data = dataset([record("2026-11-16"), record("2026-11-18")], "2026-11-16", "2026-11-22")
    assert m.metric_frame(data, "active_actors_by_day")["value"].tolist() == [1, 0, 1, 0, 0, 0, 0]


def test_the_days_of_a_small_organisation_are_hidden():
    """Four people are not counted per day either."""
    records = [record("2026-11-16", f"p{n}@x.example") for n in range(4)]
    data = dataset(records, "2026-11-16", "2026-11-22", minimum_group=5)
    assert m.metric_frame(data, "active_actors_by_day")["value"].isna().all()
    assert m.by_week(data, "active_day_bands")["value"].isna().all()


def test_bands_cut_at_one_two_and_four_days():
    """One day light, three moderate, four heavy."""
    days = {"ann": 1, "bea": 3, "cid": 4, "dan": 7}
    records = [
        record(f"2026-11-{16 + day}", f"{name}@x.example")
        for name, count in days.items()
        for day in range(count)
    ]
    frame = m.by_week(dataset(records, "2026-11-16", "2026-11-22"), "active_day_bands")
    assert frame["band"].tolist() == ["light", "moderate", "heavy"]
    assert frame["value"].tolist() == [1, 1, 2]
    assert frame["share"].tolist() == [0.25, 0.25, 0.5]


def test_the_bands_of_fewer_than_ten_people_are_hidden():
    """The distribution of nine people reveals too much about each; ten may be shown."""
    for people, hidden in ((9, True), (10, False)):
        records = [record("2026-11-16", f"p{n}@x.example") for n in range(people)]
        data = dataset(records, "2026-11-16", "2026-11-22", minimum_group=5)
        assert m.by_week(data, "active_day_bands")["value"].isna().all() == hidden


def test_stickiness_leaves_the_weekend_out():
    """Ann on all seven days, Bea on Saturday only: one of two on a working day."""
    records = [record(f"2026-11-{day}") for day in range(16, 23)]
    records.append(record("2026-11-21", "bea@x.example"))
    frame = m.by_week(dataset(records, "2026-11-16", "2026-11-22"), "stickiness")
    assert math.isclose(frame["value"].item(), 0.5)
