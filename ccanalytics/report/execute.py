"""Notebooks -> executed notebooks, several at once, each in a kernel of its own.

`execute_one` runs one by whatever engine papermill is given.
"""

import asyncio
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import papermill
from jupyter_core.utils import ensure_event_loop
from nbformat import NotebookNode

from ccanalytics.errors import ReportError
from ccanalytics.report.kernels import Kernels, kernels
from ccanalytics.report.parameters import read_notebook

Progress = Callable[[str, int, int], None]  # notebook, cells begun, cells in all

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class NotebookError(ReportError):
    """A notebook that stopped: which one, in which cell (counted from 1), and why."""

    def __init__(self, notebook: str, cell: int | None, code: str, error: str) -> None:
        place = f"{notebook}, cell {cell}" if cell else notebook
        super().__init__(f"{place}: {error}")
        self.notebook, self.cell, self.code, self.error = notebook, cell, code, error


@dataclass
class _Run:
    """One notebook on its way through an engine."""

    source: Path
    target: Path | None
    parameters: Mapping[str, Any]
    index: int | None = None
    code: str = ""


def execute(
    notebooks: Sequence[Path],
    parameters: Sequence[Mapping[str, Any]],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout: float,
    progress: Progress | None = None,
) -> list[NotebookNode]:
    """The executed notebooks in their order, each also written to `folder`.

    All are run to their end; then the first that failed is raised as `NotebookError`. `timeout`
    is seconds per cell. Leaving early, by Ctrl-C too, kills every kernel.
    """
    runs = [
        _Run(source, folder / source.name, given)
        for source, given in zip(notebooks, parameters, strict=True)
    ]
    with kernels(sys.executable, environment) as started, _workers(len(runs)) as workers:
        try:
            futures = [workers.submit(_in_loop, run, started, timeout, progress) for run in runs]
            wait(futures)
        except BaseException:
            started.kill()
            workers.shutdown(cancel_futures=True)
            raise
        return [future.result() for future in futures]


def execute_one(
    source: Path,
    parameters: Mapping[str, Any],
    *,
    target: Path | None = None,
    progress: Progress | None = None,
    **engine: Any,
) -> NotebookNode:
    """The executed notebook, also written to `target`; `engine` says papermill what runs it.

    `NotebookError` when a cell failed.
    """
    return _execute(_Run(source, target, parameters), progress, engine)


def _workers(notebooks: int) -> ThreadPoolExecutor:
    at_once = min(notebooks, max(2, os.cpu_count() or 1))
    return ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="notebook")


def _in_loop(
    run: _Run, started: Kernels, timeout: float, progress: Progress | None
) -> NotebookNode:
    """`_execute` with an event loop that is closed at the end; nbclient leaves its own open."""
    engine = {
        "execution_timeout": timeout,
        "kernel_manager_class": started.manager,
        "shutdown_kernel": "immediate",
    }

    def inside() -> NotebookNode:
        loop = ensure_event_loop()
        try:
            return _execute(run, progress, engine)
        finally:
            _finish(loop)

    return copy_context().run(inside)


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    """Close `loop`; what still waits in it (after a timeout) is cancelled first."""
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
    loop.close()


def _execute(run: _Run, progress: Progress | None, engine: Mapping[str, Any]) -> NotebookNode:
    total = len(read_notebook(run.source).cells)

    def begin(*, cell: NotebookNode, cell_index: int, **_: Any) -> None:
        run.index, run.code = cell_index, cell.source
        if progress:
            progress(run.source.name, min(cell_index, total - 1), total)

    try:
        notebook = papermill.execute_notebook(
            str(run.source),
            str(run.target) if run.target else None,
            parameters=dict(run.parameters),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            on_cell_start=begin,
            **engine,
        )
    except papermill.PapermillExecutionError as error:
        raise _failure(
            run, error.cell_index, error.source, _said(error.ename, error.evalue)
        ) from None
    except Exception as error:
        text = _said(type(error).__name__, str(error))
        raise _failure(run, run.index, run.code, text) from error
    if progress:
        progress(run.source.name, total, total)
    return notebook


def _failure(run: _Run, index: int | None, code: str, error: str) -> NotebookError:
    """The failure with its cell counted as in the source, where no parameters were injected."""
    if index is None:
        return NotebookError(run.source.name, None, code, error)
    tags = [cell.metadata.get("tags", []) for cell in read_notebook(run.source).cells]
    parameters = next((n for n, tag in enumerate(tags) if "parameters" in tag), len(tags))
    injected = bool(run.parameters) and index > parameters
    return NotebookError(run.source.name, index + 1 - injected, code, error)


def _said(name: str, text: str) -> str:
    return _COLOUR.sub("", f"{name}: {text}" if text else name)
