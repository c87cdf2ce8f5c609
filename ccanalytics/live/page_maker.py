"""The content of a dashboard: run the notebooks, build the page.

Everything here is slow, its imports too, and runs in threads of the server.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from ccanalytics.dataset.preflight import preflight, stops
from ccanalytics.display.bundles import MIME
from ccanalytics.errors import PreflightError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.issue.weekly import dataset_of, report_spec_of
from ccanalytics.live.watch import Watched
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.people.identity import without_emails
from ccanalytics.report.engine import NotebookRun, NotebookWorkers, Progress
from ccanalytics.report.page import build_page
from ccanalytics.report.parameters import checked_parameters
from ccanalytics.report.run import CELL_TIMEOUT, ReportSpec, report_notebooks


@dataclass
class PageMaker:
    """The page of one source; `chosen` are the reader's filters."""

    options: RunOptions
    workers: NotebookWorkers
    chosen: dict[str, str] = field(default_factory=dict)
    choices: list[dict[str, Any]] = field(default_factory=list)
    """The filters of the page: name, label and options, each a value and a label."""

    def pages(self, progress: Progress, *, early: bool) -> Iterator[str]:
        """The current page; with `early`, a personal one also after each of its notebooks."""
        options = replace(self.options, now=datetime.now(UTC))
        personal = bool(options.spec.report)
        spec = self._own(options) if personal else _weekly(options)
        self.workers.prepare()
        given = checked_parameters(spec.notebooks, spec.common, {**spec.extra, **self.chosen})
        runs = [NotebookRun(*one) for one in zip(spec.notebooks, given, strict=True)]
        notebooks: list[NotebookNode] = []
        for batch in [[run] for run in runs] if personal and early else [runs]:
            notebooks += self.workers.run(batch, timeout=CELL_TIMEOUT, progress=progress)
            self.choices = list(_choices_in(notebooks)) or self.choices
            yield build_page(notebooks, definitions=spec.definitions, **spec.words, live=True)

    def watched(self) -> Watched:
        """The files the page depends on."""
        settings, spec = self.options.settings, self.options.spec
        tables = [settings.roster] if settings.roster else []
        files = (*self._notebooks(), *settings.calendars.values(), *tables)
        if spec.folders:
            return Watched(tuple(spec.folders(self.options.access)), ".jsonl", files)
        if spec.network:
            stored = self.options.store.folder(self.options.source)
            return Watched((stored,), ".parquet", files)
        return Watched(files=files)

    def without_names(self, text: str) -> str:
        """`text`, without e-mail addresses unless people are named."""
        return text if self.options.settings.identity == "named" else without_emails(text)

    def _notebooks(self) -> list[Path]:
        return report_notebooks(self.options.notebooks, self.options.spec.live)

    def _own(self, options: RunOptions) -> ReportSpec:
        folders = ", ".join(map(str, self.watched().folders))
        return ReportSpec(
            name="my-usage",
            title="My usage of Claude Code",
            source=options.source,
            out=Path(),
            notebooks=self._notebooks(),
            common={"source": options.source},
            extra=options.extra,
            subtitle=f"From the session logs in {folders}.",
            meta=[("Source", options.source), ("Made", f"{options.now:%Y-%m-%d %H:%M} UTC")],
            definitions=METRICS,
        )


def _weekly(options: RunOptions) -> ReportSpec:
    """The spec of the report; a check that would stop the report stops the page."""
    data = dataset_of(options)
    if found := stops(preflight(data)):
        words = "\n".join(f"{check.name}: {check.found}" for check in found)
        raise PreflightError(f"A check of the records stops the page.\n{words}")
    return report_spec_of(options, data)


def _choices_in(notebooks: Iterable[NotebookNode]) -> Iterator[dict[str, Any]]:
    for notebook in notebooks:
        for cell in notebook.cells:
            for output in cell.get("outputs", ()):
                yield from output.get("data", {}).get(MIME.format("choices"), {}).get("choices", ())
