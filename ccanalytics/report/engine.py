"""Notebooks -> executed notebooks: one prepared process, and a copy of it for each notebook.

    engine (this process) ── a line of JSON per notebook ─▶ notebook_worker ── fork ─▶ papermill
                          ◀─ a line when a cell begins, when it is done, or has failed ──┘

The prepared process imports and loads once. Each notebook runs in a copy of it, which shares that
memory, so that a notebook sees nothing of another one and cores do not multiply the data. One that
outlasts the cell timeout or dies is ended, and the cell is named. Keys are never in the environment
of these processes. Where there is no fork to rely on, each notebook gets a process that imports.
"""

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from ccanalytics.atomic import own_folder
from ccanalytics.errors import ReportError
from ccanalytics.settings import VARIABLES

if TYPE_CHECKING:
    from nbformat import NotebookNode

Progress = Callable[[str, int, int], None]
"""Called with a notebook, the number of started cells, and of all cells."""

FORKS = sys.platform == "linux"
"""macOS has fork, but its system libraries may crash in the copy."""

ALLOWED = re.compile(
    r"PATH|HOME|USER|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|APPDATA|LOCALAPPDATA"
    r"|USERPROFILE|VIRTUAL_ENV|LD_LIBRARY_PATH|CLAUDE_CONFIG_DIR|CCANALYTICS_CONFIG"
    r"|XDG_(CONFIG|DATA|CACHE|STATE)_(HOME|DIRS)|XDG_RUNTIME_DIR"
    r"|PYTHON(PATH|HOME|HASHSEED|UTF8|IOENCODING|WARNINGS|NOUSERSITE|OPTIMIZE)"
    r"|PYTHON(DONTWRITEBYTECODE|PYCACHEPREFIX|FAULTHANDLER|MALLOC)"
    r"|(OPENBLAS|OMP|MKL)_NUM_THREADS|"
    + "|".join(name for name in VARIABLES if name.startswith("CCANALYTICS_"))
)
"""The variables a notebook may know, each by its name: what it does not know it cannot say."""

MEMORY = 1_500_000_000
"""Bytes that notebooks may take together: so many of them run at once, and one at least."""

LEAST_MEMORY = 250_000_000
"""Bytes that each may take, else as many as the process has that it is a copy of."""

START_TIMEOUT = 120.0
"""Seconds until its first cell must start; imports can be slow on a busy machine."""

_WORKER = "ccanalytics.report.notebook_worker"

DIED = "The process that ran it ended (code {})."


class NotebookError(ReportError):
    """A failed notebook: its name, the cell (counted from 1), and the reason."""

    def __init__(self, notebook: str, cell: int | None, code: str, error: str) -> None:
        place = f"{notebook}, cell {cell}" if cell else notebook
        super().__init__(f"{place}: {error}")
        self.notebook, self.cell, self.code, self.error = notebook, cell, code, error


@dataclass(frozen=True)
class NotebookRun:
    """One notebook to run: its file and its parameters."""

    source: Path
    parameters: Mapping[str, Any]

    def failure(self, cell: int | None, error: str) -> NotebookError:
        """The failure of a cell, numbered as in the source, without the injected parameters."""
        from ccanalytics.report.parameters import read_notebook

        if cell is None:
            return NotebookError(self.source.name, None, "", error)
        cells = read_notebook(self.source).cells
        tags = [one.metadata.get("tags", []) for one in cells]
        given = next((n for n, tag in enumerate(tags) if "parameters" in tag), len(tags))
        at = cell - (bool(self.parameters) and cell > given)
        code = cells[at].source if at < len(cells) else ""
        return NotebookError(self.source.name, at + 1, code, error)


