"""The process that runs notebooks: prepared once, then forked for each notebook.

It takes lines of JSON on stdin and answers with lines on stdout:

    {"prepare": parameters}                              forget loaded data; load these at once
    {"run": n, "source", "parameters", "result"}         run a notebook in a fork
    {"run": n, "pid": p}                                 the fork that runs it
    {"run": n, "begun": m, "of": cells}                  its cell m starts
    {"run": n, "ended": code}                            the copy is no more

The file `result` then has {"notebook"} or, of one that failed, {"error", "cell"}.

A copy ends with the process it is of, and that one with the one that asks, also in a cell. Without
the argument `copies` it runs one notebook itself, and ends.
"""

import contextlib
import gc
import json
import os
import re
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from ccanalytics.wings import resolve

PREPARED_BY = "issue.prepared:prepare"
"""The function that shares loaded data between notebooks; a report knows no datasets."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class _Pipes:
    """Requests and answers, out of reach of the cells.

    The process's own stdin is closed, so that `input()` in a cell or a program it
    starts fails at once instead of taking the next request; what they write to stdout goes to
    stderr.
    """

    def __init__(self) -> None:
        self.requests = os.fdopen(os.dup(0), "rb")
        self._answers = os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)

    def answer(self, run: int, **said: Any) -> None:
        # In one write: forks share the pipe, and signals may interrupt.
        os.write(self._answers, json.dumps({"run": run, **said}).encode() + b"\n")


def main() -> None:
    """Answer requests until the other end closes."""
    pipes = _Pipes()
    # jsonschema builds 35 parsers nobody needs when it finds this grammar: a second each time.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from ccanalytics.report.notebook_shell import shell

    shell()
    prepare = resolve(PREPARED_BY)
    gc.freeze()  # what is imported stays: to look through it takes a seventh of a second
    # Nothing is written to it: a copy that reads from it hears that this process has ended.
    lifeline = os.pipe()
    # Python 3.12 warns of each fork; what has threads here, such as Arrow, waits and expects forks.
    warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
    for line in pipes.requests:
        asked = json.loads(line)
        if "prepare" in asked:
            with contextlib.suppress(Exception):  # the cell that loads will say what is wrong
                prepare(asked["prepare"])
        elif "copies" in sys.argv:
            _run_copy(asked, pipes, lifeline)
        else:
            _end_with(pipes.requests.fileno())
            _run(asked, pipes)
            return


def _run_copy(asked: dict[str, Any], pipes: _Pipes, lifeline: tuple[int, int]) -> None:
    gc.freeze()  # else the collector would write to all that is shared, and so copy it
    if pid := os.fork():
        # A thread each: other children of this process are not ours to wait for.
        threading.Thread(target=_say_end, args=(pid, asked["run"], pipes), daemon=True).start()
        return
    code = 1
    try:
        os.setsid()
        os.close(lifeline[1])
        _end_with(lifeline[0])
        _run(asked, pipes)
        code = 0
    finally:
        # Exit handlers belong to the parent process.
        sys.stderr.flush()
        os._exit(code)


def _say_end(pid: int, run: int, pipes: _Pipes) -> None:
    _, status = os.waitpid(pid, 0)
    pipes.answer(run, ended=os.waitstatus_to_exitcode(status))


def _end_with(lifeline: int) -> None:
    """End this process when the other end of a pipe closes: an endless cell must not outlive
    the process that started it."""

    def listen() -> None:
        os.read(lifeline, 1)
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()


def _run(asked: dict[str, Any], pipes: _Pipes) -> None:
    from nbformat.v4.nbjson import BytesEncoder
    from papermill import PapermillExecutionError

    from ccanalytics.report.notebook_shell import run_notebook

    def begin(index: int, total: int) -> None:
        pipes.answer(asked["run"], begun=index, of=total)

    pipes.answer(asked["run"], pid=os.getpid())
    result: dict[str, Any]
    try:
        result = {"notebook": run_notebook(Path(asked["source"]), asked["parameters"], begin)}
    except PapermillExecutionError as error:
        text = f"{error.ename}: {error.evalue}" if error.evalue else str(error.ename)
        result = {"error": _COLOUR.sub("", text), "cell": error.cell_index}
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}", "cell": None}
    Path(asked["result"]).write_text(json.dumps(result, cls=BytesEncoder), encoding="utf-8")


if __name__ == "__main__":
    main()
