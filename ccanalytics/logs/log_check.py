"""What `ccanalytics check` checks in session logs."""

from datetime import timedelta
from pathlib import Path

from ccanalytics.check.finding import CheckFinding, found
from ccanalytics.errors import SettingsError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.logs.log_facts import days_of
from ccanalytics.logs.log_source import LocalLogs, log_folders
from ccanalytics.words import counted


def check_logs(options: RunOptions) -> CheckFinding:
    """Whether there are session logs, how many, and the date of the newest line."""
    logs = LocalLogs(options.logs or log_folders(options.environ, Path.home()))
    if logs.missing:
        raise SettingsError(logs.missing)
    read = logs.news()
    unreadable = sorted(read.unreadable_files.items())
    faults = [f"{counted(n, 'file')} cannot be read: {reason}" for reason, n in unreadable]
    faults += read.fault_texts()
    days, tomorrow = days_of(read.accounts), options.now.date() + timedelta(1)
    newest = max((day for day in days if day <= tomorrow), default=None)
    if ahead := [day for day in days if day > tomorrow]:
        faults.append(f"{counted(len(ahead), 'day')} in the future, up to {max(ahead)}")
    where = f"{counted(read.files_read, 'file')} in {', '.join(map(str, logs.folders))}"
    if newest is None:
        then = "Use Claude Code here, or name another folder with --logs DIR."
        return found("; ".join([f"{where}, none with any model use", *faults]), then)
    then = "The rest counts. A line is truncated when Claude Code is killed while writing it."
    text = "; ".join([f"{where}, the newest line of {newest}", *faults])
    return found(text, then if faults else "")


CHECKS = {"logs": check_logs}
