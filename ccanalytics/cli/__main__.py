"""`python -m ccanalytics.cli`: the same command without its script."""

from ccanalytics.cli import main

main()
