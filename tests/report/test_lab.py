"""JupyterLab opens on notebooks the user may change."""

import json
import os
import subprocess
import sys

import pytest

from ccanalytics.errors import SettingsError
from ccanalytics.report.lab import MANIFEST, copy_notebooks, lab_command, lab_environment, open_lab


def shipped(tmp_path, **texts):
    """The notebooks of the package: {name: text}."""
    folder = tmp_path / "site" / "_notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (texts or {"start_here": "{}"}).items():
        (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
    return folder


def text_of(folder, name):
    return (folder / f"{name}.ipynb").read_text(encoding="utf-8")


def test_the_notebooks_are_copied_into_the_given_folder(tmp_path):
    """The folder and its parents are created, and a message says what was done."""
    mine = tmp_path / "a" / "b"
    said = copy_notebooks(shipped(tmp_path, explore="1", trust="2"), mine, "0.1.0")
    assert said == ["copied explore.ipynb", "copied trust.ipynb"]
    assert (text_of(mine, "explore"), text_of(mine, "trust")) == ("1", "2")


def test_a_second_run_does_nothing(tmp_path):
    """Nothing new in the package and no message, with or without the user's changes."""
    package = shipped(tmp_path, explore="1")
    copy_notebooks(package, tmp_path / "mine", "0.1.0")
    assert copy_notebooks(package, tmp_path / "mine", "0.1.0") == []
    (tmp_path / "mine" / "explore.ipynb").write_text("changed", encoding="utf-8")
    assert copy_notebooks(package, tmp_path / "mine", "0.1.0") == []
    assert text_of(tmp_path / "mine", "explore") == "changed"


def test_a_newer_notebook_replaces_an_unchanged_one(tmp_path):
    """An upgrade of the package updates the copy."""
    copy_notebooks(shipped(tmp_path, explore="1"), tmp_path / "mine", "0.1.0")
    said = copy_notebooks(shipped(tmp_path, explore="2"), tmp_path / "mine", "0.2.0")
    assert said == ["updated explore.ipynb"]
    assert text_of(tmp_path / "mine", "explore") == "2"


def test_a_newer_notebook_is_put_next_to_a_changed_one_once(tmp_path):
    """The user's changes stay, and the newer notebook is added under its version."""
    mine = tmp_path / "mine"
    copy_notebooks(shipped(tmp_path, explore="1"), mine, "0.1.0")
    (mine / "explore.ipynb").write_text("changed", encoding="utf-8")
    said = copy_notebooks(shipped(tmp_path, explore="2"), mine, "0.2.0")
    assert said == ["kept your explore.ipynb; the one of version 0.2.0 is explore-0.2.0.ipynb"]
    assert (text_of(mine, "explore"), text_of(mine, "explore-0.2.0")) == ("changed", "2")
    (mine / "explore-0.2.0.ipynb").unlink()
    assert copy_notebooks(shipped(tmp_path, explore="2"), mine, "0.2.0") == []


def test_a_newer_notebook_does_not_overwrite_an_existing_name(tmp_path):
    """If the version did not change, as in a clone, the first one stays."""
    mine = tmp_path / "mine"
    copy_notebooks(shipped(tmp_path, explore="1"), mine, "0.1.0")
    for text in ("2", "3"):
        (mine / "explore.ipynb").write_text("changed", encoding="utf-8")
        copy_notebooks(shipped(tmp_path, explore=text), mine, "0.1.0")
    assert (text_of(mine, "explore"), text_of(mine, "explore-0.1.0")) == ("changed", "2")


@pytest.mark.parametrize("damage", [None, "no json", "[]"])
def test_a_copy_of_unknown_origin_is_never_overwritten(tmp_path, damage):
    """Without the list of copies, or with a damaged one, any copy may contain changes."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "explore.ipynb").write_text("older", encoding="utf-8")
    if damage:
        (mine / MANIFEST).write_text(damage, encoding="utf-8")
    copy_notebooks(shipped(tmp_path, explore="2"), mine, "0.2.0")
    assert (text_of(mine, "explore"), text_of(mine, "explore-0.2.0")) == ("older", "2")


def test_a_deleted_notebook_is_copied_again(tmp_path):
    """This is how a user restores the original."""
    package, mine = shipped(tmp_path, explore="1"), tmp_path / "mine"
    copy_notebooks(package, mine, "0.1.0")
    (mine / "explore.ipynb").unlink()
    assert copy_notebooks(package, mine, "0.1.0") == ["copied explore.ipynb"]


def test_the_notebooks_of_a_clone_are_not_copied_onto_themselves(tmp_path):
    """Given as the folder, they are opened in place, without a list of copies."""
    folder = shipped(tmp_path)
    assert copy_notebooks(folder, folder, "0.1.0") == []
    assert not (folder / MANIFEST).exists()


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path):
    """A file is in the way."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match="cannot be copied to"):
        copy_notebooks(shipped(tmp_path), tmp_path / "file", "0.1.0")


def test_lab_runs_this_interpreter_and_passes_flags_on(tmp_path):
    """The command is this Python's Lab on the folder, followed by the user's flags."""
    (tmp_path / "start_here.ipynb").write_text("{}", encoding="utf-8")
    command = lab_command(tmp_path, ["--no-browser"])
    assert command[0] == sys.executable
    assert f"--ServerApp.root_dir={tmp_path}" in command
    assert "--LabApp.default_url=/lab/tree/start_here.ipynb" in command
    assert command[-1] == "--no-browser"


def test_lab_does_not_ask_about_news_and_keeps_the_users_settings():
    """Our defaults come after the configuration folders set by the user."""
    path = lab_environment({"JUPYTER_CONFIG_PATH": "/own"})["JUPYTER_CONFIG_PATH"]
    own, ours = path.split(os.pathsep)
    assert own == "/own"
    file = os.path.join(ours, "labconfig", "default_setting_overrides.json")
    with open(file, encoding="utf-8") as text:
        settings = json.load(text)
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


@pytest.mark.slow
def test_lab_starts_and_prints_its_version(tmp_path):
    """Jupyter understands the command."""
    assert open_lab(tmp_path, dict(os.environ), ["--version"]) == 0


@pytest.mark.slow
def test_an_installed_wheel_copies_its_notebooks_into_the_given_folder(
    tmp_path, clean_environment, wheel
):
    """They are copied, a message names the folder, and Jupyter gets the flags that are not ours."""
    done = subprocess.run(
        [sys.executable, "-m", "ccanalytics", "lab", "mine", "--version"],
        cwd=tmp_path,
        env={**clean_environment, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "copied start_here.ipynb" in lines
    assert "mine" in lines
    assert lines[-1].startswith("4.")
    assert (tmp_path / "mine" / "explore.ipynb").is_file()
    assert (
        wheel / "ccanalytics/report/lab_settings/labconfig/default_setting_overrides.json"
    ).is_file()


def test_a_missing_folder_is_an_error(tmp_path):
    """The error names it."""
    with pytest.raises(SettingsError, match="nowhere"):
        open_lab(tmp_path / "nowhere", {})
