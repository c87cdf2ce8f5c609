"""Rows per second and memory of an export of ten million rows, into each target.

    uv run python tests/benchmarks export [ROWS]

The store is made first, and is not measured: days of 8,000 records of as many people, each with
two models and four tools. Every target is written to by a process of its own, whose peak memory is
what the kernel says; a second run then finds nothing to do. PostgreSQL is a scratch server. On a
busy machine compare rows per CPU second.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from ccanalytics.export.export_run import export_days
from ccanalytics.frames.schemas import KEYS, SCHEMAS, USD
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.settings import Settings
from ccanalytics.store.day_store import Store

sys.path.insert(0, str(Path(__file__).parents[1]))

from postgres import find_binaries, running_server

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FIRST = date(2026, 1, 5)
RECORDS, MODELS, TOOLS = 8_000, 2, 4
ROWS = 10_000_000


def filled(root, rows):
    """A store with this many rows in its three frames."""
    store = Store(root)
    random = np.random.default_rng(1)
    for number in range(rows // (RECORDS * (1 + MODELS + TOOLS))):
        day = FIRST + timedelta(number)
        store.write_day("api", day, frames_of(day, random), fetched_at=NOW)
    return store


def frames_of(day, random):
    keys = key_columns(day)

    def frame(name, repeats, **texts):
        at = pa.array(np.repeat(np.arange(RECORDS), repeats))
        columns = {field.name: column.take(at) for field, column in zip(KEYS, keys, strict=True)}
        for field in list(SCHEMAS[name])[len(KEYS) :]:
            counts = random.integers(0, 99, len(at))
            columns[field.name] = texts.get(field.name) or pa.array(counts).cast(field.type)
        return pa.table(columns, schema=SCHEMAS[name])

    cycle = pa.array(["edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool"] * RECORDS)
    cents = pa.array(random.integers(1, 9_999, RECORDS * MODELS) / 100).cast(USD)
    models = pa.array(["claude-sonnet-5", "claude-opus-5"] * RECORDS)
    return {
        "activity": frame("activity", 1),
        "model_usage": frame("model_usage", MODELS, model=models, cost_usd=cents),
        "tool_actions": frame("tool_actions", TOOLS, tool=cycle),
    }


def key_columns(day):
    known = {
        "date": datetime(day.year, day.month, day.day),
        "organization": "org-1",
        "actor_kind": "user",
        "customer_type": "api",
        "terminal": "vscode",
        "is_remote": False,
    }
    people = pa.array([f"person{n:05}@corvid.example" for n in range(RECORDS)])
    return [
        people if field.name == "actor" else pa.array([known.get(field.name)] * RECORDS, field.type)
        for field in KEYS
    ]


def measure(target, root, form):
    """The cost of one export, printed by the process that runs it."""
    start, busy = time.perf_counter(), time.process_time()
    settings = Settings(store=Path(root))
    options = RunOptions(environ={}, settings=settings, now=NOW, source="api")
    result = export_days(options, target, form=form)
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([sum(result["rows"].values()), seconds, cpu, peak]))


def measured(target, root, form=""):
    command = [sys.executable, __file__, "--one", str(target), str(root), form]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def printed(name, target, root, form=""):
    rows, seconds, cpu, peak = measured(target, root, form)
    _, again, *_ = measured(target, root, form)
    rates = f"{rows / seconds:8,.0f} rows/s {rows / cpu:8,.0f} rows/CPU s"
    print(
        f"  {name:10} {rows:,} rows {seconds:6.1f} s {rates} {peak:5.0f} MB peak, "
        f"again {again:.2f} s",
        flush=True,
    )


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        days = len(filled(root, rows).days("api"))
        print(f"{days} days of {RECORDS:,} records; {rows:,} rows of the three frames")
        with running_server(find_binaries()) as new_database:
            url = new_database()
            printed("PostgreSQL", url, root)
            view_times(url)
        printed("DuckDB", Path(folder) / "usage.duckdb", root)
        printed("Parquet", Path(folder) / "parquet", root)
        printed("CSV", Path(folder) / "csv", root, "csv")
        printed("SQLite", Path(folder) / "usage.sqlite", root)


def view_times(url):
    from postgres import connect

    with connect(url) as connection:
        connection.execute("analyze")
        for view in ("weekly_metrics", "weekly_team_metrics"):
            start = time.perf_counter()
            weeks = len(connection.execute(f"select * from {view}").fetchall())
            seconds = time.perf_counter() - start
            print(f"  {view} in PostgreSQL: {weeks} rows in {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(*sys.argv[2:])
    else:
        main()
