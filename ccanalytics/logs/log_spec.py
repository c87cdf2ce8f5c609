"""Session logs as a source; the reader is imported when they are opened."""

from ccanalytics.sources.registry import SourceSpec
from ccanalytics.wings import resolve

SOURCE = SourceSpec(
    name="local",
    title="your own Claude Code session logs",
    open=lambda access: resolve("logs.log_source:opened")(access),
    is_here=lambda access: not resolve("logs.log_source:opened")(access).missing,
    minimum_group=1,
    frames=("sessions", "requests", "tool_calls", "log_events"),
    sync_all="logs.log_sync:sync_logs",
    coverage="logs.log_coverage:log_rows",
    report=("my_usage",),
    live=("my_day", "my_usage"),
    folders=lambda access: resolve("logs.log_source:followed_folders")(access),
)
