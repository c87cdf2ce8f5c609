"""Session logs as a source; the reader is imported when they are opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ccanalytics.sources.registry import Access, SourceSpec

if TYPE_CHECKING:
    from ccanalytics.logs.log_source import LocalLogs


def _open(access: Access) -> "LocalLogs":
    from ccanalytics.logs.log_source import opened

    return opened(access)


def _folders(access: Access) -> Sequence[Path]:
    from ccanalytics.logs.log_source import log_folders

    given = access.folders or log_folders(access.environ, Path.home())
    folders = [Path(folder).absolute() for folder in given]
    return [root if (root := one / "projects").is_dir() else one for one in folders]


SOURCE = SourceSpec(
    name="local",
    title="your own Claude Code session logs",
    open=_open,
    is_here=lambda access: not _open(access).missing,
    minimum_group=1,
    frames=("sessions", "requests", "tool_calls", "log_events"),
    sync_all="logs.log_sync:sync_logs",
    merge="logs.log_sync:merge_stores",
    coverage="logs.log_coverage:log_rows",
    report=("my_usage",),
    live=("my_day", "my_usage"),
    folders=_folders,
)
