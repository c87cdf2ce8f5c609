"""The command `ccanalytics`: one file per command, argument words in, calls out.

A command is imported when it is listed or run, heavy modules only inside it, because --help
must be quick.
"""

import atexit
import gc
import sys

import click

from ccanalytics.cli.group import Commands
from ccanalytics.cli.options import examples


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        ("report --source sample --open", "explore invented data"),
        ("report --source api", "your organisation's newest week"),
        ("dashboard", "your own usage, live"),
        ("lab", "the notebooks in JupyterLab"),
        ("check", "why does it not work?"),
    ),
)
@click.version_option(package_name="ccanalytics")
@click.option("--debug", is_flag=True, help="Log everything, and show tracebacks.")
def main(debug: bool) -> None:
    """Claude Code usage records as notebooks and one offline report a week."""
    # jsonschema builds 35 parsers nobody needs when it finds this package; without it every import
    # of nbformat and papermill is a second faster. Only our own process is affected.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    # What is left at the end goes with the process: to look through it takes a fifth of a second.
    atexit.register(gc.freeze)
