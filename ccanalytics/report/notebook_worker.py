"""The process that runs notebooks: prepared once, then copied for each notebook.

It takes lines of JSON on stdin and answers with lines on stdout:

    {"prepare": parameters}                              forget loaded data; load these at once
    {"run": 0}                                           answered with the same once all is ready
    {"run": n, "source", "parameters", "result"}         run a notebook in a copy
    {"run": n, "pid": p}                                 the copy that runs it
    {"run": n, "cell": m, "of": cells}                   its cell m starts, counted as in the source
    {"run": n, "ended": code}                            the copy is no more

The file `result` then has {"notebook"} or, of one that failed, {"error"}.

Its argument says how to copy: `fork`, or `spawn` for a new process, whose argument is the request.
A copy ends with the process it is of, and that one with the one that asks, also in a cell.
"""

import contextlib
import gc
import json
import os
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ccanalytics.wings import resolve

PREPARED_BY = "issue.prepared:prepare"
"""The function that shares loaded data between notebooks; a report knows no datasets."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def main() -> None:
    """Answer requests until the other end closes."""
    # Out of reach of the cells: stdin is closed, so that `input()` in a cell or a program it starts
    # fails at once instead of taking the next request; what they write to stdout goes to stderr.
    requests, answers = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    (how,) = sys.argv[1:]
    # jsonschema builds 35 parsers nobody needs when it finds this grammar: a second each time.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    if how not in ("fork", "spawn"):
        _end_with(requests)
        _run(json.loads(how), answers)
        return
    if how == "fork":
        from ccanalytics.report.notebook_shell import shell

        shell()
        prepare = resolve(PREPARED_BY)
        gc.freeze()  # what is imported stays: to look through it takes a seventh of a second
    # Nothing is written to it: a copy that reads from it hears that this process has ended.
    lifeline = os.pipe()
    # Python 3.12 warns of each fork; what has threads here, such as Arrow, waits and expects forks.
    warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
    for line in os.fdopen(requests, "rb"):
        asked = json.loads(line)
        if "prepare" in asked:
            with contextlib.suppress(Exception):  # the cell that loads will say what is wrong
                prepare(asked["prepare"])
        elif not asked["run"]:
            _answer(answers, 0)
        else:
            pid, wait = (_forked if how == "fork" else _spawned)(asked, answers, lifeline)
            _answer(answers, asked["run"], pid=pid)
            # A thread each: other children of this process are not ours to wait for.
            threading.Thread(
                target=_say_end, args=(answers, asked["run"], wait), daemon=True
            ).start()


def _answer(answers: int, run: int, **said: Any) -> None:
    # In one write: copies share the pipe, and signals may interrupt.
    os.write(answers, json.dumps({"run": run, **said}).encode() + b"\n")


def _say_end(answers: int, run: int, wait: Callable[[], int]) -> None:
    _answer(answers, run, ended=wait())


Copy = tuple[int, Callable[[], int]]
"""The process of a copy, and how to wait for its exit code."""


def _forked(asked: dict[str, Any], answers: int, lifeline: tuple[int, int]) -> Copy:
    gc.freeze()  # else the collector would write to all that is shared, and so copy it
    if pid := os.fork():
        return pid, lambda: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 1
    try:
        os.setsid()
        os.close(lifeline[1])
        _end_with(lifeline[0])
        _run(asked, answers)
        code = 0
    finally:
        # Exit handlers belong to the parent process.
        sys.stderr.flush()
        os._exit(code)


def _spawned(asked: dict[str, Any], answers: int, lifeline: tuple[int, int]) -> Copy:
    process = subprocess.Popen(
        [sys.executable, "-m", "ccanalytics.report.notebook_worker", json.dumps(asked)],
        stdin=lifeline[0],
        stdout=answers,
        start_new_session=True,
    )
    return process.pid, process.wait


def _end_with(lifeline: int) -> None:
    """End this process when the other end of a pipe closes: an endless cell must not outlive
    the process that started it."""

    def listen() -> None:
        os.read(lifeline, 1)
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()


def _run(asked: dict[str, Any], answers: int) -> None:
    from nbformat.v4.nbjson import BytesEncoder
    from papermill import PapermillExecutionError

    from ccanalytics.report.notebook_shell import run_notebook

    def begin(cell: int, cells: int) -> None:
        _answer(answers, asked["run"], cell=cell, of=cells)

    result: dict[str, Any]
    try:
        result = {"notebook": run_notebook(Path(asked["source"]), asked["parameters"], begin)}
    except PapermillExecutionError as error:
        text = f"{error.ename}: {error.evalue}" if error.evalue else str(error.ename)
        result = {"error": _COLOUR.sub("", text)}
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    Path(asked["result"]).write_text(json.dumps(result, cls=BytesEncoder), encoding="utf-8")


if __name__ == "__main__":
    main()
