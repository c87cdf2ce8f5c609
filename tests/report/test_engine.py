"""The notebook engine: the outputs of a notebook, how it ends, and what its process can see."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from notebook_runs import run_notebooks
from report_pages import cell, notebook, text

from ccanalytics.report import engine, notebook_worker
from ccanalytics.report.engine import NotebookError, NotebookRun, NotebookWorkers

FIRST = text("so that it is the longer one and comes first. " * 20)


@pytest.fixture(scope="module")
def workers(clean_environment):
    """One prepared process for all tests that need no environment of their own."""
    with closing(NotebookWorkers(clean_environment)) as prepared:
        yield prepared


@pytest.fixture
def run(tmp_path, clean_environment, workers):
    """Run cells with parameters in a worker process and return them executed."""

    def run_cells(*notebooks, timeout=60, environment=None, **parameters):
        runs = []
        for number, cells in enumerate(notebooks):
            made = notebook(*cells)
            made.metadata.kernelspec = {"name": "python3", "display_name": "", "language": "python"}
            path = tmp_path / f"made{number}.ipynb"
            nbformat.write(made, path)
            runs.append(NotebookRun(path, parameters))
        if environment is None:
            done = workers.run(runs, timeout=timeout)
        else:
            given = {**clean_environment, **environment}
            done = run_notebooks(runs, environment=given, timeout=timeout)
        return [one.cells for one in done]

    return run_cells


def shown(executed):
    """The kind and text of each output."""
    return [
        (one.output_type, one.get("text") or one.data["text/plain"]) for one in executed.outputs
    ]


def test_outputs_are_in_the_order_they_were_made(run):
    """Printed, displayed, printed again, the last expression; a semicolon suppresses it."""
    code = "print('a'); print('b'); display('c'); print('d'); 'e'"
    [[executed, quiet]] = run([cell(code), cell("1 + 1;")])
    assert shown(executed) == [
        ("stream", "a\nb\n"),
        ("display_data", "'c'"),
        ("stream", "d\n"),
        ("execute_result", "'e'"),
    ]
    assert quiet.outputs == []


def test_outputs_can_be_cleared_and_updated(run):
    """As a progress display does: cleared output is gone, a handle updates its own output."""
    clear = "from IPython.display import clear_output\nprint('a'); clear_output(); print('b')"
    later = "print('a'); clear_output(wait=True); print('b')"
    change = "handle = display('one', display_id=True); print('two'); handle.update('three')"
    [[cleared, waited, changed]] = run([cell(clear), cell(later), cell(change)])
    assert shown(cleared) == [("stream", "b\n")]
    assert shown(waited) == [("stream", "b\n")]
    assert shown(changed) == [("display_data", "'three'"), ("stream", "two\n")]


def test_parameters_are_injected_as_in_papermill(run):
    """The default, then the given values in a separate cell."""
    [executed] = run([cell("n = 1", tags=["parameters"]), cell("n")], n=5)
    assert shown(executed[-1]) == [("execute_result", "5")]


def test_a_result_has_the_number_of_its_cell(run):
    """As in JupyterLab: [2] is the output of [2]."""
    [executed] = run([cell("1"), cell("2")])
    numbers = [(one.execution_count, one.outputs[0].execution_count) for one in executed]
    assert [ours for ours, _ in numbers] == [shown for _, shown in numbers]


def test_a_notebook_sees_no_variables_of_the_one_before(run):
    """A name of the first is unknown in the second."""
    with pytest.raises(NotebookError, match="left_over"):
        run([cell("left_over = 1"), cell("left_over")], [cell("left_over")])


@pytest.mark.slow
def test_changes_to_data_in_one_notebook_do_not_reach_another(run, tmp_path):
    """Both load the same data; the first one changes every number."""
    load = "import ccanalytics as cca\ndata = cca.load(source='sample', weeks=1)"
    spoil = "data.activity.loc[:, 'commits'] = -1"
    count = "int(data.activity['commits'].min())"
    environment = {"CCANALYTICS_STORE": str(tmp_path / "store")}
    _, second = run(
        [cell(load), cell(spoil), FIRST],
        [cell(load), cell(count)],
        environment=environment,
    )
    assert shown(second[-1]) == [("execute_result", "0")]


def test_settings_of_one_notebook_do_not_reach_another(run):
    """Environment variables, the folder, and display options of tables and charts."""
    look = """
