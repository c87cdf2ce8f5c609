"""What `ccanalytics check` checks in session logs."""

from datetime import timedelta
from pathlib import Path

from ccanalytics.check.finding import CheckContext, CheckFinding, found
from ccanalytics.logs.log_reader import LogIndex
from ccanalytics.logs.log_source import LocalLogs, log_folders
from ccanalytics.words import counted


def check_logs(context: CheckContext) -> CheckFinding:
    """Whether there are session logs, how many, and the date of the newest line."""
    logs = LocalLogs(context.logs or log_folders(context.environ, Path.home()))
    read = logs.news(LogIndex())
    report, days = read.report, read.facts.days()
    unreadable = sorted(report.unreadable_files.items())
    faults = [f"{counted(n, 'file')} cannot be read: {reason}" for reason, n in unreadable]
    faults += report.faults()
    tomorrow = context.now.date() + timedelta(1)
    ahead = [day for day in days if day > tomorrow]
    newest = max(days.difference(ahead) or days, default=None)
    if ahead:
        faults.append(f"{counted(len(ahead), 'day')} in the future, up to {max(ahead)}")
    where = f"{counted(report.files, 'file')} in {', '.join(map(str, logs.folders))}"
    if newest is None:
        then = "Use Claude Code here, or name another folder with --logs DIR."
        return found(f"{where}, none with any model use", then)
    then = "The rest counts. A line is truncated when Claude Code is killed while writing it."
    then += " A clock was ahead when days of the future were logged." if ahead else ""
    text = "; ".join([f"{where}, the newest line of {newest}", *faults])
    return found(text, then if faults else "")


CHECKS = {"logs": check_logs}
