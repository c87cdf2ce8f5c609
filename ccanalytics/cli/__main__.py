"""`python -m ccanalytics.cli`: the same command for scripts that name its room."""

from ccanalytics.cli import main

main(prog_name="ccanalytics")
