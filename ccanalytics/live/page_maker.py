"""A request -> what is to be watched, the page, or a file of it; here is all that is heavy."""

import ctypes
import gc
import logging
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from nbformat import NotebookNode

from ccanalytics.dataset.loading import share_datasets
from ccanalytics.errors import CCAnalyticsError, ReportError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.live.opening import LINKS
from ccanalytics.live.page_specs import page_spec, watched
from ccanalytics.live.saved_files import as_csv, as_parquet, frames_shown, zipped
from ccanalytics.people.identity import without_emails
from ccanalytics.report.engine import NotebookError, NotebookRun
from ccanalytics.report.notebook_shell import CellError, run_notebook
from ccanalytics.report.page import build_page
from ccanalytics.report.parameters import checked_parameters
from ccanalytics.report.run import ReportSpec, notebook_text

log = logging.getLogger(__name__)

Answer = tuple[dict[str, Any], bytes]

Begin = Callable[[dict[str, Any]], None]
"""Called with the notebook, its parameters and the index of a cell that begins."""

_OF_OURS = re.compile(r"\w+\.ipynb, cell \d+: (?:Settings|Store|Schema|Auth)Error: (.*)", re.DOTALL)


@dataclass
class Dashboard:
    """The page of one chosen, and what it was last made from."""

    chosen: RunOptions
    made: tuple[ReportSpec, list[NotebookNode]] | None = None
    actions: Mapping[str, Callable[..., Answer]] = field(init=False)
    _begin: Begin = field(init=False)

    def __post_init__(self) -> None:
        self.actions = {"watch": self.watch, "run": self.run, "save": self.save}

    def answer(self, request: Mapping[str, Any], begin: Begin) -> Answer:
        """What comes of a request; an error is an answer too. `begin` is called with each cell."""
        asked = dict(request)
        self._begin = begin
        try:
            return self.actions[asked.pop("do")](**asked)
        except CCAnalyticsError as error:
            return {"error": self._words(error)}, b""
        except Exception as error:  # whatever it is, the next request may go well
            log.exception("A request to the dashboard failed.")
            return {"error": self._safe(f"{type(error).__name__}: {error}")}, b""

    def watch(self) -> Answer:
        """What is to be watched."""
        what = watched(self.chosen)
        paths = {
            "folders": [str(folder) for folder in what.folders],
            "suffix": what.suffix,
            "files": [str(file) for file in what.files],
        }
        return paths, b""

    def run(self) -> Answer:
        """The page as it is now."""
        share_datasets()  # its notebooks show one state of the records, which is read once
        try:
            spec = page_spec(replace(self.chosen, now=datetime.now(UTC)))
            parameters = checked_parameters(spec.notebooks, spec.common, spec.extra)
            notebooks = [
                _executed(NotebookRun(source, given, source), self._begin)
                for source, given in zip(spec.notebooks, parameters, strict=True)
            ]
            page = _page(spec, notebooks, live=LINKS)
            self.made = spec, notebooks
        finally:
            share_datasets()
            _give_back()
        return {}, page.encode()

    def save(self, kind: str) -> Answer:
        """The last page as a file of one kind."""
        if self.made is None:
            raise ReportError("There is no page to save yet.")
        spec, notebooks = self.made
        if kind == "page":
            return {"name": f"{spec.file}.html"}, _page(spec, notebooks).encode()
        if kind == "notebook":
            return _notebooks(spec, notebooks)
        write = {"csv": as_csv, "parquet": as_parquet}[kind]
        frames = frames_shown(notebooks)
        content = zipped({f"{name}.{kind}": write(frame) for name, frame in frames.items()})
        return {"name": f"{spec.file}-{kind}.zip"}, content

    def _words(self, error: CCAnalyticsError) -> str:
        """One sentence for what the reader can fix, else also the cell that failed."""
        ours = _OF_OURS.fullmatch(str(error))
        code = f"\n\n{error.code}" if isinstance(error, NotebookError) and not ours else ""
        return self._safe(ours[1] if ours else f"{error}{code}")

    def _safe(self, text: str) -> str:
        return text if self.chosen.settings.identity == "named" else without_emails(text)


def _executed(run: NotebookRun, begin: Begin) -> NotebookNode:
    def begin_cell(index: int) -> None:
        begin({"source": str(run.source), "parameters": dict(run.parameters), "index": index})

    try:
        return run_notebook(run.source, run.parameters, begin=begin_cell)
    except CellError as error:
        run.index = error.index
        raise run.failure(str(error)) from None


def _give_back() -> None:
    """Memory that was only needed for the run goes back to the system, where it can."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def _page(spec: ReportSpec, notebooks: list[NotebookNode], **live: Any) -> str:
    return build_page(notebooks, definitions=spec.definitions, **spec.words, **live)


def _notebooks(spec: ReportSpec, notebooks: list[NotebookNode]) -> Answer:
    texts = [notebook_text(notebook).encode() for notebook in notebooks]
    files = {path.name: text for path, text in zip(spec.notebooks, texts, strict=True)}
    if len(files) == 1:
        return {"name": f"{spec.file}.ipynb"}, texts[0]
    return {"name": f"{spec.file}-notebooks.zip"}, zipped(files)
