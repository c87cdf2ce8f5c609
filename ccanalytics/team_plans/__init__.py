"""The cost of plans without an API, from the spend report of claude.ai."""
