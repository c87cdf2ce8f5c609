"""Before and after a change made for one team, next to teams for which nothing was changed.

Difference in differences for changes at several dates: each treated team is compared with the
teams that were not treated yet (Callaway and Sant'Anna, Journal of Econometrics 225, 2021), the
week before the intervention being the base. Values are ratios of sums of treated and of control
teams. Intervals resample people, treated and control apart. It is observational: who was chosen,
and when, was no draw of lots.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.metrics.actor_weeks import actor_weeks, week_of
from ccanalytics.metrics.availability import UNAVAILABLE
from ccanalytics.metrics.definitions import Metric
from ccanalytics.metrics.intervals import Floats, interval, ratio, resampled_sums
from ccanalytics.metrics.ratios import MINIMUM_PRICED, Matrix, matrix, summable
from ccanalytics.metrics.withholding import withheld_parts
from ccanalytics.showing import Results, ShowsItself

FEWEST_BEFORE, FEWEST_AFTER = 4, 2
"""Closed weeks it takes before and after an intervention."""

LOOKED_AT = 12
"""Closed weeks that are looked at on either side of it, at most."""

_WEEK = pd.Timedelta(days=7)

EffectVerdict = Literal["higher", "lower", "no detectable difference", "not to be trusted", ""]


@dataclass(frozen=True, eq=False)
class Effect(ShowsItself):
    """One intervention: how the team's change differs from that of the other teams.

    `effect` is the mean over the weeks after of (team now - team before) - (others now - others
    before), where before is the mean of all weeks before. `frame` has one row per week since the
    intervention: weeks_since (0 is its first whole week), value, low, high, team_value and
    others_value. `why` says why there is no number.
    """

    shown_by = "display.sentences:told_bundle"
    drawn_by = "analyses.intervention_charts:intervention_effects_chart"

    metric: Metric
    team: str
    what: str
    date: pd.Timestamp
    frame: pd.DataFrame
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n_treated: int = 0
    n_control: int = 0
    drift: bool = False
    why: str = ""

    @property
    def verdict(self) -> EffectVerdict:
        """What may be said; nothing where teams drifted apart before the intervention."""
        if self.why or math.isnan(self.low):
            return ""
        if self.drift:
            return "not to be trusted"
        if self.low > 0:
            return "higher"
        return "lower" if self.high < 0 else "no detectable difference"

    def sentence(self) -> str:
        """The effect in plain English, with what it rests on."""
        about = f"{self.what} (team {self.team}, {self.date:%-d %B %Y})"
        if self.why:
            return f"{about}: no comparison, because {self.why}."
        change = self.metric.format_change
        sure = f"90 % interval {change(self.low)} to {change(self.high)}"
        text = (
            f"{about}: against the teams without it, {self.metric.name.lower()} moved by "
            f"{change(self.effect)} ({sure}; {self.n_treated} people next to {self.n_control})"
        )
        tail = "This is observational: nobody drew lots, and other things changed in these weeks."
        if self.drift:
            return (
                f"{text}. The teams had moved apart before it already, so the comparison is not to "
                f"be trusted. {tail}"
            )
        return f"{text}: {self.verdict or 'too few to say'}. {tail}"


class Effects(Results):
    """The effects of all interventions, which a notebook shows as one remark."""

    shown_by = "analyses.analysis_display:effects_bundle"


def intervention_effects(data: Dataset, metric_id: str = "commits_per_active_day") -> Effects:
    """One effect per line of the interventions file whose team may be shown, in order of date."""
    metric = summable(metric_id)
    if not metric.is_ratio:
        raise ValueError(f"{metric_id!r} is a total; an effect needs a ratio.")
    known = data.calendars.interventions
    return Effects(
        _effect(data, metric, row.team, row.what, row.date)
        for row in known.itertuples()
        if _may_be_named(data, row.team)
    )


def _may_be_named(data: Dataset, team: str) -> bool:
    """Whether the team is unknown, or of enough people to speak of."""
    people = data.roster.loc[data.roster["team"] == team, "actor"].nunique()
    return people == 0 or people >= data.minimum_group


def _effect(data: Dataset, metric: Metric, team: str, what: str, date: pd.Timestamp) -> Effect:
    nothing = _frame([])
    weeks = data.weeks
    first = week_of(pd.Series([date])).iloc[0]
    mixed = date > first  # the week of the day itself is before and after at once
    before, after = weeks[weeks < first], weeks[weeks >= first + (_WEEK if mixed else 0 * _WEEK)]
    before, after = before[-LOOKED_AT:], after[:LOOKED_AT]
    rows = actor_weeks(data, split="team")
    rows = rows.assign(team=rows["team"].astype("str"))
    hidden = withheld_parts([rows], metric, "team", data.minimum_group)
    withheld = rows.loc[hidden & rows["week"].isin(before.append(after)), "team"]
    rows = rows[~hidden]
    control = _untreated(data, rows, team, after[-1] if len(after) else first)
    parts = [matrix(part, before.append(after), metric)
             for part in (rows[rows["team"] == team], control)]  # fmt: skip
    n_treated, n_control = (len(part.top) for part in parts)
    why = _why_not(data, metric, team, rows, (len(before), len(after)), (n_treated, n_control))
    if not why and (withheld == team).any():
        why = "the team was too small to be shown in some of the weeks"
    if why:
        return Effect(metric, team, what, date, nothing, why=why)
    found = _estimate(parts[0], parts[1], len(before))
    if found is None:
        why = "a team has weeks without anything to divide by"
        return Effect(metric, team, what, date, nothing, why=why)
    frame = _frame(_event_rows(found, before.append(after), after[0]))
    effect, low, high = found.overall
    return Effect(
        metric, team, what, date, frame, effect, low, high, n_treated, n_control, found.drift
    )


def _untreated(data: Dataset, rows: pd.DataFrame, team: str, until: pd.Timestamp) -> pd.DataFrame:
    """The actor-weeks of teams with no intervention up to the last week looked at."""
    known = data.calendars.interventions
    treated = set(known.loc[known["date"] <= until + _WEEK, "team"]) | {team}
    return rows[rows["team"].notna() & ~rows["team"].isin(treated)]


def _why_not(
    data: Dataset,
    metric: Metric,
    team: str,
    rows: pd.DataFrame,
    weeks: tuple[int, int],
    people: tuple[int, int],
) -> str:
    """Why the intervention cannot be looked at; empty when it can."""
    if metric.needs_usage and not data.spec.has_usage:
        return f"its cost is {UNAVAILABLE}"
    if data.roster.empty:
        return "there is no roster, so nobody is in a team"
    if team not in set(data.roster["team"].dropna()):
        return "the roster has no such team"
    if weeks[0] < FEWEST_BEFORE or weeks[1] < FEWEST_AFTER:
        return (
            f"there are {weeks[0]} closed weeks before it and {weeks[1]} after, and it takes "
            f"{FEWEST_BEFORE} and {FEWEST_AFTER}"
        )
    if not people[1]:
        return "there is no team without an intervention to compare with"
    fewest = max(data.minimum_group, 5)
    if min(people) < fewest:
        return f"there are fewer than {fewest} active people with it, or without"
    unpriced = rows["unpriced_tokens"].sum() / max(rows["total_tokens"].sum(), 1)
    if metric.is_money and 1 - unpriced < MINIMUM_PRICED:
        return "too many tokens have no known price"
    return ""


@dataclass(frozen=True)
class _Found:
    """Values by week of the team and the others, differences and their intervals."""

    treated: Floats
    control: Floats
    differences: list[tuple[float, float, float]]
    overall: tuple[float, float, float]
    drift: bool


def _estimate(treated: Matrix, control: Matrix, n_before: int) -> _Found | None:
    """The difference in differences, by week and in all; None where a ratio is undefined."""
    values = [ratio(part.top.sum(axis=0), part.bottom.sum(axis=0)) for part in (treated, control)]
    if np.isnan(values).any():
        return None
    draws = [_replicates(part) for part in (treated, control)]
    influence = np.concatenate([_influence(treated, values[0]), -_influence(control, values[1])])
    weekly = _against_before(values[0] - values[1], n_before)
    drawn = _against_before(draws[0] - draws[1], n_before)
    moved = _against_before(influence, n_before)
    ends = [interval(float(weekly[at]), drawn[:, at], moved[:, at]) for at in range(len(weekly))]
    after = slice(n_before, None)
    whole = float(weekly[after].mean())
    bounds = interval(whole, drawn[:, after].mean(axis=1), moved[:, after].mean(axis=1))
    trend = np.linspace(-1, 1, n_before)
    slope = float(weekly[:n_before] @ trend)
    low, high = interval(slope, drawn[:, :n_before] @ trend, moved[:, :n_before] @ trend)
    return _Found(
        values[0],
        values[1],
        [(float(weekly[at]), *ends[at]) for at in range(len(weekly))],
        (whole, *bounds),
        drift=low > 0 or high < 0,
    )


def _against_before(values: Floats, n_before: int) -> Floats:
    """Each week less the mean of the weeks before; the last axis is weeks."""
    result: Floats = values - values[..., :n_before].mean(axis=-1, keepdims=True)
    return result


def _replicates(part: Matrix) -> Floats:
    """The ratio of each week (column) in each replicate (row)."""
    sums = resampled_sums(np.hstack([part.top, part.bottom]))
    return ratio(*np.hsplit(sums, 2))


def _influence(part: Matrix, values: Floats) -> Floats:
    """What each actor (row) adds to the error of the ratio of each week."""
    total = part.bottom.sum(axis=0)
    result: Floats = (part.top - values * part.bottom) / total * len(part.top)
    return result


def _event_rows(
    found: _Found, weeks: pd.DatetimeIndex, first_after: pd.Timestamp
) -> list[tuple[float, ...]]:
    since = (weeks - first_after) // _WEEK
    return [
        (int(k), *difference, float(treated), float(control))
        for k, difference, treated, control in zip(
            since, found.differences, found.treated, found.control, strict=True
        )
    ]


def _frame(rows: list[tuple[float, ...]]) -> pd.DataFrame:
    names = ["value", "low", "high", "team_value", "others_value"]
    kinds = {"weeks_since": "int64", **dict.fromkeys(names, "float64")}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)
