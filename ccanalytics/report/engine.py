"""Notebooks -> executed notebooks: a few prepared worker processes, each with its share of them.

    engine (this process) ── one line of JSON per notebook ─▶ notebook_worker ── papermill ─▶ file
                          ◀─ a line when a cell begins, when it is done, or has failed

A worker imports once and loads its data once, then runs its notebooks one after the other, each in
a fresh namespace. One that outlasts the cell timeout or dies is ended, and the cell is named. Keys
are never in a worker's environment.
"""

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import nbformat
import psutil
from nbformat import NotebookNode

from ccanalytics.errors import ReportError
from ccanalytics.report.parameters import read_notebook

Progress = Callable[[str, int, int], None]
"""Called with a notebook, how many of its cells have begun, and how many there are."""

ALLOWED = re.compile(
    r"PATH|HOME|USER|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|APPDATA|LOCALAPPDATA"
    r"|USERPROFILE|VIRTUAL_ENV|LD_LIBRARY_PATH|CLAUDE_CONFIG_DIR"
    r"|XDG_(CONFIG|DATA|CACHE|STATE)_(HOME|DIRS)|XDG_RUNTIME_DIR"
    r"|PYTHON(PATH|HOME|HASHSEED|UTF8|IOENCODING|WARNINGS|NOUSERSITE|OPTIMIZE)"
    r"|PYTHON(DONTWRITEBYTECODE|PYCACHEPREFIX|FAULTHANDLER|MALLOC)"
    r"|(OPENBLAS|OMP|MKL)_NUM_THREADS"
    r"|CCANALYTICS_(CONFIG|STORE|ROSTER|IDENTITY|HOLIDAYS|EVENTS|INTERVENTIONS)"
    r"|CCANALYTICS_(MONTHLY_BUDGET_USD|BUDGETS|SEAT_PRICES|SYNC_ON_LOAD|WEEKEND)"
)
"""The variables a worker may know, each by its name: what is not known cannot be told."""

MEMORY_PER_WORKER = 1_500_000_000
"""Bytes of memory that a worker may need: so many of them run at once, and one at least."""

START_TIMEOUT = 120.0
"""Seconds in which a worker must be ready; a busy machine may take long to import."""


class NotebookError(ReportError):
    """A notebook that stopped: which one, in which cell (counted from 1), and why."""

    def __init__(self, notebook: str, cell: int | None, code: str, error: str) -> None:
        place = f"{notebook}, cell {cell}" if cell else notebook
        super().__init__(f"{place}: {error}")
        self.notebook, self.cell, self.code, self.error = notebook, cell, code, error


@dataclass
class NotebookRun:
    """One notebook to run: its file, its parameters, where the executed one is written."""

    source: Path
    parameters: Mapping[str, Any]
    target: Path
    index: int | None = None
    """The cell that was begun last."""
    reading: int = 0
    """A worker loads its data anew for another one."""

    def failure(self, error: str) -> NotebookError:
        """The failure with its cell counted as in the source, where no parameters were injected."""
        cells = read_notebook(self.source).cells
        if self.index is None:
            return NotebookError(self.source.name, None, "", error)
        tags = [cell.metadata.get("tags", []) for cell in cells]
        given = next((n for n, tag in enumerate(tags) if "parameters" in tag), len(tags))
        at = self.index - (bool(self.parameters) and self.index > given)
        code = cells[at].source if at < len(cells) else ""
        return NotebookError(self.source.name, at + 1, code, error)


def run_notebooks(
    runs: Sequence[NotebookRun],
    *,
    environment: Mapping[str, str],
    timeout: float,
    progress: Progress | None = None,
    workers: int | None = None,
) -> list[NotebookNode]:
    """The executed notebooks in their order, each also written to its target.

    All are run to their end; then the first that failed is raised as `NotebookError`. `timeout` is
    seconds per cell. Leaving early, by Ctrl-C too, ends every worker.
    """
    count = min(workers or workers_at_once(), len(runs))
    with contextlib.closing(NotebookWorkers(count, environment)) as started:
        return started.run(runs, timeout=timeout, progress=progress)


