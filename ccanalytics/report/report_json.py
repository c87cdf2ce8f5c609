"""What a page says of itself -> plain values for programs, under keys that stay."""

from pathlib import Path
from typing import Any

from ccanalytics.errors import ReportError
from ccanalytics.report.archive import INDEX, issue_block

COMPANIONS = {"email": ".eml", "pdf": ".pdf"}
"""What may lie next to an issue, made in the same run, and the end of its name."""

_FIGURES = ("value", "low", "high", "previous", "change", "change_low", "change_high", "n")


def summary(page: Path) -> dict[str, Any]:
    """Week, source and team of an issue, its headlines, checks and restatements, and its files.

    Numbers are those of the cards, null where a card has none; shares are fractions. Of a page
    that says why there is no report, the headlines are an empty list.
    """
    said = issue_block(page)
    if said is None:
        raise ReportError(f"{page} is no issue of a report.")
    return {
        "week": said.get("week", ""),
        "source": said.get("source", ""),
        "team": said.get("parameters", {}).get("team", ""),
        "identity": said.get("parameters", {}).get("identity", ""),
        "paths": paths(page),
        "headlines": [_headline(card) for card in said.get("headlines", [])],
        "checks": said.get("checks", []),
        "restatements": said.get("restated", []),
    }


def paths(page: Path) -> dict[str, str]:
    """The files there are of an issue, by what they are."""
    stem = page.with_suffix("").name
    there = {
        "page": page,
        "index": page.with_name(INDEX),
        "notebooks": page.with_name(stem),
        **{name: page.with_name(f"{stem}{end}") for name, end in COMPANIONS.items()},
    }
    return {name: str(path.absolute()) for name, path in there.items() if path.exists()}


def _headline(card: dict[str, Any]) -> dict[str, Any]:
    figures = card.get("figures", {})
    return {
        "id": card.get("metric", ""),
        "label": card.get("label", ""),
        "unit": card.get("unit", ""),
        "text": card.get("value", ""),
        "verdict": card.get("verdict", ""),
        **{name: figures.get(name) for name in _FIGURES},
    }
