"""What one person is using now: today, this hour, the window of five hours, the week so far."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import TOKENS, local_time, own_frames, priced
from ccanalytics.logs.own_part import Choice, own_choices, own_part
from ccanalytics.showing import ShowsItself

WINDOW = pd.Timedelta(hours=5)
"""How long a window of use lasts, from the full hour of its first answer."""


@dataclass(frozen=True)
class Spell:
    """What was used from `since` to `until`, moments of UTC."""

    since: pd.Timestamp
    until: pd.Timestamp
    requests: pd.DataFrame

    @property
    def cost(self) -> float:
        """Estimated dollars."""
        return float(self.requests["value"].sum())

    @property
    def tokens(self) -> int:
        """All tokens, in and out."""
        return int(self.requests[TOKENS].sum().sum())


@dataclass(frozen=True)
class OwnNow(ShowsItself):
    """The newest use of one person; `window` is None while none is open.

    `yesterday` and `last_week` are whole, `limit_usd` is what the reader allows themselves per
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
    """The last answer of a session itself, not of a subagent: a row, or none."""
    limit_usd: float = 0.0
    choices: list[Choice] = field(default_factory=list)
    """What a live page can be filtered by."""

    @property
    def burn_rate(self) -> float:
        """Dollars an hour in the open window, from its first answer to now; 0 without one."""
        if self.window is None:
            return 0.0
        first = self.window.requests["at"].min()
        # A first answer of a moment ago says nothing about an hour.
        spent = max(self.now - first, pd.Timedelta(minutes=1))
        return self.window.cost / (spent / pd.Timedelta(hours=1))

    @property
    def projection(self) -> float:
        """What the open window comes to at its end, at this rate; 0 without one."""
        if self.window is None:
            return 0.0
        left = (self.window.until - self.now) / pd.Timedelta(hours=1)
        return self.window.cost + self.burn_rate * left

    @property
    def limit_at(self) -> pd.Timestamp | None:
        """When the limit is reached at this rate, in UTC; None where it is not in this window."""
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
    """What was used in this hour, today, this week and the open five-hour window.

    Days and weeks are those of `timezone`, by default this machine's; `now` is this moment. With
    `project` only what was used in that folder.
    """
    requests = priced(own_frames(own_part(data, project))[0]).sort_values("at")
    moment = pd.Timestamp(now or datetime.now(UTC)).tz_convert(None)
    offset = local_time(pd.Series([moment]), timezone).iloc[0] - moment
    clock = moment + offset
    midnight = clock.normalize()
    monday = midnight - pd.Timedelta(days=midnight.day_of_week)
    day, week = pd.Timedelta(days=1), pd.Timedelta(days=7)

    def spell(since: pd.Timestamp, until: pd.Timestamp) -> Spell:
        return _spell(requests, since - offset, until - offset)

    main = requests[(requests["agent"] == "main") & (requests["at"] <= moment)]
    return OwnNow(
        now=moment,
        timezone=timezone,
        hour=spell(clock.floor("h"), clock),
        today=spell(midnight, clock),
        yesterday=spell(midnight - day, midnight),
        week=spell(monday, clock),
        last_week=spell(monday - week, monday),
        window=open_window(requests, moment),
        newest=main.tail(1),
        limit_usd=limit_usd,
        choices=own_choices(data, project, timezone),
    )


def open_window(requests: pd.DataFrame, now: pd.Timestamp) -> Spell | None:
    """The five-hour window that is open; None when the last one is over.

    A window begins at the full hour of its first answer, and the next one with the first answer
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
