"""The frames of session logs -> what own usage is made of: named, priced, by the reader's clock."""

from datetime import datetime

import pandas as pd
from dateutil.tz import tzlocal

from ccanalytics.dataset.dataset import Dataset

CACHE_WRITES = ["cache_write_5m_tokens", "cache_write_1h_tokens"]
TOKENS = ["input_tokens", "output_tokens", "cache_read_tokens", *CACHE_WRITES]

NOT_LOGGED = "not logged"
"""What a group is called whose lines do not say: early versions log no branch or terminal."""


def own_frames(data: Dataset) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The requests, tool calls and sessions, with words for what is not logged."""
    if "requests" not in data.extras:
        raise ValueError(
            f"Own usage is read from session logs: source is {data.source!r}, load source='local'."
        )
    requests, calls, sessions = (
        _said(data.extras[name]) for name in ("requests", "tool_calls", "sessions")
    )
    return requests.assign(agent=_agents(requests, calls)), calls, sessions


def _said(frame: pd.DataFrame) -> pd.DataFrame:
    words = dict.fromkeys(("project", "branch", "terminal", "session"), NOT_LOGGED)
    words |= dict.fromkeys(("skill", "mcp_server"), "none")
    return frame.assign(
        **{
            name: frame[name].astype("str").fillna(text)
            for name, text in words.items()
            if name in frame
        }
    )


def _agents(requests: pd.DataFrame, calls: pd.DataFrame) -> pd.Series:
    """Who asked, a subagent by its type where the call that started it says so."""
    started = calls.dropna(subset="started_agent_id").drop_duplicates("started_agent_id")
    ids = started["started_agent_id"].astype("str")
    types = pd.Series(started["started_agent_type"].astype("str").array, index=ids, dtype="str")
    named = types.reindex(requests["agent_id"].astype("str")).set_axis(requests.index)
    agents = requests["agent"].astype("str")
    return named.where(agents == "subagent").fillna(agents)


def priced(requests: pd.DataFrame) -> pd.DataFrame:
    """With value and saved (dollars), requests (1), context (tokens in) and unpriced_tokens."""
    context = requests[["input_tokens", "cache_read_tokens", *CACHE_WRITES]].sum(axis=1)
    tokens = context + requests["output_tokens"]
    return requests.assign(
        value=requests["cost_usd"],
        saved=requests["uncached_cost_usd"] - requests["cost_usd"],
        requests=1,
        context=requests["context_tokens"].fillna(context),
        unpriced_tokens=tokens.where(requests["cost_usd"].isna(), 0),
    )


def labelled(frame: pd.DataFrame, moment: str, timezone: str) -> pd.DataFrame:
    """With the week, day, weekday and hour of its moment in `timezone`."""
    local = local_time(frame[moment], timezone)
    day, weekday = local.dt.normalize(), local.dt.day_of_week
    week = day - pd.to_timedelta(weekday, unit="D")
    return frame.assign(week=week, day=day, weekday=weekday + 1, hour=local.dt.hour)


def clock_name(timezone: str) -> str:
    """What a page calls the clock of `timezone`."""
    return timezone or f"this machine's time, {datetime.now().astimezone():%Z}"


def local_time(moments: pd.Series, timezone: str) -> pd.Series:
    """UTC moments as the clock of `timezone` shows them, without a zone; "" is this machine's."""
    zone = timezone or tzlocal()
    return moments.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
