"""JupyterLab on the notebooks, with this interpreter as kernel and the store at hand."""

import logging
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ccanalytics.errors import SettingsError

log = logging.getLogger(__name__)

_OFFLINE = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)
"""Lab neither asks about news nor looks for newer versions of itself."""


def lab_folder(notebooks: Path, here: Path) -> Path:
    """The folder Lab opens: `notebooks` where it may be edited, else a copy in `here`.

    Notebooks that came inside an installed wheel are copied once to `here`/notebooks; a copy that
    is there already, with the reader's own changes, is left as it is.
    """
    if notebooks.name != "_notebooks":
        return notebooks
    mine = here / "notebooks"
    mine.mkdir(exist_ok=True)
    for notebook in sorted(notebooks.glob("*.ipynb")):
        if not (mine / notebook.name).exists():
            shutil.copyfile(notebook, mine / notebook.name)
            log.warning("Copied %s", mine / notebook.name)
    return mine


def lab_command(folder: Path, extra: Sequence[str] = ()) -> list[str]:
    """The command that starts Lab on `folder`, with `start_here` open when it is there."""
    start = "start_here.ipynb"
    opened = [f"--LabApp.default_url=/lab/tree/{start}"] if (folder / start).is_file() else []
    return [
        *[sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={folder}"],
        "--KernelSpecManager.ensure_native_kernel=True",
        "--MultiKernelManager.default_kernel_name=python3",
        *_OFFLINE,
        *opened,
        *extra,
    ]


def open_lab(folder: Path, environ: Mapping[str, str], extra: Sequence[str] = ()) -> int:
    """The exit code of Lab, once the reader has closed it."""
    if not folder.is_dir():
        raise SettingsError(f"{folder} is no folder; give --notebooks DIR.")
    environment = {**environ, "JUPYTER_PREFER_ENV_PATH": "1"}
    with subprocess.Popen(lab_command(folder, extra), env=environment) as lab:
        while True:
            try:
                return lab.wait()
            except KeyboardInterrupt:  # Lab hears it too, and asks before it stops
                continue
