"""Run a notebook in this process, without starting a kernel.

papermill runs it like with a kernel: the same parameters, the same errors.
"""

import io
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import altair
import papermill
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.formatters import MimeBundleFormatter
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from nbformat.v4 import new_output
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from traitlets.config import Config

from ccanalytics.showing import PICTURE

ENGINE = "ccanalytics"

VEGA_LITE = "application/vnd.vegalite.v5+json"
"""The newest chart MIME type that a notebook file may hold."""

Begin = Callable[[int, int], None]
"""Called with the number of a cell that starts, as in the source, and the number of cells."""


def run_notebook(source: Path, parameters: Mapping[str, Any], begin: Begin) -> NotebookNode:
    """The executed notebook; `PapermillExecutionError` when a cell failed.

    Names and settings of a notebook remain in this process, so each one gets its own.
    """
    papermill_engines.register(ENGINE, ShellEngine)
    return papermill.execute_notebook(
        str(source),
        None,
        parameters=dict(parameters),
        engine_name=ENGINE,
        kernel_name="python3",
        language="python",
        progress_bar=False,
        request_save_on_cell_execute=False,
        autosave_cell_every=0,
        begin=begin,
    )


class ShellEngine(Engine):  # type: ignore[misc]
    """Runs the cells of a notebook in the shell of this process."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, begin: Begin, **_: Any
    ) -> None:
        """Run every cell up to the first failing one, whose error becomes its last output."""
        cells = nb_man.nb.cells
        own = ["injected-parameters" not in cell.metadata.get("tags", ()) for cell in cells]
        for index, cell in enumerate(cells):
            begin(sum(own[: index + 1]), sum(own))
            nb_man.cell_start(cell, index)
            if cell.cell_type == "code" and not shell().run(cell):
                nb_man.cell_exception(cell, index, exception=None)
                return
            nb_man.cell_complete(cell, index)


class _Shell(InteractiveShell):
    """An IPython shell that adds its outputs to a cell and writes nothing to disk."""

    cell_outputs: list[NotebookNode]
    named: ClassVar[dict[str, list[NotebookNode]]] = defaultdict(list)
    """Outputs that can be changed later, by the id they are displayed with."""

    def init_profile_dir(self, profile_dir: Any) -> None:
        self.profile_dir = None

    def run(self, cell: NotebookNode) -> bool:
        """Run a cell and add its outputs; True when it succeeded."""
        self.cell_outputs = cell.outputs
        with redirect_stdout(_Stream("stdout")), redirect_stderr(_Stream("stderr")):
            # With history, because IPython uses it to recognise a trailing ";".
            result = self.run_cell(cell.source, store_history=True)  # type: ignore[no-untyped-call]
        cell.execution_count = result.execution_count
        error = result.error_before_exec or result.error_in_exec
        if error is not None and not any(one.output_type == "error" for one in cell.outputs):
            self.add("error", ename=type(error).__name__, evalue=str(error), traceback=[])
        return error is None

    def add(self, kind: str, **fields: Any) -> NotebookNode:
        """Add one output to the cell; text is joined with preceding text."""
        output = new_output(kind, **fields)  # type: ignore[no-untyped-call]
        last = self.cell_outputs[-1] if self.cell_outputs else None
        if kind == "stream" and last and last.get("name") == output.name:
            last.text += output.text
        else:
            self.cell_outputs.append(output)
        return output

    def _showtraceback(self, etype: type, evalue: object, stb: list[str]) -> None:
        self.add("error", ename=etype.__name__, evalue=str(evalue), traceback=list(stb))


class _Hook(DisplayHook):
    """Makes the value of a cell's last expression an output."""

    def start_displayhook(self) -> None: ...
    def write_output_prompt(self) -> None: ...
    def finish_displayhook(self) -> None: ...
    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        count = self.prompt_count  # IPython counts on before it runs a cell
        shown = {"data": format_dict, "metadata": md_dict or {}, "execution_count": count}
        shell().add("execute_result", **shown)


class _Publisher(DisplayPublisher):
    """What is displayed by hand becomes an output; with a name it can be changed later."""

    def publish(self, data: Any, metadata: Any = None, **how: Any) -> None:  # type: ignore[override]
        shown = {"data": dict(data), "metadata": dict(metadata or {})}
        outputs = shell().named[(how.get("transient") or {}).get("display_id", "")]
        if not how.get("update"):
            outputs.append(shell().add("display_data", **shown))
        for output in outputs if how.get("update") else ():
            output.data, output.metadata = shown["data"], shown["metadata"]

    def clear_output(self, wait: bool = False) -> None:
        shell().cell_outputs.clear()


class _WithoutPictures(MimeBundleFormatter):
    """Charts without a picture: the report draws each once, for its page and for the notebook."""

    def __call__(self, obj: Any, include: Any = None, exclude: Any = None) -> Any:
        return super().__call__(obj, include=include, exclude={*(exclude or ()), PICTURE})


class _Stream(io.TextIOBase):
    """Makes written text an output."""

    def __init__(self, name: str) -> None:
        self.name = name

    def write(self, text: str) -> int:
        if text:
            shell().add("stream", name=self.name, text=text)
        return len(text)


@cache
def shell() -> _Shell:
    """The shell of this process; charts of a reader's own are Vega-Lite in an output, too, not a
    page that asks a network."""
    altair.renderers.register(ENGINE, lambda spec, **_: {VEGA_LITE: spec})
    altair.renderers.enable(ENGINE)
    config = Config({"HistoryManager": {"enabled": False, "hist_file": ":memory:"}})
    classes = {"displayhook_class": _Hook, "display_pub_class": _Publisher}
    made = _Shell.instance(config=config, ipython_dir="", **classes)
    assert made.display_formatter
    made.display_formatter.mimebundle_formatter = _WithoutPictures(parent=made.display_formatter)
    return made
