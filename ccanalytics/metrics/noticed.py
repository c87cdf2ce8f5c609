"""What there is to know of the newest weeks besides changes: models that came or went, lost days.

Each function gives the findings of one kind, none where there is nothing to tell; they are ranked
with the changes by `weight`. Wings add theirs in their `wing.py`.
"""

import math
from collections.abc import Iterator

import numpy as np

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.availability import is_known
from ccanalytics.metrics.change import SUSTAINED_WEEKS
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.findings import Finding
from ccanalytics.metrics.intervals import MINIMUM_ACTORS
from ccanalytics.metrics.ratios import rows_of, week_sums
from ccanalytics.words import counted

SHARE = 0.05
"""A model with less of the cost than this is no finding."""

QUIET_WEEKS = 2
"""Weeks without any use after which a model is gone."""


def model_findings(data: Dataset) -> Iterator[Finding]:
    """A family of models first used within the last four weeks, or no longer used since then."""
    metric, weeks = METRICS["cost"], data.weeks
    if len(weeks) < 2 * SUSTAINED_WEEKS or not is_known(data, metric):
        return
    rows = rows_of(data, metric, "family")
    sums = week_sums(data, metric, "family")
    people = sums.pivot(index="week", columns="family", values="n_actors")
    cost = sums.pivot(index="week", columns="family", values="value")
    used = rows.groupby(["week", "family"])["active"].sum().unstack(fill_value=0).reindex(weeks) > 0
    for family in people:
        at = np.flatnonzero(used[family])
        first, last = at[0], at[-1]
        new = first >= len(weeks) - SUSTAINED_WEEKS and last == len(weeks) - 1
        gone = len(weeks) - SUSTAINED_WEEKS <= last + 1 <= len(weeks) - QUIET_WEEKS
        steady = slice(last + 1 - SUSTAINED_WEEKS, last + 1) if gone else slice(last, last + 1)
        users, usd = (
            people[family].iloc[steady].mean(skipna=False),
            cost[family].iloc[steady].mean(),
        )
        share = usd / cost.iloc[steady].sum(axis=1).mean()
        if not (new or gone) or math.isnan(users) or not share >= SHARE:
            continue
        since = weeks[first if new else last + 1]
        title = f"{family} is {'new' if new else 'no longer used'} since {since:%-d %B}"
        text = (
            f"{counted(round(users), 'person', 'people')} used it, for {100 * share:.0f} % of the "
            f"cost, in {'the last week' if new else 'a week of the four before'}."
        )
        yield Finding(
            "model", title, text, "cost", "family", str(family), f"{since:%Y-%m-%d}",
            weight=math.sqrt(usd) * share,
        )  # fmt: skip


def hole_findings(data: Dataset) -> Iterator[Finding]:
    """Days that are missing between others, and working days on which nothing was recorded."""
    days = data.days[data.days["date"] <= data.days.loc[data.days["stored"], "date"].max()]
    people = data.activity[data.activity["actor_kind"] == "user"]
    active = people.groupby("date")["actor"].nunique().reindex(days["date"], fill_value=0)
    working = data.calendars.is_working_day(days["date"])
    usual = float(active[working.to_numpy()].median()) if working.any() else 0.0
    empty = working & (active.to_numpy() == 0) & (usual >= max(data.minimum_group, MINIMUM_ACTORS))
    lost = days.loc[empty | ~days["stored"], "date"]
    if lost.empty:
        return
    first, last = lost.iloc[0], lost.iloc[-1]
    when = f"on {first:%-d %B}" if len(lost) == 1 else f"from {first:%-d %B} to {last:%-d %B}"
    missing, silent = int((~days["stored"]).sum()), int(empty.sum())
    said = [f"{counted(missing, 'day')} not stored"] if missing else []
    said += [f"{counted(silent, 'working day')} stored without a record"] if silent else []
    text = (
        f"{' and '.join(said)}; about {usual:.0f} people are usually active on a day. Figures of "
        "these weeks are too low, or left out."
    )
    usd = data.model_usage["cost_usd"].sum() / max(len(days) / 7, 1)
    yield Finding(
        "hole",
        f"{counted(len(lost), 'day')} without records {when}",
        text,
        since=f"{first:%Y-%m-%d}",
        weight=math.sqrt(max(usd, usual)) * min(len(lost) / 5, 1.0),
    )
