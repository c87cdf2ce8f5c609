"""The command, as a user runs it."""

import subprocess
import sys


def command(*arguments, folder, environment, **extra):
    """What `ccanalytics ARGUMENTS` did in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "ccanalytics", *map(str, arguments)],
        cwd=folder,
        env={**environment, "CCANALYTICS_STORE": str(folder / "store"), **extra},
        capture_output=True,
        text=True,
        timeout=300,
    )
