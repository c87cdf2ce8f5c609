"""A notebook run in this process, without the start of a kernel.

papermill runs it as it does with kernels: the same parameters, the same errors. A notebook sees
nothing of the one before it, but what was imported stays.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import altair
import papermill
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from nbformat.v4 import new_output
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from traitlets.config import Config

ENGINE = "ccanalytics"

VEGA_LITE = "application/vnd.vegalite.v5+json"
"""The newest MIME type of charts that a notebook file may hold."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class CellError(Exception):
    """A cell that failed; `index` counts from 0 in the executed notebook."""

    def __init__(self, text: str, index: int | None) -> None:
        super().__init__(_COLOUR.sub("", text))
        self.index = index


def run_notebook(
    source: Path,
    parameters: Mapping[str, Any],
    *,
    target: Path | None = None,
    begin: Callable[[int], None] = lambda index: None,
) -> NotebookNode:
    """The executed notebook, also written to `target`; `CellError` when a cell failed."""
    try:
        return papermill.execute_notebook(
            str(source),
            str(target) if target else None,
            parameters=dict(parameters),
            engine_name=ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            on_cell_start=lambda *, cell, cell_index, **_: begin(cell_index),
        )
    except papermill.PapermillExecutionError as error:
        text = f"{error.ename}: {error.evalue}" if error.evalue else str(error.ename)
        raise CellError(text, error.cell_index) from None


class ShellEngine(Engine):  # type: ignore[misc]
    """Runs the cells of a notebook in the one shell of this process."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        on_cell_start: Callable[..., None] | None = None,
        **_: Any,
    ) -> None:
        """Run every cell up to the first that fails, whose error becomes its last output."""
        shell = _shell()
        shell.reset()  # type: ignore[no-untyped-call]
        for index, cell in enumerate(nb_man.nb.cells):
            if on_cell_start:
                on_cell_start(cell=cell, cell_index=index)
            nb_man.cell_start(cell, index)
            failed = cell.cell_type == "code" and not _run(shell, cell)
            if failed:
                nb_man.cell_exception(cell, index, exception=None)
                return
            nb_man.cell_complete(cell, index)


papermill_engines.register(ENGINE, ShellEngine)


def _run(shell: "_Shell", cell: NotebookNode) -> bool:
    """True when the cell ran to its end; its outputs are added to it."""
    shell.outputs = cell.outputs
    with _streams(cell.outputs):
        # With history, because a last expression ended by ";" is known by it.
        result = shell.run_cell(cell.source, store_history=True)  # type: ignore[no-untyped-call]
    cell.execution_count = result.execution_count
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        said = {"ename": type(error).__name__, "evalue": str(error), "traceback": []}
        cell.outputs.append(_output("error", **said))
    return error is None


class _Shell(InteractiveShell):
    """An IPython whose outputs are added to `outputs`, and that keeps nothing on disk."""

    outputs: list[NotebookNode]

    def show(self, kind: str, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        """Adds one output of a cell."""
        more = {"execution_count": self.execution_count} if kind == "execute_result" else {}
        self.outputs.append(_output(kind, data=dict(data), metadata=dict(metadata), **more))

    def _showtraceback(self, etype: object, evalue: object, stb: object) -> None:
        """Nothing: an error is an output of its own."""


class _Hook(DisplayHook):
    """The value of a cell's last expression becomes an output."""

    def start_displayhook(self) -> None: ...
    def write_output_prompt(self) -> None: ...
    def finish_displayhook(self) -> None: ...
    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        _shell().show("execute_result", format_dict, md_dict or {})


class _Publisher(DisplayPublisher):
    """What is displayed by hand becomes an output."""

    def publish(self, data: Any, metadata: Any = None, **_: Any) -> None:  # type: ignore[override]
        _shell().show("display_data", data, metadata or {})


@cache
def _shell() -> _Shell:
    # Charts of a reader's own are Vega-Lite in an output too, not a page that asks a network.
    altair.renderers.register("ccanalytics", lambda spec, **_: {VEGA_LITE: spec})
    altair.renderers.enable("ccanalytics")
    config = Config({"HistoryManager": {"enabled": False}})
    return _Shell.instance(config=config, displayhook_class=_Hook, display_pub_class=_Publisher)


def _output(kind: str, **fields: Any) -> NotebookNode:
    return new_output(kind, **fields)  # type: ignore[no-untyped-call]


class _Stream(io.TextIOBase):
    """Text written becomes an output, joined with the one before it."""

    def __init__(self, name: str, outputs: list[NotebookNode]) -> None:
        self.name, self.outputs = name, outputs

    def write(self, text: str) -> int:
        last = self.outputs[-1] if self.outputs else None
        if last is not None and last.output_type == "stream" and last.name == self.name:
            last.text += text
        else:
            self.outputs.append(_output("stream", name=self.name, text=text))
        return len(text)


@contextmanager
def _streams(outputs: list[NotebookNode]) -> Iterator[None]:
    with redirect_stdout(_Stream("stdout", outputs)), redirect_stderr(_Stream("stderr", outputs)):
        yield
