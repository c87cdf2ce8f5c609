"""One person's own session logs: what was used when, where, with what, and for how much.

Only for the source `local`: nobody else is in these logs, so nothing is
withheld. Every request is counted where and when it was made, so all splits have the same sums.
"""

from datetime import datetime

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import (
    MONEY,
    PLACES,
    SUMS,
    TOKENS,
    WORK,
    labelled,
    last_folder,
    local_time,
    own_frames,
    summed,
    uses,
)
from ccanalytics.metrics.by_week import measures
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.prices import Tariff, price_list
from ccanalytics.words import day_words

PAUSE = 15
"""A longer gap without an answer or a tool call is a pause, in minutes."""

POINTS = 160
"""The most points of one session in `context_growth`."""

TIMES = ("week", "day", "hour")
SPLITS = (*TIMES, *PLACES)

_OF_ANSWERS = {"model", "skill", "mcp_server"}
"""Places of answers only: a tool call belongs to a turn, whichever models answered it."""


@measures(
    "usage_by",
    labels={"value": "cost", "requests": "answers", "saved": "saved by the cache"},
    formats={
        **dict.fromkeys(SUMS, ",.0f"),
        **dict.fromkeys(MONEY, METRICS["usage_by"].format),
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
    rows = uses(data)
    if {*splits} & {*TIMES}:
        rows = labelled(rows, timezone)
    whole = {"day": pd.date_range(data.since, data.until, unit="ms"), "hour": range(24)}
    quiet = pd.DataFrame({split: whole.get(split, [])})
    if by:
        quiet = quiet.merge(rows[[by]].dropna().drop_duplicates(), how="cross")
    frame = summed(pd.concat([rows, quiet]) if len(quiet) else rows, splits).reset_index()
    if {*splits} & _OF_ANSWERS:
        frame[WORK] = np.nan
    if {*splits} & {*_OF_ANSWERS, "agent"}:
        frame["sessions"] = np.nan
    if split not in TIMES:
        frame = frame.sort_values("value", ascending=False, ignore_index=True)
    clock = timezone or f"this machine's time, {datetime.now().astimezone():%Z}"
    frame.attrs = {"by": split, "clock": clock, "parts": by}
    if split == "week":
        frame.attrs["cut"] = frame["week"][~frame["week"].isin(data.weeks)].tolist()
    if "day" in rows and rows["day"].nunique() == 1:
        frame.attrs["day"] = rows["day"].iloc[0]
    return frame


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
    known = own_frames(data)["requests"].dropna(subset="value")
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
    calls = own_frames(data)["tool_calls"]
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
    own, rows = own_frames(data), uses(data)
    requests, events = own["requests"].sort_values("at"), own["log_events"]
    is_own, steps = requests["agent"] == "main", _active_steps(rows)
    titles = events.dropna(subset="text").assign(is_name=events["kind"] == "name")
    titles = titles.sort_values(["is_name", "at"])
    facts = {
        "started_at": own["sessions"].groupby("session")["started_at"].min(),
        "title": titles.groupby("session")["text"].last().astype("str"),
        "active_minutes": steps.groupby("session")["minutes"].sum(),
        "peak_context": requests[is_own].groupby("session")["context"].max(),
        "others": requests[~is_own].groupby("session")["value"].sum(),
        "compactions": events.loc[events["kind"] == "compaction", "session"].value_counts(),
    }
    frame = requests.groupby("session").agg(
        project=("project", "first"),
        branch=("branch", "first"),
        first=("at", "min"),
        last=("at", "max"),
    )
    sums = summed(rows, ["session"])[["value", "tokens", "requests", *WORK[:3]]]
    frame = frame.join(sums).join(pd.DataFrame(facts))
    frame = frame.fillna({"title": "", "active_minutes": 0, "others": 0, "compactions": 0})
    started = frame["started_at"].fillna(frame["first"])
    frame["started_at"] = local_time(started, timezone)
    frame["minutes"] = (frame["last"] - started).dt.total_seconds() / 60
    frame["subagent_share"] = frame["others"] / frame["value"].where(frame["value"] > 0)
    frame = frame.drop(columns=["first", "last", "others"]).reset_index()
    return frame.sort_values("value", ascending=False, ignore_index=True)


def active_time(data: Dataset) -> pd.Timedelta:
    """How long any session was active: of sessions side by side each moment counts once."""
    steps = _active_steps(uses(data)).sort_values("since")
    counted_until = steps["until"].cummax().shift().fillna(steps["since"])
    since = steps["since"].where(steps["since"] > counted_until, counted_until)
    return (steps["until"] - since).clip(lower=pd.Timedelta(0)).sum()


def _active_steps(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per step of a session from one of its moments to the next, without pauses."""
    moments = rows[["session", "at"]].sort_values("at")
    steps = moments.rename(columns={"at": "until"})
    steps["since"] = moments.groupby("session")["at"].shift()
    steps["minutes"] = (steps["until"] - steps["since"]).dt.total_seconds() / 60
    return steps[steps["minutes"] <= PAUSE]


@measures("context_growth")
def context_growth(data: Dataset, sessions: int = 4, timezone: str = "") -> pd.DataFrame:
    """One row per point of the sessions with the largest contexts: session (its start and project,
    as in `own_sessions`), answer (1 is its first), value (input tokens), compacted (after a
    compaction).

    Only a session's own answers, not its subagents'. Of a long session only every n-th answer is
    there, the largest of each stretch.
    """
    own = own_frames(data)
    requests, events = (own[name].sort_values("at") for name in ("requests", "log_events"))
    main, cuts = requests[requests["agent"] == "main"], events[events["kind"] == "compaction"]
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
