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
)
from ccanalytics.logs.own_usage import own_sessions, summands, usage_by
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

_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Spell:
    """What was used in some time: estimated dollars, tokens, answers."""

    cost: float
    tokens: int
    answers: int


@dataclass(frozen=True)
class Window(Spell):
    """The open five-hour window, in the reader's time."""

    since: pd.Timestamp
    until: pd.Timestamp
    burn_rate: float
    """Dollars per hour from its first answer to now."""
    projection: float
    """Its total at this rate."""
    limit_at: pd.Timestamp | None
    """When this rate reaches the limit; None if not in this window."""


@dataclass(frozen=True)
class OwnNow(ShowsItself):
    """The current use of one person; `window` is None while none is open.

    `yesterday` and `last_week` are complete, `limit_usd` is the reader's own limit per
    window (0: none).
    """

    shown_by = "logs.own_display:own_now_bundle"

    now: pd.Timestamp
    """The reader's time."""
    hour: Spell
    today: Spell
    yesterday: Spell
    week: Spell
    last_week: Spell
    window: Window | None
    newest: pd.DataFrame
    """The last answer of a session itself, not of a subagent: one row or none."""
    limit_usd: float
    choices: list[Choice]
    """What a live page can be filtered by."""


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
    moment = pd.Timestamp(now or datetime.now(UTC)).tz_convert(None)
    clock = local_time(pd.Series([moment]), timezone).iloc[0]
    used = own_frames(own_part(data, project)).requests.sort_values("at")
    used = labelled(used[used["at"] <= moment], "at", timezone)
    today = clock.normalize()
    monday = today - today.day_of_week * _DAY
    return OwnNow(
        now=clock,
        hour=_spell(used[used["at"] >= moment - (clock - clock.floor("h"))]),
        today=_spell(used[used["day"] == today]),
        yesterday=_spell(used[used["day"] == today - _DAY]),
        week=_spell(used[used["week"] == monday]),
        last_week=_spell(used[used["week"] == monday - 7 * _DAY]),
        window=_open_window(used, moment, timezone, limit_usd),
        newest=used[used["agent"] == "main"].tail(1),
        limit_usd=limit_usd,
        choices=_choices(data, project, timezone),
    )


def _spell(used: pd.DataFrame) -> Spell:
    return Spell(float(used["value"].sum()), int(used["tokens"].sum()), len(used))


def _open_window(
    used: pd.DataFrame, now: pd.Timestamp, timezone: str, limit_usd: float
) -> Window | None:
    """The five-hour window that is open; None when the last one is over.

    A window starts at the full hour of its first answer, the next one with the first answer
    after its end.
    """
    since, later = None, used.loc[used["at"] > now - 20 * WINDOW, "at"]
    while not later.empty:
        since = later.iloc[0].floor("h")
        later = later[later >= since + WINDOW]
    if since is None or now >= since + WINDOW:
        return None
    inside = used[used["at"] >= since]
    spell, hour = _spell(inside), pd.Timedelta(hours=1)
    # A first answer moments ago says nothing about an hour.
    rate = spell.cost / (max(now - inside["at"].iloc[0], hour / 60) / hour)
    projection = spell.cost + rate * ((since + WINDOW - now) / hour)
    times = [since, since + WINDOW]
    if 0 < limit_usd < projection:
        times.append(now + max(limit_usd - spell.cost, 0) / rate * hour)
    opened, until, *reached = local_time(pd.Series(times), timezone)
    limit_at = reached[0] if reached else None
    return Window(**vars(spell), since=opened, until=until, burn_rate=rate,
                  projection=projection, limit_at=limit_at)  # fmt: skip


def _choices(data: Dataset, project: str, timezone: str) -> list[Choice]:
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
    measure (a column of `usage_by`), unit, value, before. Null if a price is unknown, or
    the data do not reach back so far.
    """
    moment = pd.Timestamp(now or datetime.now(UTC)).tz_convert(None)
    known_to = min(pd.Timestamp(data.until) + _DAY, moment)
    first, end = local_time(pd.Series([pd.Timestamp(data.since), known_to]), timezone)
    start = (end - pd.Timedelta(milliseconds=1)).normalize() - (RECENT - 1) * _DAY
    columns = {}
    for name, ago in {"value": 0 * _DAY, "before": RECENT * _DAY}.items():
        parts = []
        for frame, at, summed in summands(data):
            local = local_time(frame[at], timezone)
            rows = frame.loc[(local >= start - ago) & (local < end - ago), summed]
            parts.append(rows.sum(min_count=int(len(rows) > 0)))
        columns[name] = pd.concat(parts)
    units = {name: unit for name, (unit, _) in MEASURES.items()}
    frame = pd.DataFrame({"unit": units, **columns}).reindex([*MEASURES])
    frame = frame.rename_axis("measure").reset_index()
    if first > start - RECENT * _DAY:
        frame["before"] = float("nan")
    if known_to < moment:
        frame.attrs["until"] = start + (RECENT - 1) * _DAY
    return frame
