"""The frames of session logs -> the basis of own usage: labelled, priced, in local time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
from dateutil.tz import tzlocal

from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.words import day_words

CACHE_WRITES = ["cache_write_5m_tokens", "cache_write_1h_tokens"]
TOKENS = ["input_tokens", "output_tokens", "cache_read_tokens", *CACHE_WRITES]

_WORDS = dict.fromkeys(("project", "branch", "terminal", "session"), "not logged")
_WORDS |= dict.fromkeys(("skill", "mcp_server"), "none")
"""The labels where lines have none: early versions log no branch or terminal."""


class OwnFrames(NamedTuple):
    """The frames of logs, with words for what is not logged."""

    requests: pd.DataFrame
    """With value and saved (dollars), requests (1), tokens, context (tokens in), unpriced_tokens,
    and a subagent by its type."""
    tool_calls: pd.DataFrame
    sessions: pd.DataFrame
    log_events: pd.DataFrame


@kept
def own_frames(data: Dataset) -> OwnFrames:
    """The frames of session logs as own usage needs them; `ValueError` for another source."""
    if "requests" not in data.extras:
        raise ValueError(
            f"Own usage is read from session logs: source is {data.source!r}, load source='local'."
        )
    frames = []
    for frame in (data.extras[name] for name in OwnFrames._fields):
        named = {name: words for name, words in _WORDS.items() if name in frame}
        texts = {name: frame[name].astype("str").fillna(words) for name, words in named.items()}
        frames.append(frame.assign(**texts))
    requests, calls, sessions, events = frames
    tokens, cost = requests[TOKENS].sum(axis=1), requests["cost_usd"]
    # A subagent has the type that the call which started it names.
    started = calls.dropna(subset="started_agent_id").drop_duplicates("started_agent_id")
    types = started.set_index(started["started_agent_id"].astype("str"))["started_agent_type"]
    agents = requests["agent"].astype("str")
    named = requests["agent_id"].astype("str").map(types.astype("str")).astype("str")
    requests = requests.assign(
        value=cost,
        saved=requests["uncached_cost_usd"] - cost,
        requests=1,
        tokens=tokens,
        context=requests["context_tokens"].fillna(tokens - requests["output_tokens"]),
        unpriced_tokens=tokens.where(cost.isna(), 0),
        agent=named.where(agents == "subagent").fillna(agents),
    )
    return OwnFrames(requests, calls, sessions, events)


def own_part(
    data: Dataset,
    project: str = "",
    model: str = "",
    session: str = "",
    *,
    newest_day: bool = False,
    timezone: str = "",
) -> Dataset:
    """The answers, calls and sessions of one project, model or session; empty means all.

    With `newest_day` only those of the last day with an answer, a day of `timezone`, by default
    this machine's. A tool call and a session have no model, so a model does not filter them. The
    frames an organisation has too stay unchanged.
    """
    # What the log calls a subagent is known by its type before the call that started it is gone.
    own, newest = own_frames(data)._asdict(), None
    wanted = {"project": project, "model": model, "session": session}
    for name, frame in own.items():  # requests first
        for column in wanted.keys() & {*frame}:
            if wanted[column]:
                frame = frame[frame[column].astype("str") == wanted[column]]
        if newest_day:
            days = labelled(frame, "started_at" if name == "sessions" else "at", timezone)["day"]
            newest = newest or days.max()
            frame = frame[days == newest]
        own[name] = frame.reset_index(drop=True)
    return replace(data, extras={**data.extras, **own})


def labelled(frame: pd.DataFrame, moment: str, timezone: str) -> pd.DataFrame:
    """Adds week, day and hour in `timezone`."""
    local = local_time(frame[moment], timezone)
    day = local.dt.normalize()
    week = day - pd.to_timedelta(local.dt.day_of_week, unit="D")
    return frame.assign(week=week, day=day, hour=local.dt.hour)


def local_time(moments: pd.Series, timezone: str) -> pd.Series:
    """UTC times in `timezone`, without a zone; "" is this machine's."""
    return moments.dt.tz_localize("UTC").dt.tz_convert(_zone(timezone)).dt.tz_localize(None)


def utc_time(local: pd.Timestamp, timezone: str) -> pd.Timestamp:
    """The UTC time at which a clock in `timezone` first shows a time, or the next one it shows."""
    moment = local.tz_localize(_zone(timezone), ambiguous=True, nonexistent="shift_forward")
    return moment.tz_convert("UTC").tz_localize(None)


def _zone(timezone: str) -> tzinfo:
    try:
        return ZoneInfo(timezone) if timezone else tzlocal()
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{timezone!r} is no time zone, such as Europe/Berlin.") from error


def session_name(session: pd.Series) -> str:
    """The name of a session: its title, else where and when it started."""
    started = day_words(session["started_at"], "%B %H:%M")
    return str(session["title"] or f"{last_folder(session['project'])}, {started}")


def last_folder(path: str, count: int = 1) -> str:
    """The end of a path, which says more than its beginning."""
    return "/".join(path.replace("\\", "/").rstrip("/").split("/")[-count:]) or path


def short_names(paths: pd.Series) -> Mapping[str, str]:
    """The last folder of each path, with its parent where two would be equal."""
    last = pd.Series({path: last_folder(path) for path in paths.unique()}, dtype="str")
    double = last.duplicated(keep=False)
    return {path: last_folder(path, 1 + double[path]) for path in last.index}


_FRACTIONS = {1 / 4: "a quarter", 1 / 3: "a third", 1 / 2: "half", 2 / 3: "two thirds"}
_FRACTIONS |= {3 / 4: "three quarters"}


def dollars(value: float) -> str:
    """An amount as people say it: "$412", "$3.20"."""
    return f"${value:,.0f}" if value >= 9.995 else f"${value:,.2f}"


def millions(count: float) -> str:
    """Tokens in words: "1.2 million tokens"."""
    return f"{count / 1e6:,.1f} million tokens" if count >= 1e6 else f"{count:,.0f} tokens"


def part(share: float) -> str:
    """A share in words: "two thirds", "all", "62 %"."""
    if share >= 0.995:
        return "all"
    nearest = min(_FRACTIONS, key=lambda fraction: abs(fraction - share))
    return _FRACTIONS[nearest] if abs(nearest - share) < 0.02 else f"{100 * share:.0f} %"
