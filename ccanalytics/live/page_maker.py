"""A request -> what is to be watched, the page, or a file of it; here is all that is heavy."""

import ctypes
import gc
import logging
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from nbformat import NotebookNode

import ccanalytics.live.page_specs as orders
from ccanalytics.errors import CCAnalyticsError, ReportError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.live.opening import LINKS
from ccanalytics.live.saved_files import as_csv, as_parquet, frames_shown, zipped
from ccanalytics.people.identity import without_emails
from ccanalytics.report.engine import NotebookError, NotebookRun
from ccanalytics.report.notebook_shell import CellError, run_notebook
from ccanalytics.report.page import build_page
from ccanalytics.report.parameters import checked_parameters
from ccanalytics.report.run import ReportSpec, notebook_text

log = logging.getLogger(__name__)

Answer = tuple[dict[str, Any], bytes]

_OF_OURS = re.compile(r"\w+\.ipynb, cell \d+: (?:Settings|Store|Schema|Auth)Error: (.*)", re.DOTALL)


@dataclass
class Dashboard:
    """The page of one chosen, and what it was last made from."""

    chosen: RunOptions
    made: tuple[ReportSpec, list[NotebookNode]] | None = None
    actions: Mapping[str, Callable[..., Answer]] = field(init=False)

    def __post_init__(self) -> None:
        self.actions = {"watch": self.watch, "run": self.run, "save": self.save}

    def answer(self, request: Mapping[str, Any]) -> Answer:
        """What comes of a request; an error is an answer too."""
        asked = dict(request)
        try:
            return self.actions[asked.pop("do")](**asked)
        except CCAnalyticsError as error:
            return {"error": self._told(error)}, b""
        except Exception as error:  # whatever it is, the next request may go well
            log.exception("A request to the dashboard failed.")
            return {"error": self._safe(f"{type(error).__name__}: {error}")}, b""

    def watch(self) -> Answer:
        """What is to be watched."""
        watched = orders.watched(self.chosen)
        told = {
            "folders": [str(folder) for folder in watched.folders],
            "suffix": watched.suffix,
            "files": [str(file) for file in watched.files],
        }
        return told, b""

    def run(self) -> Answer:
        """The page as it is now."""
        order = orders.order(replace(self.chosen, now=datetime.now(UTC)))
        parameters = checked_parameters(order.notebooks, order.common, order.extra)
        notebooks = [
            _executed(source, given)
            for source, given in zip(order.notebooks, parameters, strict=True)
        ]
        page = _page(order, notebooks, live=LINKS)
        self.made = order, notebooks
        _give_back()
        return {}, page.encode()

    def save(self, kind: str) -> Answer:
        """The last page as a file of one kind."""
        if self.made is None:
            raise ReportError("There is no page to save yet.")
        order, notebooks = self.made
        if kind == "page":
            return {"name": f"{order.file}.html"}, _page(order, notebooks).encode()
        if kind == "notebook":
            return _notebooks(order, notebooks)
        write = {"csv": as_csv, "parquet": as_parquet}[kind]
        frames = frames_shown(notebooks)
        content = zipped({f"{name}.{kind}": write(frame) for name, frame in frames.items()})
        return {"name": f"{order.file}-{kind}.zip"}, content

    def _told(self, error: CCAnalyticsError) -> str:
        """One sentence for what the reader can fix, else also the cell that failed."""
        ours = _OF_OURS.fullmatch(str(error))
        code = f"\n\n{error.code}" if isinstance(error, NotebookError) and not ours else ""
        return self._safe(ours[1] if ours else f"{error}{code}")

    def _safe(self, text: str) -> str:
        return text if self.chosen.settings.identity == "named" else without_emails(text)


def _executed(source: Path, parameters: Mapping[str, Any]) -> NotebookNode:
    try:
        return run_notebook(source, parameters)
    except CellError as error:
        raise NotebookRun(source, parameters, source, error.index).failure(str(error)) from None


def _give_back() -> None:
    """Memory that was only needed for the run goes back to the system, where it can."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def _page(order: ReportSpec, notebooks: list[NotebookNode], **live: Any) -> str:
    return build_page(notebooks, definitions=order.definitions, **order.words, **live)


def _notebooks(order: ReportSpec, notebooks: list[NotebookNode]) -> Answer:
    texts = [notebook_text(notebook).encode() for notebook in notebooks]
    files = {path.name: text for path, text in zip(order.notebooks, texts, strict=True)}
    if len(files) == 1:
        return {"name": f"{order.file}.ipynb"}, texts[0]
    return {"name": f"{order.file}-notebooks.zip"}, zipped(files)
