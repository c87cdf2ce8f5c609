"""A notebook run in this process, without the start of a kernel.

papermill runs it as it does with kernels: the same parameters, the same errors. A notebook sees
nothing of the one before it, neither names nor settings, but what was imported stays.
"""

import gc
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import altair
import pandas as pd
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
        shell.begin_notebook()
        with _settings_kept():
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
    shell.begin_cell(cell.outputs)
    with _streams(shell):
        # With history, because a last expression ended by ";" is known by it.
        result = shell.run_cell(cell.source, store_history=True)  # type: ignore[no-untyped-call]
    cell.execution_count = result.execution_count
    error = result.error_before_exec or result.error_in_exec
    if error is not None and not any(one.output_type == "error" for one in cell.outputs):
        shell.add("error", ename=type(error).__name__, evalue=str(error), traceback=[])
    return error is None


@contextmanager
def _settings_kept() -> Iterator[None]:
    """What a notebook sets for the whole process is as before when the block is left.

    Without this the next notebook would show its tables and charts otherwise, or read another
    store, depending on which worker happened to run it.
    """
    environment, path = dict(os.environ), list(sys.path)
    with (
        chdir(Path.cwd()),
        warnings.catch_warnings(),
        # Charts of a reader's own are Vega-Lite in an output too, not a page that asks a network.
        altair.renderers.enable(ENGINE),
        altair.data_transformers.enable("default"),
        altair.theme.enable("default"),
    ):
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(environment)
            sys.path[:] = path
            _reset_pandas()


def _reset_pandas() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some options are deprecated
        pd.reset_option(r"^(display|styler|mode|compute)\.")  # of "plotting" needs matplotlib


class _Shell(InteractiveShell):
    """An IPython whose outputs are added to a cell, and that keeps nothing on disk."""

    _outputs: list[NotebookNode]
    _outdated: bool
    """The outputs go as soon as there is a new one."""
    _displays: dict[str, list[NotebookNode]]
    """Outputs that were given a name, by which they may be changed."""

    def begin_notebook(self) -> None:
        """Forget every name and output of the notebook before."""
        self.reset()  # type: ignore[no-untyped-call]
        # What is left is imported and stays; else each reset would walk all of it again.
        gc.freeze()
        self._displays = {}

    def begin_cell(self, outputs: list[NotebookNode]) -> None:
        """From now on outputs are added to these."""
        self._outputs = outputs
        self._outdated = False

    def add(self, kind: str, **fields: Any) -> NotebookNode:
        """Adds one output to the cell; text is joined with the text before it."""
        if self._outdated:
            self.clear()
        output = new_output(kind, **fields)  # type: ignore[no-untyped-call]
        last = self._outputs[-1] if self._outputs else None
        if kind == "stream" and last and last.get("name") == output.name:
            last.text += output.text
        else:
            self._outputs.append(output)
        return output

    def display(self, data: Mapping[str, Any], metadata: Mapping[str, Any], name: str = "") -> None:
        """Adds what is displayed by hand; with a name it can be changed later."""
        shown = self.add("display_data", data=dict(data), metadata=dict(metadata))
        if name:
            self._displays.setdefault(name, []).append(shown)

    def change(self, data: Mapping[str, Any], metadata: Mapping[str, Any], name: str) -> None:
        """Puts this in place of all that was displayed under the name."""
        for shown in self._displays.get(name, ()):
            shown.data, shown.metadata = dict(data), dict(metadata)

    def clear(self, *, later: bool = False) -> None:
        """Takes back what the cell has shown; `later` is when there is something new to show."""
        self._outdated = later
        if not later:
            self._outputs.clear()

    def _showtraceback(self, etype: type, evalue: object, stb: list[str]) -> None:
        self.add("error", ename=etype.__name__, evalue=str(evalue), traceback=list(stb))


class _Hook(DisplayHook):
    """The value of a cell's last expression becomes an output."""

    def start_displayhook(self) -> None: ...
    def write_output_prompt(self) -> None: ...
    def finish_displayhook(self) -> None: ...
    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        shell = _shell()
        count = shell.execution_count
        shell.add("execute_result", data=format_dict, metadata=md_dict or {}, execution_count=count)


class _Publisher(DisplayPublisher):
    """What is displayed by hand becomes an output."""

    def publish(  # type: ignore[override]
        self,
        data: Any,
        metadata: Any = None,
        *,
        transient: Any = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        name = (transient or {}).get("display_id", "")
        show = _shell().change if update else _shell().display
        show(data, metadata or {}, name)

    def clear_output(self, wait: bool = False) -> None:
        _shell().clear(later=wait)


@cache
def _shell() -> _Shell:
    altair.renderers.register(ENGINE, lambda spec, **_: {VEGA_LITE: spec})
    config = Config({"HistoryManager": {"enabled": False}})
    return _Shell.instance(config=config, displayhook_class=_Hook, display_pub_class=_Publisher)


class _Stream(io.TextIOBase):
    """Text written becomes an output."""

    def __init__(self, name: str, shell: _Shell) -> None:
        self.name, self.shell = name, shell

    def write(self, text: str) -> int:
        if text:
            self.shell.add("stream", name=self.name, text=text)
        return len(text)


@contextmanager
def _streams(shell: _Shell) -> Iterator[None]:
    with redirect_stdout(_Stream("stdout", shell)), redirect_stderr(_Stream("stderr", shell)):
        yield
