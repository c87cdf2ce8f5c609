"""The weekly notebooks -> one page: `<out>/2026-W47.html`.

    <out>/2026-W47.html      the issue; written last, in one step
    <out>/2026-W47/          the notebooks it was made from, executed
    <out>/2026-W47.eml, 2026-W47.pdf    if requested
    <out>/index.html         every issue in the folder

A failed run leaves a page that says where; an earlier complete issue of that week is kept, and the
failure is next to it as `<out>/2026-W47-failed.html`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ccanalytics.errors import ReportError
from ccanalytics.report.archive import COMPANIONS, Issue, read_issue, write_issue, writing
from ccanalytics.report.chart_drawing import add_pictures, draw_ahead, start_drawing
from ccanalytics.report.engine import NotebookError, NotebookRun, NotebookWorkers, Progress
from ccanalytics.report.page import build_page, failure_page
from ccanalytics.report.parameters import checked_parameters
from ccanalytics.report.printing import print_page
from ccanalytics.report.report_email import email_about
from ccanalytics.report.site import write_site

log = logging.getLogger(__name__)

REPORT_NOTEBOOKS = (
    "adoption",
    "lifecycle",
    "productivity",
    "cost_per_commit",
    "money",
    "what_changed",
    "before_after",
    "outlook",
    "trust",
)

CELL_TIMEOUT = 300.0  # seconds


@dataclass(frozen=True)
class ReportSpec:
    """The specification of a report: its texts, and notebook parameters.

    Every notebook must have all `common` parameters, at least one each of `extra`. `environment` is
    that of the browser; keys are removed.
    """

    name: str
    """The name of its file, without the suffix."""
    source: str
    out: Path
    notebooks: Sequence[Path]
    common: Mapping[str, Any]
    page: Mapping[str, Any]
    """What its page says whether it succeeds or fails: title, subtitle, banner, meta, issue."""
    hide: Callable[[str], str]
    """Removes from an error what no page may say."""
    environment: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    definitions: Mapping[str, Any] = field(default_factory=dict)
    restated: Sequence[str] = ()
    """Which numbers of earlier reports changed."""
    email: bool = False
    served_at: str = ""
    """The address of the folder for readers, where it has one."""
    browser: Path | None = None
    """The browser for the PDF; None for no PDF."""


def run_report(
    spec: ReportSpec, workers: NotebookWorkers, *, progress: Progress | None = None
) -> Path:
    """Make the page, the index and the executed notebooks; returns the path of the page.

    `NotebookError` when a cell failed; its `page` has the details.
    """
    _earlier(spec)
    parameters = checked_parameters(spec.notebooks, spec.common, spec.extra)
    runs = [NotebookRun(*one) for one in zip(spec.notebooks, parameters, strict=True)]
    with writing(spec.out / f"{spec.name}.html"):
        """A folder that cannot be written to is known before the work."""
    start_drawing()  # while the first notebooks are waited for
    try:
        notebooks = workers.run(runs, timeout=CELL_TIMEOUT, progress=progress, done=draw_ahead)
        page, companions = _made(spec, notebooks)
    except NotebookError as error:
        cell = [("Cell", error.cell)] if error.cell else []
        failed = [("Notebook", error.notebook), *cell]
        shown = {"failed": failed, "code": error.code, "error": spec.hide(error.error)}
        error.page = write_failure(spec, "One of its notebooks failed.", **shown)
        raise
    path = write_issue(spec.out, spec.name, page, companions)
    (spec.out / f"{spec.name}-failed.html").unlink(missing_ok=True)
    write_site(spec.out)
    if spec.browser:
        pdf = path.with_suffix(COMPANIONS["pdf"])
        try:
            print_page(path, pdf, browser=spec.browser, environment=spec.environment)
        except ReportError as error:
            failure = ReportError(f"{path} was written, but no PDF of it. {error}")
            failure.page = path
            raise failure from error
    return path


def notebook_folder() -> Path:
    """The folder of the notebooks: inside an installed package, or in the checkout."""
    package = Path(str(files("ccanalytics")))
    for folder in (package / "_notebooks", package.parent / "notebooks"):
        if folder.is_dir():
            return folder
    raise ReportError("The notebooks were not installed with the package; give --notebooks DIR.")


def report_notebooks(folder: Path | None = None, names: Sequence[str] = ()) -> list[Path]:
    """The notebooks with these names in order, or those of an organisation's report."""
    folder = folder or notebook_folder()
    paths = [(folder / f"{name}.ipynb").resolve() for name in names or REPORT_NOTEBOOKS]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise ReportError(f"{folder} does not have {', '.join(missing)}.")
    return paths


def _made(spec: ReportSpec, notebooks: Sequence[NotebookNode]) -> tuple[str, dict[str, str | None]]:
    """The page and its companions by suffix; None for a file that must not exist."""
    try:
        said, restated = spec.page, spec.restated
        page = build_page(notebooks, definitions=spec.definitions, restated=restated, **said)
        companions: dict[str, str | None] = dict.fromkeys(COMPANIONS.values())
        if spec.email:
            words = {name: said[name] for name in ("title", "subtitle", "banner")}
            address = {"file": f"{spec.name}.html", "served_at": spec.served_at}
            mail = email_about(notebooks, restated=restated, **words, **address)
            companions[COMPANIONS["email"]] = mail
        for source, notebook in zip(spec.notebooks, notebooks, strict=True):
            add_pictures(notebook)
            about = notebook.metadata.papermill
            for path in ("input_path", "output_path"):  # of this machine
                about.pop(path, None)
            companions[f"/{source.name}"] = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
        return page, companions
    except Exception as error:  # whatever it is, the week must get a page that says so
        log.debug("The page could not be built.", exc_info=True)
        raise NotebookError("The page", None, "", f"{type(error).__name__}: {error}") from error


def write_failure(spec: ReportSpec, reason: str, **shown: Any) -> Path:
    """Write the page that says why there is no report; returns its path.

    It is in place of the issue, unless a complete issue exists.
    """
    earlier = _earlier(spec)
    whole = earlier is not None and not earlier.failed
    page = failure_page(reason=reason, **shown, **spec.page)
    path = write_issue(spec.out, f"{spec.name}-failed" if whole else spec.name, page)
    write_site(spec.out)
    return path


def _earlier(spec: ReportSpec) -> Issue | None:
    """The issue this one replaces; an error if it is another source's, except the sample's."""
    earlier = read_issue(spec.out / f"{spec.name}.html")
    if earlier and earlier.source not in ("", "sample", spec.source):
        raise ReportError(
            f"{spec.out / earlier.file} is a report on source {earlier.source!r}; one on "
            f"{spec.source!r} would replace it. Choose another folder with --out."
        )
    return earlier
