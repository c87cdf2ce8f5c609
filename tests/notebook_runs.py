"""Notebooks run by worker processes, as a report runs them."""

from contextlib import closing

from ccanalytics.report.engine import NotebookWorkers


def run_notebooks(runs, *, environment, **how):
    """The executed notebooks, in order."""
    with closing(NotebookWorkers(environment)) as workers:
        return workers.run(runs, **how)
