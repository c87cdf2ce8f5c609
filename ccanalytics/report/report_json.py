"""What a page stores -> plain values for programs, under stable keys.

    week, source        "2026-W47", "api"
    team, identity      the team, "" for everybody; how people appear
    paths               page, index, notebooks, and email and pdf where they were made
    findings            a list of title, text, metric, by, group, since, and kind: change, budget,
                        model (came or went), stopped (people after a first week), hole (days
                        without records), nothing (nothing else moved) or unknown (too little)
    headlines           a list, empty for a page that says why there is no report; of each
        id, label, unit     "cost_per_commit", "Cost per commit", "US dollars"
        text, verdict       as on the page: "$1.35", "no change found"; described figures have none
        value, low, high    the number and its interval; shares are fractions
        previous            the number of the week before
        change              the difference to it, which is not judged
        n                   the people behind it
        recent, sustained   the last week, and the last four, by the weeks before them: verdict,
                            weeks, weeks_before, value, previous, change with low and high (as
                            fractions of previous), detectable, p_value
    checks              a list of name, level (passed, warning, stop) and found, a sentence
    restatements        a list of sentences

A number is null where the page has none.
"""

from pathlib import Path
from typing import Any

from ccanalytics.errors import ReportError
from ccanalytics.report.archive import INDEX, issue_block

COMPANIONS = {"email": ".eml", "pdf": ".pdf"}
"""The optional files next to a page, and their suffixes."""

_NUMBERS = ("value", "low", "high", "previous", "change", "n", "recent", "sustained")


def report_as_json(page: Path) -> dict[str, Any]:
    """The values of a page, as described above."""
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
        "findings": block.get("findings", []),
        "headlines": [_headline(card) for card in block.get("headlines", [])],
        "checks": block.get("checks", []),
        "restatements": block.get("restated", []),
    }


def paths(page: Path) -> dict[str, str]:
    """The existing files of an issue, by kind."""
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
