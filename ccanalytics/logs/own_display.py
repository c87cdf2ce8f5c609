"""What the page of one person's own usage shows next to charts: cards and tables."""

import math
from typing import Any

import pandas as pd

from ccanalytics.dataset.titled_frame import TitledFrame
from ccanalytics.display.bundles import Bundle
from ccanalytics.display.cards import cards_bundle
from ccanalytics.display.tables import frame_bundle
from ccanalytics.logs.own_recent import RECENT
from ccanalytics.logs.own_week import OwnWeek, session_name, short_names
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.words import counted

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


def own_week_bundle(week: OwnWeek) -> Bundle:
    """The five numbers that matter to one person."""
    lines = week.sessions["lines_added"].sum()
    active = week.sessions["active_minutes"].sum() / 60
    opened = counted(int(week.sessions["pull_requests"].sum()), "pull request")
    saved = float(week.requests["saved"].sum())
    return cards_bundle(
        [
            _card(
                *("Spent, an estimate", _money(week.cost), _usual(week, "value")),
                verdict=week.verdict,
                before=week.judged(),
            ),
            _card("Saved by the cache", _money(saved), _usual(week, "saved")),
            _card(
                *("Active time", f"{active:,.1f} h", "without pauses over 15 minutes"),
                n=f"{counted(len(week.sessions), 'session')} on {counted(week.days, 'day')}",
            ),
            _largest(week),
            _card(
                *("Commits", f"{week.sessions['commits'].sum():,.0f}", _usual(week, "commits")),
                n=f"{lines:,.0f} lines written, {opened}",
            ),
        ]
    )


def recent_bundle(recent: TitledFrame) -> Bundle:
    """One card per row of `own_recent`: the last seven days compared with the seven before."""
    return cards_bundle([_recent_card(row) for row in recent.itertuples(index=False)])


def sessions_bundle(sessions: TitledFrame) -> Bundle:
    """The most expensive sessions of `own_sessions`, a row each."""
    shown = sessions.head(SHOWN)
    shown["project"] = shown["project"].map(short_names(shown["project"]))
    shown.title = f"The {len(shown)} most expensive of {counted(len(sessions), 'session')}"
    # A column in which nothing happened, or that says the same in each row, tells nothing.
    same = {"project"} if shown["project"].nunique() == 1 else set()
    empty = {name for name in shown.columns if shown[name].isin([0, ""]).all()}
    shown.shown_columns = tuple(n for n in shown.shown_columns if n not in same | empty)
    shown.formats = {
        **dict.fromkeys(("tokens", "requests", "minutes", "active_minutes", "commits"), ",.0f"),
        **dict.fromkeys(("lines_added", "peak_context"), ",.0f"),
        **dict.fromkeys(("pull_requests", "compactions"), ",.0f"),
        "value": METRICS["own_sessions"].format,
        "subagent_share": METRICS["acceptance_rate"].format,
        "started_at": _moment,
    }
    return frame_bundle(shown)


def _card(label: str, value: str, interval: str, **texts: Any) -> dict[str, Any]:
    """The texts of one card; a person's own count has no interval of people."""
    empty = dict.fromkeys(("verdict", "change", "n", "before", "grade", "detail"), "")
    said = {"metric": "own_week", "label": label, "value": value, "interval": interval}
    return {**said, **empty, "tone": "neutral", **texts}


def _largest(week: OwnWeek) -> dict[str, Any]:
    label = "Most expensive session"
    if week.sessions.empty:
        return _card(label, "none", "")
    first = week.sessions.iloc[0]
    share = f"{100 * first['value'] / week.cost:.0f} % of it" if week.cost > 0 else ""
    return _card(label, _money(first["value"]), session_name(first), n=share)


def _usual(week: OwnWeek, column: str) -> str:
    usual = week.usual(column)
    if math.isnan(usual):
        return ""
    return f"usual {usual:,.0f} a week" if column == "commits" else f"usual {_money(usual)} a week"


def _recent_card(row: Any) -> dict[str, Any]:
    known = not math.isnan(row.before)
    change = row.value - row.before
    share = f" ({_relative(row.value / row.before)})" if known and row.before else ""
    sign = "-" if change < 0 else "+"
    before = f"on {_amount(row.unit, row.before)} in the {RECENT} days before"
    return _card(
        *(_LABELS[row.measure], _amount(row.unit, row.value), f"the last {RECENT} days"),
        metric="own_recent",
        change=before if known else f"the range does not reach {2 * RECENT} days back",
        verdict=f"{sign}{_amount(row.unit, abs(change))}{share}" if known else "",
    )


def _relative(times: float) -> str:
    """A ratio in words: "+12 %", and from twice as much on "8.7 times"."""
    return f"{times:,.1f} times" if times >= 2 else f"{100 * (times - 1):+.0f} %"


def _amount(unit: str, value: float) -> str:
    if unit == "usd":
        return _money(value)
    return f"{value / 1e6:,.1f} M" if value >= 1e6 else f"{value:,.0f}"


def _money(value: float) -> str:
    return METRICS["own_week"].format(value)


def _moment(value: pd.Timestamp) -> str:
    return f"{value.day} {value:%b %H:%M}".replace(" ", "\N{NO-BREAK SPACE}")
