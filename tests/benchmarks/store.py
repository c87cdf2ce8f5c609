"""The cost and reliability of the store: loads, syncs, many people, faults.

    uv run python tests/benchmarks/store.py [--logs FOLDER] [--runs N] [--people N] [--tries N]

`load` is `cca.load` of 26 weeks of the sample in a fresh process, without imports and sync; `scan`
is a warm pyarrow scan, in a process, of the same rows of the same files, including those of the
bill, which `load` reads too. Medians of alternating runs: compare rows of one run, not machines.
The daily sync is on the 28th day of a month, for 10,000 people, half of them at work, without
imports and without waits.

`many people` is `cca.load` and `cca.by_week` of 52 weeks in a separate process without a cache.
`faults` kills writers, damages files and fills the disk; after each try every stored day must be
from one write, no older than the last one reported as done, or the error must name the file. A
sync must then restore every day, and damaged files are kept.
"""

import argparse
import json
import logging
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1]))

from builders import record

from ccanalytics.errors import StoreError
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.frames.schemas import SCHEMAS, USD
from ccanalytics.sources.registry import Source
from ccanalytics.store.day_store import NewDay, Store, connect
from ccanalytics.store.sync import sync

MODELS = ("claude-sonnet-5", "claude-haiku-4-5-20251001")
TOOLS = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")

FILL = """
import json, sys
import ccanalytics as cca
data = cca.load(source="sample", weeks=26, store=sys.argv[1])
print(json.dumps([str(data.since), str(data.until)]))
"""

LOAD = """
import os, sys, time
import ccanalytics as cca, ccanalytics.dataset.loading
import ccanalytics.charges.charge_days, ccanalytics.sources.sample.organisation
import ccanalytics.charges.spend_report, pyarrow.pandas_compat
from ccanalytics.wings import wings
os.environ["CCANALYTICS_SYNC_ON_LOAD"] = "false"
wings()
start, cpu = time.perf_counter(), time.process_time()
data = cca.load(source="sample", weeks=26, store=sys.argv[1])
wall = time.perf_counter() - start
frames = data.activity, data.model_usage, data.tool_actions, data.extras["charges"]
rows = sum(map(len, frames))
print([wall, time.process_time() - cpu, rows])
"""

SCAN = """
import sys, time
from pathlib import Path
import pandas, pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq, pyarrow.dataset as ds
first, last = (pa.scalar(pandas.Timestamp(day).as_unit("ms")) for day in sys.argv[2:])
start, cpu, rows = time.perf_counter(), time.process_time(), 0
frames = "sample/activity", "sample/model_usage", "sample/tool_actions", "sample-charges/charges"
for frame in frames:
    files = sorted(next(Path(sys.argv[1]).glob(f"v*/{frame}")).glob("*.parquet"))
    days = (pc.field("date") >= first) & (pc.field("date") <= last)
    table = ds.dataset(files).to_table(filter=days)
    rows += len(table)
print([time.perf_counter() - start, time.process_time() - cpu, rows])
"""

FIRST = """
import os, sys, time
real, count = os.fsync, [0]
def fsync(handle):
    count[0] += 1
    real(handle)
os.fsync = fsync
from pathlib import Path
import ccanalytics as cca
from ccanalytics.logs.log_source import LocalLogs
start = time.perf_counter()
cca.sync(LocalLogs([Path(sys.argv[2])]), cca.Store(sys.argv[1]))
print([time.perf_counter() - start, time.process_time(), count[0]])
"""


