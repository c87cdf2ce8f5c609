"""The notebooks keep to their form; that they run is shown by the report."""

import ast

import nbformat
import papermill
import pytest

from ccanalytics.report.run import REPORT_NOTEBOOKS, notebook_folder

PATHS = sorted(notebook_folder().glob("*.ipynb"))
FORBIDDEN = ast.FunctionDef | ast.Lambda | ast.ClassDef | ast.AsyncFunctionDef | ast.Try


def cells(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def tagged(path, tag):
    return [c for c in cells(path, "code") if tag in c.metadata.get("tags", [])]


by_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def test_the_notebooks_of_the_report_are_there():
    """Each name the report runs is a file."""
    assert set(REPORT_NOTEBOOKS) < {path.stem for path in PATHS}


@by_notebook
def test_it_is_committed_without_outputs(path):
    """No output, no count: what a run found is nobody else's business."""
    assert all(not c.outputs and c.execution_count is None for c in cells(path, "code"))


@by_notebook
def test_it_is_short(path):
    """Up to 18 cells, of at most 6 lines of code; one's own usage has a few questions more."""
    most = 24 if path.stem == "my_usage" else 18
    assert 8 <= len(cells(path, "code")) + len(cells(path, "markdown")) <= most
    assert all(len(c.source.splitlines()) <= 6 for c in cells(path, "code"))


@by_notebook
def test_it_holds_no_functions(path):
    """What a notebook needs is in the package."""
    trees = [ast.parse(cell.source) for cell in cells(path, "code")]
    assert not [n for tree in trees for n in ast.walk(tree) if isinstance(n, FORBIDDEN)]


@by_notebook
def test_its_headings_ask(path):
    """A section is a question."""
    heads = [c.source.splitlines()[0] for c in cells(path, "markdown")]
    sections = [head for head in heads if head.startswith("## ")]
    assert len(sections) >= 3
    assert all(head.endswith("?") for head in sections)


@by_notebook
def test_its_parameters_have_a_default_and_a_help_text(path):
    """papermill sees every parameter, with the words of its comment."""
    found = papermill.inspect_notebook(str(path))
    own = path.stem == "my_usage"
    wanted = {"until", "days", "timezone"} if own else {"week", "weeks", "team", "identity"}
    assert {"source", *wanted} <= set(found)
    assert all(parameter["help"] for parameter in found.values())
    assert found["source"]["default"] == ('"local"' if own else '"sample"')


@by_notebook
def test_its_cell_ids_are_words(path):
    """Ids say what a cell is, so that a diff shows what changed."""
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert len(set(ids)) == len(ids)
    assert all(part.isalpha() for one in ids for part in one.split("-"))


@pytest.mark.parametrize("name", REPORT_NOTEBOOKS)
def test_a_report_notebook_has_headlines_and_a_load(name):
    """The cards go to the top of the page; the dataset's own line stays in the notebook."""
    path = notebook_folder() / f"{name}.ipynb"
    told = ("outlook", "before_after", "billed")
    assert name in told or tagged(path, "headlines") or tagged(path, "trust")
    assert len(tagged(path, "lab-only")) >= 1