class NotebookWorkers:
    """A prepared process and the notebooks that run in forks of it, until it is closed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._opened = contextlib.ExitStack()
        self._folder = self._opened.enter_context(own_folder("ccanalytics-notebooks-"))
        self._environment = worker_environment(environment, self._folder)
        self._heard: queue.SimpleQueue[tuple[_Process, dict[str, Any] | None]] = queue.SimpleQueue()
        self._running: dict[int, _Running] = {}
        self._begun = 0
        self._closed = False
        self._data: Mapping[str, Any] | None = None
        self._prepared: _Process | None = self._launched()

    def prepare(self, parameters: Mapping[str, Any] | None = None) -> None:
        """Forget loaded data; with parameters, load their data at once.

        Returns at once; the prepared process works in the background.
        """
        self._data = parameters or {}
        if self._prepared:
            self._prepared.ask(prepare=self._data)

    def run(
        self,
        runs: Sequence[NotebookRun],
        *,
        timeout: float,
        progress: Progress | None = None,
        done: "Callable[[NotebookNode], object]" = bool,
    ) -> "list[NotebookNode]":
        """The executed notebooks in order.

        All are run to their end, and `done` is called with each while others run; then the first
        that failed is raised as `NotebookError`. `timeout` is seconds per cell. Leaving early, by
        Ctrl-C too, ends every process.
        """
        # Longest first, so that the last one to end is short.
        waiting = sorted(runs, key=lambda run: run.source.stat().st_size)
        results: dict[Path, NotebookNode | NotebookError] = {}
        try:
            while waiting or self._running:
                while waiting and self._has_room():
                    self._begin(waiting.pop())
                for run, result in self._ended(timeout, progress):
                    results[run.source] = result
                    if not isinstance(result, NotebookError):
                        done(result)
        except BaseException:
            self.close()
            raise
        executed = []
        for run in runs:
            if isinstance(result := results[run.source], NotebookError):
                raise result
            executed.append(result)
        return executed

    def close(self) -> None:
        """End the processes and their children."""
        self._closed = True
        for one in list(self._running.values()):
            one.end()
        if self._prepared:
            self._prepared.end()
        self._opened.close()

    def _has_room(self) -> bool:
        # What a copy takes is known once the first has begun, as it is made of what was prepared.
        if FORKS and any(not one.pid for one in self._running.values()):
            return False
        need = self._prepared.memory if self._prepared else 0
        return len(self._running) < notebooks_at_once(need)

    def _launched(self) -> "_Process":
        process = _Process(self._environment, self._heard)
        if self._data is not None:
            process.ask(prepare=self._data)
        return process

    def _begin(self, run: NotebookRun) -> None:
        """Run a notebook in a fork of the prepared process, or in a new process."""
        if self._closed:
            raise ReportError("The report was stopped.")
        process = self._prepared
        if process is None or not process.lives:
            process = self._launched()
        # Without fork, a process runs one notebook and ends with it.
        self._prepared = process if FORKS else None
        self._begun += 1
        result = self._folder / f"{self._begun}.json"
        self._running[self._begun] = _Running(run, process, result, time.monotonic())
        given = {"source": str(run.source), "parameters": dict(run.parameters)}
        process.ask(run=self._begun, result=str(result), **given)

    def _ended(
        self, timeout: float, progress: Progress | None
    ) -> "list[tuple[NotebookRun, NotebookNode | NotebookError]]":
        """The results of notebooks that ended, by the next answer or its absence."""
        now = time.monotonic()
        left = min(one.deadline(timeout) for one in self._running.values()) - now
        try:
            process, answer = self._heard.get(timeout=max(left, 0))
        except queue.Empty:
            late = [n for n, one in self._running.items() if one.deadline(timeout) <= now + left]
            return [self._stopped(n, self._running[n].late(timeout)) for n in late]
        if answer is None:
            answer = {"ended": process.end()}
            if process is self._prepared:
                self._prepared = None
            about = [n for n, one in self._running.items() if one.process is process]
        else:
            about = [n for n in self._running if n == answer["run"]]
        for number in about:
            self._running[number].hear(answer, progress)
        ended = about if "ended" in answer else []
        return [self._stopped(number, DIED.format(answer["ended"])) for number in ended]

    def _stopped(self, number: int, why: str) -> "tuple[NotebookRun, NotebookNode | NotebookError]":
        """End a notebook; returns its result, or why there is none and in which cell."""
        one = self._running.pop(number)
        one.end()
        return one.run, one.read() or one.run.failure(one.cell, why)


def notebooks_at_once(need: int) -> int:
    """As many notebooks as there are cores, and as memory allows when each needs so many bytes."""
    known = hasattr(os, "sched_getaffinity")  # fewer than the machine has, where it is shared
    cores = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    # Available, not free memory: the file cache is given back when needed.
    memory = min(MEMORY, psutil.virtual_memory().available)
    return max(1, min(cores, memory // max(need, LEAST_MEMORY)))


def worker_environment(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The allowed part of `environment`, without the user's own IPython settings."""
    kept = {name: value for name, value in environment.items() if ALLOWED.fullmatch(name)}
    return {**kept, "IPYTHONDIR": str(folder / "ipython"), "CCANALYTICS_REPORT": "1"}


