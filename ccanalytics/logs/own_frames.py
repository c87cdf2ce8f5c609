"""The frames of session logs -> the basis of own usage: labelled, priced, in local time."""

from dataclasses import replace
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
from dateutil.tz import tzlocal

from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.words import day_words

CACHE_WRITES = ["cache_write_5m_tokens", "cache_write_1h_tokens"]
TOKENS = ["input_tokens", "output_tokens", "cache_read_tokens", *CACHE_WRITES]
MONEY = ["value", "saved"]
WORK = ["commits", "pull_requests", "lines_added", "lines_removed"]
SUMS = [*MONEY, "requests", "tokens", *TOKENS, "unpriced_tokens", *WORK, "sessions"]
PLACES = ("project", "branch", "model", "session", "agent", "skill", "mcp_server", "terminal")

_WORDS = dict.fromkeys(("project", "branch", "terminal", "session", "model"), "not logged")
_WORDS |= dict.fromkeys(("skill", "mcp_server"), "none")
"""The labels where lines have none: early versions log no branch or terminal."""


@kept
def own_frames(data: Dataset) -> dict[str, pd.DataFrame]:
    """The frames of session logs by name, with words for what is not logged.

    Requests have value and saved (dollars), requests (1), tokens, context (tokens in),
    unpriced_tokens, and a subagent by its type. `ValueError` for another source.
    """
    if "requests" not in data.extras:
        raise ValueError(
            f"Own usage is read from session logs: source is {data.source!r}, load source='local'."
        )
    own = {}
    for name in ("requests", "tool_calls", "sessions", "log_events"):
        frame = data.extras[name]
        words = {column: word for column, word in _WORDS.items() if column in frame}
        own[name] = frame.astype(dict.fromkeys(words, "str")).fillna(words)
    requests, calls = own["requests"], own["tool_calls"]
    tokens, cost = requests[TOKENS].sum(axis=1), requests["cost_usd"]
    # A subagent has the type that the call which started it names.
    started = calls.dropna(subset="started_agent_id").drop_duplicates("started_agent_id")
    types = started.set_index(started["started_agent_id"].astype("str"))["started_agent_type"]
    agents = requests["agent"].astype("str")
    named = requests["agent_id"].astype("str").map(types.astype("str")).astype("str")
    own["requests"] = requests.assign(
        value=cost,
        saved=requests["uncached_cost_usd"] - cost,
        requests=1,
        tokens=tokens,
        context=requests["context_tokens"].fillna(tokens - requests["output_tokens"]),
        unpriced_tokens=tokens.where(cost.isna(), 0),
        agent=named.where(agents == "subagent").fillna(agents),
    )
    return own


@kept
def uses(data: Dataset) -> pd.DataFrame:
    """One row per answer, tool call and session: when (`at`, in UTC), where, and what it adds.

    Null where it has no such place, as a call has no model, and no such sum.
    """
    own = own_frames(data)
    begun = own["sessions"].rename(columns={"started_at": "at"})
    begun = begun[["at", *begun.columns.intersection(PLACES)]]
    begun = begun.assign(sessions=own["sessions"]["continues"].isna().astype("int64"))
    rows = pd.concat([own["requests"], own["tool_calls"], begun], ignore_index=True)
    return rows[["at", *PLACES, *SUMS]]


def summed(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The sums of rows of `uses` by columns; money is null where none of it has a known price."""
    groups = rows.groupby(by, observed=True)
    sums = groups[SUMS].sum().astype("float64")
    is_unknown = (groups["value"].count() == 0) & (sums["unpriced_tokens"] > 0)
    sums[MONEY] = sums[MONEY].mask(is_unknown)
    return sums


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
    own, newest = dict(own_frames(data)), None
    wanted = {"project": project, "model": model, "session": session}
    for name, frame in own.items():  # requests first
        for column, value in wanted.items():
            if value and column in frame:
                frame = frame[frame[column] == value]
        if newest_day:
            moments = frame["started_at" if name == "sessions" else "at"]
            days = local_time(moments, timezone).dt.normalize()
            newest = newest or days.max()
            frame = frame[days == newest]
        own[name] = frame.reset_index(drop=True)
    return replace(data, extras={**data.extras, **own})


def labelled(rows: pd.DataFrame, timezone: str) -> pd.DataFrame:
    """Adds week, day and hour in `timezone`."""
    local = local_time(rows["at"], timezone)
    day = local.dt.normalize()
    week = day - pd.to_timedelta(local.dt.day_of_week, unit="D")
    return rows.assign(week=week, day=day, hour=local.dt.hour)


def local_time(moments: pd.Series, timezone: str) -> pd.Series:
    """UTC times in `timezone`, without a zone; "" is this machine's."""
    return moments.dt.tz_localize("UTC").dt.tz_convert(_zone(timezone)).dt.tz_localize(None)


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


def short_names(paths: pd.Series) -> dict[str, str]:
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
