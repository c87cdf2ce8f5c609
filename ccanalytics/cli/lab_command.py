"""`ccanalytics lab`: JupyterLab on the notebooks."""

import sys
from pathlib import Path
from typing import Any

import click

import ccanalytics.cli.options as options
from ccanalytics.cli.terminal import say


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog=options.examples(
        ("lab", "in ./notebooks"), ("lab ~/usage --no-browser --port=8899", "in another folder")
    ),
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[FOLDER] [JUPYTER_FLAGS]...")
@options.flags(options.STORE, options.ROSTER, options.LOGS, options.IDENTITY)
def lab(words: tuple[str, ...], **flags: Any) -> None:
    """Open JupyterLab on the notebooks, copied into FOLDER.

    What you change in FOLDER stays: a newer notebook is put next to a changed one. Without FOLDER
    it is `notebooks` here; the notebooks of a clone are opened in place. Flags this command
    does not know, such as --no-browser or --port=8899, are passed to Jupyter.
    """
    from importlib.metadata import version

    from ccanalytics.report.lab import copy_notebooks, open_lab
    from ccanalytics.report.run import notebook_folder

    chosen = options.run_options(**flags)
    # A folder, if one comes first, and the flags for Jupyter.
    named = words[:1] if words and not words[0].startswith("-") else ()
    folder = shipped = notebook_folder()
    if named or shipped.name == "_notebooks":
        folder = Path(*named or ("notebooks",)).expanduser()
        for line in copy_notebooks(shipped, folder, version("ccanalytics")):
            say(line)
    say(options.shown(folder.absolute()))
    flags_of_jupyter = words[len(named) :]
    sys.exit(open_lab(folder.absolute(), chosen.notebook_environment, flags_of_jupyter))
