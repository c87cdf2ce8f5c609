"""One issue of the weekly report: days, checks, notebooks, page, and what it remembers."""
