"""`ccanalytics lab`: JupyterLab on the notebooks."""

import os
import sys
from pathlib import Path
from typing import Any

import click

import ccanalytics.cli.options as options


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("jupyter", nargs=-1, type=click.UNPROCESSED)
@options.flags(options.STORE, options.ROSTER, options.LOGS, options.NOTEBOOKS, options.IDENTITY)
def lab(jupyter: tuple[str, ...], notebooks: Path | None, **flags: Any) -> None:
    """Open JupyterLab on the notebooks; what follows, as --no-browser, is passed to it."""
    from ccanalytics.lab import lab_folder, open_lab
    from ccanalytics.report.run import notebook_folder
    from ccanalytics.settings import as_variables

    wish = options.wish_of(**flags)
    folder = notebooks or lab_folder(notebook_folder(), Path.cwd())
    click.echo(str(folder))
    sys.exit(
        open_lab(
            folder.absolute(), {**os.environ, **as_variables(wish.settings, wish.logs)}, jupyter
        )
    )
