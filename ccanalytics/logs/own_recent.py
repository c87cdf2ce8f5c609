"""The last days of one person's logs, compared with as many before them."""

from datetime import UTC, datetime

import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.logs.own_frames import TOKENS, local_time
from ccanalytics.logs.own_usage import summands
from ccanalytics.metrics.metric_frame import measures

RECENT = 7
"""Days of `own_recent`, and as many before them to compare with."""

_DAY = pd.Timedelta(days=1)


@measures("own_recent", shown_by="logs.own_display:recent_bundle")
def own_recent(data: Dataset, timezone: str = "", now: datetime | None = None) -> pd.DataFrame:
    """One row per measure: its value in the last `RECENT` days, and in as many before them.

    Days are those of `timezone`, by default this machine's. The last one lasts up to `now`, or to
    the end of the data where that is earlier; the days before end at the same time of day. Columns:
    measure (a column of `usage_by`, or tokens), unit, value, before. Null: a price is unknown, or
    the data do not reach back so far.
    """
    now = now or datetime.now(UTC)
    ends = pd.Series([pd.Timestamp(data.until) + _DAY, pd.Timestamp(now).tz_convert(None)])
    first, end = local_time(
        pd.Series([pd.Timestamp(data.since), ends.min()]).astype("datetime64[ms]"), timezone
    )
    start = (end - pd.Timedelta(milliseconds=1)).normalize() - (RECENT - 1) * _DAY
    week = RECENT * _DAY
    sums = [_sums_between(data, timezone, start, end)]
    known = first <= start - week
    sums += [_sums_between(data, timezone, start - week, end - week)] if known else []
    rows = [
        (name, unit, sums[0][name], sums[1][name] if known else float("nan"))
        for name, unit in _RECENT.items()
    ]
    return pd.DataFrame(rows, columns=["measure", "unit", "value", "before"])


def _sums_between(
    data: Dataset, timezone: str, start: pd.Timestamp, end: pd.Timestamp
) -> pd.Series:
    """The sums of all that happened from `start` up to `end` by the clock of `timezone`."""
    parts = []
    for frame, moment, columns in summands(data):
        local = local_time(frame[moment], timezone)
        rows = frame.loc[(local >= start) & (local < end), columns]
        parts.append(rows.sum(min_count=int(len(rows) > 0)))
    sums = pd.concat(parts)
    sums["tokens"] = sums[TOKENS].sum()
    return sums


_RECENT = {
    "value": "usd",
    "tokens": "tokens",
    "saved": "usd",
    "sessions": "sessions",
    "commits": "commits",
    "lines_added": "lines",
}
