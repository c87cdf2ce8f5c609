"""Cards and tables of one's own usage."""

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from ccanalytics.dataset.titled_frame import TitledFrame
from ccanalytics.display.bundles import MIME, Bundle
from ccanalytics.display.cards import cards_bundle
from ccanalytics.display.sparkline import sparkline
from ccanalytics.display.tables import frame_bundle
from ccanalytics.logs.own_day import MEASURES, RECENT, OwnNow, Spell
from ccanalytics.logs.own_frames import local_time, millions, session_name, short_names
from ccanalytics.logs.own_sessions import active_time
from ccanalytics.logs.own_week import OwnWeek
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.words import counted, day_words

SHOWN = 15
"""The most sessions listed; the frame has them all."""


def own_week_bundle(week: OwnWeek) -> Bundle:
    """The five numbers of a personal week."""
    done = week.sessions[["commits", "lines_added", "pull_requests"]].sum()
    sessions, days = counted(len(week.sessions), "session"), counted(week.days, "day")
    hours = active_time(week.data) / pd.Timedelta(hours=1)
    active = f"{hours:,.1f} h", "without pauses over 15 minutes"
    opened = counted(int(done["pull_requests"]), "pull request")
    written = f"{done['lines_added']:,.0f} lines written, {opened}"
    judged = {"verdict": week.verdict, "before": week.judged()}
    cards = [
        _weekly_card(week, "Spent, an estimate", "value", week.cost, **judged),
        _weekly_card(week, "Saved by the cache", "saved", week.requests["saved"].sum()),
        _card("Active time", *active, n=f"{sessions} on {days}"),
        _largest(week),
        _weekly_card(week, "Commits", "commits", done["commits"], n=written),
    ]
    return _cards("own_week", cards)


def own_now_bundle(now: OwnNow) -> Bundle:
    """Current use in five cards: the window, this hour, today, the week so far, the context.

    It carries the filters of a live page.
    """
    newest = now.newest["context"].iloc[0] if len(now.newest) else math.nan
    session = f"answer from {_last(now, now.newest['at'].iloc[0])}" if len(now.newest) else ""
    cards = [
        _window_card(now),
        _spell_card("This hour", now.hour, f"since {_clock(now, now.hour.since)}"),
        _spell_card("Today", now.today, f"{_money(now.yesterday.cost)} yesterday"),
        _spell_card("This week so far", now.week, f"{_money(now.last_week.cost)} last week"),
        _card("Context of the last answer", _amount("tokens", newest), session),
    ]
    return {**_cards("own_now", cards), MIME.format("choices"): {"choices": now.choices}}


def recent_bundle(recent: TitledFrame) -> Bundle:
    """One card per row of `own_recent`: the last seven days against the seven before."""
    until = recent.attrs.get("until")
    when = f"the {RECENT} days to {day_words(until)}" if until else f"the last {RECENT} days"
    return _cards("own_recent", (_recent_card(row, when) for row in recent.itertuples(index=False)))


def sessions_bundle(sessions: TitledFrame) -> Bundle:
    """The most expensive sessions of `own_sessions`, one row each."""
    shown = sessions.head(SHOWN)
    shown["project"] = shown["project"].map(short_names(shown["project"]))
    everything = counted(len(sessions), "session")
    shown.title = f"{everything}, the most expensive first"
    if len(sessions) > SHOWN:
        shown.title = f"The {SHOWN} most expensive of {everything}"
    # A column that is empty, or the same in every row, is left out.
    same = {"project"} if shown["project"].nunique() == 1 else set()
    empty = {name for name in shown.columns if shown[name].isin([0, ""]).all()}
    shown.shown_columns = tuple(n for n in shown.shown_columns if n not in same | empty)
    shown.formats = {
        **dict.fromkeys(shown.select_dtypes("number"), ",.0f"),
        "value": METRICS["own_sessions"].format,
        "subagent_share": METRICS["acceptance_rate"].format,
        "started_at": _moment,
    }
    bundle = frame_bundle(shown)
    if table := bundle.get(MIME.format("table")):
        table["choose"] = {"session": [*shown["session"]]}
    return bundle


def _cards(metric: str, cards: Iterable[dict[str, Any]]) -> Bundle:
    return cards_bundle([{"metric": metric, **card} for card in cards])


