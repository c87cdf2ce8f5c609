"""Answers that are kept: asked once, and unharmed by whoever reads them."""

from dataclasses import replace

from builders import dataset, record

from ccanalytics.dataset.kept import kept


def asked(name):
    """A function that is kept, and the list of its questions."""
    questions = []

    @kept
    def frame(data, name=name):
        questions.append(name)
        return data.activity[["sessions"]]

    return frame, questions


def test_a_dataset_and_its_copies_are_asked_once_however_the_argument_is_given():
    """By default, by place and by name it is one question."""
    data = dataset([record("2026-11-17")], "2026-11-16", "2026-11-22")
    frame, questions = asked("a")
    for one in (data, data.copy(), data.between(data.since, data.until)):
        assert [len(frame(one)), len(frame(one, "a")), len(frame(one, name="a"))] == [1, 1, 1]
    assert questions == ["a"]


def test_other_records_are_another_question():
    """A part of the days, and a changed field, have answers of their own."""
    data = dataset([record("2026-11-17")], "2026-11-16", "2026-11-22")
    frame, questions = asked("a")
    parts = (data, data.between("2026-11-18", "2026-11-22"), replace(data, minimum_group=5))
    assert [len(frame(one)) for one in parts] == [1, 0, 1]
    assert len(questions) == 3


def test_nobody_changes_the_answer_that_is_kept():
    """What one reader writes into a frame the next one does not see."""
    data = dataset([record("2026-11-17", sessions=3)], "2026-11-16", "2026-11-22")
    frame, _ = asked("a")
    mine = frame(data)
    mine["sessions"] = 99
    assert frame(data)["sessions"].tolist() == [3]
