"""The content of a dashboard: run the notebooks, build the page, save its parts.

Everything here is slow and runs in threads of the server.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccanalytics.errors import PreflightError, ReportError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.live.watch import Watched

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from ccanalytics.report.engine import NotebookRun, NotebookWorkers, Progress
    from ccanalytics.report.run import ReportSpec

TIMEOUT = 300.0
"""The time limit of a cell in seconds."""

LINKS = (
    ("CSV", "save/csv"),
    ("Parquet", "save/parquet"),
    ("Notebook", "save/notebook"),
    ("Page", "save/page"),
)
"""The download formats of a page, and their files."""

CHOICES = "application/vnd.ccanalytics.choices+json"
"""An output with the filters of the page, which are parameters of its notebook."""


@dataclass
class PageMaker:
    """The page of one source; `chosen` are the reader's filters."""

    options: RunOptions
    chosen: dict[str, str] = field(default_factory=dict)
    choices: list[dict[str, Any]] = field(default_factory=list)
    _made: "tuple[ReportSpec, list[NotebookNode]] | None" = None

    def pages(self, progress: "Progress") -> Iterator[str]:
        """The current pages; the first personal page appears early, after each notebook."""
        workers = self._workers  # they import while this process does
        import ccanalytics.report.page  # noqa: F401

        spec = self._spec()
        runs = self._runs(spec)
        early = bool(self.options.spec.report) and self._made is None
        notebooks: list[NotebookNode] = []
        for batch in [[run] for run in runs] if early else [runs]:
            notebooks += workers.run(batch, timeout=TIMEOUT, progress=progress)
            self.choices = choices_in(notebooks) or self.choices
            self._made = spec, notebooks
            yield _page(spec, notebooks, live=LINKS)

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

    def save(self, kind: str) -> tuple[str, bytes]:
        """The name and content of the last page in a download format."""
        from ccanalytics.live.saved_files import as_csv, as_parquet, frames_shown, zipped

        if self._made is None:
            raise ReportError("There is no page to save yet.")
        spec, notebooks = self._made
        if kind == "page":
            return f"{spec.file}.html", _page(spec, notebooks).encode()
        if kind == "notebook":
            return _notebooks(spec, notebooks)
        write = {"csv": as_csv, "parquet": as_parquet}[kind]
        frames = frames_shown(notebooks)
        content = zipped({f"{name}.{kind}": write(frame) for name, frame in frames.items()})
        return f"{spec.file}-{kind}.zip", content

    def end(self) -> None:
        """Stop the workers; a page in progress ends with an error."""
        if "_workers" in self.__dict__:
            self._workers.close()

    @cached_property
    def _workers(self) -> "NotebookWorkers":
        from ccanalytics.report.engine import NotebookWorkers

        if self.options.spec.report:
            return NotebookWorkers(self.options.environ)
        return self.options.notebook_workers()  # the records are synced once, here

    def _runs(self, spec: "ReportSpec") -> "list[NotebookRun]":
        from ccanalytics.report.engine import NotebookRun
        from ccanalytics.report.parameters import checked_parameters

        self._workers.prepare()
        given = checked_parameters(spec.notebooks, spec.common, {**spec.extra, **self.chosen})
        return [NotebookRun(*one) for one in zip(spec.notebooks, given, strict=True)]

    def _notebooks(self) -> list[Path]:
        # jsonschema builds 35 parsers nobody needs when it finds this grammar: a second each time.
        sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
        from ccanalytics.report.run import report_notebooks

        return report_notebooks(self.options.notebooks, self.options.spec.live)

    def _spec(self) -> "ReportSpec":
        options = replace(self.options, now=datetime.now(UTC))
        return self._own(options) if options.spec.report else _weekly(options)

    def _own(self, options: RunOptions) -> "ReportSpec":
        from ccanalytics.metrics.definitions import METRICS
        from ccanalytics.report.run import ReportSpec

        folders = ", ".join(map(str, self.watched().folders))
        return ReportSpec(
            week="",
            source=options.source,
            out=options.out,
            notebooks=self._notebooks(),
            common={"source": options.source},
            extra={"days": "30", "timezone": "", **options.extra},
            environment={},
            name=f"my-usage-{options.now:%Y-%m-%d}",
            title="My usage of Claude Code",
            subtitle=f"From the session logs in {folders}.",
            meta=[("Source", options.source), ("Made", f"{options.now:%Y-%m-%d %H:%M} UTC")],
            definitions=METRICS,
            named=options.settings.identity == "named",
        )


def choices_in(notebooks: "Sequence[NotebookNode]") -> list[dict[str, Any]]:
    """The filters of the notebooks: name, label and options, each a value and a label."""
    return [
        choice
        for notebook in notebooks
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for choice in output.get("data", {}).get(CHOICES, {}).get("choices", [])
    ]


def _weekly(options: RunOptions) -> "ReportSpec":
    """The spec of the report; a check that would stop the report stops the page."""
    from ccanalytics.dataset.preflight import preflight, stops
    from ccanalytics.issue.weekly import dataset_of, report_spec_of

    data = dataset_of(options)
    found = stops(preflight(data))
    if found:
        words = "\n".join(f"{check.name}: {check.found}" for check in found)
        raise PreflightError(f"A check of the records stops the page.\n{words}")
    return report_spec_of(options, data)


def _page(spec: "ReportSpec", notebooks: "list[NotebookNode]", **live: Any) -> str:
    from ccanalytics.report.page import build_page

    return build_page(notebooks, definitions=spec.definitions, **spec.words, **live)


def _notebooks(spec: "ReportSpec", notebooks: "list[NotebookNode]") -> tuple[str, bytes]:
    from ccanalytics.live.saved_files import zipped
    from ccanalytics.report.run import notebook_text

    texts = [notebook_text(notebook).encode() for notebook in notebooks]
    files = {path.name: text for path, text in zip(spec.notebooks, texts, strict=True)}
    if len(files) == 1:
        return f"{spec.file}.ipynb", texts[0]
    return f"{spec.file}-notebooks.zip", zipped(files)
