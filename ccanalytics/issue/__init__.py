"""The report of one week (an issue): sync, checks, notebooks, page, and what it remembers."""
