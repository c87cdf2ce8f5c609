"""How fast session logs are read: megabytes per second of CPU time, medians of alternating runs.

    uv run python tests/benchmarks/local_logs.py [FOLDER] [--runs N]

FOLDER is a Claude Code configuration folder; without it your own logs are read. Each row reads the
same files in the same process, page cache warm, so compare the rows and not the machines.
"""

import argparse
import json
import logging
import os
import statistics
import time
from pathlib import Path

import msgspec

from ccanalytics.sources.local_logs import LocalLogs, log_folders


def read_only(files):
    """Only the bytes: nobody can be faster."""
    for path in files:
        path.read_bytes()


def json_lines(files):
    """`json.loads` of every line, nothing else."""
    for path in files:
        for line in path.read_bytes().split(b"\n"):
            try:
                json.loads(line)
            except ValueError:
                continue


def msgspec_lines(files):
    """`msgspec.json.decode` of every line into dicts, nothing else."""
    decode = msgspec.json.Decoder().decode
    for path in files:
        for line in path.read_bytes().split(b"\n"):
            try:
                decode(line)
            except (ValueError, UnicodeDecodeError):
                continue


def records(folders):
    """All records and sessions of all days, priced."""
    logs = LocalLogs(folders)
    first, last = logs.span()
    return logs.records(first), logs.sessions(last)


def cpu_seconds(work, argument):
    """The CPU seconds of one call."""
    start = time.process_time()
    work(argument)
    return time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    logging.disable()
    folders = [options.folder] if options.folder else log_folders(os.environ, Path.home())
    if not any(True for folder in folders for _ in folder.rglob("*.jsonl")):
        print("There are no session logs here; name a FOLDER.")
        return
    files = [path for folder in folders for path in sorted(folder.rglob("*.jsonl"))]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    rows = {
        "read the bytes": (read_only, files),
        "records and sessions": (records, folders),
        "msgspec to dicts, every line": (msgspec_lines, files),
        "json.loads, every line": (json_lines, files),
    }
    for work, argument in rows.values():
        work(argument)
    runs = [{name: cpu_seconds(*row) for name, row in rows.items()} for _ in range(options.runs)]
    ours = statistics.median(run["records and sessions"] for run in runs)
    print(f"{len(files)} files, {megabytes:.1f} MB, median of {options.runs} runs")
    print(f"{'':30}{'CPU s':>8}{'MB/s':>8}{'x ours':>8}")
    for name in rows:
        seconds = statistics.median(run[name] for run in runs)
        print(f"{name:30}{seconds:8.3f}{megabytes / seconds:8.0f}{seconds / ours:8.2f}")


if __name__ == "__main__":
    main()
