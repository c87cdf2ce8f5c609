"""One person's own session logs: what was used when, where, with what, and for how much context.

Only for the source `local`, which is one person's logs: nobody else is in them, so nothing is
withheld. Every request is counted where and when it was made, so all splits have the same sums.
"""

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.metric_frame import measures
from ccanalytics.showing import Note, says

SPLITS = ("day", "hour", "project", "branch", "model", "session", "agent", "terminal")

CACHE_WRITES = ["cache_write_5m_tokens", "cache_write_1h_tokens"]
TOKENS = ["input_tokens", "output_tokens", "cache_read_tokens", *CACHE_WRITES]

NOT_LOGGED = "not logged"
"""What a group is called whose lines do not say: early versions log no branch or terminal."""

RECENT = 7
"""Days of `own_recent`, and as many before them to compare with."""

PAUSE = pd.Timedelta(minutes=15)
"""Longer without an answer or a tool call is a pause."""

POINTS = 160
"""The most points of one session in `context_growth`."""

_WORK = ["commits", "pull_requests", "lines_added", "lines_removed"]
_USE = ["saved", "requests", *TOKENS, "unpriced_tokens"]


@measures("usage_by", by="split")
def usage_by(data: Dataset, split: str, timezone: str = "UTC") -> pd.DataFrame:
    """One row per value of `split`, the most expensive first; days and hours in their order.

    Columns: the split, value (estimated cost), saved (by the cache), requests, the tokens,
    unpriced_tokens, commits, pull_requests, lines_added, lines_removed, and sessions by their
    start. Null: what cannot be split so, as the commits of a model. Days and hours are those of
    `timezone`.
    """
    if split not in SPLITS:
        raise ValueError(f"Usage by {split!r}: it is one of {', '.join(SPLITS)}.")
    requests, calls, sessions = _frames(data)
    wanted = (
        (_priced(requests), "at", ["value", *_USE]),
        (calls, "at", _WORK),
        (sessions.assign(sessions=1), "started_at", ["sessions"]),
    )
    labelled = ((_labelled(frame, moment, timezone), columns) for frame, moment, columns in wanted)
    sums = [_summed(frame, split, columns) for frame, columns in labelled if split in frame]
    frame = pd.concat(sums, axis=1, sort=True).rename_axis(split)
    frame = frame.fillna(dict.fromkeys(frame.columns.difference(["value"]), 0))
    frame["value"] = frame["value"].mask(frame["value"].isna() & (frame["unpriced_tokens"] == 0), 0)
    return _ordered(frame.reindex(columns=["value", *_USE, *_WORK, "sessions"]), split)


@measures("usage_by_day", by="kind")
def usage_by_day(data: Dataset, kind: str, timezone: str = "UTC") -> pd.DataFrame:
    """One row per day and model, or per day and kind of token: value (dollars, or tokens).

    `kind` is "model" or "tokens". Every day of the range is there, 0 where nothing was used.
    """
    requests, _, _ = _frames(data)
    used = _labelled(_priced(requests), "at", timezone)
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
    return sums.reindex(whole, fill_value=0).reset_index()


@measures("usage_by_weekday")
def usage_by_weekday(data: Dataset, timezone: str = "UTC") -> pd.DataFrame:
    """One row per weekday (1 is Monday) and hour of `timezone`: value (dollars), requests."""
    requests, _, _ = _frames(data)
    used = _labelled(_priced(requests), "at", timezone)
    sums = used.groupby(["weekday", "hour"])[["value", "requests"]].sum()
    week = pd.MultiIndex.from_product([range(1, 8), range(24)], names=["weekday", "hour"])
    return sums.reindex(week, fill_value=0).reset_index()


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
    requests, _, _ = _frames(data)
    used = _priced(requests).dropna(subset="value")
    columns = ["saved", "cache_read_tokens", *CACHE_WRITES]
    frame = used.groupby("model", observed=True)[columns].sum().rename(columns={"saved": "value"})
    written = frame[CACHE_WRITES].sum(axis=1)
    frame = frame.assign(cache_reuse=frame["cache_read_tokens"] / written.where(written > 0))
    return frame.sort_values("value", ascending=False).reset_index().astype({"model": "str"})


@measures(
    "own_sessions",
    shown_by="logs.own_display:sessions_bundle",
    shown_columns=(
        *("started_at", "project", "branch", "value", "tokens", "requests", "minutes"),
        *(
            "active_minutes",
            "commits",
            "pull_requests",
            "lines_added",
            "peak_context",
            "compactions",
            "subagent_share",
        ),
    ),
    labels={
        "started_at": "started",
        "value": "cost",
        "requests": "answers",
        "active_minutes": "of which active",
        "pull_requests": "PRs",
        "lines_added": "lines",
        "peak_context": "largest context",
        "subagent_share": "of which subagents",
    },
)
def own_sessions(data: Dataset, timezone: str = "UTC") -> pd.DataFrame:
    """One row per session with anything in range, the most expensive first.

    Columns: session, started_at (in `timezone`; the first request in range where it began before),
    minutes (to its last answer), active_minutes (without pauses over 15 minutes), project, branch,
    value, tokens, requests, commits, pull_requests, lines_added, peak_context (tokens),
    compactions, subagent_share (of the cost; null without one).
    """
    requests, calls, sessions = _frames(data)
    used = _priced(requests).assign(tokens=lambda r: r[TOKENS].sum(axis=1))
    used = used.assign(others=used["value"].where(used["agent"] != "main", 0.0))
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
    known = sessions.set_index("session")["started_at"].reindex(frame.index)
    started = known.fillna(frame["started_at"])
    frame["minutes"] = (frame["ended_at"] - started).dt.total_seconds() / 60
    frame["active_minutes"] = _active_minutes(started, used, calls)
    frame["started_at"] = _local(started, timezone)
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
    requests, _, _ = _frames(data)
    own = _priced(requests[requests["agent"] == "main"]).sort_values("at")
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
    _, calls, _ = _frames(data)
    counts = calls.groupby(["tool", "decision"], observed=True).size().unstack(fill_value=0)
    counts = counts.reindex(columns=["accepted", "rejected", "error"], fill_value=0)
    counts = counts.rename(columns={"error": "errors"})
    decided = counts["accepted"] + counts["rejected"]
    frame = counts.assign(
        calls=decided + counts["errors"], value=counts["accepted"] / decided.where(decided > 0)
    )
    return frame.sort_values("calls", ascending=False).reset_index().astype({"tool": "str"})


