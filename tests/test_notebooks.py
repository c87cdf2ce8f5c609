"""The notebooks follow their format; the report tests that they run."""

import ast
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import papermill
import pytest

from ccanalytics.report.run import REPORT_NOTEBOOKS, notebook_folder

PATHS = sorted(notebook_folder().glob("*.ipynb"))
LOOPBACK_ONLY = """
import socket

connect = socket.socket.connect

def loopback_only(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and not address[0].startswith("127."):
        raise OSError(f"the network is unreachable: {address}")
    return connect(self, address)

socket.socket.connect = loopback_only
"""
"""What every Python process of a test runs when it starts."""

FORBIDDEN = ast.FunctionDef | ast.Lambda | ast.ClassDef | ast.AsyncFunctionDef | ast.Try


def cells(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def tagged(path, tag):
    return [c for c in cells(path, "code") if tag in c.metadata.get("tags", [])]


by_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def test_the_notebooks_of_the_report_exist():
    """Each name in the report is a file."""
    assert set(REPORT_NOTEBOOKS) < {path.stem for path in PATHS}


@by_notebook
def test_it_is_committed_without_outputs(path):
    """No output and no execution count: results of a run are private."""
    assert all(not c.outputs and c.execution_count is None for c in cells(path, "code"))


@by_notebook
def test_it_is_short(path):
    """Up to 19 cells, of at most 6 lines of code; my_usage may have a few more."""
    most = 25 if path.stem == "my_usage" else 19
    assert 8 <= len(cells(path, "code")) + len(cells(path, "markdown")) <= most
    lines = [len(c.source.splitlines()) for c in cells(path, "code")]
    assert max(lines) <= (8 if path.stem == "my_usage" else 6)  # which has eight parameters


@by_notebook
def test_it_defines_no_functions(path):
    """Functions belong in the package."""
    trees = [ast.parse(cell.source) for cell in cells(path, "code")]
    assert not [n for tree in trees for n in ast.walk(tree) if isinstance(n, FORBIDDEN)]


@by_notebook
def test_its_headings_are_questions(path):
    """One question per section."""
    heads = [c.source.splitlines()[0] for c in cells(path, "markdown")]
    sections = [head for head in heads if head.startswith("## ")]
    assert len(sections) >= 3
    assert all(head.endswith("?") for head in sections)


@by_notebook
def test_its_parameters_have_a_default_and_a_help_text(path):
    """papermill sees every parameter, with its comment."""
    found = papermill.inspect_notebook(str(path))
    own = path.stem in ("my_usage", "my_day")
    wanted = {"days", "timezone", "project"} if own else {"week", "weeks", "team", "identity"}
    assert {"source", *wanted} <= set(found)
    assert all(parameter["help"] for parameter in found.values())
    assert found["source"]["default"] == ('"local"' if own else '"sample"')


@by_notebook
def test_its_cell_ids_are_words(path):
    """Ids describe the cells, so that a diff shows what changed."""
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert len(set(ids)) == len(ids)
    assert all(part.isalpha() for one in ids for part in one.split("-"))


@pytest.mark.parametrize("name", REPORT_NOTEBOOKS)
def test_a_report_notebook_has_headlines_and_a_place_for_own_questions(name):
    """The cards go to the top of the page; the cell to edit stays in the notebook."""
    path = notebook_folder() / f"{name}.ipynb"
    without = ("lifecycle", "outlook", "before_after", "money")
    assert name in without or tagged(path, "headlines") or tagged(path, "trust")
    own = [c for c in tagged(path, "lab-only") if c.source.startswith("# Ask your own")]
    assert len(own) == 1


class Pictures(HTMLParser):
    """Counts the embedded pictures of a page, and the external ones."""

    inside = outside = 0

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            here = dict(attrs).get("src", "").startswith("data:image/")
            self.inside, self.outside = self.inside + here, self.outside + (not here)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adoption", "money"])
def test_papermill_and_nbconvert_show_every_chart_without_a_network(
    name, tmp_path, clean_environment
):
    """The HTML of the two commands has as many pictures as charts, and no error."""
    (tmp_path / "sitecustomize.py").write_text(LOOPBACK_ONLY)
    environment = {**clean_environment, "PYTHONPATH": str(tmp_path)}
    path = notebook_folder() / f"{name}.ipynb"
    _command("papermill", str(path), "out.ipynb", folder=tmp_path, env=environment)
    _command("jupyter", "nbconvert", "--to", "html", "out.ipynb", folder=tmp_path, env=environment)
    page = Pictures()
    page.feed((tmp_path / "out.html").read_text(encoding="utf-8"))
    charts = sum(c.source.count("cca.chart(") for c in cells(path, "code"))
    assert charts >= 1
    assert (page.inside, page.outside) == (charts, 0)


def _command(program, *arguments, folder, env):
    """Run a program of this Python environment in `folder`."""
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    env = {**env, "PATH": os.pathsep.join((str(Path(sys.executable).parent), env["PATH"]))}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
