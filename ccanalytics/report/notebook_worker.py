"""The process that runs notebooks: prepared once, then copied for each notebook.

It takes lines of JSON on stdin and answers with lines on stdout:

    {"prepare": parameters}                forget loaded data; load these at once
    {"runs": [[n, source, parameters]...], "timeout": seconds}    run each in a copy
    {"run": n, "cell": m, "of": cells}     the cell m of one starts, counted as in the source
    {"run": n, "notebook"} or {"run", "error"}   the executed one, or why it failed; it has ended

Its arguments say how to copy, `fork` or `spawn` for a new process that imports, and how many
seconds imports, loading and the start of a copy may take.
It ends with the process that asks, and its copies with it, also in a cell.
"""

import contextlib
import ctypes
import faulthandler
import gc
import json
import multiprocessing as mp
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import psutil

from ccanalytics.report.engine import kill_group
from ccanalytics.wings import resolve

PREPARED_BY = "issue.memory:prepare"
"""The function that shares loaded data between notebooks; a report knows no datasets."""

MEMORY = 1_500_000_000
"""Bytes that notebooks may take together: so many of them run at once, and one at least."""

LEAST_MEMORY = 250_000_000
"""Bytes that each may take, else as many as the process has that it is a copy of."""

_STARTING = threading.Lock()
_PR_SET_PDEATHSIG = 1  # of linux/prctl.h


def main(how: str, start: float) -> None:
    """Answer requests until the other end closes; what takes longer to start is given up."""
    faulthandler.dump_traceback_later(start, exit=True)
    # Out of reach of the cells: stdin is closed, so that `input()` in a cell or a program it starts
    # fails at once instead of taking the next request; what they write to stdout goes to stderr.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    speaking = threading.Lock()

    def answer(**said: Any) -> None:
        with speaking:
            answers.write(json.dumps(said).encode() + b"\n")
            answers.flush()

    prepare: Callable[[Any], object] = bool  # a new process reads its data itself
    if how == "fork":
        _skip_slow_import()
        from ccanalytics.report.notebook_shell import shell

        shell()
        prepare = resolve(PREPARED_BY)
        gc.freeze()  # what is imported stays: to look through it takes a seventh of a second
    # Python 3.12 warns of each fork; what has threads here, such as Arrow, waits and expects forks.
    warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
    faulthandler.cancel_dump_traceback_later()
    for line in requests:
        asked = json.loads(line)
        if "prepare" in asked:
            faulthandler.dump_traceback_later(start, exit=True)
            with contextlib.suppress(Exception):  # the cell that loads will say what is wrong
                prepare(asked["prepare"])
            faulthandler.cancel_dump_traceback_later()
        else:
            threads = ThreadPoolExecutor(notebooks_at_once(psutil.Process().memory_info().rss))
            limits = start, asked["timeout"]
            for run in asked["runs"]:
                threads.submit(_supervise, mp.get_context(how), run, limits, answer)
    for copy in mp.active_children():
        kill_group(copy.pid or 0)
    os._exit(0)


def _supervise(
    context: Any, asked: Sequence[Any], limits: tuple[float, float], answer: Callable[..., None]
) -> None:
    """Run a notebook in a copy of this process, and end it."""
    run, *notebook = asked
    try:
        with _STARTING:  # else another copy would hold its end of the pipe open
            gc.freeze()  # else the collector would write to all that is shared, and so copy it
            heard, says = context.Pipe(duplex=False)
            copy = context.Process(target=_run, args=(*notebook, says))
            copy.start()
            says.close()
    except OSError as error:
        answer(run=run, error=f"Its process could not start: {error}.")
        return
    limit, late = limits[0], "Its process did not start in time and was ended."
    said: dict[str, Any] = {"cell": 0}
    try:
        while "cell" in said:
            said = heard.recv() if heard.poll(limit) else {"error": late}
            if "cell" in said:
                answer(run=run, **said)
            limit, late = limits[1], f"The cell took longer than {limits[1]:g} s and was ended."
    except Exception:  # it is no more, or what it said cannot be read
        copy.join(10)
        said = {"error": f"The process that ran it ended (code {copy.exitcode})."}
    kill_group(copy.pid)  # with what its cells have started
    copy.kill()  # before it has a group of its own
    copy.join()
    answer(run=run, **said)


def notebooks_at_once(need: int) -> int:
    """As many notebooks as there are cores, and as memory allows when each needs so many bytes."""
    known = hasattr(os, "sched_getaffinity")  # fewer than the machine has, where it is shared
    cores = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    # Available, not free memory: the file cache is given back when needed.
    memory = min(MEMORY, psutil.virtual_memory().available)
    return max(1, min(cores, memory // max(need, LEAST_MEMORY)))


def _run(source: str, parameters: dict[str, Any], said: Connection) -> None:
    """Run a notebook in this copy."""
    if hasattr(os, "setsid"):
        os.setsid()
    if sys.platform == "linux":  # ends with its parent also when a cell lets no thread run
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _skip_slow_import()
    from nbformat.v4 import nbjson
    from papermill import PapermillExecutionError

    from ccanalytics.report.notebook_shell import run_notebook

    def begin(cell: int, cells: int) -> None:
        said.send({"cell": cell, "of": cells})

    try:
        said.send({"notebook": nbjson.writes(run_notebook(Path(source), parameters, begin))})  # type: ignore[no-untyped-call]
    except PapermillExecutionError as error:
        said.send({"error": f"{error.ename}: {error.evalue}" if error.evalue else error.ename})
    except Exception as error:
        said.send({"error": f"{type(error).__name__}: {error}"})
    sys.stderr.flush()
    os._exit(0)  # exit handlers belong to the parent process


def _end_with_parent() -> None:
    """An endless cell must not outlive the process that started it."""
    parent = mp.parent_process()
    assert parent
    wait([parent.sentinel])
    kill_group(os.getpid())


def _skip_slow_import() -> None:
    """jsonschema builds 35 parsers nobody needs when it finds this grammar: a second each time."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
