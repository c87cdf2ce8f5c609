"""The content of the live page: run its notebooks, build the page.

Everything here is slow, its imports too, and runs in threads of the server.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from nbformat import NotebookNode

from ccanalytics.display.bundles import MIME
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.live.watch import Stamp, stamp_of
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.people.identity import without_emails
from ccanalytics.report.engine import NotebookRun, NotebookWorkers, Progress
from ccanalytics.report.page import build_page
from ccanalytics.report.parameters import checked_parameters, parameters_of
from ccanalytics.report.run import CELL_TIMEOUT, report_notebooks


class PageMaker:
    """The page of one's own usage; `chosen` are the reader's filters."""

    def __init__(self, options: RunOptions, workers: NotebookWorkers) -> None:
        self.options, self.workers = options, workers
        self.chosen: dict[str, str] = {}
        self.choices: list[dict[str, Any]] = []
        """The filters of the page: name, label and options, each a value and a label."""
        follow = options.spec.folders
        self.folders = tuple(follow(options.access)) if follow else ()

    def pages(self, progress: Progress, *, early: bool) -> Iterator[str]:
        """The current page; with `early` also after each of its notebooks."""
        options = self.options
        sources = report_notebooks(options.notebooks, options.spec.live)
        made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        self.workers.prepare()
        wanted = {"source": options.source, **options.extra, **self.chosen}
        if "week" not in options.extra:  # a week that was asked for is a range of its own
            # The first choice of each filter: they are those of the first notebook.
            usual = parameters_of(sources[0]).items()
            wanted = {name: one for name, one in usual if one is not ...} | wanted
        given = checked_parameters(sources, {"source": options.source}, wanted)
        runs = [NotebookRun(*one) for one in zip(sources, given, strict=True)]
        notebooks: list[NotebookNode] = []
        for batch in [[run] for run in runs] if early else [runs]:
            notebooks += self.workers.run(batch, timeout=CELL_TIMEOUT, progress=progress)
            self.choices = _choices_in(notebooks) or self.choices
            yield build_page(
                notebooks,
                title="My usage of Claude Code",
                subtitle=f"From the session logs in {', '.join(map(str, self.folders))}.",
                meta=[("Source", options.source), ("Made", made)],
                definitions=METRICS,
                live=True,
            )

    def stamp(self) -> tuple[Stamp, int]:
        """The state of the files the page depends on, and how many logs are among them."""
        options = self.options
        files = report_notebooks(options.notebooks, options.spec.live)
        return stamp_of(self.folders, [*files, *options.settings.calendars.values()])

    def without_names(self, text: str) -> str:
        """`text`, without e-mail addresses unless people are named."""
        return text if self.options.settings.identity == "named" else without_emails(text)


def _choices_in(notebooks: list[NotebookNode]) -> list[dict[str, Any]]:
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    found = [data.get(MIME.format("choices"), {}).get("choices", []) for data in shown]
    return [choice for choices in found for choice in choices]