import os, sys, warnings
import altair, pandas
[os.environ.get("CCANALYTICS_IDENTITY"), os.getcwd(), "/elsewhere" in sys.path,
 pandas.options.display.max_rows, altair.renderers.active, altair.data_transformers.options,
 altair.theme.active, len(warnings.filters)]
"""
    spoil = """
os.environ["CCANALYTICS_IDENTITY"] = "named"
os.chdir("/")
sys.path.append("/elsewhere")
pandas.options.display.max_rows = 3
altair.renderers.enable("html")
altair.data_transformers.disable_max_rows()
altair.theme.enable("dark")
warnings.simplefilter("ignore")
"""
    first, second = run([FIRST, cell(look), cell(spoil)], [cell(look)])
    assert shown(second[0]) == shown(first[1])


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("try:\n    input()\nexcept EOFError:\n    print('none')", "none\n"),
        ("import subprocess\nprint(subprocess.run(['cat'], timeout=9).returncode)", "0\n"),
    ],
    ids=["input", "a program"],
)
def test_input_in_a_cell_is_empty(run, code, value):
    """It neither waits nor consumes the next request."""
    [executed], [after] = run([cell(code)], [cell("print(1)")])
    assert shown(executed) == [("stream", value)]
    assert shown(after) == [("stream", "1\n")]


@pytest.mark.parametrize("code", ["raise ValueError('no')", "1 +", "raise SystemExit('no')"])
def test_a_cell_that_fails_is_named(run, code):
    """Numbered from 1 as in the source, with its code; the cells after it are not run."""
    with pytest.raises(NotebookError) as caught:
        run([text("# Title"), cell(code), cell("print('after')")])
    assert caught.value.cell == 2
    assert caught.value.code == code


@pytest.mark.slow
def test_a_cell_that_takes_too_long_is_stopped_and_named(run):
    """The notebooks after it still run."""
    with pytest.raises(NotebookError, match=r"made0\.ipynb, cell 1: .*longer than 3 s") as caught:
        run([cell("import time; time.sleep(60)")], [cell("1")], timeout=3)
    assert caught.value.code.startswith("import time")


def test_a_process_that_dies_is_reported(run):
    """For example if it runs out of memory: the notebook and the cell are named."""
    with pytest.raises(NotebookError, match=r"made0\.ipynb, cell 2: .*ended \(code 7\)"):
        run([cell("1"), cell("import os; os._exit(7)")], [cell("1")])


@pytest.mark.slow
def test_without_fork_each_notebook_has_its_own_process(run, monkeypatch):
    """As on macOS and Windows: no variables reach the next notebook, and one that dies is named."""
    monkeypatch.setattr(engine, "FORKS", False)
    [first], [second] = run([cell("a = 1; a")], [cell("'a' in globals()")], environment={})
    assert (shown(first), shown(second)) == (
        [("execute_result", "1")],
        [("execute_result", "False")],
    )
    with pytest.raises(NotebookError, match=r"cell 1: .*ended \(code 7\)"):
        run([cell("import os; os._exit(7)")], [cell("1")], environment={})


def test_the_time_limit_excludes_the_start_of_the_process(run, monkeypatch):
    """A fast cell succeeds, however long its process took to import."""
    monkeypatch.setattr(engine, "START_TIMEOUT", 60)
    [[executed]] = run([cell("1")], timeout=1, environment={})
    assert shown(executed) == [("execute_result", "1")]


def test_a_process_that_does_not_start_is_reported(run, monkeypatch):
    """The error blames no cell."""
    monkeypatch.setattr(engine, "START_TIMEOUT", 0.01)
    with pytest.raises(NotebookError, match="start") as caught:
        run([cell("1")], environment={})
    assert caught.value.cell is None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends such a cell")
def test_a_cell_that_lets_no_thread_run_ends_with_the_prepared_process(run, tmp_path, workers):
    """A regular expression without end; then memory runs out, and the system picks the other one.
    The next notebook gets a new process."""
    begun, copies = tmp_path / "begun", []
    code = f"import os, re; open({str(begun)!r}, 'w').write(str(os.getpid()))"
    endless = "re.match('(a+)+$', 'a' * 50 + 'b')"

    def kill():
        while not begun.exists() or not begun.read_text():
            time.sleep(0.05)
        copies.append(psutil.Process(int(begun.read_text())))
        time.sleep(0.5)
        os.kill(workers._process.pid, signal.SIGKILL)

    threading.Thread(target=kill).start()
    with pytest.raises(NotebookError, match=r"cell 2: .*ended \(code -9\)"):
        run([cell(code), cell(endless)])
    assert psutil.wait_procs(copies, timeout=10)[1] == []
    [[executed]] = run([cell("1")])
    assert shown(executed) == [("execute_result", "1")]


BUSY = """
import sys
from pathlib import Path
from ccanalytics.cli.terminal import ended_by_sigterm
from ccanalytics.report import engine, notebook_worker
from ccanalytics.report.engine import NotebookRun

