"""The content of the live page: run its notebooks, build the page.

Everything here is slow, its imports too, and runs in threads of the server.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from ccanalytics.display.bundles import MIME
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.live.watch import Watched
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.people.identity import without_emails
from ccanalytics.report.engine import NotebookRun, NotebookWorkers, Progress
from ccanalytics.report.page import build_page
from ccanalytics.report.parameters import checked_parameters, parameters_of
from ccanalytics.report.run import CELL_TIMEOUT, report_notebooks


@dataclass
class PageMaker:
    """The page of one's own usage; `chosen` are the reader's filters."""

    options: RunOptions
    workers: NotebookWorkers
    chosen: dict[str, str] = field(default_factory=dict)
    choices: list[dict[str, Any]] = field(default_factory=list)
    """The filters of the page: name, label and options, each a value and a label."""

    def pages(self, progress: Progress, *, early: bool) -> Iterator[str]:
        """The current page; with `early` also after each of its notebooks."""
        options, sources = self.options, self._notebooks()
        made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        self.workers.prepare()
        common = {"source": options.source}
        wanted = {**self._usual(sources[0]), **common, **options.extra, **self.chosen}
        given = checked_parameters(sources, common, wanted)
        runs = [NotebookRun(*one) for one in zip(sources, given, strict=True)]
        notebooks: list[NotebookNode] = []
        for batch in [[run] for run in runs] if early else [runs]:
            notebooks += self.workers.run(batch, timeout=CELL_TIMEOUT, progress=progress)
            self.choices = list(_choices_in(notebooks)) or self.choices
            yield build_page(
                notebooks,
                title="My usage of Claude Code",
                subtitle=f"From the session logs in {', '.join(map(str, self._folders()))}.",
                meta=[("Source", options.source), ("Made", made)],
                definitions=METRICS,
                live=True,
            )

    def _usual(self, first: Path) -> dict[str, Any]:
        """The first choice of each filter: the filters of the page are those of its first notebook.

        A week that was asked for is a range of its own.
        """
        if "week" in self.options.extra:
            return {}
        return {name: one for name, one in parameters_of(first).items() if one is not ...}

    def watched(self) -> Watched:
        """The files the page depends on."""
        files = (*self._notebooks(), *self.options.settings.calendars.values())
        return Watched(self._folders(), ".jsonl", files)

    def without_names(self, text: str) -> str:
        """`text`, without e-mail addresses unless people are named."""
        return text if self.options.settings.identity == "named" else without_emails(text)

    def _notebooks(self) -> list[Path]:
        return report_notebooks(self.options.notebooks, self.options.spec.live)

    def _folders(self) -> tuple[Path, ...]:
        follow = self.options.spec.folders
        return tuple(follow(self.options.access)) if follow else ()


def _choices_in(notebooks: Iterable[NotebookNode]) -> Iterator[dict[str, Any]]:
    for notebook in notebooks:
        for cell in notebook.cells:
            for output in cell.get("outputs", ()):
                yield from output.get("data", {}).get(MIME.format("choices"), {}).get("choices", ())