class NotebookWorkers:
    """Prepared processes that run notebooks, until they are closed."""

    def __init__(self, count: int, environment: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cca-", ignore_cleanup_errors=True)
        known = worker_environment(environment, Path(self._folder.name))
        self._started: list[_Worker] = []
        try:
            for _ in range(count):
                self._started.append(_Worker(known))
        except BaseException:
            self.close()
            raise

    def run(
        self, runs: Sequence[NotebookRun], *, timeout: float, progress: Progress | None = None
    ) -> list[NotebookNode]:
        """As `run_notebooks`; the workers stay, but for leaving early."""
        waiting: queue.SimpleQueue[NotebookRun] = queue.SimpleQueue()
        for run in sorted(runs, key=lambda one: -one.source.stat().st_size):
            waiting.put(run)  # the longest first, so that the last to end is a short one
        failures: dict[Path, NotebookError] = {}
        with ThreadPoolExecutor(len(self._started)) as threads:
            try:
                each = [
                    threads.submit(_work, worker, waiting, failures, timeout, progress)
                    for worker in self._started
                ]
                wait(each)
            except BaseException:
                self.close()
                raise
            for future in each:
                future.result()
        for run in runs:
            if run.source in failures:
                raise failures[run.source]
        return [nbformat.read(run.target, as_version=4) for run in runs]  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """End the processes and all that they started."""
        for worker in self._started:
            worker.end(for_good=True)
        self._folder.cleanup()


def workers_at_once() -> int:
    """As many workers as there are cores, and as memory allows."""
    known = hasattr(os, "sched_getaffinity")  # fewer than the machine has, where it is shared
    cores = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    # Available, not free: what files are cached in is given back when a process needs it.
    return max(1, min(cores, psutil.virtual_memory().available // MEMORY_PER_WORKER))


def worker_environment(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What a worker may know of `environment`, and none of the user's own IPython."""
    kept = {name: value for name, value in environment.items() if ALLOWED.fullmatch(name)}
    return {**kept, "IPYTHONDIR": str(folder / "ipython"), "CCANALYTICS_REPORT": "1"}


def kill_group(pid: int) -> None:
    """End the process and, where it leads a group as a worker does, what it started."""
    with contextlib.suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)


def _work(
    worker: "_Worker",
    waiting: "queue.SimpleQueue[NotebookRun]",
    failures: dict[Path, NotebookError],
    timeout: float,
    progress: Progress | None,
) -> None:
    """Give the worker one notebook after the other, as long as there are any."""
    while True:
        try:
            run = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            worker.run(run, timeout, progress)
        except NotebookError as error:
            failures[run.source] = error


class _Worker:
    """A worker process, started again after it had to be ended."""

    _process: subprocess.Popen[str]
    _requests: IO[str]
    _answers: "queue.SimpleQueue[str | None]"
    _ready: bool
    """It has said that it is; until then it imports."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._ended = False
        self._turn = threading.Lock()
        """Held to start or end the process: none is started once the report was stopped."""
        self._start()

    def run(self, run: NotebookRun, timeout: float, progress: Progress | None) -> None:
        """Run one notebook; `NotebookError` when a cell fails, takes too long, or kills it."""
        if self._process.poll() is not None:
            self.end()
            self._start()
        if not self._ready:
            self._next(START_TIMEOUT, run, "Its process took longer to start than")
            self._ready = True
        total = len(read_notebook(run.source).cells)
        request = {
            "source": str(run.source),
            "target": str(run.target),
            "parameters": dict(run.parameters),
            "reading": run.reading,
        }
        with contextlib.suppress(OSError):  # a worker that died says so below
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
        while True:
            answer = self._next(timeout, run, "The cell took longer than")
            if "begun" in answer:
                run.index = answer["begun"]
                if progress:
                    progress(run.source.name, min(answer["begun"], total - 1), total)
            elif "failed" in answer:
                run.index = answer.get("cell", run.index)
                raise run.failure(answer["failed"])
            else:
                break
        if progress:
            progress(run.source.name, total, total)

    def end(self, *, for_good: bool = False) -> None:
        """End the process and all that it started."""
        with self._turn:
            self._ended = self._ended or for_good
            if self._process.poll() is None:
                kill_group(self._process.pid)
            self._process.wait()
            with contextlib.suppress(OSError):  # what was not read any more cannot be flushed
                self._requests.close()

    def _start(self) -> None:
        with self._turn:
            if self._ended:
                raise ReportError("The report was stopped.")
            self._launch()

    def _launch(self) -> None:
        self._ready = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ccanalytics.report.notebook_worker"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is the parent's; and a group of its own to end
        )
        assert self._process.stdin and self._process.stdout
        self._requests = self._process.stdin
        self._answers = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def _listen(self, lines: Any) -> None:
        answers = self._answers
        with lines:
            for line in lines:
                answers.put(line)
        answers.put(None)

    def _next(self, timeout: float, run: NotebookRun, late: str) -> dict[str, Any]:
        """The next answer; an error when there is none in time, or nobody to give one."""
        try:
            line = self._answers.get(timeout=timeout)
        except queue.Empty:
            self.end()
            raise run.failure(f"{late} {timeout:g} s and was ended.") from None
        if line is None:
            code = self._process.wait()
            raise run.failure(f"The process that ran it ended (code {code}).")
        answer: dict[str, Any] = json.loads(line)
        return answer
