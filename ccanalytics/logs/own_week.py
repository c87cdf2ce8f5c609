"""A period of one person's logs in sentences and five numbers.

last = data.between(...) ── own_week ─▶ cards, findings; judged by the closed weeks of `data`
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

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
from ccanalytics.logs.own_sessions import own_sessions
from ccanalytics.logs.own_usage import token_cost, usage_by
from ccanalytics.metrics.change import percent
from ccanalytics.metrics.findings import Finding, Findings
from ccanalytics.metrics.own_history import MINIMUM_WEEKS, LogChange, last_week_change
from ccanalytics.showing import Note, ShowsItself, says
from ccanalytics.words import counted, day_words

RECENT_WEEKS = 12
"""The most closed weeks with use that a week is judged by."""

LARGE_CONTEXT = 100_000
"""Context tokens from which an answer counts as having a large context."""

_described = partial(Finding, "described")

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

    @property
    def cost(self) -> float:
        """Estimated dollars; null where no answer has a known price."""
        return float(self.requests["value"].sum(min_count=min(1, len(self.requests))))

    @property
    def days(self) -> int:
        """Days with use."""
        return int(self.requests["date"].nunique())

    @property
    def tokens(self) -> int:
        """All tokens, input and output."""
        return int(self.requests["tokens"].sum())

    @property
    def is_week(self) -> bool:
        """Whether it is a closed week with use, which other weeks can judge."""
        is_used = not self.weekly.empty and self.weekly.index[-1] == pd.Timestamp(self.data.since)
        return is_used and (self.data.until - self.data.since).days == 6

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

    def line(self, column: str) -> list[tuple[pd.Timestamp, float]]:
        """The sums of the closed weeks up to this one; 0 without use."""
        whole = self.data.whole or self.data
        weeks = whole.weeks[whole.weeks <= pd.Timestamp(self.data.until)][-RECENT_WEEKS:]
        return list(self.weekly[column].reindex(weeks, fill_value=0.0).items())

    def usual(self, column: str) -> float:
        """The median of the weeks with use before this one; null without any."""
        return float(self.weekly[column].iloc[:-1].median()) if self.is_week else float("nan")

    @cached_property
    def change(self) -> LogChange | None:
        """The change of the week's cost against the weeks before; None if not judged."""
        costs = self.weekly["value"].to_numpy(dtype=float)
        if not self.is_week or not (costs > 0).all():
            return None
        return last_week_change(costs[None, :], np.zeros((1, len(costs))))

    @property
    def verdict(self) -> str:
        """Whether the week is unusual, in at most four words; empty for another period."""
        if not self.is_week:
            return ""
        if self.change is None:
            return "too few weeks"
        low, high = self.change.interval
        return (
            "more than usual" if low > 0 else "less than usual" if high < 0 else "no change found"
        )

    def findings(self) -> Findings:
        """At most five findings, cost first."""
        if self.requests.empty:
            return Findings([_nothing(self)])
        rest = (*_largest(self), *_context(self), *_kinds(self), *_saved(self))
        return Findings([_spent(self), *rest])

    def kinds(self) -> pd.DataFrame:
        """One row per kind of token, the most expensive first: tokens, value (dollars), share."""
        return token_cost(self.data)

    def judged(self) -> str:
        """The verdict with its evidence; empty for another period."""
        if not self.is_week:
            return ""
        before = len(self.weekly) - 1
        if self.change is None:
            weeks = counted(before, "week")
            median = f" The median of the {weeks} before is {dollars(self.usual('value'))}."
            return (
                f"Whether that is unusual is unknown: it takes {MINIMUM_WEEKS} weeks with "
                f"use and a known price, and this is number {before + 1}."
                + (median if before else "")
            )
        low, high = map(percent, self.change.interval)
        size = f"{percent(self.change.relative)}, 90 % interval {low} to {high}"
        found = self.verdict.capitalize()
        return f"{found} against your {before} weeks with use before ({size})."


def own_week(last: Dataset) -> OwnWeek:
    """The five numbers of a period: cost, saving, active time, its largest session, commits.

    `last` is the dataset or a part of it from `between`: the weeks that a week is
    judged by are those of the whole dataset.
    """
    weekly = _weekly(last.whole or last, pd.Timestamp(last.until))
    return OwnWeek(last, own_frames(last).requests, own_sessions(last), weekly)