DAILY = """
import json, random, sys, time
from datetime import UTC, date, datetime, timedelta
import httpx
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.store.day_store import Store
from ccanalytics.store.sync import sync

people, chance = int(sys.argv[2]), random.Random(1)
tools = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
models = ("claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5-20251001")

def row(n):
    used = chance.sample(models, chance.choice((1, 2)))
    kinds = ("input", "output", "cache_read", "cache_creation")
    tokens = {kind: chance.randrange(10**6) for kind in kinds}
    cost = {"currency": "USD", "amount": chance.randrange(9999)}
    return {"date": "2026-11-01T00:00:00Z", "organization_id": "org-1", "customer_type": "api",
            "actor": {"type": "user_actor", "email_address": f"person.{n}@company.example"},
            "terminal_type": "vscode", "is_remote": False, "subscription_type": None,
            "core_metrics": {"num_sessions": 3, "commits_by_claude_code": chance.randrange(9),
                             "pull_requests_by_claude_code": 1,
                             "lines_of_code": {"added": chance.randrange(900), "removed": 7}},
            "tool_actions": {t: {"accepted": chance.randrange(99), "rejected": 1} for t in tools},
            "model_breakdown": [{"model": name, "tokens": tokens, "estimated_cost": cost}
                                for name in used]}

half = [row(n) for n in range(people // 2)]  # at work on one day
pages = [half[n:n + 1000] for n in range(0, len(half), 1000)]
bodies = [json.dumps({"data": rows, "has_more": n + 1 < len(pages),
                      "next_page": str(n + 1) if n + 1 < len(pages) else None}).encode()
          for n, rows in enumerate(pages)]
now = datetime(2026, 11, 29, 6, tzinfo=UTC)

def answer(request):
    day = request.url.params["starting_at"].encode()
    body = bodies[int(request.url.params.get("page", 0))].replace(b"2026-11-01", day)
    return httpx.Response(200, content=body, headers={"date": f"{now:%a, %d %b %Y %H:%M:%S} GMT"})

def synced(since, until):
    client = AdminClient("sk-ant-admin01-x", transport=httpx.MockTransport(answer))
    return sync(client, Store(sys.argv[1]), since, until, now=now)

now -= timedelta(days=1)
synced(date(2026, 11, 1), date(2026, 11, 27))
now += timedelta(days=1)
start, cpu = time.perf_counter(), time.process_time()
done = synced(date(2026, 11, 1), date(2026, 11, 28))
fetched = len(done.new + done.changed + done.same)
print([time.perf_counter() - start, time.process_time() - cpu, fetched])
"""


WRITE = """
import resource, sys
sys.path.insert(0, sys.argv[3])
from store import written
from ccanalytics.errors import StoreError
from ccanalytics.store.day_store import Store
if sys.argv[4:]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), int(sys.argv[4])))
for count in range(int(sys.argv[2]), 10**6):
    try:
        written(Store(sys.argv[1]), count)
    except StoreError:
        sys.exit("refused")
    print(count, flush=True)
"""

FILL_PEOPLE = """
import sys
sys.path.insert(0, sys.argv[3])
from store import filled_with
filled_with(int(sys.argv[2]), sys.argv[1])
"""

ASK = """
import resource, sys, time
import ccanalytics as cca, ccanalytics.dataset.loading, ccanalytics.metrics.by_week
start, cpu = time.perf_counter(), time.process_time()
data = cca.load("2025-12-01", "2026-11-29", source="api", store=sys.argv[1])
loaded = time.process_time() - cpu
assert len(cca.by_week(data, "cost_per_commit")) == 52
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print([time.perf_counter() - start, time.process_time() - cpu, loaded, data.record_count, peak])
"""


