"""JupyterLab opens on notebooks the reader may change."""

import os
import shutil
import socket
import subprocess
import sys
import time

import pytest

from ccanalytics.errors import SettingsError
from ccanalytics.lab import lab_command, lab_folder, open_lab
from ccanalytics.report.run import notebook_folder


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


@pytest.fixture
def lab(tmp_path, clean_environment):
    """JupyterLab on the notebooks, as the command starts it: its address."""
    shutil.copytree(notebook_folder(), tmp_path / "notebooks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ccanalytics.cli", "lab", "--notebooks"]
    command += [str(tmp_path / "notebooks"), "--no-browser", f"--port={port}", "--allow-root"]
    command += ["--IdentityProvider.token=", "--ServerApp.port_retries=0"]
    env = {**clean_environment, "CCANALYTICS_STORE": str(tmp_path / "store")}
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as process:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def _wait_for(port):
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("JupyterLab did not start in 30 s.")


@pytest.mark.browser
def test_a_notebook_runs_in_a_real_jupyterlab_and_nothing_leaves_the_machine(lab, browser):
    """Every cell is run, a chart is drawn, and the page still answers afterwards."""
    asked = []
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(60_000)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{lab}/lab/tree/start_here.ipynb")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()
    page.get_by_text("Run", exact=True).first.click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.locator(".vega-embed canvas, .vega-embed svg").first.wait_for(state="attached")
    page.wait_for_timeout(1500)
    page.wait_for_function("document.querySelectorAll('.jp-OutputArea-output').length > 3")
    errors = page.locator("[data-mime-type='application/vnd.jupyter.error']").count()
    page.close()
    outside = [url for url in asked if not url.startswith((lab, "data:", "blob:"))]
    assert errors == 0
    assert not outside
