"""A page -> a PDF, printed by an installed browser: Chromium, Chrome or Edge."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ccanalytics.atomic import ASIDE
from ccanalytics.errors import ReportError
from ccanalytics.report.archive import writing
from ccanalytics.report.engine import allowed, kill_group

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge", "msedge")

PRINT_TIMEOUT = 120.0  # seconds

_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # the page asks for nothing; neither may the browser
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
)


def find_browser(environment: Mapping[str, str]) -> Path:
    """The first browser on the PATH that can print; `ReportError` when there is none."""
    path = environment.get("PATH", os.defpath)
    for name in BROWSERS:
        if found := shutil.which(name, path=path):
            return Path(found)
    raise ReportError(
        "A PDF needs Chromium, Chrome or Edge on the PATH, and there is none. Install one "
        "(Debian: apt-get install chromium), or print the page from any browser."
    )


def print_page(
    page: Path,
    pdf: Path,
    *,
    browser: Path,
    environment: Mapping[str, str],
    timeout: float = PRINT_TIMEOUT,
) -> Path:
    """Print the page to `pdf`, completely or not at all; `ReportError` when the browser fails."""
    # Next to the page: a browser in a snap or container cannot write anywhere else.
    with (
        writing(pdf),
        tempfile.TemporaryDirectory(
            prefix=ASIDE, dir=pdf.parent, ignore_cleanup_errors=True
        ) as name,
    ):
        folder = Path(name)
        printed = folder / "page.pdf"
        flags = [*_FLAGS, f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={printed}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium has none for root
        command = [str(browser), *flags, page.absolute().as_uri()]
        output = _run(command, environment, folder, timeout)
        if not printed.is_file() or printed.read_bytes()[:5] != b"%PDF-":
            raise ReportError(f"{browser.name} did not print {page}: {output}")
        printed.chmod(0o644)
        os.replace(printed, pdf)
    return pdf


def _run(command: list[str], environment: Mapping[str, str], folder: Path, timeout: float) -> str:
    """Run `command`, ended with its children after `timeout`; returns its last line."""
    own = {**allowed(environment), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    # Not a pipe: a child that outlives the browser would keep it open.
    file = folder / "output"
    with file.open("wb") as output:
        streams: Any = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
        process = subprocess.Popen(command, env=own, start_new_session=True, **streams)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ReportError(f"{command[0]} did not finish within {timeout:.0f} s.") from None
        finally:
            if process.poll() is None:
                kill_group(process.pid)
                process.wait()
    lines = file.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"it wrote nothing (exit code {process.returncode})"
