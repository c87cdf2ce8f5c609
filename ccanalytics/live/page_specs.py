"""What a dashboard shows: the notebooks of its source, and what they are given."""

import os
from collections.abc import Sequence
from pathlib import Path

from ccanalytics.dataset.preflight import preflight, stops
from ccanalytics.errors import PreflightError, ReportError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.issue.weekly import dataset_of, report_spec_of, versions
from ccanalytics.live.opening import OWN_TITLE
from ccanalytics.live.watch import Watched
from ccanalytics.logs.log_source import log_folders
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.report.run import ReportSpec, notebook_folder, report_notebooks
from ccanalytics.sources.registry import network_sources

OWN_USAGE = ("my_usage",)
"""The notebooks about one's own session logs."""


def page_spec(chosen: RunOptions) -> ReportSpec:
    """The page as it is to be made now."""
    return _own_usage(chosen) if chosen.source == "local" else _weekly(chosen)


def notebooks_of(chosen: RunOptions) -> list[Path]:
    """The notebooks of the page, in their order."""
    folder = chosen.notebooks or notebook_folder()
    if chosen.source != "local":
        return report_notebooks(folder)
    paths = [(folder / f"{name}.ipynb").absolute() for name in OWN_USAGE]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise ReportError(f"{folder} does not have {', '.join(missing)}.")
    return paths


def watched(chosen: RunOptions) -> Watched:
    """What the page depends on."""
    settings = chosen.settings
    tables = [settings.roster] if settings.roster else []
    files = (*notebooks_of(chosen), *settings.calendars.values(), *tables)
    if chosen.source == "local":
        return Watched(_log_roots(), ".jsonl", files)
    if chosen.source in network_sources():
        return Watched((chosen.store.folder(chosen.source),), ".parquet", files)
    return Watched(files=files)


def _own_usage(chosen: RunOptions) -> ReportSpec:
    return ReportSpec(
        week="",
        source=chosen.source,
        out=chosen.out,
        notebooks=notebooks_of(chosen),
        common={"source": chosen.source},
        extra={"days": "30", **chosen.extra},
        environment={},
        name=f"my-usage-{chosen.now:%Y-%m-%d}",
        title=OWN_TITLE,
        subtitle=f"From the session logs in {_listed(_log_roots())}.",
        meta=[
            ("Source", chosen.source),
            ("Made", f"{chosen.now:%Y-%m-%d %H:%M} UTC"),
            ("With", versions()),
        ],
        definitions=METRICS,
        named=chosen.settings.identity == "named",
    )


def _weekly(chosen: RunOptions) -> ReportSpec:
    """The report's own spec; what would stop the report stops the page."""
    data = dataset_of(chosen)
    found = stops(preflight(data))
    if found:
        words = "\n".join(f"{check.name}: {check.found}" for check in found)
        raise PreflightError(f"A check of the records stops the page.\n{words}")
    return report_spec_of(chosen, data)


def _log_roots() -> tuple[Path, ...]:
    """The folders below which session logs lie."""
    folders = [folder.absolute() for folder in log_folders(os.environ, Path.home())]
    return tuple(root if (root := one / "projects").is_dir() else one for one in folders)


def _listed(folders: Sequence[Path]) -> str:
    return ", ".join(str(folder) for folder in folders)
