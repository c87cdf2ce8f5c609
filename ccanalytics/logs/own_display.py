"""Cards and tables of one's own usage."""

import math
from typing import Any

import pandas as pd

from ccanalytics.dataset.titled_frame import TitledFrame
from ccanalytics.display.bundles import MIME, Bundle
from ccanalytics.display.cards import cards_bundle
from ccanalytics.display.sparkline import sparkline
from ccanalytics.display.tables import frame_bundle
from ccanalytics.logs.own_day import MEASURES, RECENT, OwnNow, Spell
from ccanalytics.logs.own_frames import millions, session_name, short_names
from ccanalytics.logs.own_usage import active_time
from ccanalytics.logs.own_week import RECENT_WEEKS, OwnWeek
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.words import counted, day_words

SHOWN = 15
"""The most sessions listed; the frame has them all."""

Card = dict[str, Any]
"""The texts of one card."""

_money = METRICS["own_week"].format


def own_week_bundle(week: OwnWeek) -> Bundle:
    """The five numbers of a personal week."""
    done = week.sessions[["commits", "lines_added", "pull_requests"]].sum()
    written = f"{done['lines_added']:,.0f} lines written"
    opened = counted(int(done["pull_requests"]), "pull request")
    hours = active_time(week.data) / pd.Timedelta(hours=1)
    sessions = f"{counted(len(week.sessions), 'session')} on {counted(week.days, 'day')}"
    largest = _card("own_week", "Most expensive session", "none", "")
    for _, first in week.sessions.head(1).iterrows():
        share = f"{100 * first['value'] / week.cost:.0f} % of the cost" if week.cost > 0 else ""
        largest |= {"value": _money(first["value"]), "interval": session_name(first), "n": share}
    saved, judged = week.requests["saved"].sum(), week.judged()
    spent = _weekly_card(week, "Spent, an estimate", "value", week.cost)
    return cards_bundle(
        [
            spent | {"verdict": week.verdict, "before": judged},
            _weekly_card(week, "Saved by the cache", "saved", saved),
            _card(
                "own_week",
                "Active time",
                f"{hours:,.1f} h",
                "without pauses over 15 minutes",
                n=sessions,
            ),
            largest,
            _weekly_card(week, "Commits", "commits", done["commits"])
            | {"n": f"{written}, {opened}"},
        ]
    )


def own_now_bundle(now: OwnNow) -> Bundle:
    """Current use in five cards: the window, this hour, today, the week so far, the context.

    It carries the filters of a live page.
    """
    context = _card("own_now", "Context of the last answer", "none", "")
    for _, newest in now.newest.iterrows():
        day = "" if newest["day"] == now.now.normalize() else f"{day_words(newest['day'])} "
        context |= {"value": _amount("tokens", newest["context"])}
        context |= {"interval": f"answer from {day}{newest['local']:%H:%M}"}
    cards = [
        _window_card(now),
        _spell_card("This hour", now.hour, f"since {now.now:%H}:00"),
        _spell_card("Today", now.today, f"{_money(now.yesterday.cost)} yesterday"),
        _spell_card("This week so far", now.week, f"{_money(now.last_week.cost)} last week"),
        context,
    ]
    return {**cards_bundle(cards), MIME.format("choices"): {"choices": now.choices}}


def recent_bundle(recent: TitledFrame) -> Bundle:
    """One card per row of `own_recent`: the last seven days against the seven before."""
    until, cards = recent.attrs.get("until"), []
    when = f"the {RECENT} days to {day_words(until)}" if until else f"the last {RECENT} days"
    for row in recent.itertuples():
        card = _card("own_recent", MEASURES[row.measure][1], _amount(row.unit, row.value), when)
        if math.isnan(row.before):
            card["change"] = f"the range does not reach {2 * RECENT} days back"
        else:
            change = row.value - row.before
            share = f" ({100 * change / row.before:+,.0f} %)" if row.before else ""
            sign = "-" if change < 0 else "+"
            moved = f"{sign}{_amount(row.unit, abs(change))}{share}" if change else "no difference"
            before = f"on {_amount(row.unit, row.before)} in the {RECENT} days before"
            card |= {"verdict": moved, "change": before}
        cards.append(card)
    return cards_bundle(cards)


