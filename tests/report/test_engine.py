"""The notebook engine: what a notebook shows, that it ends, and what its process may know."""

import os

import nbformat
import pytest
from report_pages import cell, notebook, text

from ccanalytics.report.engine import NotebookError, NotebookRun, run_notebooks


@pytest.fixture
def run(tmp_path, clean_environment):
    """Runs cells with parameters through a worker process and gives them back executed."""

    def run_cells(*notebooks, timeout=60, environment=None, workers=1, **parameters):
        runs = []
        for number, cells in enumerate(notebooks):
            made = notebook(*cells)
            made.metadata.kernelspec = {"name": "python3", "display_name": "", "language": "python"}
            path = tmp_path / f"made{number}.ipynb"
            nbformat.write(made, path)
            runs.append(NotebookRun(path, parameters, tmp_path / f"done{number}.ipynb"))
        given = {**clean_environment, **(environment or {})}
        done = run_notebooks(runs, environment=given, timeout=timeout, workers=workers)
        return [one.cells for one in done]

    return run_cells


def shown(executed):
    """Of each output its kind and text."""
    return [
        (one.output_type, one.get("text") or one.data["text/plain"]) for one in executed.outputs
    ]


def test_outputs_come_in_the_order_they_were_made(run):
    """Printed, displayed, printed again, the last expression; none with a semicolon."""
    code = "print('a'); print('b'); display('c'); print('d'); 'e'"
    [[executed, quiet]] = run([cell(code), cell("1 + 1;")])
    assert shown(executed) == [
        ("stream", "a\nb\n"),
        ("display_data", "'c'"),
        ("stream", "d\n"),
        ("execute_result", "'e'"),
    ]
    assert quiet.outputs == []


def test_parameters_are_injected_as_papermill_does(run):
    """The default, then what was given, in a cell of its own."""
    [executed] = run([cell("n = 1", tags=["parameters"]), cell("n")], n=5)
    assert shown(executed[-1]) == [("execute_result", "5")]


def test_a_notebook_sees_nothing_of_the_one_before(run):
    """One worker runs both, and a name of the first is unknown in the second."""
    with pytest.raises(NotebookError, match="left_over"):
        run([cell("left_over = 1"), cell("left_over")], [cell("left_over")])


def test_what_one_notebook_does_to_its_data_no_other_sees(run, tmp_path):
    """Both load the same; the first one changes every number of it."""
    load = "import ccanalytics as cca\ndata = cca.load(source='sample', weeks=1)"
    spoil = "data.activity.loc[:, 'commits'] = -1"
    count = "int(data.activity['commits'].min())"
    environment = {"CCANALYTICS_STORE": str(tmp_path / "store")}
    _, second = run(
        [cell(load), cell(spoil), text("so that it is the longer one and comes first")],
        [cell(load), cell(count)],
        environment=environment,
    )
    assert shown(second[-1]) == [("execute_result", "0")]


@pytest.mark.parametrize("code", ["raise ValueError('no')", "1 +", "raise SystemExit('no')"])
def test_a_cell_that_fails_is_named(run, code):
    """Counted from 1 as in the source, with its code; the cells after it are not run."""
    with pytest.raises(NotebookError) as caught:
        run([text("# Title"), cell(code), cell("print('after')")])
    assert caught.value.cell == 2
    assert caught.value.code == code


def test_a_cell_that_takes_too_long_is_ended_and_named(run):
    """And the notebooks after it still run."""
    with pytest.raises(NotebookError, match=r"made0\.ipynb, cell 1: .*longer than 8 s") as caught:
        run([cell("import time; time.sleep(60)")], [cell("1")], timeout=8)
    assert caught.value.code.startswith("import time")


def test_a_process_that_dies_is_said(run):
    """Killed for want of memory, say: the notebook and the cell are named."""
    with pytest.raises(NotebookError, match=r"made0\.ipynb, cell 2: .*ended \(code 7\)"):
        run([cell("1"), cell("import os; os._exit(7)")], [cell("1")])


def test_a_worker_knows_no_key(run):
    """Whatever it is called; the store and the path it knows."""
    secrets = {
        "ANTHROPIC_ADMIN_KEY": "s",
        "AWS_SECRET_ACCESS_KEY": "s",
        "CCANALYTICS_DATABASE_URL": "s",
        "MY_TOKEN": "s",
    }
    [[executed]] = run(
        [cell("import os; sorted(os.environ)")],
        environment={**secrets, "CCANALYTICS_STORE": "x", "PATH": os.environ["PATH"]},
    )
    names = executed.outputs[0].data["text/plain"]
    assert not [name for name in secrets if name in names]
    assert "CCANALYTICS_STORE" in names
