"""The process that runs notebooks: prepared once, then copied for each notebook.

It takes lines of JSON on stdin and answers with lines on stdout:

    {"prepare": parameters}                      forget loaded data; load these at once
    {"run": 0}                                   answered with the same once all is ready
    {"run": n, "source", "parameters"}           run a notebook in a copy
    {"run": n, "pid": p}                         the copy that runs it
    {"run": n, "cell": m, "of": cells}           its cell m starts, counted as in the source
    {"run": n, "notebook"} or {"run", "error"}   the executed one, or why a cell failed
    {"run": n, "ended": code}                    the copy is no more

Its argument says how to copy: `fork`, or `spawn` for a new process that imports.
A copy ends with the process it is of, and that one with the one that asks, also in a cell.
"""

import contextlib
import gc
import json
import multiprocessing as mp
import os
import sys
import threading
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from ccanalytics.wings import resolve

PREPARED_BY = "issue.memory:prepare"
"""The function that shares loaded data between notebooks; a report knows no datasets."""


def main() -> None:
    """Answer requests until the other end closes."""
    # Out of reach of the cells: stdin is closed, so that `input()` in a cell or a program it starts
    # fails at once instead of taking the next request; what they write to stdout goes to stderr.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    speaking = threading.Lock()

    def answer(said: bytes) -> None:
        with speaking:
            answers.write(said + b"\n")
            answers.flush()

    how = sys.argv[1]
    prepare: Callable[[Any], object] = bool  # a new process reads its data itself
    if how == "fork":
        # jsonschema builds 35 parsers nobody needs when it finds this grammar: a second each time.
        sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
        from ccanalytics.report.notebook_shell import shell

        shell()
        prepare = resolve(PREPARED_BY)
        gc.freeze()  # what is imported stays: to look through it takes a seventh of a second
    # Python 3.12 warns of each fork; what has threads here, such as Arrow, waits and expects forks.
    warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
    for line in requests:
        asked = json.loads(line)
        if "prepare" in asked:
            with contextlib.suppress(Exception):  # the cell that loads will say what is wrong
                prepare(asked["prepare"])
        elif not asked["run"]:
            answer(line.strip())
        else:
            gc.freeze()  # else the collector would write to all that is shared, and so copy it
            heard, said = mp.Pipe(duplex=False)
            copy: Any = mp.get_context(how).Process(target=_run, args=(asked, said))  # type: ignore[attr-defined]
            copy.start()
            said.close()
            threading.Thread(target=_pass_on, args=(asked["run"], copy, heard, answer)).start()
    os._exit(0)  # without waiting for copies, which hear of it


def _pass_on(run: int, copy: Any, heard: Connection, answer: Callable[[bytes], None]) -> None:
    answer(json.dumps({"run": run, "pid": copy.pid}).encode())
    with contextlib.suppress(EOFError):
        while True:
            answer(heard.recv_bytes())
    copy.join()
    answer(json.dumps({"run": run, "ended": copy.exitcode}).encode())


def _run(asked: dict[str, Any], said: Connection) -> None:
    """Run a notebook in this copy."""
    if hasattr(os, "setsid"):
        os.setsid()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from nbformat.v4.nbjson import BytesEncoder
    from papermill import PapermillExecutionError

    from ccanalytics.report.notebook_shell import run_notebook

    def say(**words: Any) -> None:
        said.send_bytes(json.dumps({"run": asked["run"], **words}, cls=BytesEncoder).encode())

    def begin(cell: int, cells: int) -> None:
        say(cell=cell, of=cells)

    try:
        say(notebook=run_notebook(Path(asked["source"]), asked["parameters"], begin))
    except PapermillExecutionError as error:
        say(error=f"{error.ename}: {error.evalue}" if error.evalue else str(error.ename))
    except Exception as error:
        say(error=f"{type(error).__name__}: {error}")
    sys.stderr.flush()
    os._exit(0)  # exit handlers belong to the parent process


def _end_with_parent() -> None:
    """An endless cell must not outlive the process that started it."""
    parent = mp.parent_process()
    assert parent
    wait([parent.sentinel])
    os._exit(1)


if __name__ == "__main__":
    main()
