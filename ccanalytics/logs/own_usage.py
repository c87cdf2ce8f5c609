"""One person's own session logs: what was used when, where, with what, and for how much.

Only for the source `local`: nobody else is in these logs, so nothing is
withheld. Every request is counted where and when it was made, so all splits have the same sums.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import CACHE_WRITES, TOKENS, clock_name, labelled, own_frames
from ccanalytics.metrics.by_week import measures
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.prices import Tariff, price_list

_TIMES = ("week", "day", "hour")
_PLACES = ("project", "branch", "model", "session", "agent", "skill", "mcp_server", "terminal")
SPLITS = (*_TIMES, *_PLACES)

_WORK = ["commits", "pull_requests", "lines_added", "lines_removed"]
_USE = ["value", "saved", "requests", *TOKENS, "unpriced_tokens"]


@measures("usage_by", by="split")
def usage_by(data: Dataset, split: str, timezone: str = "") -> pd.DataFrame:
    """One row per value of `split`, the most expensive first; days and hours in their order.

    Columns: the split, value (estimated cost), saved (by the cache), requests, the tokens,
    unpriced_tokens, commits, pull_requests, lines_added, lines_removed, and sessions by their
    start. Null where a split makes no sense: commits of a model. Days and hours are those of
    `timezone`, by default this machine's. The attribute `cut` has the weeks that are not whole: not
    over yet, or not all in the range.
    """
    if split not in SPLITS:
        raise ValueError(f"Usage by {split!r}: it is one of {', '.join(SPLITS)}.")
    sums = []
    for table, moment, columns in summands(data):
        dated = labelled(table, moment, timezone)
        if split in dated:
            groups = dated.groupby(split, observed=True)
            sums.append(groups[columns].sum(min_count=1).astype("float64"))
    frame = pd.concat(sums, axis=1, sort=True).rename_axis(split)
    frame = frame.fillna(dict.fromkeys(frame.columns.difference(["value"]), 0))
    frame["value"] = frame["value"].mask(frame["value"].isna() & (frame["unpriced_tokens"] == 0), 0)
    frame = _ordered(frame.reindex(columns=[*_USE, *_WORK, "sessions"]), split)
    if split == "hour":
        frame.attrs |= _of_clock(data, timezone)
    if split == "week":
        frame.attrs["cut"] = frame["week"][~frame["week"].isin(data.weeks)].tolist()
    if split in ("skill", "mcp_server") and frame[split].isin(["none"]).all():
        frame.attrs["unavailable"] = "none was used"
    return frame


def _of_clock(data: Dataset, timezone: str) -> dict[str, object]:
    """Whose hours they are, and the day they are of if it is a single one."""
    days = labelled(own_frames(data).requests, "at", timezone)["day"].unique()
    single = {"day": days[0]} if len(days) == 1 else {}
    return {"clock": clock_name(timezone), **single}


def summands(data: Dataset) -> tuple[tuple[pd.DataFrame, str, list[str]], ...]:
    """The frames to sum, each with its time column and its columns."""
    own = own_frames(data)
    started = own.sessions.assign(sessions=own.sessions["continues"].isna())
    return (
        (own.requests, "at", _USE),
        (own.tool_calls, "at", _WORK),
        (started, "started_at", ["sessions"]),
    )


def _ordered(frame: pd.DataFrame, split: str) -> pd.DataFrame:
    if split == "hour":
        hours = frame.reindex(range(24))
        return hours.fillna(dict.fromkeys(frame.columns, 0.0)).rename_axis(split).reset_index()
    if split in _TIMES:
        return frame.sort_index().reset_index()
    text = frame.reset_index().astype({split: "str"})
    return text.sort_values("value", ascending=False, na_position="last", ignore_index=True)


@measures("usage_by_day", by="kind")
def usage_by_day(data: Dataset, kind: str, timezone: str = "") -> pd.DataFrame:
    """One row per day and model, or per day and kind of token: value (dollars, or tokens).

    `kind` is "model" or "tokens". Every day of the range is there, 0 where nothing was used.
    """
    if kind not in ("model", "tokens"):
        raise ValueError(f"Usage by day and {kind!r}: it is model or tokens.")
    used = labelled(own_frames(data).requests, "at", timezone)
    group = "model" if kind == "model" else "kind"
    if kind == "tokens":
        used = used[["day", *TOKENS]].rename(columns=_kind).melt("day", var_name=group)
    sums = used.astype({group: "str"}).groupby(["day", group])["value"].sum(min_count=1)
    days = pd.date_range(data.since, data.until, unit="ms").union(sums.index.unique("day"))
    return _every(sums, days, sums.index.unique(group), timezone)


@measures("usage_by_weekday")
def usage_by_weekday(data: Dataset, timezone: str = "") -> pd.DataFrame:
    """One row per weekday (1 is Monday) and hour of `timezone`: value (dollars), requests."""
    used = labelled(own_frames(data).requests, "at", timezone)
    sums = used.groupby(["weekday", "hour"])[["value", "requests"]].sum()
    return _every(sums, range(1, 8), range(24), timezone)


def _every(sums: Any, first: Iterable[Any], second: Iterable[Any], timezone: str) -> pd.DataFrame:
    """The sums of every pair, 0 where nothing was used, with what a page calls the clock."""
    whole = pd.MultiIndex.from_product([first, second], names=sums.index.names)
    frame: pd.DataFrame = sums.reindex(whole, fill_value=0).reset_index()
    frame.attrs["clock"] = clock_name(timezone)
    return frame


@measures(
    "cache_saving",
    title="What the cache saved",
    shown_columns=("model", "cache_read_tokens", *CACHE_WRITES, "cache_reuse", "value"),
    labels={
        "cache_read_tokens": "tokens read",
        "cache_write_5m_tokens": "written for 5 min",
        "cache_write_1h_tokens": "written for 1 h",
        "cache_reuse": "read per written",
        "value": "saved",
    },
    formats={
        **dict.fromkeys(("cache_read_tokens", *CACHE_WRITES), ",.0f"),
        "cache_reuse": ",.1f",
        "value": METRICS["cache_saving"].format,
    },
)
def cache_saving(data: Dataset) -> pd.DataFrame:
    """One row per model with a price: value (dollars saved by its cache), the tokens read, and
    written for five minutes and for an hour, and cache_reuse (tokens read for one written).

    Against paying each cached token as input, at the list price of its day.
    """
    groups = own_frames(data).requests.dropna(subset="value").groupby("model", observed=True)
    frame = groups[["saved", "cache_read_tokens", *CACHE_WRITES]].sum()
    frame = frame.rename(columns={"saved": "value"})
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

    The cost of each answer with a known price, split by the list prices of its day. Web
    searches have their count in place of tokens.
    """
    known = own_frames(data).requests.dropna(subset="value")
    counts = known[[*TOKENS, "web_searches"]]
    parts = counts * _rates(known)
    parts = parts.mul(known["value"] / parts.sum(axis=1).replace(0, 1), axis=0)
    frame = pd.DataFrame({"tokens": counts.sum(), "value": parts.sum()})
    frame["share"] = frame["value"] / (frame["value"].sum() or 1)
    frame = frame[frame["tokens"] > 0].rename(index=_kind).rename_axis("kind")
    return frame.sort_values("value", ascending=False).reset_index()


def _rates(requests: pd.DataFrame) -> pd.DataFrame:
    """The rate of each kind of token for each request, up to a common factor."""
    rates = pd.DataFrame(0.0, index=requests.index, columns=[*TOKENS, "web_searches"])
    for (model, day), some in requests.groupby(["model", "date"], observed=True):
        listed = price_list(Tariff(model), day.date())
        if listed:
            tiers = np.searchsorted(listed.thresholds, some["tokens"] - some["output_tokens"])
            rates.loc[some.index] = np.array(listed.tiers, dtype=float)[tiers]
    return rates


def _kind(column: str) -> str:
    """A token column in words: "cache write 5m"."""
    return column.removesuffix("_tokens").replace("_", " ")


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
