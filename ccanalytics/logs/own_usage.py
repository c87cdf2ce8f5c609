"""One person's own session logs: what was used when, where, with what, and for how much.

Only for the source `local`: nobody else is in these logs, so nothing is
withheld. Every request is counted where and when it was made, so all splits have the same sums.
"""

from datetime import datetime

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import (
    TOKENS,
    OwnFrames,
    labelled,
    last_folder,
    local_time,
    own_frames,
)
from ccanalytics.metrics.by_week import measures
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.prices import Tariff, price_list
from ccanalytics.words import day_words

PAUSE = pd.Timedelta(minutes=15)
"""A longer gap without an answer or a tool call is a pause."""

POINTS = 160
"""The most points of one session in `context_growth`."""

TIMES = ("week", "day", "hour")
_PLACES = ("project", "branch", "model", "session", "agent", "skill", "mcp_server", "terminal")
SPLITS = (*TIMES, *_PLACES)

_WORK = ["commits", "pull_requests", "lines_added", "lines_removed"]
_MONEY = ["value", "saved"]
_USE = [*_MONEY, "requests", "tokens", *TOKENS, "unpriced_tokens"]


@measures(
    "usage_by",
    by="split",
    labels={"value": "cost", "requests": "answers", "saved": "saved by the cache"},
    formats={
        **dict.fromkeys((*_USE, *_WORK, "sessions"), ",.0f"),
        **dict.fromkeys(_MONEY, METRICS["usage_by"].format),
    },
)
def usage_by(data: Dataset, split: str, timezone: str = "", by: str = "") -> pd.DataFrame:
    """One row per value of `split` (and of `by`), the most expensive first; times in their order.

    Columns: the split, value (estimated cost), saved (by the cache, against paying each cached
    token as input), requests, the tokens and their kinds, unpriced_tokens, commits, pull_requests,
    lines_added, lines_removed, and sessions by their start. Null where a split makes no sense:
    commits of a model; and money without a known price. Days and hours are those of `timezone`, by
    default this machine's, and each of the range is there. The attribute `cut` has the weeks that
    are not whole: not over yet, or not all in the range.
    """
    splits = [split, by] if by else [split]
    if unknown := {*splits} - {*SPLITS}:
        raise ValueError(f"Usage by {unknown.pop()!r}: it is one of {', '.join(SPLITS)}.")
    sums, days = [], set()
    for table, moment, columns in summands(data):
        if {*splits} & {*TIMES}:
            table = labelled(table, moment, timezone)
            days.update(table["day"].unique())
        if {*splits} <= {*table}:
            groups = table.groupby(splits, observed=True)
            sums.append(groups[columns].sum(min_count=1).astype("float64"))
    frame = pd.concat(sums, axis=1, sort=True).rename_axis(splits)
    frame = frame.fillna(dict.fromkeys(frame.columns.difference(_MONEY), 0))
    is_free = frame["value"].isna() & (frame["unpriced_tokens"] == 0)
    frame[_MONEY] = frame[_MONEY].mask(is_free, 0)
    frame = _every(frame, data, splits).reindex(columns=[*_USE, *_WORK, "sessions"]).reset_index()
    frame = frame.astype(dict.fromkeys({*splits} - {*TIMES}, "str"))
    if split not in TIMES:
        frame = frame.sort_values("value", ascending=False, ignore_index=True)
    clock = timezone or f"this machine's time, {datetime.now().astimezone():%Z}"
    frame.attrs = {"clock": clock, "parts": by}
    if split == "week":
        frame.attrs["cut"] = frame["week"][~frame["week"].isin(data.weeks)].tolist()
    if len(days) == 1:
        frame.attrs["day"] = days.pop()
    return frame


def _every(frame: pd.DataFrame, data: Dataset, splits: list[str]) -> pd.DataFrame:
    """`frame` with a row of zeros for each day or hour in which nothing was used."""
    whole = {"day": pd.date_range(data.since, data.until, unit="ms"), "hour": range(24)}
    if splits[0] not in whole:
        return frame
    levels = [frame.index.unique(name).union(whole.get(name, [])) for name in splits]
    if len(levels) == 1:
        return frame.reindex(levels[0], fill_value=0).rename_axis(splits)
    return frame.reindex(pd.MultiIndex.from_product(levels, names=splits), fill_value=0)


