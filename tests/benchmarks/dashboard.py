"""The live page compared with the dashboard of claude-code-templates, on the same invented session
logs.

    uv run python tests/benchmarks/dashboard.py [--megabytes N] [--files N] [--rival COMMAND]

Seconds from a line in a log to the page that shows it being notified, memory of all processes, and
their processor time at rest. COMMAND is the path of `claude-code-templates`; without it, and
without one on the PATH, only our own is measured. Both run in turn, on logs in a home of their own.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

ROUNDS = 5
AT_REST = 30  # seconds
SLOWEST = 120  # seconds before giving up
LINES = 20  # requests of a file


def line(moment, session, number, padding=0):
    """A line of a log: one answered request, and `padding` bytes of tool output."""
    block = [{"type": "text", "text": "x" * padding}]
    return json.dumps(
        {
            "type": "assistant",
            "sessionId": session,
            "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "cwd": f"/home/ann/project{number % 12}",
            "gitBranch": "main",
            "uuid": f"u-{session}-{number}",
            "requestId": f"r-{session}-{number}",
            "message": {
                "id": f"m-{session}-{number}",
                "role": "assistant",
                "model": "claude-opus-5",
                "stop_reason": "end_turn",
                "content": block,
                "usage": {"input_tokens": 100, "output_tokens": 50},
            },
        }
    )


def write_logs(projects, files, megabytes):
    """`files` session logs of the last 80 days."""
    padding = max(0, int(megabytes * 1e6 / files / LINES) - 400)
    begin = datetime.now(UTC) - timedelta(days=80)
    for at in range(files):
        session = f"s{at:05d}"
        log = projects / f"-home-ann-project{at % 12}" / f"{session}.jsonl"
        log.parent.mkdir(parents=True, exist_ok=True)
        start = begin + timedelta(days=78) * (at / files)
        lines = [line(start + timedelta(minutes=n), session, n, padding) for n in range(LINES)]
        log.write_text("\n".join(lines) + "\n", encoding="utf-8")


def append(projects, number):
    """One more request in a session of two weeks ago."""
    moment = datetime.now(UTC) - timedelta(days=14)
    log = sorted(projects.rglob("*.jsonl"))[0]
    with log.open("a", encoding="utf-8") as file:
        file.write(line(moment, log.stem, 10_000 + number) + "\n")


@contextmanager
def running(command, home):
    """A process and its standard output; it and all its children are stopped at the end."""
    environment = {**os.environ, "HOME": str(home), "CCT_NO_TRACKING": "1", "BROWSER": "true"}
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    tree = psutil.Process(process.pid)
    try:
        yield process
    finally:
        for one in [*tree.children(recursive=True), tree]:
            one.kill()
        process.wait()


def measure(name, process, connected, projects, is_new: Callable[[dict], bool]):
    """Print the figures of one dashboard whose news come from what `connected` returns."""
    begin = time.perf_counter()
    seconds = asyncio.run(_pushes(connected, projects, is_new, begin, name))
    shown = [f"{one:.2f}" if one else f">{SLOWEST}" for one in seconds]
    print(f"{name}: append to push       {_median(seconds)} s  ({', '.join(shown)})")
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    memory = [one.memory_full_info() for one in tree]
    print(
        f"{name}: memory               {sum(m.rss for m in memory) / 1e6:.0f} MB RSS, "
        f"{sum(m.pss for m in memory) / 1e6:.0f} MB PSS, {len(tree)} processes"
    )
    before = sum(map(_processor, tree))
    time.sleep(AT_REST)
    share = (sum(map(_processor, tree)) - before) / AT_REST
    print(f"{name}: processor at rest    {100 * share:.2f} %")


async def _pushes(connected, projects, is_new, begin, name):
    """Seconds from each append to the news that follow it; None where there were none."""
    news = await connected()
    if name == "ours":
        await _receive(news, lambda said: said["state"] == "live")
    print(f"{name}: start to ready       {time.perf_counter() - begin:.1f} s")
    await asyncio.sleep(5)
    seconds = []
    for number in range(ROUNDS):
        start = time.perf_counter()
        append(projects, number)
        found = await _receive(news, is_new)
        seconds.append(time.perf_counter() - start if found else None)
        await asyncio.sleep(2)
    return seconds


async def _rival_news():
    """Its messages, once it listens."""
    deadline = time.monotonic() + 10 * SLOWEST
    while True:
        try:
            socket = await websocket_connect("ws://localhost:3333/ws")
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)
    await socket.write_message(json.dumps({"type": "subscribe", "channel": "data_updates"}))
    return socket.read_message


async def _receive(news, wanted):
    try:
        async with asyncio.timeout(SLOWEST):
            while not wanted(json.loads(await news())):
                pass
        return True
    except TimeoutError:
        return False


def _processor(process):
    times = process.cpu_times()
    return times.user + times.system


def _median(seconds):
    known = [one for one in seconds if one]
    return f"{statistics.median(known):.2f}" if known else "none"


def ours(root, projects):
    """Our own dashboard."""
    flags = ["--no-browser", "--port", "0", "--store", str(root / "store")]
    command = [sys.executable, "-m", "ccanalytics", "dashboard", *flags]
    with running(command, root) as process:
        address = process.stdout.readline().strip() + "live"
        versions = set()

        async def state():
            await asyncio.sleep(0.5)  # as often as the page asks
            return (await AsyncHTTPClient().fetch(address)).body

        async def connected():
            return state

        def is_new(news):
            is_live = news["state"] == "live"
            fresh = is_live and news["version"] not in versions
            versions.update([news["version"]] if is_live else [])
            return fresh

        measure("ours", process, connected, projects, is_new)


def rival(command, root, projects):
    """The dashboard of claude-code-templates; its push is a `data_refresh`.

    One is also sent every 30 s, and is counted as if the line had caused it.
    """
    with running([command, "--analytics"], root) as process:
        measure("rival", process, _rival_news, projects, _is_refresh)


def _is_refresh(news):
    return news.get("type") == "data_refresh"


def main():
    """Print the figures of one dashboard after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rival", default=shutil.which("claude-code-templates"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        projects = root / ".claude" / "projects"
        write_logs(projects, options.files, options.megabytes)
        size = sum(path.stat().st_size for path in projects.rglob("*.jsonl"))
        print(f"{options.files} session logs, {size / 1e6:.0f} MB", flush=True)
        ours(root, projects)
        if options.rival:
            rival(options.rival, root, projects)


if __name__ == "__main__":
    main()
