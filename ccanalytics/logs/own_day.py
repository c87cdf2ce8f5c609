"""What one person is using now: this hour, today, the week so far, the window of five hours, and
the last seven days against the seven before."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import (
    dollars,
    labelled,
    last_folder,
    local_time,
    own_frames,
    own_part,
    short_names,
    summed,
    uses,
)
from ccanalytics.logs.own_usage import own_sessions, usage_by
from ccanalytics.metrics.by_week import measures
from ccanalytics.showing import ShowsItself
from ccanalytics.words import day_words

WINDOW = pd.Timedelta(hours=5)
"""The length of a usage window, from the full hour of its first answer."""

RECENT = 7
"""Days of `own_recent`, compared with as many before them."""

MEASURES = {
    "value": "Cost",
    "tokens": "Tokens",
    "saved": "Saved by the cache",
    "sessions": "Sessions",
    "commits": "Commits",
    "lines_added": "Lines written",
}
"""The measures of `own_recent`, each with its label."""

MOST_SESSIONS = 40
"""The most sessions to choose from, the most expensive of the range."""

DAYS = {"7": "last 7 days", "30": "last 30 days", "90": "last 90 days", "365": "last year"}

_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """The open five-hour window, in the reader's time."""

    since: pd.Timestamp
    until: pd.Timestamp
    cost: float
    burn_rate: float
    """Dollars per hour from its first answer to now."""
    projection: float
    """Its total cost at this rate."""
    limit_at: pd.Timestamp | None
    """When this rate reaches the reader's own limit; None if not in this window."""


@dataclass(frozen=True)
class OwnNow(ShowsItself):
    """The current use of one person; `window` is None while none is open."""

    shown_by = "logs.own_display:own_now_bundle"

    now: pd.Timestamp
    """The reader's time."""
    spells: pd.DataFrame
    """The sums of `usage_by` for the hour, today and the week up to now, and for yesterday and
    last_week."""
    window: Window | None
    newest: pd.DataFrame
    """The last answer of a session itself, not of a subagent: one row or none."""
    limit_usd: float
    choices: list[dict[str, object]]
    """What a live page can be filtered by."""


def own_now(
    data: Dataset,
    timezone: str = "",
    limit_usd: float = 0.0,
    now: datetime | None = None,
    project: str = "",
) -> OwnNow:
    """Use in this hour, today, this week and the open five-hour window.

    Days and weeks are those of `timezone`, by default this machine's; `now` is the time, and
    `limit_usd` the reader's own limit per window (0: none). With `project` only use in that folder.
    """
    mine = own_part(data, project)
    moment = pd.Timestamp(now or datetime.now(UTC)).tz_convert(None)
    clock = local_time(pd.Series([moment]), timezone).iloc[0]
    today = clock.normalize()
    monday = today - today.day_of_week * _DAY
    used = labelled(_newest(mine, moment), timezone)
    spells = {
        "hour": used["at"] >= moment - (clock - clock.floor("h")),  # a clock may show it twice
        "today": used["day"] == today,
        "yesterday": used["day"] == today - _DAY,
        "week": used["week"] == monday,
        "last_week": used["week"] == monday - 7 * _DAY,
    }
    requests = own_frames(mine)["requests"].sort_values("at")
    requests = requests[requests["at"] <= moment]
    newest = requests[requests["agent"] == "main"].tail(1)
    return OwnNow(
        now=clock,
        spells=_sums(used, spells),
        window=_open_window(requests, moment, timezone, limit_usd),
        newest=newest.assign(at=local_time(newest["at"], timezone)),
        limit_usd=limit_usd,
        choices=_choices(data, project, timezone),
    )


