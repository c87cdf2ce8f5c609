"""Cached results are computed once, and readers cannot change them."""

from dataclasses import replace

from builders import dataset, record

from ccanalytics.dataset.dataset import kept


def cached(name):
    """A cached function, and the list of the arguments it was called with."""
    questions = []

    @kept
    def frame(data, name=name):
        questions.append(name)
        return data.activity[["sessions"]]

    return frame, questions


def test_a_dataset_and_its_copies_share_a_result_however_it_is_called():
    """An argument by default, by position or by name is the same call."""
    data = dataset([record("2026-11-17")], "2026-11-16", "2026-11-22")
    frame, questions = cached("a")
    for one in (data, data.copy(), data.between(data.since, data.until)):
        assert [len(frame(one)), len(frame(one, "a")), len(frame(one, name="a"))] == [1, 1, 1]
    assert questions == ["a"]


def test_other_records_have_another_result():
    """A part of the days, and a changed field, have results of their own."""
    data = dataset([record("2026-11-17")], "2026-11-16", "2026-11-22")
    frame, questions = cached("a")
    parts = (data, data.between("2026-11-18", "2026-11-22"), replace(data, minimum_group=5))
    assert [len(frame(one)) for one in parts] == [1, 0, 1]
    assert len(questions) == 3


def test_a_cached_result_cannot_be_changed():
    """Writing into the returned frame does not affect the next reader."""
    data = dataset([record("2026-11-17", sessions=3)], "2026-11-16", "2026-11-22")
    frame, _ = cached("a")
    mine = frame(data)
    mine["sessions"] = 99
    assert frame(data)["sessions"].tolist() == [3]
