"""JupyterLab opens on notebooks the reader may change."""

import os
import sys

import pytest

from ccanalytics.errors import SettingsError
from ccanalytics.lab import lab_command, lab_folder, open_lab


def installed(tmp_path):
    folder = tmp_path / "site" / "_notebooks"
    folder.mkdir(parents=True)
    (folder / "start_here.ipynb").write_text("{}", encoding="utf-8")
    return folder


def test_a_checkout_is_opened_as_it_lies(tmp_path):
    """The notebooks of a checkout are not copied."""
    folder = tmp_path / "notebooks"
    assert lab_folder(folder, tmp_path / "elsewhere") == folder


def test_installed_notebooks_are_copied_here_once(tmp_path):
    """What a wheel brought is copied, and the reader's own changes stay."""
    mine = lab_folder(installed(tmp_path), tmp_path)
    assert mine == tmp_path / "notebooks"
    (mine / "start_here.ipynb").write_text("changed", encoding="utf-8")
    lab_folder(tmp_path / "site" / "_notebooks", tmp_path)
    assert (mine / "start_here.ipynb").read_text(encoding="utf-8") == "changed"


def test_lab_runs_this_interpreter_and_passes_flags_on(tmp_path):
    """The command is this Python's Lab on the folder, with what the reader added at the end."""
    command = lab_command(tmp_path, ["--no-browser"])
    assert command[0] == sys.executable
    assert f"--ServerApp.root_dir={tmp_path}" in command
    assert command[-1] == "--no-browser"


def test_lab_starts_and_says_its_version(tmp_path):
    """The command is one that Jupyter understands."""
    assert open_lab(tmp_path, dict(os.environ), ["--version"]) == 0


def test_a_missing_folder_is_said_so(tmp_path):
    """A folder that is not there is an error that names it."""
    with pytest.raises(SettingsError, match="nowhere"):
        open_lab(tmp_path / "nowhere", {})