def _open_window(
    requests: pd.DataFrame, now: pd.Timestamp, timezone: str, limit_usd: float
) -> Window | None:
    """The five-hour window that is open; None when the last one is over.

    A window starts at the full hour of its first answer, the next one with the first answer
    after its end.
    """
    since, later = None, requests.loc[requests["at"] > now - 20 * WINDOW, "at"]
    while not later.empty:
        since = later.iloc[0].floor("h")
        later = later[later >= since + WINDOW]
    if since is None or now >= since + WINDOW:
        return None
    inside, hour = requests[requests["at"] >= since], pd.Timedelta(hours=1)
    cost = float(inside["value"].sum())
    # A first answer moments ago says nothing about an hour.
    rate = cost / (max(now - inside["at"].iloc[0], hour / 60) / hour)
    projection = cost + rate * ((since + WINDOW - now) / hour)
    times = [since, since + WINDOW]
    if 0 < limit_usd < projection:
        times.append(now + max(limit_usd - cost, 0) / rate * hour)
    opened, until, *reached = local_time(pd.Series(times), timezone)
    return Window(opened, until, cost, rate, projection, reached[0] if reached else None)


def _choices(data: Dataset, project: str, timezone: str) -> list[dict[str, object]]:
    """The filters of a live page: name, label and options, each a value and a label.

    Projects and models of the whole range, and the sessions of one project or of all, by cost.
    """
    sessions = own_sessions(own_part(data, project), timezone).head(MOST_SESSIONS)
    projects, models = (usage_by(data, name)[name] for name in ("project", "model"))
    names = [
        f"{day_words(one.started_at, '%b %H:%M')} · {one.title or last_folder(one.project)} · "
        f"{dollars(one.value)}"
        for one in sessions.itertuples()
    ]
    days, every = (data.until - data.since).days + 1, ("", "all")
    options = {
        ("days", "Range"): [*({str(days): f"last {days} days"} | DAYS).items()],
        ("project", "Project"): [every, *short_names(projects).items()],
        ("model", "Model"): [every, *zip(models, models, strict=True)],
        ("session", "Session"): [every, *zip(sessions["session"], names, strict=True)],
    }
    return [
        {"name": name, "label": label, "options": these} for (name, label), these in options.items()
    ]


@measures("own_recent", shown_by="logs.own_display:recent_bundle")
def own_recent(data: Dataset, timezone: str = "", now: datetime | None = None) -> pd.DataFrame:
    """One row per measure: its value in the last `RECENT` days, and in as many days before.

    Days are those of `timezone`, by default this machine's. The last day ends at `now`, or at
    the end of the data if earlier; the days before end at the same time of day. Columns:
    measure (a column of `usage_by`), value, before. Null if a price is unknown, or
    the data do not reach back so far.
    """
    moment = pd.Timestamp(now or datetime.now(UTC)).tz_convert(None)
    known_to = min(pd.Timestamp(data.until) + _DAY, moment)
    begin, end = local_time(pd.Series([pd.Timestamp(data.since), known_to]), timezone)
    start = (end - pd.Timedelta(milliseconds=1)).normalize() - (RECENT - 1) * _DAY
    week = RECENT * _DAY
    used = _newest(data, known_to)
    local = local_time(used["at"], timezone)
    before = local.between(start - week, end - week, inclusive="left")
    frame = _sums(used, {"value": local >= start, "before": before}).T
    frame = frame.loc[[*MEASURES]].rename_axis("measure").reset_index()
    if begin > start - week:
        frame["before"] = float("nan")
    if known_to < moment:
        frame.attrs["until"] = start + week - _DAY
    return frame


def _newest(data: Dataset, until: pd.Timestamp) -> pd.DataFrame:
    """What was used in somewhat more than two weeks before a time in UTC: local times take long."""
    rows = uses(data)
    return rows[rows["at"].between(until - 16 * _DAY, until, inclusive="left")]


def _sums(used: pd.DataFrame, spells: dict[str, "pd.Series[bool]"]) -> pd.DataFrame:
    """One row per stretch of time, each of some of the rows."""
    rows = pd.concat({name: used[there] for name, there in spells.items()}, names=["spell"])
    return summed(rows, ["spell"]).reindex([*spells], fill_value=0)
