"""What the page of one person's own usage shows beside charts: cards and tables."""

import math
from typing import Any

import pandas as pd

from ccanalytics.display.show import Format, Shown, bar, cards_of, table
from ccanalytics.logs.own_usage import RECENT
from ccanalytics.metrics.definitions import METRICS

_LABELS = {
    "value": "Cost",
    "tokens": "Tokens",
    "saved": "Saved by the cache",
    "sessions": "Sessions",
    "commits": "Commits",
    "lines_added": "Lines written",
}


def own_cards(recent: pd.DataFrame) -> Shown:
    """One card per row of `own_recent`: the last seven days beside the seven before."""
    return cards_of([_card(row) for row in recent.itertuples(index=False)])


def own_sessions_table(sessions: pd.DataFrame, shown: int = 15) -> Shown:
    """The dearest sessions of `own_sessions`, a row each."""
    money, share = METRICS["own_sessions"].format, METRICS["acceptance_rate"].format
    labels = {
        "started_at": "started",
        "project": "project",
        "branch": "branch",
        "value": "cost",
        "tokens": "tokens",
        "requests": "answers",
        "minutes": "minutes",
        "commits": "commits",
        "pull_requests": "PRs",
        "lines_added": "lines",
        "peak_context": "largest context",
        "compactions": "compactions",
        "subagent_share": "of it subagents",
    }
    counts = ("tokens", "requests", "minutes", "commits", "lines_added", "peak_context")
    formats: dict[str, Format] = dict.fromkeys((*counts, "pull_requests", "compactions"), ",.0f")
    formats |= {"value": money, "subagent_share": share, "started_at": _moment}
    formats |= {"project": _end_of_path}
    some = min(shown, len(sessions))
    title = f"The {some} dearest of {len(sessions):,} sessions"
    return table(sessions.head(shown), title, labels=labels, formats=formats)


def cache_table(saving: pd.DataFrame) -> Shown:
    """One row per model of `cache_saving`: what was read and written, and what it saved."""
    labels = {
        "model": "model",
        "cache_read_tokens": "tokens read",
        "cache_write_5m_tokens": "written for 5 min",
        "cache_write_1h_tokens": "written for 1 h",
        "cache_reuse": "read per written",
        "value": "saved",
    }
    tokens = ("cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")
    formats: dict[str, Format] = dict.fromkeys(tokens, ",.0f")
    formats |= {"cache_reuse": ",.1f", "value": METRICS["cache_saving"].format}
    return table(saving, "What the cache saved", labels=labels, formats=formats)


def tool_use_table(tools: pd.DataFrame) -> Shown:
    """One row per tool of `tool_use`."""
    labels = {
        "tool": "tool",
        "calls": "calls",
        "accepted": "accepted",
        "rejected": "rejected",
        "errors": "failed",
        "value": "accepted of decided",
    }
    formats: dict[str, Format] = {"value": METRICS["acceptance_rate"].format}
    return table(tools, "Tools", labels=labels, formats=formats)


def _card(row: Any) -> dict[str, Any]:
    """The texts of one card; a person's own count has no interval."""
    known = not math.isnan(row.before)
    change = row.value - row.before
    share = f" ({_relative(row.value / row.before)})" if known and row.before else ""
    sign = "-" if change < 0 else "+"
    before = f"on {_amount(row.unit, row.before)} in the {RECENT} days before"
    return {
        "metric": "own_recent",
        "label": _LABELS[row.measure],
        "value": _amount(row.unit, row.value),
        "interval": f"the last {RECENT} days",
        "change": before if known else f"the range does not reach {2 * RECENT} days back",
        "verdict": f"{sign}{_amount(row.unit, abs(change))}{share}" if known else "",
        "n": "",
        "usual": "",
        "grade": "",
        "detail": "",
        "tone": "neutral",
        "bar": bar(row.value, math.nan, math.nan, row.before),
    }


def _relative(times: float) -> str:
    """A ratio in words: "+12 %", and from twice as much on "8.7 times"."""
    return f"{times:,.1f} times" if times >= 2 else f"{100 * (times - 1):+.0f} %"


def _amount(unit: str, value: float) -> str:
    if unit == "usd":
        return METRICS["own_recent"].format(value)
    return f"{value / 1e6:,.1f} M" if value >= 1e6 else f"{value:,.0f}"


def _end_of_path(path: str) -> str:
    """The last two folders: they tell projects apart."""
    parts = path.replace("\\", "/").rstrip("/").split("/")
    return "…/" + "/".join(parts[-2:]) if len(parts) > 3 else path


def _moment(value: pd.Timestamp) -> str:
    return f"{value.day} {value:%b}, {value:%H:%M}"