def _card(label: str, value: str, interval: str, **texts: Any) -> dict[str, Any]:
    """The texts of one card; one's own count has no interval."""
    empty = dict.fromkeys(("verdict", "change", "n", "before", "grade", "detail"), "")
    said = {"label": label, "value": value, "interval": interval}
    return {**said, **empty, "tone": "neutral", **texts}


def _weekly_card(
    week: OwnWeek, label: str, column: str, value: float, **texts: Any
) -> dict[str, Any]:
    """A sum that other weeks have too: what is usual, and the weeks as a sparkline."""
    form = "{:,.0f}".format if column == "commits" else _money
    usual = week.usual(column)
    points = [(monday.date(), number) for monday, number in week.line(column)]
    if len(points) > 1:
        low, high = (form(end(number for _, number in points)) for end in (min, max))
        texts |= {"line": sparkline(points), "weeks": f"{len(points)} weeks from {low} to {high}"}
    return _card(
        label, form(value), "" if math.isnan(usual) else f"usual {form(usual)} a week", **texts
    )


def _window_card(now: OwnNow) -> dict[str, Any]:
    label, window = "Five-hour window", now.window
    if window is None:
        return _card(label, "none open", "the next answer opens one")
    share = f"{100 * window.cost / now.limit_usd:.0f} % of your limit" if now.limit_usd else ""
    reached = f"limit at {_clock(now, now.limit_at)}" if now.limit_at is not None else ""
    texts = {"verdict": reached or share, "tone": "bad" if reached else "neutral"}
    texts["n"] = f"{_money(now.burn_rate)} an hour, {_money(now.projection)} at its end"
    times = f"{_clock(now, window.since)} to {_clock(now, window.until)}"
    return _card(label, _money(window.cost), times, **texts)


def _spell_card(label: str, spell: Spell, compared: str) -> dict[str, Any]:
    basis = f"{counted(len(spell.requests), 'answer')}, {millions(spell.tokens)}"
    return _card(label, _money(spell.cost), compared, n=basis)


def _clock(now: OwnNow, moment: pd.Timestamp) -> str:
    return f"{_local(now, moment):%H:%M}"


def _last(now: OwnNow, moment: pd.Timestamp) -> str:
    """The time of a moment today, else also its day."""
    local = _local(now, moment)
    return f"{local:%H:%M}" if moment >= now.today.since else day_words(local, "%B %H:%M")


def _local(now: OwnNow, moment: pd.Timestamp) -> pd.Timestamp:
    return local_time(pd.Series([moment]), now.timezone).iloc[0]


def _largest(week: OwnWeek) -> dict[str, Any]:
    label = "Most expensive session"
    if week.sessions.empty:
        return _card(label, "none", "")
    first = week.sessions.iloc[0]
    share = f"{100 * first['value'] / week.cost:.0f} % of the cost" if week.cost > 0 else ""
    return _card(label, _money(first["value"]), session_name(first), n=share)


def _recent_card(row: Any, when: str) -> dict[str, Any]:
    label, value = MEASURES[row.measure][1], _amount(row.unit, row.value)
    if math.isnan(row.before):
        return _card(label, value, when, change=f"the range does not reach {2 * RECENT} days back")
    change = row.value - row.before
    moved = f"{'-' if change < 0 else '+'}{_amount(row.unit, abs(change))}"
    moved += f" ({_relative(row.value / row.before)})" if row.before else ""
    moved = moved if change else "no difference"
    before = f"on {_amount(row.unit, row.before)} in the {RECENT} days before"
    return _card(label, value, when, change=before, verdict=moved)


def _relative(times: float) -> str:
    """A ratio in words: "+12 %", and "8.7 times" from twice as much on."""
    return f"{times:,.1f} times" if times >= 2 else f"{100 * (times - 1):+.0f} %"


def _amount(unit: str, value: float) -> str:
    if unit == "usd":
        return _money(value)
    if math.isnan(value):
        return "none"
    return f"{value / 1e6:,.1f} M" if value >= 1e6 else f"{value:,.0f}"


def _money(value: float) -> str:
    return METRICS["own_week"].format(value)


def _moment(value: pd.Timestamp) -> str:
    return day_words(value, "%b %H:%M").replace(" ", "\N{NO-BREAK SPACE}")
