"""Notebooks -> executed notebooks: one prepared process, and a copy of it for each notebook.

    engine (this process) ── a line of JSON per notebook ─▶ notebook_worker ── fork ─▶ papermill
                          ◀─ a line when a cell begins, and when the copy has ended ─────┘

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
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from ccanalytics.errors import ReportError
from ccanalytics.settings import VARIABLES

if TYPE_CHECKING:
    from nbformat import NotebookNode

Progress = Callable[[str, int, int], None]
"""Called with a notebook, the number of started cells, and of all cells; from several threads."""

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


class NotebookWorkers:
    """A prepared process and the notebooks that run in copies of it, until it is closed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        kept = {name: value for name, value in environment.items() if ALLOWED.fullmatch(name)}
        self._environment = {**kept, "CCANALYTICS_REPORT": "1"}
        self._numbers = count(1)
        self._pids: set[int] = set()
        self._launching = threading.Lock()
        self._closed = False
        self._prepared = _Process(self._environment)

    def prepare(self, parameters: Mapping[str, Any] | None = None) -> None:
        """Forget loaded data; with parameters, load their data at once.

        Returns at once; the prepared process works in the background.
        """
        self._living().ask(prepare=parameters or {})

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
        longest = sorted(runs, key=lambda run: -run.source.stat().st_size)
        threads = ThreadPoolExecutor(self._at_once())
        try:
            results = {
                run.source: threads.submit(self._executed, run, timeout, progress)
                for run in longest
            }
            for one in as_completed(results.values()):
                if not one.exception():
                    done(one.result())
        except BaseException:
            self.close()
            raise
        finally:
            threads.shutdown()
        return [results[run.source].result() for run in runs]

    def close(self) -> None:
        """End the processes and their children."""
        with self._launching:
            self._closed = True
        for pid in list(self._pids):
            kill_group(pid)
        self._prepared.end()

    def _living(self) -> "_Process":
        """The prepared process; a new one if it has died."""
        with self._launching:
            if self._closed:
                raise ReportError("The report was stopped.")
            if not self._prepared.lives:
                self._prepared = _Process(self._environment)
            return self._prepared

    def _at_once(self) -> int:
        """How many notebooks may run together: what a copy takes is known once all is prepared."""
        process = self._living()
        process.ask(run=0)
        with contextlib.suppress(queue.Empty):  # each notebook will say that nothing starts
            process.heard[0].get(timeout=START_TIMEOUT)
        need = 0
        with contextlib.suppress(psutil.Error):
            need = psutil.Process(process.pid).memory_info().rss
        return notebooks_at_once(need)

    def _executed(
        self, run: NotebookRun, timeout: float, progress: Progress | None
    ) -> "NotebookNode":
        """A notebook, executed in a copy of the prepared process; waits in a thread of its own."""
        process, number, name = self._living(), next(self._numbers), run.source.name
        heard = process.heard[number]
        process.ask(run=number, source=str(run.source), parameters=dict(run.parameters))
        said: dict[str, Any] = {}
        try:
            while "ended" not in said:
                wait = timeout if "cell" in said else START_TIMEOUT
                said |= heard.get(timeout=wait) or {"ended": process.end()}
                self._pids |= {said["pid"]} if "pid" in said else set()
                if progress and "cell" in said:
                    begun = said["of" if "ended" in said else "cell"]
                    progress(name, begun, said["of"])
            why = f"The process that ran it ended (code {said['ended']})."
        except queue.Empty:
            why = f"The cell took longer than {timeout:g} s and was ended."
            if "cell" not in said:
                why = f"Its process took longer to start than {START_TIMEOUT:g} s and was ended."
        finally:
            kill_group(said["pid"]) if "pid" in said else process.end()
            self._pids.discard(said.get("pid", 0))
        if self._closed:
            raise ReportError("The report was stopped.")
        return _result(run, said, why)


def _result(run: NotebookRun, said: Mapping[str, Any], why: str) -> "NotebookNode":
    """The executed notebook; without one, raises the error in its last cell, or `why` it ended."""
    from nbformat import from_dict

    from ccanalytics.report.parameters import read_notebook

    if "notebook" in said:
        notebook: NotebookNode = from_dict(said["notebook"])  # type: ignore[no-untyped-call]
        return notebook
    cell = said.get("cell") or None
    code = read_notebook(run.source).cells[cell - 1].source if cell else ""
    raise NotebookError(run.source.name, cell, code, said.get("error", why))


def notebooks_at_once(need: int) -> int:
    """As many notebooks as there are cores, and as memory allows when each needs so many bytes."""
    known = hasattr(os, "sched_getaffinity")  # fewer than the machine has, where it is shared
    cores = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    # Available, not free memory: the file cache is given back when needed.
    memory = min(MEMORY, psutil.virtual_memory().available)
    return max(1, min(cores, memory // max(need, LEAST_MEMORY)))


class _Process:
    """A process of `notebook_worker`, and what is heard of each run; None once it has died."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.heard: dict[int, queue.SimpleQueue[dict[str, Any] | None]] = defaultdict(
            queue.SimpleQueue
        )
        how = "fork" if FORKS else "spawn"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ccanalytics.report.notebook_worker", how],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the parent's; and a group of its own to end
        )
        self.pid = self._process.pid
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, **request: Any) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # it has died
            self.heard[request.get("run", 0)].put(None)

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def end(self) -> int:
        """The exit code, after ending the process if needed."""
        if self.lives:
            kill_group(self.pid)
        code = self._process.wait()
        assert self._process.stdin
        with contextlib.suppress(OSError):  # what was not read any more cannot be flushed
            self._process.stdin.close()
        return code

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                answer = json.loads(line)
                self.heard[answer["run"]].put(answer)
        for heard in list(self.heard.values()):
            heard.put(None)


def kill_group(pid: int) -> None:
    """End the process and, if it leads a process group, its children."""
    with contextlib.suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)