def sessions_bundle(sessions: TitledFrame) -> Bundle:
    """The most expensive sessions of `own_sessions`, one row each."""
    shown, everything = sessions.head(SHOWN), counted(len(sessions), "session")
    shown["project"] = shown["project"].map(short_names(shown["project"]))
    shown.title = f"{everything}, the most expensive first"
    if len(sessions) > SHOWN:
        shown.title = f"The {SHOWN} most expensive of {everything}"
    # A column that is empty, or a project that is the same in every row, is left out.
    empty = {name for name in shown.columns if shown[name].isin([0, ""]).all()}
    empty |= {"project"} if shown["project"].nunique() == 1 else set()
    shown.shown_columns = tuple(name for name in shown.shown_columns if name not in empty)
    shown.formats = {
        **dict.fromkeys(shown.select_dtypes("number"), ",.0f"),
        "value": METRICS["own_sessions"].format,
        "subagent_share": METRICS["acceptance_rate"].format,
        "started_at": lambda at: day_words(at, "%b %H:%M").replace(" ", "\N{NO-BREAK SPACE}"),
    }
    bundle = frame_bundle(shown)
    if table := bundle.get(MIME.format("table")):
        table["choose"] = {"session": [*shown["session"]]}
    return bundle


def _card(metric: str, label: str, value: str, interval: str, **texts: Any) -> Card:
    """The texts of one card; one's own count has no interval."""
    empty = dict.fromkeys(("verdict", "change", "n", "before", "grade", "detail"), "")
    said = {"metric": metric, "label": label, "value": value, "interval": interval}
    return {**said, **empty, "tone": "neutral", **texts}


def _weekly_card(week: OwnWeek, label: str, column: str, value: float) -> Card:
    """A sum that other weeks have too: what is usual, and the weeks as a sparkline."""
    form = "{:,.0f}".format if column == "commits" else _money
    usual = week.weekly[column].iloc[:-1].median() if week.is_week else math.nan
    said = "" if math.isnan(usual) else f"usual {form(usual)} a week"
    card = _card("own_week", label, form(value), said)
    weeks = (week.data.whole or week.data).weeks
    weeks = weeks[weeks <= pd.Timestamp(week.data.until)][-RECENT_WEEKS:]
    line = week.weekly[column].reindex(weeks, fill_value=0.0)
    if len(line) > 1:
        points = [(monday.date(), number) for monday, number in line.items()]
        low, high = form(line.min()), form(line.max())
        card |= {"line": sparkline(points), "weeks": f"{len(line)} weeks from {low} to {high}"}
    return card


def _window_card(now: OwnNow) -> Card:
    window = now.window
    if window is None:
        return _card("own_now", "Five-hour window", "none open", "the next answer opens one")
    times = f"{window.since:%H:%M} to {window.until:%H:%M}"
    card = _card("own_now", "Five-hour window", _money(window.cost), times)
    card["n"] = f"{_money(window.burn_rate)} an hour, {_money(window.projection)} at its end"
    if window.limit_at is not None:
        card |= {"verdict": f"limit at {window.limit_at:%H:%M}", "tone": "bad"}
    elif now.limit_usd:
        card["verdict"] = f"{100 * window.cost / now.limit_usd:.0f} % of your limit"
    return card


def _spell_card(label: str, spell: Spell, compared: str) -> Card:
    basis = f"{counted(spell.answers, 'answer')}, {millions(spell.tokens)}"
    return _card("own_now", label, _money(spell.cost), compared, n=basis)


def _amount(unit: str, value: float) -> str:
    if unit == "usd":
        return _money(value)
    if math.isnan(value):
        return "none"
    return f"{value / 1e6:,.1f} M" if value >= 1e6 else f"{value:,.0f}"
