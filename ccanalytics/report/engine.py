"""Notebooks -> executed notebooks: one prepared process, and a copy of it for each notebook.

    engine (this process) ── a line of JSON: all notebooks ─▶ notebook_worker ── fork ─▶ papermill
                          ◀─ a line when a cell begins, and when a notebook has ended ─┘

The prepared process imports and loads once. Each notebook runs in a copy of it, which shares that
memory, so that a notebook sees nothing of another one and cores do not multiply the data. One that
outlasts the cell timeout or dies is ended, and the cell is named. Keys are never in the environment
of these processes. Where there is no fork to rely on, each notebook gets a process that imports.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

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


START_TIMEOUT = 120.0
"""Seconds to import, to load, and until a first cell starts; all are slow on a busy machine."""


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
        self._environment = {**allowed(environment), "CCANALYTICS_REPORT": "1"}
        self._closed = False
        self._process = self._started()

    def prepare(self, parameters: Mapping[str, Any] | None = None) -> None:
        """Forget loaded data; with parameters, load their data at once.

        Returns at once; the prepared process works in the background.
        """
        self._ask(prepare=parameters or {})

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
        waiting = sorted(range(len(runs)), key=lambda n: -runs[n].source.stat().st_size)
        asked = [(n, str(runs[n].source), dict(runs[n].parameters)) for n in waiting]
        known: list[dict[str, Any]] = [{} for _ in runs]
        try:
            answers = self._ask(runs=asked, timeout=timeout)
            while waiting and (line := answers.readline()):
                heard = json.loads(line)
                said = known[heard["run"]]
                said |= heard
                if "cell" not in heard:
                    waiting.remove(heard["run"])
                if "notebook" in heard:
                    from nbformat.v4 import nbjson  # late: a run that is stopped ends at once

                    said["notebook"] = nbjson.reads(heard["notebook"])  # type: ignore[no-untyped-call]
                    done(said["notebook"])
                if progress and "of" in said:
                    name = runs[heard["run"]].source.name
                    progress(name, heard.get("cell", said["of"]), said["of"])
        except BaseException:
            self.close()
            raise
        if self._closed:
            raise ReportError("The report was stopped.")
        for number in waiting:
            code = self._process.wait()
            known[number]["error"] = f"The process that starts notebooks ended (code {code})."
        return [_notebook(run, said) for run, said in zip(runs, known, strict=True)]

    def close(self) -> None:
        """End the processes and their children."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(OSError):  # what was not read any more cannot be flushed
            self._process.stdin.close()  # of which it hears, and ends all it runs
        try:
            self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            kill_group(self._process.pid)
            self._process.wait()
        self._process.stdout.close()

    def _ask(self, **request: Any) -> IO[bytes]:
        """Ask the prepared process, or a new one if it has died; returns its answers."""
        if self._closed:
            raise ReportError("The report was stopped.")
        if self._process.poll() is not None:
            self._end()
            self._process = self._started()
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(OSError, ValueError):  # it has died, so there are no answers
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        return self._process.stdout

    def _started(self) -> "subprocess.Popen[bytes]":
        how = "fork" if FORKS else "spawn"
        return subprocess.Popen(
            [sys.executable, "-m", "ccanalytics.report.notebook_worker", how, str(START_TIMEOUT)],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the parent's; and a group of its own to end
        )


def _notebook(run: NotebookRun, said: Mapping[str, Any]) -> "NotebookNode":
    """The executed notebook, or its error with the cell that was the last to begin."""
    if "error" not in said:
        return said["notebook"]
    from ccanalytics.report.parameters import read_notebook

    cell = said.get("cell")
    code = read_notebook(run.source).cells[cell - 1].source if cell else ""
    raise NotebookError(run.source.name, cell, code, said["error"])


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that other programs may know."""
    return {name: value for name, value in environment.items() if ALLOWED.fullmatch(name)}


def kill_group(pid: int) -> None:
    """End the process and, if it leads a process group, its children."""
    with contextlib.suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGTERM)
