"""The command `ccanalytics`: one file per command, which `main` collects.

What is heavy is imported inside the commands, because --help must be quick.
"""

import click

from ccanalytics.cli.check import check
from ccanalytics.cli.dashboard import dashboard
from ccanalytics.cli.export import export
from ccanalytics.cli.fake_api import fake_api
from ccanalytics.cli.group import Commands
from ccanalytics.cli.lab import lab
from ccanalytics.cli.merge import merge
from ccanalytics.cli.metrics import metrics
from ccanalytics.cli.recipe import recipe
from ccanalytics.cli.report import report
from ccanalytics.cli.roster import roster
from ccanalytics.cli.sync import sync


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ccanalytics")
@click.option("--debug", is_flag=True, help="Log everything, and show tracebacks.")
def main(debug: bool) -> None:
    """Claude Code usage records as notebooks and one offline report a week."""


for command in (
    report,
    dashboard,
    lab,
    sync,
    merge,
    check,
    export,
    recipe,
    roster,
    fake_api,
    metrics,
):
    main.add_command(command)
