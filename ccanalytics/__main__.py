"""`python -m ccanalytics`: the command without its script."""

from ccanalytics.cli import main

main(prog_name="ccanalytics")
