"""The content of a dashboard: run the notebooks, build the page, save its parts.

Everything here is slow, its imports too, and runs in threads of the server. Only what is shown is
saved: the rows behind each chart, and the tables. The records are not.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from nbformat import NotebookNode

from ccanalytics.dataset.preflight import preflight, stops
from ccanalytics.display.bundles import MIME
from ccanalytics.display.csv_text import safe_csv
from ccanalytics.errors import PreflightError, ReportError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.issue.weekly import dataset_of, report_spec_of
from ccanalytics.live.watch import Watched
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.people.identity import without_emails
from ccanalytics.report.cells import LEFT_OUT
from ccanalytics.report.chart_drawing import title_of
from ccanalytics.report.engine import NotebookRun, NotebookWorkers, Progress
from ccanalytics.report.figures import row_sets
from ccanalytics.report.page import build_page
from ccanalytics.report.parameters import checked_parameters
from ccanalytics.report.run import CELL_TIMEOUT, ReportSpec, notebook_text, report_notebooks

LINKS = (
    ("CSV", "save/csv"),
    ("Parquet", "save/parquet"),
    ("Notebook", "save/notebook"),
    ("Page", "save/page"),
)
"""The download formats of a page, and their files."""


@dataclass
class PageMaker:
    """The page of one source; `chosen` are the reader's filters."""

    options: RunOptions
    workers: NotebookWorkers
    chosen: dict[str, str] = field(default_factory=dict)
    choices: list[dict[str, Any]] = field(default_factory=list)
    """The filters of the page: name, label and options, each a value and a label."""
    _made: tuple[ReportSpec, list[NotebookNode]] | None = None

    def pages(self, progress: Progress) -> Iterator[str]:
        """The current pages; the first personal page appears early, after each notebook."""
        options = replace(self.options, now=datetime.now(UTC))
        spec = self._own(options) if options.spec.report else _weekly(options)
        self.workers.prepare()
        given = checked_parameters(spec.notebooks, spec.common, {**spec.extra, **self.chosen})
        runs = [NotebookRun(*one) for one in zip(spec.notebooks, given, strict=True)]
        early = bool(options.spec.report) and self._made is None
        notebooks: list[NotebookNode] = []
        for batch in [[run] for run in runs] if early else [runs]:
            notebooks += self.workers.run(batch, timeout=CELL_TIMEOUT, progress=progress)
            self.choices = _choices_in(notebooks) or self.choices
            self._made = spec, notebooks
            yield build_page(notebooks, definitions=spec.definitions, **spec.words, live=LINKS)

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
        if self._made is None:
            raise ReportError("There is no page to save yet.")
        spec, notebooks = self._made
        if kind == "page":
            page = build_page(notebooks, definitions=spec.definitions, **spec.words)
            return f"{spec.name}.html", page.encode()
        if kind == "notebook":
            texts = [notebook_text(notebook).encode() for notebook in notebooks]
            files = {path.name: text for path, text in zip(spec.notebooks, texts, strict=True)}
            if len(files) == 1:
                return f"{spec.name}.ipynb", texts[0]
            return f"{spec.name}-notebooks.zip", _zipped(files)
        write = {"csv": _as_csv, "parquet": _as_parquet}[kind]
        frames = frames_shown(notebooks)
        content = _zipped({f"{name}.{kind}": write(frame) for name, frame in frames.items()})
        return f"{spec.name}-{kind}.zip", content

    def without_names(self, text: str) -> str:
        """`text`, without e-mail addresses unless people are named."""
        return text if self.options.settings.identity == "named" else without_emails(text)

    def _notebooks(self) -> list[Path]:
        return report_notebooks(self.options.notebooks, self.options.spec.live)

    def _own(self, options: RunOptions) -> ReportSpec:
        folders = ", ".join(map(str, self.watched().folders))
        return ReportSpec(
            source=options.source,
            out=Path(),
            notebooks=self._notebooks(),
            common={"source": options.source},
            extra=options.extra,
            name=f"my-usage-{options.now:%Y-%m-%d}",
            title="My usage of Claude Code",
            subtitle=f"From the session logs in {folders}.",
            meta=[("Source", options.source), ("Made", f"{options.now:%Y-%m-%d %H:%M} UTC")],
            definitions=METRICS,
            named=options.settings.identity == "named",
        )


def _weekly(options: RunOptions) -> ReportSpec:
    """The spec of the report; a check that would stop the report stops the page."""
    data = dataset_of(options)
    if found := stops(preflight(data)):
        words = "\n".join(f"{check.name}: {check.found}" for check in found)
        raise PreflightError(f"A check of the records stops the page.\n{words}")
    return report_spec_of(options, data)


def _choices_in(notebooks: Sequence[NotebookNode]) -> list[dict[str, Any]]:
    found = (data.get(MIME.format("choices"), {}) for data in _outputs(notebooks))
    return [choice for one in found for choice in one.get("choices", [])]


def frames_shown(notebooks: Sequence[NotebookNode]) -> dict[str, pa.Table]:
    """The rows behind each chart and table of these notebooks, with names, in order."""
    numbers = count(1)
    return {
        f"{next(numbers):02d}-{_slug(title)}": _table(rows)
        for data in _outputs(notebooks)
        for title, rows in _shown(data)
    }


def _outputs(notebooks: Sequence[NotebookNode]) -> Iterator[Mapping[str, Any]]:
    for notebook in notebooks:
        for cell in notebook.cells:
            if not LEFT_OUT & set(cell.metadata.get("tags", ())):
                yield from (one.data for one in cell.get("outputs", ()) if "data" in one)


def _shown(data: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for mime, content in data.items():
        if mime.startswith("application/vnd.vegalite."):
            title = title_of(content)[0] or "chart"
            yield from ((title, rows) for rows in row_sets(content) if rows)
        elif mime == MIME.format("table"):
            labels = [column["label"] for column in content["columns"]]
            rows = [dict(zip(labels, row, strict=True)) for row in content["rows"]]
            yield content["title"], rows


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> pa.Array:
    """`values` in a type that holds them all, else as text."""
    try:
        array = pa.array(values)
    except pa.ArrowInvalid:
        array = None
    if array is None or pa.types.is_nested(array.type):
        return pa.array([None if value is None else str(value) for value in values])
    return array


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "rows"


def _as_csv(table: pa.Table) -> bytes:
    return safe_csv(table.to_pandas()).encode()


def _as_parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _zipped(files: Mapping[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()
