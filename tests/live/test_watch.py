"""Every change of a folder of logs is noticed, and nothing else."""

import shutil
from datetime import datetime

import pytest

from ccanalytics.live.page_maker import stamp_of


def noticed(folders, *changes, files=()):
    """Which of `changes` change the stamp."""
    stamps_changed = []
    for change in changes:
        before = stamp_of(folders, files)
        change()
        stamps_changed.append(stamp_of(folders, files) != before)
    return stamps_changed


def write(path):
    """A change: one more line in `path`, whose folder is created."""

    def change():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("x\n")

    return change


def test_files_with_the_extension_are_noticed_wherever_they_appear(tmp_path):
    """One more line, a new file, a file in a new folder; not other files."""
    log = tmp_path / "p" / "a.jsonl"
    write(log)()
    changes = [write(log), write(log.with_name("b.jsonl")), write(log.with_name("notes.txt"))]
    changes += [write(tmp_path / "q" / "r" / "c.jsonl")]
    assert noticed([tmp_path], *changes) == [True, True, False, True]


def test_tool_outputs_are_not_logs(tmp_path):
    """They are neither noticed nor counted."""
    kept = tmp_path / "s" / "tool-results" / "a.jsonl"
    write(kept)()
    assert stamp_of([tmp_path])[1] == 0
    assert noticed([tmp_path], write(kept)) == [False]


def test_a_folder_may_appear_later_and_be_recreated(tmp_path):
    """Its first file, its removal and writes to the new one are noticed."""
    log = tmp_path / "later" / "a.jsonl"
    gone = [lambda: shutil.rmtree(log.parent)]
    assert noticed([log.parent], write(log), write(log), *gone, write(log)) == [True] * 4


@pytest.mark.parametrize(
    ("later", "is_noticed"),
    [
        ("2026-11-24T12:59:59", False),
        ("2026-11-24T13:00:00", True),
        ("2026-11-25T00:00:00", True),
    ],
)
def test_a_new_hour_is_noticed(tmp_path, monkeypatch, later, is_noticed):
    """What was used in this hour, today and in the open window depends on the clock."""
    clock = ["2026-11-24T12:00:00"]

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromisoformat(clock[0]).replace(tzinfo=tz)

    monkeypatch.setattr("ccanalytics.live.page_maker.datetime", Clock)
    assert noticed([tmp_path], lambda: clock.insert(0, later)) == [is_noticed]


@pytest.mark.parametrize("name", ["my_usage.ipynb", "people.csv"])
def test_changes_of_single_files_are_noticed(tmp_path, name):
    """Written to, replaced, removed."""
    file = tmp_path / name
    write(file)()
    other = tmp_path / "other"
    write(other)()
    changes = [write(file), lambda: other.replace(file), file.unlink]
    assert noticed([], *changes, files=[file]) == [True] * 3