@says(Note)
def own_sentence(data: Dataset) -> str:
    """What was used, and how much of it has no price or no final count in the log."""
    week = own_week(data)
    used, cost = week.requests, week.requests["value"].sum()
    text = (
        f"{counted(used['session'].nunique(), 'session')} from {data.since} to "
        f"{data.until}: {millions(week.tokens)}, an estimated ${cost:,.2f} at list prices."
    )
    if unpriced := used["unpriced_tokens"].sum():
        share = 100 * unpriced / max(week.tokens, 1)
        portion = f"{share:.1f} %" if share >= 0.05 else "Under 0.1 %"
        text += f" {portion} of the tokens have no known price."
    if open_ := int((~used["final"].astype("bool")).sum()):
        text += (
            f" Of {len(used):,} answers {open_:,} have no final count of output tokens in the "
            "log: output and cost are a lower bound."
        )
    return text


def _weekly(data: Dataset, until: pd.Timestamp) -> pd.DataFrame:
    weekly = usage_by(data, "week", "UTC").set_index("week")[["value", "saved", "commits"]]
    used = weekly.index.isin(data.weeks) & (weekly.index <= until) & (weekly["value"] > 0)
    return weekly[used].tail(RECENT_WEEKS)


def _nothing(week: OwnWeek) -> Finding:
    whole = week.data.whole or week.data
    before = whole.extras["requests"]["at"]
    before = before[before < pd.Timestamp(week.data.since)]
    text = "The logs of that time have no answer of a model."
    if not before.empty:
        text += f" The last one before it is from {day_words(before.max(), '%B %Y')}."
    return _described(f"Nothing was used {week.when}", text)


def _spent(week: OwnWeek) -> Finding:
    known = not np.isnan(week.cost)
    title = (
        f"You spent about {dollars(week.cost)}" if known else f"You used {millions(week.tokens)}"
    )
    by_project = week.sessions.groupby("project")["value"].sum().sort_values(ascending=False)
    title += f" {week.when}"
    if known and week.cost > 0:
        share = by_project.iloc[0] / week.cost
        only, first = len(week.sessions) == 1, week.sessions.iloc[0]
        name = short_names(by_project.index.to_series())[by_project.index[0]]
        name = first["title"] if only and first["title"] else name
        title += f", {part(share)} of it on {name}"
    models = week.requests.groupby("model", observed=True)["value"].sum()
    text = (
        f"{counted(len(week.sessions), 'session')} on {counted(week.days, 'day')}, "
        f"{millions(week.tokens)}; the cost is an estimate at list prices"
    )
    if known and week.cost > 0:
        text += f", {part(models.max() / week.cost)} of it from {models.idxmax()}"
    return _described(title, f"{text}. {week.judged()}".strip(), "usage_by")


def _largest(week: OwnWeek) -> Iterator[Finding]:
    first = week.sessions.iloc[0]
    share = first["value"] / week.cost
    if len(week.sessions) > 1 and share >= 0.25:
        yield _described(
            f"One session was {part(share)} of the cost: {session_name(first)}",
            f"{dollars(first['value'])} for {first['requests']:,.0f} answers in "
            f"{first['active_minutes']:,.0f} active minutes, with a context of up to "
            f"{first['peak_context']:,.0f} tokens.",
            "own_sessions",
        )


def _context(week: OwnWeek) -> Iterator[Finding]:
    context = week.requests["context"]
    share = week.requests.loc[context > LARGE_CONTEXT, "value"].sum() / week.cost
    if share >= 0.1:
        yield _described(
            f"Answers with over {LARGE_CONTEXT:,} tokens of context were {part(share)} of the cost",
            f"The largest had {context.max():,.0f}, the median {context.median():,.0f}, with "
            f"{counted(int(week.sessions['compactions'].sum()), 'compaction')}. A new session, or "
            "/compact, begins with less.",
            "context_growth",
        )


def _kinds(week: OwnWeek) -> Iterator[Finding]:
    kinds = week.kinds().dropna(subset="value")
    if not kinds.empty and kinds["share"].iloc[0] > 0:
        first, *others = kinds.itertuples()
        rest = ", ".join(
            f"{one.kind} {100 * one.share:.0f} %" for one in others if one.share > 0.005
        )
        title = f"{_KINDS[first.kind]} was {part(first.share)} of the cost"
        text = f"{millions(first.tokens)}." + (f" The rest: {rest}." if rest else "")
        yield _described(title, text, "token_cost")


def _saved(week: OwnWeek) -> Iterator[Finding]:
    saved = week.requests["saved"].sum()
    written = week.requests[CACHE_WRITES].sum().sum()
    if saved > 0 and written > 0:
        reuse = week.requests["cache_read_tokens"].sum() / written
        yield _described(
            f"The cache saved about {dollars(saved)}",
            f"Without it the same tokens would have cost {dollars(week.cost + saved)}. "
            f"{reuse:,.0f} tokens were read for each one written.",
            "cache_saving",
        )
