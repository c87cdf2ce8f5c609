"""Before and after a change made for one team, compared with teams without a change.

Teams are the units. What moves a whole team for a week, such as a release or a holiday, is not an
effect, and people drawn within teams never show it; the other teams do. Each of them is a placebo:
how far their own changes lie apart is how far a team moves without an intervention. Student's t has
one degree of freedom less than there are such teams, and fewer than six are described only.

Changes are ratios of sums, after over before, on the log scale. It is observational: who was
chosen, and when, was not drawn by lot.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.titled_frame import typed
from ccanalytics.metrics.change import MINIMUM_EVENTS, percent
from ccanalytics.metrics.definitions import Metric, summable
from ccanalytics.metrics.own_history import LEVEL, Floats, LogChange, Weeks, ratio
from ccanalytics.metrics.ratios import MINIMUM_PRICED, rows_of, week_frame
from ccanalytics.metrics.withholding import UNAVAILABLE, is_known
from ccanalytics.people.roster import NO_TEAM
from ccanalytics.showing import Results, ShowsItself
from ccanalytics.words import counted, day_words

FEWEST_BEFORE, FEWEST_AFTER = 4, 2  # closed weeks it takes before and after an intervention
LOOKED_AT = 12  # closed weeks that are looked at on either side of it, at most
FEWEST_PLACEBOS = 6  # under this many teams to compare with there is no interval and no verdict
_WEEK = pd.Timedelta(days=7)
_FRAME = {"weeks_since": "int64"} | dict.fromkeys(
    ("value", "low", "high", "team_value", "others_value"), "float64"
)


@dataclass(frozen=True, eq=False)
class Effect(ShowsItself):
    """One intervention: how the team's change differs from that of the other teams.

    `change` is the team's figure after / before, over the mean of the same of the other teams.
    `frame` has one row per week since the intervention: weeks_since (0 is its first whole week),
    value (a fraction, that week against all before), low, high, team_value and others_value (both
    in units of the metric). `apart` is how far the other teams' own changes reach, as fractions.
    `drift` says that the teams moved apart before it already. `why` says why there is nothing.
    """

    shown_by = "display.bundles:result_bundle"
    drawn_by = "analyses.analysis_display:intervention_effects_chart"

    metric: Metric
    team: str
    what: str
    date: pd.Timestamp
    frame: pd.DataFrame
    change: LogChange | None = None
    apart: tuple[float, float] = (math.nan, math.nan)
    n_treated: int = 0
    n_teams: int = 0
    drift: bool = False
    why: str = ""

    @property
    def effect(self) -> float:
        """The change as a fraction, or NaN."""
        return self.change.relative if self.change else math.nan

    @property
    def verdict(self) -> str:
        """higher, lower, no detectable difference, not to be trusted (teams drifted apart before),
        or nothing with few teams."""
        if self.change is None or self.n_teams < FEWEST_PLACEBOS:
            return ""
        if self.drift:
            return "not to be trusted"
        verdicts = {"up": "higher", "down": "lower"}
        return verdicts.get(self.change.verdict, "no detectable difference")

    def sentence(self) -> str:
        """The effect in words, with its evidence."""
        about = f"{self.what} (team {self.team}, {day_words(self.date, '%B %Y')})"
        if self.change is None:
            return f"{about}: no comparison, because {self.why}."
        low, high = map(percent, self.change.interval if self.verdict else self.apart)
        judged = f" (90 % interval {low} to {high}): {self.verdict}"
        if not self.verdict:
            judged = (
                f", which changed by {low} to {high} themselves. It takes {FEWEST_PLACEBOS} such "
                "teams to tell an effect from chance"
            )
        elif self.drift:
            judged += ", because the teams were already drifting apart before it"
        elif self.verdict == "no detectable difference":
            judged += f"; a rise of {100 * self.change.detectable:.0f} % would show"
        return (
            f"{about}: {self.metric.name[0].lower()}{self.metric.name[1:]} of "
            f"{counted(self.n_treated, 'person', 'people')} changed by {percent(self.effect)} "
            f"compared with the {counted(self.n_teams, 'team')} without it{judged}. It was not a "
            "randomised experiment: other things changed in these weeks too."
        )


class Effects(Results):
    """The effects of all interventions, shown as one note."""

    shown_by = "analyses.analysis_display:effects_bundle"


def intervention_effects(data: Dataset, metric_id: str = "commits_per_active_day") -> Effects:
    """One effect per line of the interventions file whose team may be shown, by date.

    How a team's figure changed, compared with the teams without the intervention; `ValueError` for
    a metric that is no ratio. An effect with fewer than six other teams has no verdict.
    """
    metric = summable(metric_id)
    if not metric.is_ratio:
        raise ValueError(f"{metric_id!r} is a total; an effect needs a ratio.")
    sizes = data.roster.groupby("team")["actor"].nunique()
    known = data.calendars.interventions
    known = known[~known["team"].isin(sizes.index[sizes < data.minimum_group])]
    return Effects(
        _compared(data, Effect(metric, row.team, row.what, row.date, typed([], _FRAME)))
        for row in known.itertuples()
    )


def _compared(data: Dataset, asked: Effect) -> Effect:
    """The effect that is `asked` for, or why there is none."""
    metric, team, date, calendars = asked.metric, asked.team, asked.date, data.calendars
    # The week of the day itself is before and after at once, unless it is its Monday.
    before = data.weeks[data.weeks <= date - _WEEK][-LOOKED_AT:]
    after = data.weeks[data.weeks >= date][:LOOKED_AT]
    if not is_known(data, metric):
        return replace(asked, why=f"its cost is {UNAVAILABLE}")
    weeks = before.append(after)
    sums = _team_sums(metric, week_frame(data, metric, "team"), weeks, weeks < date)
    if team not in sums:
        why = (
            f"it takes {FEWEST_BEFORE} closed weeks before it and {FEWEST_AFTER} after in which "
            "the team, by the roster, has enough people and events"
        )
        return replace(asked, why=why)
    # A team with an intervention by then, or an event in these weeks, is not a placebo.
    ended, events = after[-1] + _WEEK, calendars.events
    treated = calendars.interventions.loc[calendars.interventions["date"] < ended, "team"]
    noted = events.loc[events["date"].between(before[0], ended), "team"]
    others = [name for name in sums if name not in {team, *treated, *noted}]
    if not others:
        return replace(asked, why="there is no team without one to compare with")
    rows = rows_of(data, metric, "team")
    people = rows.loc[rows["week"].isin(weeks) & (rows["team"] == team), "actor"].nunique()
    found = replace(asked, n_treated=people, n_teams=len(others))
    return compared_teams(found, np.stack([sums[name] for name in (team, *others)]), before, after)


def _team_sums(
    metric: Metric, sums: pd.DataFrame, weeks: pd.DatetimeIndex, early: Weeks
) -> dict[str, Floats]:
    """Numerator and denominator (rows) by week for each team with enough of both before and after.

    Weeks in which a team is withheld, or too few of its tokens have a price, are left out.
    """
    if metric.is_money:
        sums = sums[sums["priced_share"] >= MINIMUM_PRICED]
    known = dict[str, Floats]()
    for team, part in sums[sums["team"] != NO_TEAM].groupby("team"):
        of_team = part.set_index("week")[["numerator", "denominator"]].reindex(weeks).to_numpy().T
        sides = of_team[:, early], of_team[:, ~early]
        seen = [int(np.isfinite(side[0]).sum()) for side in sides]
        top, bottom = np.array([np.nansum(side, axis=1) for side in sides]).T
        followed = seen[0] >= FEWEST_BEFORE and seen[1] >= FEWEST_AFTER
        if followed and top.min() > 0 and bottom.min() >= MINIMUM_EVENTS:
            known[str(team)] = np.nan_to_num(of_team)
    return known


def compared_teams(
    found: Effect, sums: Floats, before: pd.DatetimeIndex, after: pd.DatetimeIndex
) -> Effect:
    """`found` with the first team of `sums` compared with the others."""
    order = np.arange(len(before) + len(after))
    early, first_half = order < len(before), order < len(before) // 2
    moves = _moves(sums, early, ~early)
    earlier = _difference(_moves(sums, first_half, early & ~first_half))
    weekly = [_difference(_moves(sums, early, order == at)) for at in order]
    judged = found.n_teams >= FEWEST_PLACEBOS
    low, high = np.array([one.interval for one in weekly]).T
    columns = {
        "weeks_since": (before.append(after) - after[0]) // _WEEK,
        "value": [one.relative for one in weekly],
        "low": low if judged else np.nan,
        "high": high if judged else np.nan,
        "team_value": ratio(*sums[0]),
        "others_value": ratio(*sums[1:].sum(axis=0)),
    }
    return replace(
        found,
        frame=typed(columns, _FRAME),
        change=_difference(moves),
        apart=(math.expm1(moves[1:].min()), math.expm1(moves[1:].max())),
        drift=judged and earlier.p_value <= 1 - LEVEL,
    )


def _difference(moves: Floats) -> LogChange:
    """The first move minus the mean of the others, with their scatter as uncertainty."""
    others = moves[1:][np.isfinite(moves[1:])]
    n = len(others)
    error = float(others.std(ddof=1)) * math.sqrt(1 + 1 / n) if n > 1 else math.nan
    return LogChange(float(moves[0] - others.mean()) if n else math.nan, error, n - 1)


def _moves(sums: Floats, before: Weeks, after: Weeks) -> Floats:
    """Each team's figure after / before on the log scale; NaN where one is 0 or undefined."""
    sides = [ratio(*np.moveaxis(sums[:, :, weeks].sum(axis=2), 1, 0)) for weeks in (before, after)]
    moved = ratio(sides[1], sides[0])
    return np.log(moved, out=np.full(len(sums), np.nan), where=moved > 0)
