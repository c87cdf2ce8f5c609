"""JupyterLab with the notebooks, this interpreter as kernel, and the store."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from ccanalytics.atomic import write_text
from ccanalytics.errors import SettingsError

MANIFEST = ".ccanalytics-notebooks.json"
"""The record of copied notebooks: the digest of each one in the package."""


def copy_notebooks(shipped: Path, folder: Path, version: str) -> list[str]:
    """Copy the notebooks of the package into `folder`; returns a line for each copy.

    An unchanged copy is updated. A changed one is kept, and a newer notebook of the
    package is written next to it, once: `explore-0.2.0.ipynb`.
    """
    if folder.resolve() == shipped.resolve():
        return []
    lines, known = [], _manifest(folder)
    copied = dict(known)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for notebook in sorted(shipped.glob("*.ipynb")):
            name, newest, mine = notebook.name, _digest(notebook), folder / notebook.name
            current, before = _digest(mine) if mine.exists() else None, known.get(name)
            copied[name] = newest
            if current and newest in (current, before):
                continue  # the newest, or the reader's changes of it
            line = f"{'updated' if current else 'copied'} {name}"
            if current not in (None, before):
                mine = mine.with_stem(f"{mine.stem}-{version}")
                line = f"kept your {name}; the one of version {version} is {mine.name}"
                if mine.exists():
                    continue
            write_text(mine, notebook.read_text(encoding="utf-8"), mode=0o644)
            lines.append(line)
        if copied != known:
            text = json.dumps(copied, indent=1, sort_keys=True) + "\n"
            write_text(folder / MANIFEST, text, mode=0o644)
    except OSError as error:
        raise SettingsError(f"The notebooks cannot be copied to {folder}: {error}.") from error
    return lines


def _manifest(folder: Path) -> dict[str, str]:
    """The record of earlier copies; empty if damaged, so that no changes are overwritten."""
    try:
        return dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lab_command(folder: Path, extra: Sequence[str] = ()) -> list[str]:
    """The command that starts Lab in `folder`, opening `start_here` if it exists."""
    start = folder / "start_here.ipynb"
    return [
        *[sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={folder}"],
        "--KernelSpecManager.ensure_native_kernel=True",
        "--MultiKernelManager.default_kernel_name=python3",
        # It does not ask the network for news, updates or extensions.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        *([f"--LabApp.default_url=/lab/tree/{start.name}"] if start.is_file() else []),
        *extra,
    ]


def open_lab(folder: Path, environ: Mapping[str, str], extra: Sequence[str] = ()) -> int:
    """Run Lab; returns its exit code."""
    if not folder.is_dir():
        raise SettingsError(f"{folder} is not a folder.")
    with subprocess.Popen(lab_command(folder, extra), env=lab_environment(environ)) as lab:
        while True:
            try:
                return lab.wait()
            except KeyboardInterrupt:  # Lab hears it too, and asks before it stops
                continue


def lab_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with this interpreter's kernel first, and without Lab's prompt about news."""
    settings = str(files("ccanalytics.report") / "lab_settings")
    configured = filter(None, [environ.get("JUPYTER_CONFIG_PATH"), settings])
    return {
        **environ,
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_CONFIG_PATH": os.pathsep.join(configured),
    }
