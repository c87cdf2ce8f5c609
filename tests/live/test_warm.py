"""Notebooks without a kernel: as with one, only sooner."""

import nbformat
import pytest
from ccanalytics.live.warm import ENGINE
from report_pages import cell, notebook, text

from ccanalytics.report.engine import NotebookError, execute_one


@pytest.fixture
def run(tmp_path):
    """Runs cells with parameters and gives them back executed."""

    def run_cells(*cells, **parameters):
        made = notebook(*cells)
        made.metadata.kernelspec = {"name": "python3", "display_name": "", "language": "python"}
        nbformat.write(made, tmp_path / "made.ipynb")
        return execute_one(tmp_path / "made.ipynb", parameters, engine_name=ENGINE).cells

    return run_cells


def shown(executed):
    """Of each output its kind and text."""
    return [
        (one.output_type, one.get("text") or one.data["text/plain"]) for one in executed.outputs
    ]


def test_outputs_come_in_the_order_they_were_made(run):
    """Printed, displayed, printed again, and the last expression."""
    (executed,) = run(cell("print('a'); print('b'); display('c'); print('d'); 'e'"))
    assert shown(executed) == [
        ("stream", "a\nb\n"),
        ("display_data", "'c'"),
        ("stream", "d\n"),
        ("execute_result", "'e'"),
    ]


def test_a_last_expression_with_a_semicolon_is_not_shown(run):
    """As in a kernel."""
    (executed,) = run(cell("1 + 1;"))
    assert executed.outputs == []


def test_parameters_are_injected_as_papermill_does(run):
    """The default, then what was given, in a cell of its own."""
    executed = run(cell("n = 1", tags=["parameters"]), cell("n"), n=5)
    assert shown(executed[-1]) == [("execute_result", "5")]


def test_a_notebook_sees_nothing_of_the_one_before(run):
    """A name that an earlier run defined is gone."""
    run(cell("left_over = 1"))
    with pytest.raises(NotebookError, match="left_over"):
        run(cell("left_over"))


@pytest.mark.parametrize("code", ["raise ValueError('no')", "1 +", "raise SystemExit('no')"])
def test_a_cell_that_fails_is_named(run, code):
    """Counted from 1 as in the source, with its code; the cells after it are not run."""
    with pytest.raises(NotebookError) as caught:
        run(text("# Title"), cell(code), cell("print('after')"))
    assert caught.value.cell == 2
    assert caught.value.code == code
