"""What a process that runs notebooks may know, and how it is ended."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

SECRETS = (
    "ANTHROPIC_ADMIN_KEY",
    "ADMIN_API_KEY",
    "ANTHROPIC_ANALYTICS_KEY",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CCANALYTICS_DATABASE_URL",  # it may hold a password
)


def kernel_environment(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """`environment` without keys, and without the start-up files of the user's own IPython."""
    kept = {name: value for name, value in environment.items() if name not in SECRETS}
    return {**kept, "IPYTHONDIR": str(folder / "ipython"), "CCANALYTICS_REPORT": "1"}


def kill_group(pid: int) -> None:
    """End the process and, where it leads a group as a kernel does, what it started."""
    if os.name == "posix":
        os.killpg(pid, signal.SIGKILL)
    else:
        os.kill(pid, signal.SIGTERM)
