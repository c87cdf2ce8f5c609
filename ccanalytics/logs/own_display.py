"""Cards and tables of one's own usage."""

import math
from typing import Any

import pandas as pd

from ccanalytics.dataset.titled_frame import TitledFrame
from ccanalytics.display.bundles import MIME, Bundle
from ccanalytics.display.cards import cards_bundle
from ccanalytics.display.sparkline import sparkline
from ccanalytics.display.tables import frame_bundle
from ccanalytics.logs.own_day import MEASURES, RECENT, OwnNow
from ccanalytics.logs.own_frames import millions, session_name, short_names
from ccanalytics.logs.own_usage import active_time
from ccanalytics.logs.own_week import RECENT_WEEKS, OwnWeek
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.words import counted, day_words

SHOWN = 15
"""The most sessions listed; the frame has them all."""

_money = METRICS["own_week"].format


def own_week_bundle(week: OwnWeek) -> Bundle:
    """The five numbers of a personal week."""
    done = week.sessions[["commits", "lines_added", "pull_requests"]].sum()
    hours = active_time(week.data) / pd.Timedelta(hours=1)
    spent = _weekly_card(week, "Spent, an estimate", "value", week.cost)
    spent |= {"verdict": week.verdict, "before": week.judged}
    saved = _weekly_card(week, "Saved by the cache", "saved", week.requests["saved"].sum())
    active = _card("own_week", "Active time", f"{hours:,.1f} h", "without pauses over 15 minutes")
    active["n"] = week.use
    largest = _card("own_week", "Most expensive session", "none", "")
    for _, first in week.sessions.head(1).iterrows():
        share = f"{100 * first['value'] / week.cost:.0f} % of the cost" if week.cost > 0 else ""
        largest |= {"value": _money(first["value"]), "interval": session_name(first), "n": share}
    commits = _weekly_card(week, "Commits", "commits", done["commits"])
    opened = counted(int(done["pull_requests"]), "pull request")
    commits["n"] = f"{done['lines_added']:,.0f} lines written, {opened}"
    return cards_bundle([spent, saved, active, largest, commits])


def own_now_bundle(now: OwnNow) -> Bundle:
    """Current use in five cards: the window, this hour, today, the week so far, the context.

    It carries the filters of a live page.
    """
    window = _card("own_now", "Five-hour window", "none open", "the next answer opens one")
    if one := now.window:
        rate = f"{_money(one.burn_rate)} an hour, {_money(one.projection)} at its end"
        times = f"{one.since:%H:%M} to {one.until:%H:%M}"
        window |= {"value": _money(one.cost), "interval": times, "n": rate}
        if one.limit_at is not None:
            window |= {"verdict": f"limit at {one.limit_at:%H:%M}", "tone": "bad"}
        elif now.limit_usd:
            window["verdict"] = f"{100 * one.cost / now.limit_usd:.0f} % of your limit"
    before = {name: _money(now.spells.loc[name, "value"]) for name in ("yesterday", "last_week")}
    labels = {
        "hour": ("This hour", f"since {now.now:%H}:00"),
        "today": ("Today", f"{before['yesterday']} yesterday"),
        "week": ("This week so far", f"{before['last_week']} last week"),
    }
    spells = []
    for name, (label, compared) in labels.items():
        used = now.spells.loc[name]
        basis = f"{counted(int(used['requests']), 'answer')}, {millions(used['tokens'])}"
        spells.append(_card("own_now", label, _money(used["value"]), compared, n=basis))
    context = _card("own_now", "Context of the last answer", "none", "")
    for last in now.newest.itertuples():
        day = "" if last.at >= now.now.normalize() else f"{day_words(last.at)} "
        said = f"answer from {day}{last.at:%H:%M}"
        context |= {"value": f"{last.context:,.0f}", "interval": said}
    bundle = cards_bundle([window, *spells, context])
    return {**bundle, MIME.format("choices"): {"choices": now.choices}}


def recent_bundle(recent: TitledFrame) -> Bundle:
    """One card per row of `own_recent`: the last seven days against the seven before."""
    until, cards = recent.attrs.get("until"), []
    when = f"the {RECENT} days to {day_words(until)}" if until else f"the last {RECENT} days"
    for name, value, before in recent.itertuples(index=False):
        card = _card("own_recent", MEASURES[name], _amount(name, value), when)
        card["change"] = f"on {_amount(name, before)} in the {RECENT} days before"
        if math.isnan(before):
            card["change"] = f"the range does not reach {2 * RECENT} days back"
        elif change := value - before:
            share = f" ({100 * change / before:+,.0f} %)" if before else ""
            sign = "-" if change < 0 else "+"
            card["verdict"] = f"{sign}{_amount(name, abs(change))}{share}"
        else:
            card["verdict"] = "no difference"
        cards.append(card)
    return cards_bundle(cards)


def _amount(measure: str, value: float) -> str:
    if measure in ("value", "saved"):
        return _money(value)
    return f"{value / 1e6:,.1f} M" if value >= 1e6 else f"{value:,.0f}"


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


def _card(metric: str, label: str, value: str, interval: str, **texts: Any) -> Bundle:
    """The texts of one card; one's own count has no interval."""
    empty = dict.fromkeys(("verdict", "change", "n", "before", "grade", "detail"), "")
    said = {"metric": metric, "label": label, "value": value, "interval": interval}
    return {**said, **empty, "tone": "neutral", **texts}


def _weekly_card(week: OwnWeek, label: str, column: str, value: float) -> Bundle:
    """A sum that other weeks have too: what is usual, and the weeks as a sparkline."""
    form = "{:,.0f}".format if column == "commits" else _money
    usual = week.weekly[column].iloc[:-1].median() if week.verdict else math.nan
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