@measures("own_recent", shown_by="logs.own_display:recent_bundle")
def own_recent(data: Dataset, timezone: str = "UTC") -> pd.DataFrame:
    """One row per measure: its value in the last `RECENT` days of the range, and in those before.

    Columns: measure (a column of `usage_by`, or tokens), unit, value, before (null where the range
    does not reach back so far, or a price is unknown).
    """
    days = usage_by(data, "day", timezone)
    days = days.assign(tokens=days[TOKENS].sum(axis=1))
    end = pd.Timestamp(data.until)
    now = days[days["day"] > end - pd.Timedelta(days=RECENT)]
    before = days[days["day"].between(*(end - pd.Timedelta(days=n) for n in (13, RECENT)))]
    known = pd.Timestamp(data.since) <= end - pd.Timedelta(days=2 * RECENT - 1)
    rows = [
        (name, unit, now[name].sum(), before[name].sum() if known else float("nan"))
        for name, unit in _RECENT.items()
    ]
    return pd.DataFrame(rows, columns=["measure", "unit", "value", "before"])


_RECENT = {
    "value": "usd",
    "tokens": "tokens",
    "saved": "usd",
    "sessions": "sessions",
    "commits": "commits",
    "lines_added": "lines",
}


@says(Note)
def own_sentence(data: Dataset) -> str:
    """What was used in all, in plain English, with how much of it is not final or has no price."""
    requests, _, _ = _frames(data)
    used = _priced(requests)
    tokens, cost = used[TOKENS].sum().sum(), used["value"].sum()
    text = (
        f"{used['session'].nunique():,} sessions from {data.since} to {data.until}: "
        f"{_tokens(tokens)}, an estimated ${cost:,.2f} at list prices."
    )
    if unpriced := used["unpriced_tokens"].sum():
        share = 100 * unpriced / max(tokens, 1)
        part = f"{share:.1f} %" if share >= 0.05 else "Under 0.1 %"
        text += f" {part} of the tokens have no known price."
    if open_ := int((~used["final"].astype("bool")).sum()):
        text += (
            f" Of {len(used):,} answers {open_:,} have no final count of output tokens in the log: "
            "output and cost are a lower bound."
        )
    return text


def _tokens(count: float) -> str:
    return f"{count / 1e6:,.1f} million tokens" if count >= 1e6 else f"{count:,.0f} tokens"


def _frames(data: Dataset) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The requests, tool calls and sessions, with words for what is not logged."""
    if "requests" not in data.extras:
        raise ValueError(
            f"Own usage is read from session logs: source is {data.source!r}, load source='local'."
        )
    requests, calls, sessions = (
        _said(data.extras[name]) for name in ("requests", "tool_calls", "sessions")
    )
    return requests, calls, sessions


def _said(frame: pd.DataFrame) -> pd.DataFrame:
    texts = [n for n in ("project", "branch", "terminal", "session") if n in frame]
    return frame.assign(**{name: frame[name].astype("str").fillna(NOT_LOGGED) for name in texts})


def _priced(requests: pd.DataFrame) -> pd.DataFrame:
    """With value and saved (dollars), requests (1), context (tokens in) and unpriced_tokens."""
    context = requests[["input_tokens", "cache_read_tokens", *CACHE_WRITES]].sum(axis=1)
    tokens = context + requests["output_tokens"]
    return requests.assign(
        value=requests["cost_usd"],
        saved=requests["uncached_cost_usd"] - requests["cost_usd"],
        requests=1,
        context=context,
        unpriced_tokens=tokens.where(requests["cost_usd"].isna(), 0),
    )


def _labelled(frame: pd.DataFrame, moment: str, timezone: str) -> pd.DataFrame:
    """With the day, weekday and hour of its moment in `timezone`."""
    local = _local(frame[moment], timezone)
    return frame.assign(
        day=local.dt.normalize(), weekday=local.dt.day_of_week + 1, hour=local.dt.hour
    )


def _local(moments: pd.Series, timezone: str) -> pd.Series:
    """UTC moments as the clock of `timezone` shows them, without a zone."""
    return moments.dt.tz_localize("UTC").dt.tz_convert(timezone).dt.tz_localize(None)


def _summed(frame: pd.DataFrame, split: str, columns: list[str]) -> pd.DataFrame:
    return frame.groupby(split, observed=True)[columns].sum(min_count=1).astype("float64")


def _ordered(frame: pd.DataFrame, split: str) -> pd.DataFrame:
    if split == "hour":
        hours = frame.reindex(range(24))
        return hours.fillna(dict.fromkeys(frame.columns, 0.0)).rename_axis(split).reset_index()
    if split == "day":
        return frame.sort_index().reset_index()
    text = frame.reset_index().astype({split: "str"})
    return text.sort_values("value", ascending=False, na_position="last", ignore_index=True)


def _kind(column: str) -> str:
    """The words of a column of tokens: "cache write 5m"."""
    return column.removesuffix("_tokens").replace("_", " ")


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
