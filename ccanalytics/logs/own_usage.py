"""One person's own session logs: what was used when, where, with what, and for how much context.

Only for the source `local`, which is one person's logs: nobody else is in them, so nothing is
withheld. Every request is counted where and when it was made, so all splits have the same sums.
"""

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import (
    CACHE_WRITES,
    TOKENS,
    clock_name,
    labelled,
    local_time,
    own_frames,
    priced,
)
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.metric_frame import measures
from ccanalytics.prices import Prices, Tariff

SPLITS = (
    *(
        "week",
        "day",
        "hour",
        "project",
        "branch",
        "model",
        "session",
        "agent",
        "skill",
        "mcp_server",
    ),
    "terminal",
)

PAUSE = pd.Timedelta(minutes=15)
"""Longer without an answer or a tool call is a pause."""

POINTS = 160
"""The most points of one session in `context_growth`."""

_WORK = ["commits", "pull_requests", "lines_added", "lines_removed"]
_USE = ["saved", "requests", *TOKENS, "unpriced_tokens"]


@measures("usage_by", by="split")
def usage_by(data: Dataset, split: str, timezone: str = "") -> pd.DataFrame:
    """One row per value of `split`, the most expensive first; days and hours in their order.

    Columns: the split, value (estimated cost), saved (by the cache), requests, the tokens,
    unpriced_tokens, commits, pull_requests, lines_added, lines_removed, and sessions by their
    start. Null: what cannot be split so, as the commits of a model. Days and hours are those of
    `timezone`, by default this machine's.
    """
    if split not in SPLITS:
        raise ValueError(f"Usage by {split!r}: it is one of {', '.join(SPLITS)}.")
    dated = (
        (labelled(frame, moment, timezone), columns) for frame, moment, columns in summands(data)
    )
    sums = [_summed(frame, split, columns) for frame, columns in dated if split in frame]
    frame = pd.concat(sums, axis=1, sort=True).rename_axis(split)
    frame = frame.fillna(dict.fromkeys(frame.columns.difference(["value"]), 0))
    frame["value"] = frame["value"].mask(frame["value"].isna() & (frame["unpriced_tokens"] == 0), 0)
    frame = _ordered(frame.reindex(columns=["value", *_USE, *_WORK, "sessions"]), split)
    if split in ("skill", "mcp_server") and frame[split].isin(["none"]).all():
        frame.attrs["unavailable"] = "none was used"
    return frame


def summands(data: Dataset) -> tuple[tuple[pd.DataFrame, str, list[str]], ...]:
    """The frames whose columns are summed, each with its moment and these columns."""
    requests, calls, sessions = own_frames(data)
    return (
        (priced(requests), "at", ["value", *_USE]),
        (calls, "at", _WORK),
        (sessions.assign(sessions=sessions["continues"].isna()), "started_at", ["sessions"]),
    )


@measures("usage_by_day", by="kind")
def usage_by_day(data: Dataset, kind: str, timezone: str = "") -> pd.DataFrame:
    """One row per day and model, or per day and kind of token: value (dollars, or tokens).

    `kind` is "model" or "tokens". Every day of the range is there, 0 where nothing was used.
    """
    requests, _, _ = own_frames(data)
    used = labelled(priced(requests), "at", timezone)
    if kind == "model":
        used = used.astype({"model": "str"})
        sums = used.groupby(["day", "model"])["value"].sum(min_count=1).rename_axis(["day", kind])
    elif kind == "tokens":
        kinds = used.groupby("day")[TOKENS].sum().rename(columns=_kind)
        sums = kinds.melt(var_name="kind", ignore_index=False).set_index("kind", append=True)
        sums = sums["value"]
    else:
        raise ValueError(f"Usage by day and {kind!r}: it is model or tokens.")
    days = pd.date_range(data.since, data.until, unit="ms").union(sums.index.unique("day"))
    groups = sums.index.unique(1)
    whole = pd.MultiIndex.from_product([days, groups], names=sums.index.names)
    return _with_clock(sums.reindex(whole, fill_value=0).reset_index(), timezone)


@measures("usage_by_weekday")
def usage_by_weekday(data: Dataset, timezone: str = "") -> pd.DataFrame:
    """One row per weekday (1 is Monday) and hour of `timezone`: value (dollars), requests."""
    requests, _, _ = own_frames(data)
    used = labelled(priced(requests), "at", timezone)
    sums = used.groupby(["weekday", "hour"])[["value", "requests"]].sum()
    week = pd.MultiIndex.from_product([range(1, 8), range(24)], names=["weekday", "hour"])
    return _with_clock(sums.reindex(week, fill_value=0).reset_index(), timezone)


