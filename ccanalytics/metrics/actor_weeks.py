"""A Dataset -> what each actor did per UTC day and per closed ISO week.

The three frames are summed apart, each to its own actor-days, and only the sums are joined: a
record with two models and three tools still has one commit count and one cost.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Concatenate, ParamSpec

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.frames.arrow_tables import stacked
from ccanalytics.metrics.definitions import KINDS, ActorKind
from ccanalytics.metrics.withholding import USAGE, mask_unavailable
from ccanalytics.people.calendars import week_of
from ccanalytics.people.roster import roster_of_weeks
from ccanalytics.wire.claude_code import EDIT_TOOLS

P = ParamSpec("P")

SPLITS = ("terminal", "customer_type", "is_remote", "project")
"""Keys of a record that split its measures, besides the actor's team."""

_ACTIVITY = ["sessions", "lines_added", "lines_removed", "commits", "pull_requests"]
_USAGE = [*KINDS, "cost_usd", "unpriced_tokens"]
_ACTIONS = ["accepted", "rejected", "decisions"]
_MEASURES = [*_ACTIVITY, *_USAGE, *_ACTIONS]
_WEEK_MEASURES = [*_MEASURES, "active_days", "working_day_share"]
_COLUMNS = {"activity": _ACTIVITY, "model_usage": _USAGE, "tool_actions": _ACTIONS}


def _in_parts(
    rows_of: Callable[Concatenate[Dataset, P], pd.DataFrame],
) -> Callable[Concatenate[Dataset, P], pd.DataFrame]:
    """Marks a function that gives the rows of a dataset part by part, in order; parts are whole
    weeks."""

    @wraps(rows_of)
    def whole(data: Dataset, /, *args: P.args, **kwargs: P.kwargs) -> pd.DataFrame:
        parts = [rows_of(part, *args, **kwargs) for part in data.parts()]
        return parts[0] if len(parts) == 1 else stacked(parts)

    return whole


@_in_parts
def actor_days(data: Dataset, actor_kind: ActorKind = "user", split: str = "") -> pd.DataFrame:
    """One row per closed-week UTC day and actor (and value of `split`) with anything recorded.

    Columns: date, week, actor, team, [split], the measures, and `active` (0 or 1). `accepted` and
    `rejected` are of tools that edit files, `decisions` of all tools. `cost_usd` sums what has
    a price; the tokens without one are `unpriced_tokens`. Tokens and cost are null where the source
    does not have them.
    """
    keys = ["date", "actor", "team", *([split] if split not in ("", "team") else [])]
    closed = {name: _closed_rows(data, getattr(data, name), actor_kind) for name in _COLUMNS}
    return mask_unavailable(data, day_sums(closed, keys), *_USAGE)


def day_sums(frames: Mapping[str, pd.DataFrame], keys: Sequence[str]) -> pd.DataFrame:
    """One row per value of `keys`, which start with `date`: week, the measures, and `active`.

    `frames` are the three of a Dataset, or some of their rows.
    """
    actions, parts = frames["tool_actions"], []
    edits = actions[["accepted", "rejected"]].where(actions["tool"].isin(EDIT_TOOLS), 0)
    decided = actions.assign(decisions=actions["accepted"] + actions["rejected"], **edits)
    usage = _with_unpriced(frames["model_usage"])
    for rows, columns in zip((frames["activity"], usage, decided), _COLUMNS.values(), strict=True):
        groups = rows.groupby(list(keys), observed=True, dropna=False, sort=False)
        parts.append(groups[columns].sum().reset_index())
    groups = stacked(parts).groupby(list(keys), observed=True, dropna=False)
    days = groups[_MEASURES].sum().reset_index()
    counts = [column for column in _MEASURES if column != "cost_usd"]
    days = days.astype(dict.fromkeys(counts, "int64") | {"cost_usd": "float64"})
    days.insert(1, "week", week_of(days["date"]))
    touched = [*_ACTIVITY, *KINDS, "decisions"]
    return days.assign(active=(days[touched] > 0).any(axis=1).astype("int64"))


@kept
def actor_weeks(data: Dataset, actor_kind: ActorKind = "user", split: str = "") -> pd.DataFrame:
    """One row per closed week and actor (and value of `split`) with anything recorded.

    Columns: week, actor, [split], the measures of `actor_days`, `active`, `active_days`,
    `working_day_share` (active days from Monday to Friday / 5), `proposals`, `input_side_tokens`,
    `total_tokens`, `cost_without_commit` and `landed`. With `split="team"` each day belongs to the
    team of that day, so an actor who changed team within the week is in two.
    """
    if data.whole is not None:
        rows = actor_weeks(data.whole, actor_kind, split)
        return rows[rows["week"].isin(data.weeks)].reset_index(drop=True)
    weeks = _week_sums(data, actor_kind, split or "team")
    if not split:
        # Somebody is in one team on a day, so their teams add up to them.
        weeks = weeks.groupby(_keys(""), observed=True)[_WEEK_MEASURES].sum().reset_index()
    return mask_unavailable(data, with_sums(weeks), *USAGE)


@kept
def active_days(data: Dataset) -> pd.DataFrame:
    """One row per closed-week UTC day and person active on it: date, week, actor."""
    days = actor_days(data)
    days = days.loc[days["active"] == 1, ["date", "week", "actor"]]
    return days.astype({"actor": "str"}).reset_index(drop=True)


