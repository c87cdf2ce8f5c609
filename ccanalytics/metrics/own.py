"""One person's own session logs: what was used when, where and for what.

Only for the source `local`, which is one machine's logs: nobody else is in them, so nothing is
withheld. A session belongs to the day, hour, project and branch it started in, and has no cost when
one of its models has no known price; days and models are exact, whichever session they belong to.
"""

import pandas as pd

from ccanalytics.dataset import Dataset
from ccanalytics.metrics.drivers import TOKEN_WEIGHTS

SPLITS_OF_DAYS = ("day", "model", "project")
SPLITS_OF_SESSIONS = ("hour", "branch", "session")

_TOKENS = list(TOKEN_WEIGHTS)
_COUNTS = ["sessions", "commits", "pull_requests", "lines_added", "lines_removed"]

READ_SAVES = 0.9
WRITE_COSTS = (0.25, 1.0)
"""What reading a token from the cache saves of its input price, and what writing one adds to it:
for five minutes, and for an hour."""


def usage_by(data: Dataset, split: str, timezone: str = "UTC") -> pd.DataFrame:
    """One row per day, model, project, hour, branch or session, the dearest first (or in order).

    Columns: the split, value (estimated cost), the tokens, unpriced_tokens, and where known
    sessions, commits, pull_requests, lines_added, lines_removed. Hours are those of `timezone`;
    days are UTC days, as everywhere.
    """
    _check(data)
    if split in SPLITS_OF_DAYS:
        return _ordered(_of_days(data, "date" if split == "day" else split), split)
    if split in SPLITS_OF_SESSIONS:
        return _ordered(_of_sessions(data, split, timezone), split)
    known = ", ".join((*SPLITS_OF_DAYS, *SPLITS_OF_SESSIONS))
    raise ValueError(f"Usage by {split!r}: it is one of {known}.")


def cache_saving(data: Dataset) -> pd.DataFrame:
    """One row per model with a price: value (dollars saved by its cache), low, high, cache_reuse.

    Low and high are as if every write were for an hour, and for five minutes; `value` lies between.
    Against paying each cached token as input. `cache_reuse` is tokens read for one written.
    """
    _check(data)
    usage = data.model_usage.dropna(subset="cost_usd")
    sums = usage.groupby("model", observed=True)[[*_TOKENS, "cost_usd"]].sum()
    weighed = sum(sums[name] * weight for name, weight in TOKEN_WEIGHTS.items())
    price = sums["cost_usd"] / weighed.where(weighed > 0)
    read, written = sums["cache_read_tokens"], sums["cache_creation_tokens"]
    high, low = (price * (READ_SAVES * read - cost * written) for cost in WRITE_COSTS)
    frame = pd.DataFrame(
        {
            "value": (low + high) / 2,
            "low": low,
            "high": high,
            "cache_reuse": read / written.where(written > 0),
        }
    )
    return frame.sort_values("value", ascending=False).reset_index()


def own_sentence(data: Dataset) -> str:
    """What was used in all, in plain English, with how much of it is not final or has no price."""
    _check(data)
    usage, sessions = data.model_usage, data.sessions
    assert sessions is not None
    tokens, cost = usage[_TOKENS].sum().sum(), usage["cost_usd"].sum()
    unpriced = usage.loc[usage["cost_usd"].isna(), _TOKENS].sum().sum()
    requests, final = sessions["requests"].sum(), sessions["final_requests"].sum()
    text = (
        f"{len(sessions):,} sessions from {data.since} to {data.until}: {tokens / 1e6:,.1f} "
        f"million tokens, an estimated ${cost:,.2f} at list prices."
    )
    if unpriced:
        text += f" {unpriced / max(tokens, 1):.1%} of the tokens have no known price."
    if final < requests:
        text += (
            f" Of {requests:,} answers {requests - final:,} have no final count of output tokens "
            "in the log: output and cost are a lower bound."
        )
    return text


def _check(data: Dataset) -> None:
    if data.sessions is None:
        raise ValueError(
            f"Own usage is read from session logs: source is {data.source!r}, load source='local'."
        )


def _of_days(data: Dataset, key: str) -> pd.DataFrame:
    usage = data.model_usage
    dark = usage[_TOKENS].sum(axis=1).where(usage["cost_usd"].isna(), 0)
    usage = usage.assign(value=usage["cost_usd"], unpriced_tokens=dark)
    sums = usage.groupby(key, observed=True)[["value", *_TOKENS, "unpriced_tokens"]].sum(
        min_count=1
    )
    if key == "model":
        return sums.reset_index()
    counts = data.activity.groupby(key, observed=True)[_COUNTS].sum()
    return sums.join(counts, how="outer").rename_axis(key).reset_index()


def _of_sessions(data: Dataset, split: str, timezone: str) -> pd.DataFrame:
    sessions = data.sessions
    assert sessions is not None
    started = sessions["started_at"].dt.tz_localize("UTC").dt.tz_convert(timezone)
    dark = sessions[_TOKENS].sum(axis=1).where(sessions["cost_usd"].isna(), 0)
    sessions = sessions.assign(
        hour=started.dt.hour, sessions=1, value=sessions["cost_usd"], unpriced_tokens=dark
    )
    columns = ["value", *_TOKENS, "unpriced_tokens", *_COUNTS]
    sums = sessions.groupby(split, observed=True)[columns].sum(min_count=1)
    if split == "hour":
        sums = sums.reindex(range(24), fill_value=0)
    return sums.rename_axis(split).reset_index()


def _ordered(frame: pd.DataFrame, split: str) -> pd.DataFrame:
    frame = frame.rename(columns={"date": "day"})
    numbers = frame.columns.difference([split])
    frame = frame.astype(dict.fromkeys(numbers, "float64"))
    if split in ("day", "hour"):
        return frame.sort_values(split, ignore_index=True)
    text = frame.astype({split: "str"})
    return text.sort_values("value", ascending=False, na_position="last", ignore_index=True)
