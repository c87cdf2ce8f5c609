"""The page before there is one: it can be shown long before a notebook can be run."""

from ccanalytics.report.page import build_page

LINKS = (
    ("CSV", "/save/csv"),
    ("Parquet", "/save/parquet"),
    ("Notebook", "/save/notebook"),
    ("Page", "/save/page"),
)
"""What a page can be saved as, and where."""

OWN_TITLE = "My usage of Claude Code"
WEEKLY_TITLE = "Claude Code, week by week"


def opening_page(source: str) -> str:
    """A page with nothing but its bar, which fetches the real one as soon as it is made."""
    return build_page([], title=OWN_TITLE if source == "local" else WEEKLY_TITLE, live=LINKS)
