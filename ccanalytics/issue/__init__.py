"""One issue of the weekly report: sync, checks, notebooks, page, and what it remembers."""
