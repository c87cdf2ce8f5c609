"""The weekly report and the command line as whole processes: wall, CPU, memory.

    uv run python tests/benchmarks/report.py [PEOPLE ...]

First the report of the sample organisation, then, for each number of PEOPLE, that of an invented
organisation of 12 weeks whose days are in the store. CPU is that of all processes together, memory
the largest sum of what they hold for themselves (shared pages are split among those that share
them). Bytecode is compiled by a first run, which is not counted.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from builders import record

from ccanalytics.frames.record_frames import build_frames
from ccanalytics.store.day_store import NewDay, Store
from ccanalytics.weeks import newest_closed_week, week_name

ROUNDS = 5
PEOPLE_ROUNDS = 1
EVERY = 0.2
"""Seconds between two looks at the memory."""

COMMAND = [sys.executable, "-m", "ccanalytics"]
KEY = "sk-ant-admin01-benchmark"
MODELS = [("claude-sonnet-4-5-20250929", 3, 15), ("claude-haiku-4-5-20251001", 1, 5)]
ORGANIZATION = "11111111-2222-3333-4444-555555555555"


def measured(*words, environment=None, until_line=False):
    """Wall seconds, CPU seconds and peak megabytes of one command and all its children.

    With `until_line` the wall is that of the first line on stderr.
    """
    env = {**os.environ, **(environment or {})}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    before = os.times()
    begin = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, *map(str, words)],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if until_line else subprocess.DEVNULL,
    )
    first = None
    if until_line:
        process.stderr.readline()
        first = time.perf_counter() - begin
        process.stderr.read()
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(EVERY)
    wall = first or time.perf_counter() - begin
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return wall, cpu, peak, process.returncode


def _memory(pid):
    """Megabytes of a process and its children."""
    total = 0
    with suppress(psutil.Error):
        tree = psutil.Process(pid)
        for one in [tree, *tree.children(recursive=True)]:
            with suppress(psutil.Error):
                total += one.memory_full_info().pss
    return total / 1e6


def rows(name, rounds, make):
    """Print the medians of `rounds` runs of `make(number)`, after one that is not counted."""
    make(-1)
    runs = [make(number) for number in range(rounds)]
    wall, cpu, peak = (statistics.median(one[at] for one in runs) for at in range(3))
    walls = ", ".join(f"{one[0]:.2f}" for one in runs)
    print(f"{name:40} {wall:6.2f} s wall  {cpu:6.2f} s CPU  {peak:5.0f} MB   ({walls})", flush=True)


def sample(root):
    """The sample report, the first line of its progress, and two commands that do no work."""
    places = ("--store", root / "store")

    def report(number, **flags):
        out = root / f"sample{number}"
        return measured("report", "--source", "sample", *places, "--out", out, **flags)

    rows("sample report, store filled", ROUNDS, report)
    rows("its first line", ROUNDS, lambda number: report(number, until_line=True))
    wrong = ("report", "2026-W99", "--source", "sample", *places)
    rows("a wrong argument", ROUNDS, lambda _: measured(*wrong))
    rows("--help", ROUNDS, lambda _: measured("--help"))


def organisation(root, people):
    """The report of an organisation of this many people, from a store that has all its days."""
    store = root / f"store{people}"
    last = fill(store, people)
    environment = {"ANTHROPIC_ADMIN_KEY": KEY, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}

    def report(number):
        out = root / f"out{people}-{number}"
        words = ("report", last, "--source", "api", "--store", store, "--out", out)
        run = measured(*words, environment=environment)
        assert run[3] == 0, "the report failed"
        return run

    rows(f"report, {people:,} people x 12 weeks", PEOPLE_ROUNDS, report)


def fill(root, people, weeks=12):
    """Days of the Admin API for this many people, each active on 4 of 7; returns the last week."""
    draw = random.Random(1)
    now = datetime.now(UTC)
    last = newest_closed_week(now) - timedelta(days=7)  # final, so that nothing is fetched
    store = Store(root)
    for back in reversed(range(weeks)):
        new = []
        for number in range(7):
            day = last + timedelta(days=number - 7 * back)
            there = [person for person in range(people) if draw.random() < 4 / 7]
            frames = build_frames(day, [day_of(draw, day, person) for person in there])
            new.append(NewDay(day, frames, now, ORGANIZATION))
        store.write_days("api", new)
    return week_name(last)


def day_of(draw, day, person):
    """The record of one person on one day, with two models and two tools."""
    count = draw.randrange
    return record(
        str(day),
        f"p{person:06}@corvid.example",
        sessions=count(1, 9),
        added=count(900),
        removed=count(300),
        commits=count(5),
        pull_requests=count(2),
        tools={name: (count(9), count(3)) for name in ("edit_tool", "write_tool")},
        models={model: usage(draw, *dollars) for model, *dollars in MODELS},
        organization=ORGANIZATION,
    )


def usage(draw, of_input, of_output):
    """One model's tokens, at a list price in dollars for a million tokens of input and output."""
    tokens = {
        "input": draw.randrange(9000),
        "output": draw.randrange(9000),
        "cache_read": draw.randrange(900_000),
        "cache_creation": draw.randrange(90_000),
    }
    as_input = tokens["input"] + 0.1 * tokens["cache_read"] + 1.25 * tokens["cache_creation"]
    return {**tokens, "cents": round(of_input * as_input + of_output * tokens["output"]) / 10_000}


def main():
    """Print a row for each thing that is measured."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        sample(root)
        for people in map(int, sys.argv[1:]):
            organisation(root, people)


if __name__ == "__main__":
    main()
