"""What is noticed of a folder: every change, and nothing else."""

import shutil

import pytest

from ccanalytics.live.watch import Watched


def hears(watched, *deeds):
    """Which of `deeds` changes the stamp."""
    heard = []
    for deed in deeds:
        before = watched.stamp()
        deed()
        heard.append(watched.stamp() != before)
    return heard


def write(path):
    """A deed: a line more in `path`, whose folder is made."""

    def deed():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("x\n")

    return deed


def test_files_of_the_ending_are_told_of_wherever_they_appear(tmp_path):
    """A line more, a new file, a file in a new folder; not other files."""
    log = tmp_path / "p" / "a.jsonl"
    write(log)()
    deeds = [write(log), write(log.with_name("b.jsonl")), write(log.with_name("notes.txt"))]
    deeds += [write(tmp_path / "q" / "r" / "c.jsonl")]
    assert hears(Watched((tmp_path,), ".jsonl"), *deeds) == [True, True, False, True]


def test_outputs_of_tools_are_no_logs(tmp_path):
    """They are neither told of nor counted."""
    kept = tmp_path / "s" / "tool-results" / "a.jsonl"
    write(kept)()
    watched = Watched((tmp_path,), ".jsonl")
    assert watched.count() == 0
    assert hears(watched, write(kept)) == [False]


def test_a_folder_may_come_later_and_come_again(tmp_path):
    """Its first file is told of, its end, and what is written to the one made anew."""
    log = tmp_path / "later" / "a.jsonl"
    watched = Watched((log.parent,), ".jsonl")
    gone = [lambda: shutil.rmtree(log.parent)]
    assert hears(watched, write(log), write(log), *gone, write(log)) == [True] * 4


@pytest.mark.parametrize("name", ["my_usage.ipynb", "people.csv"])
def test_single_files_are_told_of(tmp_path, name):
    """Written to, replaced, removed."""
    file = tmp_path / name
    write(file)()
    other = tmp_path / "other"
    write(other)()
    deeds = [write(file), lambda: other.replace(file), file.unlink]
    assert hears(Watched(files=(file,)), *deeds) == [True] * 3