@measures(
    "cache_saving",
    title="What the cache saved",
    shown_columns=(
        *("model", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"),
        *("cache_reuse", "value"),
    ),
    labels={
        "cache_read_tokens": "tokens read",
        "cache_write_5m_tokens": "written for 5 min",
        "cache_write_1h_tokens": "written for 1 h",
        "cache_reuse": "read per written",
        "value": "saved",
    },
    formats={
        "cache_read_tokens": ",.0f",
        "cache_write_5m_tokens": ",.0f",
        "cache_write_1h_tokens": ",.0f",
        "cache_reuse": ",.1f",
        "value": METRICS["cache_saving"].format,
    },
)
def cache_saving(data: Dataset) -> pd.DataFrame:
    """One row per model with a price: value (dollars saved by its cache), the tokens read, and
    written for five minutes and for an hour, and cache_reuse (tokens read for one written).

    Against paying each cached token as input, at the list price of its day.
    """
    requests, _, _ = own_frames(data)
    used = priced(requests).dropna(subset="value")
    columns = ["saved", "cache_read_tokens", *CACHE_WRITES]
    frame = used.groupby("model", observed=True)[columns].sum().rename(columns={"saved": "value"})
    written = frame[CACHE_WRITES].sum(axis=1)
    frame = frame.assign(cache_reuse=frame["cache_read_tokens"] / written.where(written > 0))
    return frame.sort_values("value", ascending=False).reset_index().astype({"model": "str"})


@measures(
    "token_cost",
    title="What kind of token it was spent on",
    shown_columns=("kind", "tokens", "value", "share"),
    labels={"kind": "kind of token", "value": "cost", "share": "of the cost"},
    formats={"tokens": ",.0f", "value": METRICS["token_cost"].format, "share": ".0%"},
)
def token_cost(data: Dataset) -> pd.DataFrame:
    """One row per kind of token, the most expensive first: tokens, value (dollars), share.

    The cost of each answer with a known price, parted by the list prices of its day. Of web
    searches it has their count for tokens.
    """
    requests, _, _ = own_frames(data)
    known = priced(requests).dropna(subset="value")
    counts = known[[*TOKENS, "web_searches"]]
    parts = counts * _rates(known)
    parts = parts.mul(known["value"] / parts.sum(axis=1).replace(0, 1), axis=0)
    frame = pd.DataFrame({"tokens": counts.sum(), "value": parts.sum()})
    frame["share"] = frame["value"] / (frame["value"].sum() or 1)
    frame = frame[frame["tokens"] > 0].rename(index=_kind).rename_axis("kind")
    return frame.sort_values("value", ascending=False).reset_index()


def _rates(requests: pd.DataFrame) -> pd.DataFrame:
    """The rate of each kind of token for each request, but for what makes all rates alike."""
    prices = Prices()
    rates = pd.DataFrame(0.0, index=requests.index, columns=[*TOKENS, "web_searches"])
    for (model, day), some in requests.groupby(["model", "date"], observed=True):
        listed = prices.price_list(Tariff(model), day.date())
        if listed:
            into = some[TOKENS].sum(axis=1) - some["output_tokens"]
            tiers = np.searchsorted(listed.thresholds, into)
            rates.loc[some.index] = np.array(listed.tiers, dtype=float)[tiers]
    return rates


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
    title (the last one in the log, else empty), minutes (to its last answer), active_minutes
    (without pauses over 15 minutes), project, branch, value, tokens, requests, commits,
    pull_requests, lines_added, peak_context (tokens, of its own answers), compactions,
    subagent_share (of the cost; null without one).
    """
    requests, calls, sessions = own_frames(data)
    used = priced(requests).assign(tokens=lambda r: r[TOKENS].sum(axis=1))
    main = used["agent"] == "main"
    used = used.assign(others=used["value"].mask(main, 0.0), context=used["context"].where(main))
    groups = used.sort_values("at").groupby("session", observed=True)
    frame = groups.agg(
        started_at=("at", "min"),
        ended_at=("at", "max"),
        project=("project", "first"),
        branch=("branch", "first"),
        tokens=("tokens", "sum"),
        requests=("requests", "sum"),
        peak_context=("context", "max"),
        others=("others", "sum"),
    )
    frame["value"] = groups["value"].sum(min_count=1)
    frame["title"] = _titles(data).reindex(frame.index).fillna("")
    known = sessions.set_index("session")["started_at"].reindex(frame.index)
    started = known.fillna(frame["started_at"])
    frame["minutes"] = (frame["ended_at"] - started).dt.total_seconds() / 60
    frame["active_minutes"] = _active_minutes(started, used, calls)
    frame["started_at"] = local_time(started, timezone)
    work = calls.groupby("session", observed=True)[["commits", "pull_requests", "lines_added"]]
    frame = frame.join(work.sum()).join(_compactions(data).rename("compactions"))
    counts = ["commits", "pull_requests", "lines_added", "compactions"]
    frame[counts] = frame[counts].fillna(0)
    frame["subagent_share"] = frame["others"] / frame["value"].where(frame["value"] > 0)
    text = {"session": "str", "project": "str", "branch": "str"}
    frame = frame.drop(columns=["ended_at", "others"]).reset_index().astype(text)
    return frame.sort_values("value", ascending=False, ignore_index=True)


@measures("context_growth")
def context_growth(data: Dataset, sessions: int = 4) -> pd.DataFrame:
    """One row per point of the sessions with the largest contexts: session (its start and project),
    answer (1 is its first), value (tokens that went in), compacted (after a compaction).

    Only a session's own answers, not its subagents'. Of a long session every so-manieth answer is
    left out, the largest of each stretch stays.
    """
    requests, _, _ = own_frames(data)
    own = priced(requests[requests["agent"] == "main"]).sort_values("at")
    largest = own.groupby("session", observed=True)["context"].max().nlargest(sessions).index
    parts = [_growth(data, own[own["session"] == name]) for name in largest]
    columns = ["session", "answer", "value", "compacted"]
    return pd.concat([pd.DataFrame(columns=columns), *parts], ignore_index=True)[columns]


@measures(
    "tool_use",
    labels={"errors": "failed", "value": "accepted of decided"},
    formats={"value": METRICS["acceptance_rate"].format},
)
def tool_use(data: Dataset) -> pd.DataFrame:
    """One row per tool, the most used first: calls, accepted, rejected, errors, value (accepted of
    those decided on; null where nothing was)."""
    _, calls, _ = own_frames(data)
    counts = calls.groupby(["tool", "decision"], observed=True).size().unstack(fill_value=0)
    counts = counts.reindex(columns=["accepted", "rejected", "error"], fill_value=0)
    counts = counts.rename(columns={"error": "errors"})
    decided = counts["accepted"] + counts["rejected"]
    frame = counts.assign(
        calls=decided + counts["errors"], value=counts["accepted"] / decided.where(decided > 0)
    )
    return frame.sort_values("calls", ascending=False).reset_index().astype({"tool": "str"})


def _with_clock(frame: pd.DataFrame, timezone: str) -> pd.DataFrame:
    frame.attrs["clock"] = clock_name(timezone)
    return frame


def _summed(frame: pd.DataFrame, split: str, columns: list[str]) -> pd.DataFrame:
    return frame.groupby(split, observed=True)[columns].sum(min_count=1).astype("float64")


def _ordered(frame: pd.DataFrame, split: str) -> pd.DataFrame:
    if split == "hour":
        hours = frame.reindex(range(24))
        return hours.fillna(dict.fromkeys(frame.columns, 0.0)).rename_axis(split).reset_index()
    if split in ("day", "week"):
        return frame.sort_index().reset_index()
    text = frame.reset_index().astype({split: "str"})
    return text.sort_values("value", ascending=False, na_position="last", ignore_index=True)


def _kind(column: str) -> str:
    """The words of a column of tokens: "cache write 5m"."""
    return column.removesuffix("_tokens").replace("_", " ")


def _titles(data: Dataset) -> pd.Series:
    """The newest title of each session."""
    events = data.extras["log_events"]
    titles = events[events["kind"] == "title"].dropna(subset="text").sort_values("at")
    return titles.groupby("session", observed=True)["text"].last().astype("str")


def _compactions(data: Dataset) -> pd.Series:
    """How often each session was compacted in range."""
    events = data.extras.get("log_events")
    assert events is not None
    return events[events["kind"] == "compaction"].groupby("session", observed=True).size()


def _active_minutes(started: pd.Series, *frames: pd.DataFrame) -> pd.Series:
    """Minutes of each session between its moments, without the pauses."""
    moments = pd.concat(
        [started.rename("at").reset_index(), *(f[["session", "at"]] for f in frames)]
    )
    moments = moments.sort_values("at")
    steps = moments.groupby("session")["at"].diff()
    active = steps.where(steps <= PAUSE).groupby(moments["session"]).sum()
    return active.dt.total_seconds() / 60


def _growth(data: Dataset, own: pd.DataFrame) -> pd.DataFrame:
    """The points of one session, which has answers."""
    first = own.iloc[0]
    events = data.extras.get("log_events")
    assert events is not None
    mine = (events["kind"] == "compaction") & (events["session"].astype("str") == first["session"])
    cuts = events.loc[mine, "at"].sort_values()
    after = set(own["at"].searchsorted(cuts))
    points = pd.DataFrame({"answer": range(1, len(own) + 1), "value": own["context"].to_numpy()})
    points["compacted"] = points.index.isin(after)
    stretch = points.index // -(-len(own) // POINTS)
    kept = {*points.groupby(stretch)["value"].idxmax(), *points.index[points["compacted"]]}
    project = first["project"].replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    label = f"{first['at'].day} {first['at']:%b %H:%M} {project}"
    return points.loc[sorted(kept)].assign(session=label)
