"""A period of one person's logs in sentences and five numbers.

last = data.between(...) ── own_week ─▶ cards, findings; judged by the closed weeks of `data`
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import (
    CACHE_WRITES,
    dollars,
    millions,
    own_frames,
    part,
    session_name,
    short_names,
)
from ccanalytics.logs.own_usage import own_sessions, token_cost, usage_by
from ccanalytics.metrics.change import percent
from ccanalytics.metrics.findings import Finding, Findings
from ccanalytics.metrics.own_history import MINIMUM_WEEKS, Floats, last_week_change
from ccanalytics.showing import ShowsItself
from ccanalytics.words import counted, day_words

RECENT_WEEKS = 12
"""The most closed weeks with use that a week is judged by."""

LARGE_CONTEXT = 100_000
"""Context tokens from which an answer counts as having a large context."""

_KINDS = {
    "cache read": "Reading the context again from the cache",
    "cache write 5m": "Writing to the cache for five minutes",
    "cache write 1h": "Writing to the cache for an hour",
    "output": "Output",
    "input": "New input",
    "web searches": "Searching the web",
}


@dataclass(frozen=True)
class OwnWeek(ShowsItself):
    """The numbers of a period of one person's logs: a week, or any other range of days."""

    shown_by = "logs.own_display:own_week_bundle"

    data: Dataset
    requests: pd.DataFrame
    sessions: pd.DataFrame
    weekly: pd.DataFrame
    """One row per closed week with use, this one last: value, saved, commits."""
    verdict: str
    """Whether the week is unusual, in at most four words; empty for another period."""
    judged: str
    """The verdict with its evidence."""

    @property
    def cost(self) -> float:
        """Estimated dollars; null where no answer has a known price."""
        return float(self.requests["value"].sum(min_count=min(1, len(self.requests))))

    @property
    def use(self) -> str:
        """Sessions and days with use: "19 sessions on 5 days"."""
        days = int(self.requests["date"].nunique())
        return f"{counted(len(self.sessions), 'session')} on {counted(days, 'day')}"

    @property
    def when(self) -> str:
        """The period in words: "in the week of 17 August"."""
        since, until = self.data.since, self.data.until
        if (until - since).days == 6 and since.weekday() == 0:
            return f"in the week of {day_words(since)}"
        if since == until:
            return f"on {day_words(since)}"
        month = "%B" if since.year == until.year else "%B %Y"
        return f"from {day_words(since, month)} to {day_words(until, month)}"

    def findings(self) -> Findings:
        """At most five findings, cost first."""
        if self.requests.empty:
            return Findings([_nothing(self)])
        rest = [*_large(self), *_cached(self)] if self.cost > 0 else []
        return Findings([_spent(self), *rest])


def own_week(last: Dataset) -> OwnWeek:
    """The five numbers of a period: cost, saving, active time, its largest session, commits.

    `last` is the dataset or a part of it from `between`: the weeks that a week is
    judged by are those of the whole dataset.
    """
    whole, since, until = last.whole or last, pd.Timestamp(last.since), pd.Timestamp(last.until)
    weekly = usage_by(whole, "week", "UTC").set_index("week")[["value", "saved", "commits"]]
    used = weekly.index.isin(whole.weeks) & (weekly.index <= until) & (weekly["value"] > 0)
    weekly = weekly[used].tail(RECENT_WEEKS)
    verdict, judged = "", ""
    if (until - since).days == 6 and since in weekly.index:  # a closed week with use
        verdict, judged = _judged(weekly["value"].to_numpy(dtype=float))
    requests = own_frames(last)["requests"]
    return OwnWeek(last, requests, own_sessions(last), weekly, verdict, judged)