if __name__ == "__main__":
    runs = [NotebookRun(Path(one), {}) for one in sys.argv[1:]]
    with ended_by_sigterm():
        engine.notebooks_at_once = lambda need: 2
        engine.NotebookWorkers({}).run(runs, timeout=600)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.slow
def test_workers_end_with_the_report_even_during_a_cell(tmp_path, number, monkeypatch):
    """Ctrl-C, SIGTERM and a kill; the remaining notebooks are not started."""
    paths = [tmp_path / f"{n}.ipynb" for n in range(4)]
    for path in paths:
        begun = f"open({str(path) + '.begun'!r}, 'w').close()\nwhile True: pass"
        made = notebook(cell(begun))
        made.metadata.kernelspec = {"name": "python3", "display_name": "", "language": "python"}
        nbformat.write(made, path)
    (temporary := tmp_path / "tmp").mkdir()
    command = [sys.executable, "-c", BUSY, *map(str, paths)]
    process = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(temporary)})
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("*.begun"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    begun = time.monotonic()
    assert process.wait(10) != 0
    assert time.monotonic() - begun < 2
    assert len(workers) == 3  # the prepared one, and a copy for each of two notebooks
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert len(list(tmp_path.glob("*.begun"))) == 2
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("gigabytes", "need", "cores", "most"),
    [(0.1, 0.3, 64, 1), (400, 0.3, 2, 2), (400, 0.3, 64, 5), (1, 0.3, 64, 3), (400, 0.7, 64, 2)],
)
def test_the_number_of_notebooks_depends_on_memory(monkeypatch, gigabytes, need, cores, most):
    """At least one, at most one per core, and as many as fit in 1.5 GB and in available memory."""
    memory = SimpleNamespace(available=int(gigabytes * 1e9))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores), raising=False)
    assert notebook_worker.notebooks_at_once(int(need * 1e9)) == most


def test_a_worker_has_no_key_in_its_environment(run):
    """Whatever the variable is called; the store and the path are there."""
    secrets = dict.fromkeys(
        (
            "ANTHROPIC_ADMIN_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "CCANALYTICS_ADMIN_KEY",
            "CCANALYTICS_DATABASE_URL",
            "MY_TOKEN",
            "PYTHON_KEYRING_TOKEN",
            "XDG_SECRET",
        ),
        "s",
    )
    [[executed]] = run(
        [cell("import os; sorted(os.environ)")],
        environment={**secrets, "CCANALYTICS_STORE": "x", "PATH": os.environ["PATH"]},
    )
    names = executed.outputs[0].data["text/plain"]
    assert not [name for name in secrets if name in names]
    assert "CCANALYTICS_STORE" in names
