"""What one person is using now: this hour, today, the week so far, the window of five hours, and
the last seven days against the seven before."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import (
    dollars,
    last_folder,
    local_time,
    own_frames,
    own_part,
    session_name,
    short_names,
    utc_time,
)
from ccanalytics.logs.own_sessions import own_sessions
from ccanalytics.logs.own_usage import summands
from ccanalytics.metrics.by_week import measures
from ccanalytics.showing import ShowsItself
from ccanalytics.words import day_words

WINDOW = pd.Timedelta(hours=5)
"""The length of a usage window, from the full hour of its first answer."""

RECENT = 7
"""Days of `own_recent`, compared with as many before them."""

Choice = dict[str, object]

MOST_SESSIONS = 40
"""The most sessions to choose from, the most expensive of the range."""

DAYS = {"7": "last 7 days", "30": "last 30 days", "90": "last 90 days", "365": "last year"}

MEASURES = {
    "value": ("usd", "Cost"),
    "tokens": ("tokens", "Tokens"),
    "saved": ("usd", "Saved by the cache"),
    "sessions": ("sessions", "Sessions"),
    "commits": ("commits", "Commits"),
    "lines_added": ("lines", "Lines written"),
}
"""The measures of `own_recent`, each with its unit and label."""

_DAY, _WEEK = pd.Timedelta(days=1), pd.Timedelta(days=7)


@dataclass(frozen=True)
class Spell:
    """Use from `since` to `until`, UTC times."""

    since: pd.Timestamp
    until: pd.Timestamp
    requests: pd.DataFrame

    @property
    def cost(self) -> float:
        """Estimated dollars."""
        return float(self.requests["value"].sum())

    @property
    def tokens(self) -> int:
        """All tokens, input and output."""
        return int(self.requests["tokens"].sum())


@dataclass(frozen=True)
class OwnNow(ShowsItself):
    """The current use of one person; `window` is None while none is open.

    `yesterday` and `last_week` are complete, `limit_usd` is the reader's own limit per
    window (0: none).
    """

    shown_by = "logs.own_display:own_now_bundle"

    now: pd.Timestamp
    timezone: str
    hour: Spell
    today: Spell
    yesterday: Spell
    week: Spell
    last_week: Spell
    window: Spell | None
    newest: pd.DataFrame
    """The last answer of a session itself, not of a subagent: one row or none."""
    limit_usd: float = 0.0
    choices: list[Choice] = field(default_factory=list)
    """What a live page can be filtered by."""

    @property
    def burn_rate(self) -> float:
        """Dollars per hour in the open window, from its first answer to now; 0 without one."""
        if self.window is None:
            return 0.0
        first = self.window.requests["at"].min()
        # A first answer moments ago says nothing about an hour.
        spent = max(self.now - first, pd.Timedelta(minutes=1))
        return self.window.cost / (spent / pd.Timedelta(hours=1))

    @property
    def projection(self) -> float:
        """The projected total of the open window at this rate; 0 without one."""
        if self.window is None:
            return 0.0
        left = (self.window.until - self.now) / pd.Timedelta(hours=1)
        return self.window.cost + self.burn_rate * left

    @property
    def limit_at(self) -> pd.Timestamp | None:
        """When this rate reaches the limit, in UTC; None if not in this window."""
        if self.window is None or not self.limit_usd or self.projection <= self.limit_usd:
            return None
        left = max(self.limit_usd - self.window.cost, 0) / self.burn_rate
        return self.now + pd.Timedelta(hours=left)


def own_now(
    data: Dataset,
    timezone: str = "",
    limit_usd: float = 0.0,
    now: datetime | None = None,
    project: str = "",
) -> OwnNow:
    """Use in this hour, today, this week and the open five-hour window.

    Days and weeks are those of `timezone`, by default this machine's; `now` is the time. With
    `project` only use in that folder.
    """
    requests = own_frames(own_part(data, project)).requests.sort_values("at")
    moment = pd.Timestamp(now or datetime.now(UTC)).tz_convert(None)
    clock = local_time(pd.Series([moment]), timezone).iloc[0]
    midnight = clock.normalize()
    monday = midnight - pd.Timedelta(days=midnight.day_of_week)
    # Not by the offset of now: the clocks may have changed since.
    day, day_before, week, week_before = (
        utc_time(local, timezone) for local in (midnight, midnight - _DAY, monday, monday - _WEEK)
    )
    main = requests[(requests["agent"] == "main") & (requests["at"] <= moment)]
    return OwnNow(
        now=moment,
        timezone=timezone,
        hour=_spell(requests, moment - (clock - clock.floor("h")), moment),
        today=_spell(requests, day, moment),
        yesterday=_spell(requests, day_before, day),
        week=_spell(requests, week, moment),
        last_week=_spell(requests, week_before, week),
        window=_open_window(requests, moment),
        newest=main.tail(1),
        limit_usd=limit_usd,
        choices=_choices(data, project, timezone),
    )


def _choices(data: Dataset, project: str, timezone: str) -> list[Choice]:
    """The filters of a live page: name, label and options, each a value and a label.

    Projects and models of the whole range, and the sessions of one project or of all, by cost.
    """
    sessions = own_sessions(own_part(data, project=project), timezone).head(MOST_SESSIONS)
    requests = own_frames(data).requests
    projects, models = (
        requests.groupby(requests[name].astype("str"))["value"].sum().sort_values()[::-1].index
        for name in ("project", "model")
    )
    listed = [(row["session"], _choice_words(row)) for _, row in sessions.iterrows()]
    days = (data.until - data.since).days + 1
    every = ("", "all")
    options = {
        ("days", "Range"): [*({str(days): f"last {days} days"} | DAYS).items()],
        ("project", "Project"): [every, *short_names(projects.to_series()).items()],
        ("model", "Model"): [every, *zip(models, models, strict=True)],
        ("session", "Session"): [every, *listed],
    }
    return [
        {"name": name, "label": label, "options": these} for (name, label), these in options.items()
    ]


def _choice_words(session: pd.Series) -> str:
    started = day_words(session["started_at"], "%b %H:%M")
    name = session_name(session) if session["title"] else last_folder(session["project"])
    return f"{started} · {name} · {dollars(session['value'])}"


def _open_window(requests: pd.DataFrame, now: pd.Timestamp) -> Spell | None:
    """The five-hour window that is open; None when the last one is over.

    A window starts at the full hour of its first answer, the next one with the first answer
    after its end.
    """
    at = requests["at"][(requests["at"] > now - 20 * WINDOW) & (requests["at"] <= now)]
    since = None
    while not at.empty:
        since = at.iloc[0].floor("h")
        at = at[at >= since + WINDOW]
    if since is None or now >= since + WINDOW:
        return None
    return _spell(requests, since, since + WINDOW)


def _spell(requests: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp) -> Spell:
    inside = (requests["at"] >= since) & (requests["at"] < until)
    return Spell(since, until, requests[inside])


@measures("own_recent", shown_by="logs.own_display:recent_bundle")
def own_recent(data: Dataset, timezone: str = "", now: datetime | None = None) -> pd.DataFrame:
    """One row per measure: its value in the last `RECENT` days, and in as many days before.

    Days are those of `timezone`, by default this machine's. The last day ends at `now`, or at
    the end of the data if earlier; the days before end at the same time of day. Columns:
    measure (a column of `usage_by`, or tokens), unit, value, before. Null if a price is unknown, or
    the data do not reach back so far.
    """
    moment = pd.Timestamp(now or datetime.now(UTC)).tz_convert(None)
    ends = [pd.Timestamp(data.since), min(pd.Timestamp(data.until) + _DAY, moment)]
    first, end = local_time(pd.Series(ends).astype("datetime64[ms]"), timezone)
    start = (end - pd.Timedelta(milliseconds=1)).normalize() - (RECENT - 1) * _DAY
    ago = RECENT * _DAY
    rows = pd.DataFrame({"value": _sums_between(data, timezone, start, end)})
    rows["before"] = _sums_between(data, timezone, start - ago, end - ago)
    if first > start - ago:
        rows["before"] = float("nan")
    rows.insert(0, "unit", pd.Series({name: unit for name, (unit, _) in MEASURES.items()}))
    frame = rows.rename_axis("measure").loc[list(MEASURES)].reset_index()
    if ends[1] < moment:
        frame.attrs["until"] = start + (RECENT - 1) * _DAY
    return frame


def _sums_between(
    data: Dataset, timezone: str, start: pd.Timestamp, end: pd.Timestamp
) -> pd.Series:
    """The sums from `start` to `end` in `timezone`."""
    parts = []
    for frame, moment, columns in summands(data):
        local = local_time(frame[moment], timezone)
        measured = [*columns, "tokens"] if "tokens" in frame and "value" in columns else columns
        rows = frame.loc[(local >= start) & (local < end), measured]
        parts.append(rows.sum(min_count=int(len(rows) > 0)))
    return pd.concat(parts)
