"""How fast session logs are synced, compared with ccusage on the same files: whole processes.

    uv run python tests/benchmarks/local_logs.py [FOLDER] [--runs N] [--ccusage COMMAND]

FOLDER is a Claude Code configuration folder, without it your own; for a big one see
replicated_logs.py. Rows alternate, medians are printed, the page cache is warm: compare rows of one
run and not machines. The grown sync follows on one line appended to a copy of one file.
"""

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ccanalytics.logs.log_source import log_folders


def measured(command, environment=None):
    """Seconds of CPU, seconds on the clock and peak megabytes of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{shlex.join(command)} failed.")
    wall = time.perf_counter() - start
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def grow(folder):
    """One more answer in a session in a new file."""
    at = datetime.now(UTC) - timedelta(days=100)
    message = {
        "id": f"msg_{time.time_ns()}",
        "model": "claude-opus-5",
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    line = {
        "type": "assistant",
        "sessionId": "grown",
        "timestamp": at.isoformat(),
        "message": message,
        "requestId": "req_grown",
    }
    with (folder / "projects" / "grown" / "grown.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def rows(folders, scratch, ccusage):
    """What is measured: a name, and a function that measures once."""
    extra, store = scratch / "extra", scratch / "store"
    (extra / "projects" / "grown").mkdir(parents=True)
    grow(extra)
    logs = [word for folder in [*folders, extra] for word in ("--logs", str(folder))]
    sync = [
        sys.executable,
        "-m",
        "ccanalytics",
        "sync",
        "--source",
        "local",
        "--store",
        str(store),
        *logs,
    ]

    def first():
        shutil.rmtree(store, ignore_errors=True)
        return measured(sync)

    def grown():
        grow(extra)
        return measured(sync)

    yield "first sync", first
    yield "the same again", lambda: measured(sync)
    yield "grown sync", grown
    if ccusage:
        command = [*ccusage, "daily", "--offline", "--json", "--timezone", "UTC"]
        where = {**os.environ, "CLAUDE_CONFIG_DIR": ",".join(map(str, folders))}
        yield "ccusage daily", lambda: measured(command, where)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--ccusage", default=shutil.which("ccusage") or "", help="its command")
    options = parser.parse_args()
    folders = [options.folder] if options.folder else log_folders(os.environ, Path.home())
    files = [path for folder in folders for path in folder.rglob("*.jsonl")]
    if not files:
        print("There are no session logs here; name a FOLDER.")
        return
    with tempfile.TemporaryDirectory() as scratch:
        found = list(rows(folders, Path(scratch), shlex.split(options.ccusage)))
        runs = [{name: work() for name, work in found} for _ in range(options.runs)]
    print(
        f"{len(files)} files, {sum(p.stat().st_size for p in files) / 1e6:.0f} MB, medians of "
        f"{options.runs} runs"
    )
    print(f"{'':20}{'CPU s':>8}{'wall s':>8}{'MiB':>8}")
    for name, _ in found:
        median = [statistics.median(run[name][n] for run in runs) for n in range(3)]
        print(f"{name:20}{median[0]:8.2f}{median[1]:8.2f}{median[2]:8.0f}")


if __name__ == "__main__":
    main()