@dataclass
class _Running:
    """A running notebook: its process, start and progress."""

    run: NotebookRun
    process: "_Process"
    result: Path
    since: float
    """When its process was asked for it, then when its newest cell started."""
    cell: int | None = None
    cells: int = 0
    pid: int = 0

    def deadline(self, timeout: float) -> float:
        return self.since + (START_TIMEOUT if self.cell is None else timeout)

    def late(self, timeout: float) -> str:
        if self.cell is None:
            return f"Its process took longer to start than {START_TIMEOUT:g} s and was ended."
        return f"The cell took longer than {timeout:g} s and was ended."

    def hear(self, answer: Mapping[str, Any], progress: Progress | None) -> None:
        self.since = time.monotonic()
        self.pid = answer.get("pid", self.pid)
        self.cell = answer.get("begun", self.cell)
        self.cells = answer.get("of", self.cells)
        if progress and self.cell is not None:
            begun = self.cells if "ended" in answer else self.cell
            progress(self.run.source.name, begun, self.cells)

    def read(self) -> "NotebookNode | NotebookError | None":
        """Its result; None when it was ended before it had one."""
        from nbformat import from_dict

        try:
            result = json.loads(self.result.read_bytes())
        except (FileNotFoundError, ValueError):  # none, or cut short
            return None
        self.result.unlink()
        if "error" in result:
            return self.run.failure(result["cell"], result["error"])
        notebook: NotebookNode = from_dict(result["notebook"])  # type: ignore[no-untyped-call]
        return notebook

    def end(self) -> None:
        """End its process and children, but not the process it was forked from."""
        if FORKS and self.pid:
            kill_group(self.pid)
        else:
            self.process.end()


class _Process:
    """A process of `notebook_worker`; all processes put their answers into one queue."""

    def __init__(
        self,
        environment: Mapping[str, str],
        heard: "queue.SimpleQueue[tuple[_Process, dict[str, Any] | None]]",
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", _WORKER, *(["copies"] if FORKS else [])],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the parent's; and a group of its own to end
        )
        threading.Thread(target=self._listen, args=(heard,), daemon=True).start()

    def ask(self, **request: Any) -> None:
        assert self._process.stdin
        with contextlib.suppress(OSError, ValueError):  # that it has died is heard, too
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    @property
    def memory(self) -> int:
        with contextlib.suppress(psutil.Error):
            return int(psutil.Process(self._process.pid).memory_info().rss)
        return 0

    def end(self) -> int:
        """The exit code, after ending the process if needed."""
        if self.lives:
            kill_group(self._process.pid)
        code = self._process.wait()
        assert self._process.stdin
        with contextlib.suppress(OSError):  # what was not read any more cannot be flushed
            self._process.stdin.close()
        return code

    def _listen(self, heard: Any) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                heard.put((self, json.loads(line)))
        heard.put((self, None))


def kill_group(pid: int) -> None:
    """End the process and, if it leads a process group, its children."""
    with contextlib.suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)
