"""What is told of a folder: every burst of changes, soon, and nothing else."""

import asyncio
import shutil
from contextlib import aclosing

import pytest
from loops import run_apart

from ccanalytics.live import watch
from ccanalytics.live.watch import Watched, changes


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """A look every twentieth of a second."""
    monkeypatch.setattr(watch, "TICK", 0.05)
    monkeypatch.setattr(watch, "SHARE", 0)


def hears(watched, *deeds):
    """Whether each of `deeds` is followed by a sign."""

    async def listen():
        heard = []
        async with aclosing(changes(watched)) as signs:
            sign = asyncio.ensure_future(anext(signs))
            await asyncio.sleep(0.5)
            for deed in deeds:
                deed()
                done, _ = await asyncio.wait({sign}, timeout=30)
                heard.append(bool(done))
                if done:
                    sign = asyncio.ensure_future(anext(signs))
            sign.cancel()
            await asyncio.wait({sign})
        return heard

    return run_apart(listen())


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
    watched = Watched((tmp_path,), ".jsonl")
    before = watched.stamp()
    write(log.with_name("notes.txt"))()
    assert watched.stamp() == before
    more = (log, log.with_name("b.jsonl"), tmp_path / "q" / "r" / "c.jsonl")
    assert hears(watched, *map(write, more)) == [True] * 3


def test_outputs_of_tools_are_no_logs(tmp_path):
    """They are neither told of nor counted."""
    kept = tmp_path / "s" / "tool-results" / "a.jsonl"
    write(kept)()
    watched = Watched((tmp_path,), ".jsonl")
    assert watched.count() == 0
    before = watched.stamp()
    write(kept)()
    assert watched.stamp() == before


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