def summands(data: Dataset) -> tuple[tuple[pd.DataFrame, str, list[str]], ...]:
    """The frames to sum, each with its time column and its columns."""
    own = own_frames(data)
    started = own.sessions.assign(sessions=own.sessions["continues"].isna())
    return (
        (own.requests, "at", _USE),
        (own.tool_calls, "at", _WORK),
        (started, "started_at", ["sessions"]),
    )


@measures(
    "token_cost",
    title="What kind of token it was spent on",
    shown_columns=("kind", "tokens", "value", "share"),
    labels={"kind": "kind of token", "value": "cost", "share": "of the cost"},
    formats={"tokens": ",.0f", "value": METRICS["token_cost"].format, "share": ".0%"},
)
def token_cost(data: Dataset) -> pd.DataFrame:
    """One row per kind of token, the most expensive first: tokens, value (dollars), share.

    The cost of each answer with a known price, split by the list prices of its day. Web
    searches have their count in place of tokens.
    """
    known = own_frames(data).requests.dropna(subset="value")
    counts = known[[*TOKENS, "web_searches"]]
    rates = pd.DataFrame(0.0, index=known.index, columns=counts.columns)
    for (model, day), some in known.groupby(["model", "date"], observed=True):
        if listed := price_list(Tariff(model), day.date()):
            tiers = np.searchsorted(listed.thresholds, some["tokens"] - some["output_tokens"])
            rates.loc[some.index] = np.array(listed.tiers, dtype=float)[tiers]
    # The rates are right up to a common factor, such as that of fast mode.
    parts = counts * rates
    parts = parts.mul(known["value"] / parts.sum(axis=1).replace(0, 1), axis=0)
    frame = pd.DataFrame({"tokens": counts.sum(), "value": parts.sum()})
    frame["share"] = frame["value"] / (frame["value"].sum() or 1)
    frame["kind"] = frame.index.str.removesuffix("_tokens").str.replace("_", " ")
    frame = frame.loc[frame["tokens"] > 0, ["kind", "tokens", "value", "share"]]
    return frame.sort_values("value", ascending=False, ignore_index=True)


@measures(
    "tool_use",
    labels={"errors": "failed", "value": "accepted of decided"},
    formats={"value": METRICS["acceptance_rate"].format},
)
def tool_use(data: Dataset) -> pd.DataFrame:
    """One row per tool, the most used first: calls, accepted, rejected, errors, value (accepted of
    the decided ones; null where none was)."""
    calls = own_frames(data).tool_calls
    counts = calls.groupby(["tool", "decision"], observed=True).size().unstack(fill_value=0)
    counts = counts.reindex(columns=["accepted", "rejected", "error"], fill_value=0)
    counts = counts.rename(columns={"error": "errors"})
    decided = counts["accepted"] + counts["rejected"]
    frame = counts.assign(
        calls=decided + counts["errors"], value=counts["accepted"] / decided.where(decided > 0)
    )
    return frame.sort_values("calls", ascending=False).reset_index().astype({"tool": "str"})


