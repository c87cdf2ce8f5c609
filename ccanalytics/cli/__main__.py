"""`python -m ccanalytics.cli`: the same command."""

from ccanalytics.cli import main

main(prog_name="ccanalytics")