def run(script, *arguments):
    """The output of a script, run in a separate process."""
    command = [sys.executable, "-W", "ignore", "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def first_load(logs, runs):
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as store:
            measured = run(FIRST, store, logs)
            files = [path for path in Path(store).rglob("*") if path.is_file()]
            found.append([*measured, len(files), sum(path.stat().st_size for path in files)])
    wall, cpu, flushed, files, size = map(statistics.median, zip(*found, strict=True))
    print(
        f"first load of {logs}: {wall:.2f} s, {cpu:.2f} CPU s, {flushed:.0f} fsyncs, "
        f"{files:.0f} files of {size / 1e6:.1f} MB"
    )


def daily_sync(people):
    with tempfile.TemporaryDirectory() as store:
        wall, cpu, days = run(DAILY, store, people)
    print(
        f"daily sync of {people} people, {days} days of a full month fetched: "
        f"{wall:.2f} s, {cpu:.2f} CPU s"
    )


def load_and_scan(runs):
    with tempfile.TemporaryDirectory() as store:
        since, until = run(FILL, store)
        pairs = [(run(LOAD, store), run(SCAN, store, since, until)) for _ in range(runs)]
    assert all(load[2] == scan[2] for load, scan in pairs), pairs[0]
    for name, rows in zip(("load", "scan"), zip(*pairs, strict=True), strict=True):
        wall, cpu, count = (statistics.median(row[n] for row in rows) for n in range(3))
        print(f"{name:5} of {count:.0f} rows: {1000 * wall:.0f} ms, {1000 * cpu:.0f} CPU ms")
    wall, cpu = (statistics.median(load[n] / scan[n] for load, scan in pairs) for n in (0, 1))
    print(f"load / scan: {wall:.1f}, of CPU time {cpu:.1f}")


def filled_with(people, root):
    """52 weeks of people, about half of them at work on a day, with two models and four tools."""
    random, store = np.random.default_rng(1), Store(root)
    names = pa.array([f"p{n:06}@corvid.example" for n in range(people)])
    words = {name: pa.array(made) for name, made in (("model", MODELS), ("tool", TOOLS))}

    def table(name, day, who, terminal, codes):
        rows = len(who)
        columns = {
            "date": pa.repeat(pa.scalar(datetime(*day.timetuple()[:3]), pa.timestamp("ms")), rows),
            "actor": names.take(pa.array(who)),
            "actor_kind": pa.repeat(pa.scalar("user"), rows),
            "customer_type": pa.repeat(pa.scalar("api"), rows),
            "terminal": pa.array(["vscode", "tmux"]).take(pa.array(terminal)),
        }
        for field in SCHEMAS[name]:
            if field.name in words:
                columns[field.name] = words[field.name].take(pa.array(codes))
            elif field.type == pa.int64():
                columns[field.name] = pa.array(random.poisson(3, rows))
            elif field.type == USD:
                columns[field.name] = pa.array(random.random(rows).round(6)).cast(USD)
        return pa.table(
            [columns.get(field.name, pa.nulls(rows, field.type)) for field in SCHEMAS[name]],
            schema=SCHEMAS[name],
        )

    def frames(day):
        chance = [0.55, 0.12] if day.weekday() < 5 else [0.1, 0.02]
        who, terminal = np.nonzero(random.random((people, 2)) < chance)
        made = {}
        for name, times in (("activity", 1), ("model_usage", 2), ("tool_actions", 4)):
            rows = np.repeat(np.arange(len(who)), times)
            codes = np.tile(np.arange(times), len(who))
            made[name] = table(name, day, who[rows], terminal[rows], codes)
        return made

    days = [date(2025, 12, 1) + timedelta(n) for n in range(364)]
    later = datetime(2026, 12, 31, tzinfo=UTC)
    for _, some in groupby(days, lambda day: day.month):
        store.write_days("api", [NewDay(day, frames(day), later) for day in some])


def many_people(counts):
    for people in counts:
        with tempfile.TemporaryDirectory() as store:
            run(FILL_PEOPLE + "print(0)", store, people, Path(__file__).parent)
            wall, cpu, loaded, records, peak = run(ASK, store)
            size = sum(file.stat().st_size for file in Path(store).rglob("*.parquet"))
            begun = time.perf_counter()
            connect("api", store).sql(
                "select terminal, date_trunc('week', date), sum(commits), count(distinct actor) "
                "from activity group by all"
            ).fetchall()
            asked = time.perf_counter() - begun
        print(
            f"52 weeks of {people:,} people, {records:,} records: load {loaded:.1f} CPU s, with "
            f"by_week {cpu:.1f} CPU s, {wall:.0f} s, {peak:,.0f} MB; {size / 1e6:,.0f} MB on "
            f"disk; commits and people by week and terminal in DuckDB {asked:.1f} s"
        )


DAYS = [date(2026, 10, 25) + timedelta(n) for n in range(14)]
"""Of two months."""


class Counts(Source):
    """A source where every measure of every day is `count`."""

    name = "api"

    def __init__(self, count):
        self.count, self.answered_at = count, datetime(2026, 12, 24, tzinfo=UTC)

    def records(self, day):
        usage = {"claude-sonnet-5": {"output": self.count}}
        tools = {"edit_tool": (self.count, 0)}
        return [record(str(day), commits=self.count, tools=tools, models=usage)]


def written(store, count):
    """All days with a new count, in one commit."""
    news = [
        NewDay(day, build_frames(day, Counts(count).records(day)), Counts(count).answered_at)
        for day in DAYS
    ]
    store.write_days("api", news)


def counted(store):
    """The single count that all frames of all days have; None when they are not from one write."""
    _, frames = Store(store).read_days("api", DAYS)
    columns = {"activity": "commits", "model_usage": "output_tokens", "tool_actions": "accepted"}
    found = [frames[name][column].to_pylist() for name, column in columns.items()]
    return found[0][0] if found == [[found[0][0]] * len(DAYS)] * 3 else None


def writer(store, first, *limit):
    command = [sys.executable, "-W", "ignore", "-c", WRITE, store, first, Path(__file__).parent]
    return subprocess.Popen(
        [*map(str, (*command, *limit))], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def killed(store, chance):
    """Whether a writer killed at a random moment leaves all or nothing of its last write."""
    process = writer(store, counted(store) + 1)
    process.stdout.readline()
    time.sleep(chance.random() / 4)
    process.kill()
    done = [int(line) for line in process.communicate()[0].splitlines()]
    return counted(store) in range(max(done, default=0), 10**6)


def without_room(store, chance):
    """Whether a write that runs out of space is refused and changes nothing."""
    before = counted(store)
    process = writer(store, before + 1, chance.randrange(1, 3000))
    said = process.communicate()[1]
    return "refused" in said and counted(store) == before


def read_meanwhile(store, chance):
    """Whether a reader sees only complete writes while two others write."""
    both = [writer(store, counted(store) + 1) for _ in range(2)]
    for process in both:
        process.stdout.readline()
    seen = [counted(store) for _ in range(10)]
    for process in both:
        process.kill()
        process.communicate()
    return None not in seen


def flip(content, chance, files):
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def cut(content, chance, files):
    return content[: chance.randrange(len(content))]


def swap(content, chance, files):
    return chance.choice([one for one in files if one != content])


def damaged(change, index_too=False):
    """A fault: a file is damaged, in half of the tries together with the list of days."""

    def fault(store, chance):
        folder, before = Store(store).folder("api"), counted(store)
        paths = sorted(path for path in folder.rglob("*.*") if path.is_file())
        contents = {path: path.read_bytes() for path in paths}
        hit = {chance.choice(paths), *([folder / "days.parquet"] if index_too else [])}
        for path in hit:
            path.write_bytes(change(contents[path], chance, [*contents.values()]))
        try:
            same = counted(store) == before and Store(store).restatements("api") is not None
        except StoreError as error:
            same = any(path.name in str(error) for path in hit)
        sync(Counts(before), Store(store), DAYS[0], DAYS[-1], now=Counts(0).answered_at)
        Store(store).verify("api")
        return same and counted(store) == before and Store(store).verify("api")[1] == []

    return fault


FAULTS = {
    "killed while writing": killed,
    "no room for a file": without_room,
    "two writers and a reader": read_meanwhile,
    "a bit flipped": damaged(flip),
    "a file cut short": damaged(cut),
    "a file of another month or frame": damaged(swap),
    "a bit flipped, and the list of days": damaged(flip, index_too=True),
}


def faults(tries):
    logging.disable(logging.WARNING)
    for name, fault in FAULTS.items():
        with tempfile.TemporaryDirectory() as store:
            for count in (1, 2):
                written(Store(store), count)
            chance, times = random.Random(name), tries if "writ" not in name else tries // 5
            kept = [fault(store, chance) for _ in range(times)]
        print(f"{name:38} {len(kept):5} tries {kept.count(False):5} losses")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--logs", type=Path, default=Path.home() / ".claude")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--people", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--tries", type=int, default=100)
    options = parser.parse_args()
    if options.logs.is_dir():
        first_load(options.logs, options.runs)
    load_and_scan(options.runs)
    daily_sync(10_000)
    many_people(options.people)
    faults(options.tries)


if __name__ == "__main__":
    main()
