"""How much the store costs: a first load of session logs, a range read back, a daily sync.

    uv run python tests/benchmarks/store.py [--logs FOLDER] [--runs N]

`load` is `cca.load` of 26 weeks of the sample in a fresh process, imports and sync excluded; `scan`
is what pyarrow takes in one, warm, to read the same rows of the same files. Medians of alternating
runs: compare rows of one run, not machines. The daily sync is that of the 28th day of a month, of
10,000 people of whom half are at work, with imports excluded and nothing to wait for.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FILL = """
import json, sys
import ccanalytics as cca
data = cca.load(source="sample", weeks=26, store=sys.argv[1])
print(json.dumps([str(data.since), str(data.until)]))
"""

LOAD = """
import os, sys, time
import ccanalytics as cca, ccanalytics.dataset.loading
import ccanalytics.charges.charge_sync, ccanalytics.sources.sample.organisation
import ccanalytics.team_plans.spend_report, pyarrow.pandas_compat
from ccanalytics.wings import wings
os.environ["CCANALYTICS_SYNC_ON_LOAD"] = "false"
wings()
start, cpu = time.perf_counter(), time.process_time()
data = cca.load(source="sample", weeks=26, store=sys.argv[1])
wall = time.perf_counter() - start
rows = sum(len(frame) for frame in (data.activity, data.model_usage, data.tool_actions))
print([wall, time.process_time() - cpu, rows])
"""

SCAN = """
import sys, time
from pathlib import Path
import pandas, pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq, pyarrow.dataset as ds
first, last = (pa.scalar(pandas.Timestamp(day).as_unit("ms")) for day in sys.argv[2:])
start, cpu, rows = time.perf_counter(), time.process_time(), 0
for frame in ("activity", "model_usage", "tool_actions"):
    files = sorted(next(Path(sys.argv[1]).glob(f"v*/sample/{frame}")).glob("*.parquet"))
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
print([time.perf_counter() - start, time.process_time() - cpu, done.fetched])
"""


def run(script, *arguments):
    """What a script prints, in a process of its own."""
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
    print(f"first load of {logs}: {wall:.2f} s, {cpu:.2f} CPU s, {flushed:.0f} fsyncs, "
          f"{files:.0f} files of {size / 1e6:.1f} MB")  # fmt: skip


def daily_sync(people):
    with tempfile.TemporaryDirectory() as store:
        wall, cpu, days = run(DAILY, store, people)
    print(f"daily sync of {people} people, {days} days of a full month fetched: "
          f"{wall:.2f} s, {cpu:.2f} CPU s")  # fmt: skip


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--logs", type=Path, default=Path.home() / ".claude")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    if options.logs.is_dir():
        first_load(options.logs, options.runs)
    load_and_scan(options.runs)
    daily_sync(10_000)


if __name__ == "__main__":
    main()