@measures(
    "own_sessions",
    shown_by="logs.own_display:sessions_bundle",
    shown_columns=(
        *("started_at", "title", "project", "value", "requests", "active_minutes", "commits"),
        *("pull_requests", "lines_added", "peak_context", "compactions", "subagent_share"),
    ),
    labels={
        "title": "session",
        "started_at": "started",
        "value": "cost",
        "requests": "answers",
        "active_minutes": "active minutes",
        "pull_requests": "PRs",
        "lines_added": "lines",
        "peak_context": "largest context",
        "subagent_share": "of which subagents",
    },
)
def own_sessions(data: Dataset, timezone: str = "") -> pd.DataFrame:
    """One row per session with anything in range, the most expensive first.

    Columns: session, started_at (in `timezone`; the first request in range where it began before),
    title (the name a person gave it, else the last title in the log, else empty), minutes (to its
    last answer), active_minutes (without pauses over 15 minutes), project, branch, value, tokens,
    requests, commits, pull_requests, lines_added, peak_context (tokens, of its own answers),
    compactions, subagent_share (of the cost; null without one).
    """
    own = own_frames(data)
    main = own.requests["agent"] == "main"
    used = own.requests.assign(
        others=own.requests["value"].mask(main, 0.0), context=own.requests["context"].where(main)
    )
    groups = used.sort_values("at").groupby("session", observed=True)
    frame = groups[["project", "branch"]].first().join(groups[["tokens", "requests"]].sum())
    frame["peak_context"] = groups["context"].max()
    frame["value"] = groups["value"].sum(min_count=1)
    frame["subagent_share"] = groups["others"].sum() / frame["value"].where(frame["value"] > 0)
    titles = own.log_events.dropna(subset="text").assign(is_name=lambda f: f["kind"] == "name")
    titles = titles.sort_values(["is_name", "at"]).groupby("session", observed=True)["text"].last()
    frame["title"] = titles.astype("str").reindex(frame.index).fillna("")
    started = own.sessions.set_index("session")["started_at"].reindex(frame.index)
    started = started.fillna(groups["at"].min())
    frame["started_at"] = local_time(started, timezone)
    frame["minutes"] = (groups["at"].max() - started).dt.total_seconds() / 60
    steps = _active_steps(own)
    active = (steps["until"] - steps["since"]).groupby(steps["session"]).sum()
    frame["active_minutes"] = active.dt.total_seconds() / 60
    work = own.tool_calls.groupby("session", observed=True)[_WORK[:3]].sum()
    compacted = own.log_events.loc[own.log_events["kind"] == "compaction", "session"]
    frame = frame.join(work).join(compacted.value_counts().rename("compactions"))
    zeros = dict.fromkeys(("active_minutes", "compactions", *work), 0)
    frame = frame.fillna(zeros).reset_index()
    frame = frame.astype(dict.fromkeys(("session", "project", "branch"), "str"))
    return frame.sort_values("value", ascending=False, ignore_index=True)


def active_time(data: Dataset) -> pd.Timedelta:
    """How long any session was active: of sessions side by side each moment counts once."""
    steps = _active_steps(own_frames(data)).sort_values("since")
    counted_until = steps["until"].cummax().shift().fillna(steps["since"])
    since = steps["since"].where(steps["since"] > counted_until, counted_until)
    return (steps["until"] - since).clip(lower=pd.Timedelta(0)).sum()


def _active_steps(own: OwnFrames) -> pd.DataFrame:
    """One row per step from one moment of a session to its next, without pauses: session, since,
    until."""
    frames = (own.requests, own.tool_calls, own.sessions.rename(columns={"started_at": "at"}))
    moments = pd.concat([frame[["session", "at"]] for frame in frames]).sort_values("at")
    steps = moments.rename(columns={"at": "until"})
    steps["since"] = moments.groupby("session")["at"].shift()
    return steps[steps["until"] - steps["since"] <= PAUSE]


@measures("context_growth")
def context_growth(data: Dataset, sessions: int = 4, timezone: str = "") -> pd.DataFrame:
    """One row per point of the sessions with the largest contexts: session (its start and project,
    as in `own_sessions`), answer (1 is its first), value (input tokens), compacted (after a
    compaction).

    Only a session's own answers, not its subagents'. Of a long session only every n-th answer is
    there, the largest of each stretch.
    """
    own = own_frames(data)
    main = own.requests[own.requests["agent"] == "main"].sort_values("at")
    cuts = own.log_events[own.log_events["kind"] == "compaction"].sort_values("at")
    largest = own_sessions(data, timezone).nlargest(sessions, "peak_context")
    parts = [pd.DataFrame(columns=["session", "answer", "value", "compacted"])]
    names: list[str] = []
    for one in largest.itertuples():
        answers = main[main["session"] == one.session]
        points = pd.DataFrame({"value": answers["context"].to_numpy()})
        points["answer"] = points.index + 1
        cut = cuts.loc[cuts["session"] == one.session, "at"]
        points["compacted"] = points.index.isin(answers["at"].searchsorted(cut))
        stretch = points.index // -(-len(points) // POINTS)
        kept = {*points.groupby(stretch)["value"].idxmax(), *points.index[points["compacted"]]}
        name = f"{day_words(one.started_at, '%b %H:%M')} {last_folder(one.project)}"
        names.append(name)
        # Of two names that are alike the second has a number.
        name += f" ({names.count(name)})" if names.count(name) > 1 else ""
        parts.append(points.loc[sorted(kept)].assign(session=name))
    return pd.concat(parts, ignore_index=True)