@_in_parts
def tool_weeks(data: Dataset, actor_kind: ActorKind = "user") -> pd.DataFrame:
    """One row per closed week, actor and tool: accepted, rejected, proposals, active (1)."""
    groups = _closed_rows(data, data.tool_actions, actor_kind).groupby(_keys("tool"), observed=True)
    sums = groups[["accepted", "rejected"]].sum().reset_index()
    sums = sums.assign(proposals=sums["accepted"] + sums["rejected"], active=1)
    return sums[sums["proposals"] > 0].reset_index(drop=True)


@kept
@_in_parts
def model_weeks(data: Dataset) -> pd.DataFrame:
    """One row per closed week, person and model: the tokens, cost_usd and unpriced_tokens."""
    usage = _with_unpriced(_closed_rows(data, data.model_usage, "user"))
    return usage.groupby(_keys("model"), observed=True)[_USAGE].sum().reset_index()


@kept
def roster_weeks(data: Dataset, split: str = "") -> pd.DataFrame:
    """One row per closed week and person on that week's roster: active (0 or 1), on_roster (1),
    and stays (0 when they left before the week's end).

    With `split="team"`, one row for each team they were in, active when they were so in that team.
    """
    keys = _keys(split)
    people = roster_of_weeks(data.roster, data.weeks, split == "team")[[*keys, "end"]]
    there = pd.MultiIndex.from_frame(_active(data, split).fillna(""))
    active = pd.MultiIndex.from_frame(people[keys].fillna("")).isin(there)
    stays = ~(people.pop("end") < people["week"] + pd.Timedelta(days=6))
    return people.assign(active=active.astype("int64"), on_roster=1, stays=stays.astype("int64"))


def week_pairs(data: Dataset, split: str = "") -> pd.DataFrame:
    """One row per closed week and person active in it or in the week directly before.

    Columns: week, actor, active, active_before and active_again (both), each 0 or 1. With
    `split="team"` it is about being active in one team, and somebody in two has a row for each.
    """
    rows = _active(data, split)
    later = rows.assign(week=rows["week"] + pd.Timedelta(days=7))
    later = later[later["week"].isin(data.weeks)]
    sides = rows.assign(active=1), later.assign(active_before=1)
    pairs = sides[0].merge(sides[1], on=_keys(split), how="outer")
    counts = ["active", "active_before"]
    pairs[counts] = pairs[counts].fillna(0).astype("int64")
    return pairs.assign(active_again=pairs["active"] * pairs["active_before"])


ROWS_OF: dict[str, Callable[[Dataset, str], pd.DataFrame]] = {
    "on_roster": roster_weeks,
    "active_before": week_pairs,
}
"""The rows of each of `POPULATIONS`."""


def _active(data: Dataset, split: str) -> pd.DataFrame:
    """The weeks and people (and teams) with activity."""
    keys = _keys(split)
    rows = actor_weeks(data, split=split)
    return rows.loc[rows["active"] == 1, keys].astype(dict.fromkeys(keys[1:], "str"))


def _keys(split: str) -> list[str]:
    return ["week", "actor", *([split] if split else [])]


def follows(weeks: pd.DatetimeIndex) -> npt.NDArray[np.bool_]:
    """Whether each week directly follows the one before it."""
    gaps = np.diff(weeks.to_numpy()) == np.timedelta64(7, "D")
    return np.concatenate([np.zeros(min(len(weeks), 1), dtype=bool), gaps])


@kept
@_in_parts
def _week_sums(data: Dataset, actor_kind: ActorKind, split: str) -> pd.DataFrame:
    days, calendars = actor_days(data, actor_kind, split), data.calendars
    working = days["active"] * ~calendars.is_weekend(days["date"]) / (7 - len(calendars.weekend))
    days = days.assign(active_days=days["active"], working_day_share=working)
    groups = days.groupby(_keys(split), observed=True, dropna=False)
    return groups[_WEEK_MEASURES].sum().reset_index()


def with_sums(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` of actors with what follows from their measures: whether active, proposals, ..."""
    active = (rows["active_days"] > 0).astype("int64")
    committed = rows["commits"] > 0
    rows = rows.assign(active=active, proposals=rows["accepted"] + rows["rejected"])
    cost = rows["cost_usd"].where(~committed, 0.0)
    return with_token_sums(rows).assign(cost_without_commit=cost, landed=active * committed)


def with_token_sums(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with the tokens of all kinds, and those sent to the model."""
    sent = rows["input_tokens"] + rows["cache_read_tokens"] + rows["cache_creation_tokens"]
    return rows.assign(input_side_tokens=sent, total_tokens=sent + rows["output_tokens"])


def _closed_rows(data: Dataset, frame: pd.DataFrame, actor_kind: ActorKind) -> pd.DataFrame:
    week = week_of(frame["date"])
    rows = (frame["actor_kind"] == actor_kind) & week.isin(data.weeks)
    return frame.assign(week=week)[rows]


def _with_unpriced(usage: pd.DataFrame) -> pd.DataFrame:
    tokens = usage[list(KINDS)].sum(axis=1)
    return usage.assign(unpriced_tokens=tokens.where(usage["cost_usd"].isna(), 0))
