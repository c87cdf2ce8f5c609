"""The content of the live page: look at its files, run its notebooks, build the page.

Everything here is slow, its imports too, and runs in threads of the server.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ccanalytics.display.bundles import MIME
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.report.engine import NotebookRun, NotebookWorkers, Progress
from ccanalytics.report.page import build_page
from ccanalytics.report.parameters import checked_parameters, parameters_of
from ccanalytics.report.run import CELL_TIMEOUT, report_notebooks

_NO_SESSIONS = "tool-results"
"""Claude Code keeps tool outputs there; one may be a copy of a log."""

Stamp = tuple[object, ...]


def folders_of(options: RunOptions) -> list[Path]:
    """The folders that the page follows."""
    return list(options.spec.folders(options.access)) if options.spec.folders else []


def stamp(options: RunOptions) -> tuple[Stamp, int]:
    """The state of the files the page depends on, and how many logs are among them."""
    files = report_notebooks(options.notebooks, options.spec.live)
    return stamp_of(folders_of(options), [*files, *options.settings.calendars.values()])


def stamp_of(folders: Iterable[Path], files: Iterable[Path] = ()) -> tuple[Stamp, int]:
    """The state of the logs anywhere below `folders` and of single `files`; and how many logs.

    It changes when one was added, removed or written, and with every hour of this machine and
    day of UTC: the page says what was used in them.
    """
    logs: list[str] = []
    for root in folders:
        for folder, inside, names in os.walk(root):
            inside[:] = [name for name in inside if name != _NO_SESSIONS]
            logs += [os.path.join(folder, name) for name in names if name.endswith(".jsonl")]
    hour = datetime.now().replace(minute=0, second=0, microsecond=0)
    found: list[object] = [hour, datetime.now(UTC).date()]
    for path in (*sorted(logs), *map(str, files)):
        with suppress(OSError):
            state = os.stat(path)
            found.append((path, state.st_ino, state.st_size, state.st_mtime_ns))
    return tuple(found), len(logs)


def pages(
    options: RunOptions,
    workers: NotebookWorkers,
    chosen: Mapping[str, str],
    progress: Progress,
    *,
    early: bool,
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The current page and its filters; with `early` also after each of its notebooks.

    A filter has a name, a label and options, each a value and a label; `chosen` are the reader's.
    """
    sources = report_notebooks(options.notebooks, options.spec.live)
    folders = ", ".join(map(str, folders_of(options)))
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    workers.prepare()
    wanted = {"source": options.source, **options.extra, **chosen}
    if "week" not in options.extra:  # a week that was asked for is a range of its own
        # The first choice of each filter: they are those of the first notebook.
        usual = parameters_of(sources[0]).items()
        wanted = {name: one for name, one in usual if one is not ...} | wanted
    given = checked_parameters(sources, {"source": options.source}, wanted)
    runs = [NotebookRun(*one) for one in zip(sources, given, strict=True)]
    notebooks = []
    for batch in [[run] for run in runs] if early else [runs]:
        notebooks += workers.run(batch, timeout=CELL_TIMEOUT, progress=progress)
        cells = [cell for notebook in notebooks for cell in notebook.cells]
        shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
        offered = [data.get(MIME.format("choices"), {}).get("choices", []) for data in shown]
        page = build_page(
            notebooks,
            title="My usage of Claude Code",
            subtitle=f"From the session logs in {folders}.",
            meta=[("Source", options.source), ("Made", made)],
            definitions=METRICS,
            live=True,
        )
        yield page, [choice for choices in offered for choice in choices]
