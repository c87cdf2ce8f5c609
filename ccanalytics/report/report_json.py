"""What a page says of itself -> plain values for programs, under keys that stay.

    week, source        "2026-W47", "api"
    team, identity      the team, "" for everybody; how people appear
    paths               page, index, notebooks, and email and pdf where they were made
    headlines           a list, empty for a page that says why there is no report; of each
        id, label, unit     "cost_per_commit", "Cost per commit", "US dollars"
        text, verdict       as on the page: "$1.35", "no detectable change"
        value, low, high    the number and its interval; shares are fractions
        previous            the number of the week before
        change, change_low, change_high     the difference and its interval
        n                   the people behind it
    checks              a list of name, level (passed, warning, stop) and found, a sentence
    restatements        a list of sentences

A number is null where the page has none.
"""

from pathlib import Path
from typing import Any

from ccanalytics.errors import ReportError
from ccanalytics.report.archive import INDEX, issue_block

COMPANIONS = {"email": ".eml", "pdf": ".pdf"}
"""The files that may lie next to a page, and their suffixes."""

_NUMBERS = ("value", "low", "high", "previous", "change", "change_low", "change_high", "n")


def report_as_json(page: Path) -> dict[str, Any]:
    """What the page says, as the module describes."""
    block = issue_block(page)
    if block is None:
        raise ReportError(f"{page} is not an issue of a report.")
    parameters = block.get("parameters", {})
    return {
        "week": block.get("week", ""),
        "source": block.get("source", ""),
        "team": parameters.get("team", ""),
        "identity": parameters.get("identity", ""),
        "paths": paths(page),
        "headlines": [_headline(card) for card in block.get("headlines", [])],
        "checks": block.get("checks", []),
        "restatements": block.get("restated", []),
    }


def paths(page: Path) -> dict[str, str]:
    """The files of an issue that exist, by what they are."""
    files = {
        "page": page,
        "index": page.with_name(INDEX),
        "notebooks": page.with_name(page.stem),
        **{name: page.with_name(page.stem + suffix) for name, suffix in COMPANIONS.items()},
    }
    return {name: str(path.absolute()) for name, path in files.items() if path.exists()}


def _headline(card: dict[str, Any]) -> dict[str, Any]:
    words = {"id": "metric", "label": "label", "unit": "unit", "text": "value"}
    numbers = card.get("figures", {})
    return {
        **{name: card.get(key, "") for name, key in words.items()},
        "verdict": card.get("verdict", ""),
        **{name: numbers.get(name) for name in _NUMBERS},
    }