def _judged(costs: Floats) -> tuple[str, str]:
    """The change of the last week's cost against the weeks before, in words."""
    change = last_week_change(costs[None, :], np.zeros((1, len(costs))))
    if change is None:
        return "too few weeks", (
            f"Whether that is unusual is unknown: it takes {MINIMUM_WEEKS} weeks with use and a "
            f"known price, and this is number {len(costs)}."
        )
    words = {"up": "more than usual", "down": "less than usual"}
    verdict = words.get(change.verdict, "no change found")
    low, high = map(percent, change.interval)
    size = f"{percent(change.relative)}, 90 % interval {low} to {high}"
    before = f"against your {len(costs) - 1} weeks with use before"
    return verdict, f"{verdict.capitalize()} {before} ({size})."


_finding = partial(Finding, "described")


def _nothing(week: OwnWeek) -> Finding:
    text = "The logs of that time have no answer of a model."
    before = (week.data.whole or week.data).extras["requests"]["at"]
    before = before[before < pd.Timestamp(week.data.since)]
    if not before.empty:
        text += f" The last one before it is from {day_words(before.max(), '%B %Y')}."
    return _finding(f"Nothing was used {week.when}", text)


def _spent(week: OwnWeek) -> Finding:
    cost, tokens = week.cost, millions(week.requests["tokens"].sum())
    title, text = f"You used {tokens} {week.when}", f"{week.use}, {tokens}"
    if cost > 0:
        projects, models = (usage_by(week.data, name) for name in ("project", "model"))
        (project, of_project), (model, of_model) = (
            (frame[frame.by][0], part(frame["value"][0] / cost)) for frame in (projects, models)
        )
        name = short_names(projects["project"])[project]
        title = f"You spent about {dollars(cost)} {week.when}, {of_project} of it on {name}"
        text += f"; the cost is an estimate at list prices, {of_model} of it from {model}"
    return _finding(title, f"{text}. {week.judged}".strip(), "usage_by")


def _large(week: OwnWeek) -> Iterator[Finding]:
    """One session, or large contexts, that much of it was spent on."""
    used, cost, sessions = week.requests, week.cost, week.sessions
    first = sessions.iloc[0]
    if len(sessions) > 1 and first["value"] / cost >= 0.25:
        yield _finding(
            f"One session was {part(first['value'] / cost)} of the cost: {session_name(first)}",
            f"{dollars(first['value'])} for {first['requests']:,.0f} answers in "
            f"{first['active_minutes']:,.0f} active minutes, with a context of up to "
            f"{first['peak_context']:,.0f} tokens.",
            "own_sessions",
        )
    large = used.loc[used["context"] > LARGE_CONTEXT, "value"].sum() / cost
    if large >= 0.1:
        yield _finding(
            f"Answers with over {LARGE_CONTEXT:,} tokens of context were {part(large)} of the cost",
            f"The largest had {used['context'].max():,.0f}, the median "
            f"{used['context'].median():,.0f}, with "
            f"{counted(int(sessions['compactions'].sum()), 'compaction')}. A new session, or "
            "/compact, begins with less.",
            "context_growth",
        )


def _cached(week: OwnWeek) -> Iterator[Finding]:
    """The most expensive kind of token, and what the cache saved."""
    first, *others = token_cost(week.data).itertuples()
    rest = ", ".join(f"{one.kind} {100 * one.share:.0f} %" for one in others if one.share > 0.005)
    yield _finding(
        f"{_KINDS[first.kind]} was {part(first.share)} of the cost",
        f"{millions(first.tokens)}." + (f" The rest: {rest}." if rest else ""),
        "token_cost",
    )
    saved, written = week.requests["saved"].sum(), week.requests[CACHE_WRITES].sum().sum()
    if saved > 0 and written > 0:
        reuse = week.requests["cache_read_tokens"].sum() / written
        yield _finding(
            f"The cache saved about {dollars(saved)}",
            f"Without it the same tokens would have cost {dollars(week.cost + saved)}. "
            f"{reuse:,.0f} tokens were read for each one written.",
            "usage_by",
        )
