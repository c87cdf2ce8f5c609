"""What the page of one person's own usage shows next to charts: cards and tables."""

import math
from typing import Any

import pandas as pd

from ccanalytics.dataset.titled_frame import TitledFrame
from ccanalytics.display.bundles import Bundle
from ccanalytics.display.cards import bar, cards_bundle
from ccanalytics.display.tables import frame_bundle
from ccanalytics.logs.own_usage import RECENT
from ccanalytics.metrics.definitions import METRICS

SHOWN = 15
"""As many sessions are listed; the frame has them all."""

_LABELS = {
    "value": "Cost",
    "tokens": "Tokens",
    "saved": "Saved by the cache",
    "sessions": "Sessions",
    "commits": "Commits",
    "lines_added": "Lines written",
}


def recent_bundle(recent: TitledFrame) -> Bundle:
    """One card per row of `own_recent`: the last seven days compared with the seven before."""
    return cards_bundle([_card(row) for row in recent.itertuples(index=False)])


def sessions_bundle(sessions: TitledFrame) -> Bundle:
    """The most expensive sessions of `own_sessions`, a row each."""
    some = min(SHOWN, len(sessions))
    shown = sessions.head(SHOWN)
    shown.title = f"The {some} most expensive of {len(sessions):,} sessions"
    shown.formats = {
        **dict.fromkeys(("tokens", "requests", "minutes", "active_minutes", "commits"), ",.0f"),
        **dict.fromkeys(("lines_added", "peak_context"), ",.0f"),
        **dict.fromkeys(("pull_requests", "compactions"), ",.0f"),
        "value": METRICS["own_sessions"].format,
        "subagent_share": METRICS["acceptance_rate"].format,
        "started_at": _moment,
        "project": _end_of_path,
    }
    return frame_bundle(shown)


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
        "before": "",
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
