"""Who starts, how soon, who stays, who comes back and who leaves.

A start is a day on the roster; use is what the closed weeks show. What lies before the first of
them is not known, so nobody's first use is looked for there, and what comes after the last one
has not happened yet: it is left out or kept as unfinished, never taken for a no.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccanalytics.dataset import Dataset
from ccanalytics.metrics.adoption import shown
from ccanalytics.metrics.intervals import TAIL, Floats
from ccanalytics.metrics.ratios import MINIMUM_DISTRIBUTION, Matrix, by_week
from ccanalytics.metrics.weeks import actor_days, actor_weeks, roster_weeks
from ccanalytics.people import WEEK, roster_sizes, withheld

Cells = npt.NDArray[np.bool_]

FLOWS = ("retained", "reactivated", "new", "lapsed", "left")
STATUSES = ("active", "dormant", "never seen", "too new to say")

_DAY = pd.Timedelta(days=1)


def active_rate(data: Dataset, by: str | None = None) -> pd.DataFrame:
    """One row per week (and team): active people on that week's roster / everybody on it.

    `joined` and `left` are how the roster differs from that of the week before. Null without one.
    """
    frame = by_week(data, "active_rate", by)
    sizes = roster_sizes(data.roster, data.weeks, by_team=by is not None)
    keys = ["week", *([by] if by else [])]
    frame = frame.merge(sizes[[*keys, "joined", "left"]], on=keys, how="left")
    there = frame["denominator"] > 0
    return frame.assign(**{name: frame[name].where(there) for name in ("joined", "left")})


def off_roster(data: Dataset) -> pd.DataFrame:
    """One row per week: active people who were not on that week's roster.

    With the active people on it they add up to the week's active people. Null without a roster,
    and of one team, which such people are in none of.
    """
    frame = by_week(data, "active_actors")[["week", "value", "n_actors"]]
    rows = roster_weeks(data)
    known = rows.groupby("week")["active"].sum().reindex(frame["week"], fill_value=0)
    sizes = rows.groupby("week").size().reindex(frame["week"], fill_value=0)
    value = frame["value"] - known.to_numpy()
    return frame.assign(value=value.where((sizes.to_numpy() > 0) & (data.team == "")))


def roster_use(data: Dataset, weeks: int = 4, grace: int = 28) -> pd.DataFrame:
    """One row per status of the people on the last week's roster: people, and their share.

    Active in the last `weeks` closed weeks; dormant: before that only; never seen in this range;
    too new to say: not seen, but on the roster for fewer than `grace` days. A status of too few
    people is null, and the next smallest one with it. No rows without a roster.
    """
    stays = _stays(data)
    stays = stays[stays["end"].isna() | (stays["end"] >= _last_day(data) - 6 * _DAY)]
    columns = {"status": "str", "value": "float64", "share": "float64"}
    if stays.empty:
        return pd.DataFrame(columns=list(columns)).astype(columns)
    recent = stays["last_use"] > _last_day(data) - weeks * WEEK
    tenure = (_last_day(data) - stays["start"]).dt.days + 1
    rules = [recent, stays["last_use"].notna(), ~(tenure < grace)]
    status = pd.Series(np.select(rules, STATUSES[:3], STATUSES[3]))
    counts = {name: int((status == name).sum()) for name in STATUSES}
    hidden = withheld({name: n for name, n in counts.items() if n}, data.minimum_group)
    value = [math.nan if name in hidden else float(n) for name, n in counts.items()]
    frame = pd.DataFrame({"status": list(STATUSES), "value": value}).astype({"status": "str"})
    return frame.assign(share=frame["value"] / len(stays))


def actor_flow(data: Dataset) -> pd.DataFrame:
    """One row per week but the first, and flow: people.

    Retained, reactivated and new people add up to the week's active people; retained, lapsed and
    left ones to those of the week before. Null after a week that is missing; `left` is null
    without a roster.
    """
    rows = actor_weeks(data)
    rows = rows[rows["active"] == 1]
    roster = roster_weeks(data)
    names = np.unique(rows["actor"].astype("str").to_numpy())
    active = _cells(rows, names, data.weeks)
    there = _cells(roster[roster["actor"].isin(names)], names, data.weeks)
    counts = [_flow(active, there, position) for position in range(1, len(data.weeks))]
    follows = np.diff(data.weeks) == np.timedelta64(7, "D")
    frame = pd.DataFrame(
        {
            "week": data.weeks[1:].repeat(len(FLOWS)),
            "flow": pd.Series(list(FLOWS) * len(counts), dtype="str"),
            "value": np.array(counts, dtype="float64").reshape(-1),
        }
    )
    known = np.repeat(follows, len(FLOWS)) & shown(data, frame["week"])
    if data.roster.empty:
        known &= frame["flow"] != "left"
    return frame.assign(value=frame["value"].where(known))


def retention(data: Dataset, weeks: int = 12) -> pd.DataFrame:
    """One row per cohort and k: the share of it that was active k weeks after its first week.

    A cohort is the people first active in a closed week; those of the first week there is are
    none, for they may have begun long before. `status` is "seen", "withheld" (fewer people than
    the minimum group) or "not yet" (the week is not closed, or missing). The newest `weeks`
    cohorts and as many k.
    """
    rows = actor_weeks(data)
    rows = rows[rows["active"] == 1].astype({"actor": "str"})
    first = rows.groupby("actor")["week"].min()
    rows = rows.assign(cohort=rows["actor"].map(first), k=_weeks_since(rows, first))
    active = rows.groupby(["cohort", "k"]).size()
    cohorts = data.weeks[1:][-weeks:]
    cells = [_cell(data, active, cohort, k) for cohort in cohorts for k in range(len(cohorts))]
    kinds = dict.fromkeys(["value", "n_actors"], "float64")
    kinds |= {"k": "int64", "status": "str", "cohort": "datetime64[ms]"}
    columns = ["cohort", "k", "value", "n_actors", "status"]
    return pd.DataFrame(cells, columns=columns).astype(kinds)


@dataclass(frozen=True)
class Activation:
    """How many of those who joined began within `days` days; NaN where nothing can be said.

    The rest of the roster is counted by why it is not in the rate: `unknown_start`, `before`
    (joined before the records begin), `unfinished` (the days are not over, or were cut short).
    """

    days: int
    value: float
    low: float
    high: float
    numerator: float
    denominator: float
    unknown_start: int
    before: int
    unfinished: int

    def sentence(self) -> str:
        """The rate in plain English, and who is not in it."""
        left_out = (
            f"Not in it: {self.before} who joined before the records begin, {self.unknown_start} "
            f"without a start date, {self.unfinished} whose {self.days} days are not over or were "
            "cut short."
        )
        if not self.before + self.unknown_start + self.unfinished and not self.denominator > 0:
            return "There is no roster, so nobody's start is known and there is no activation rate."
        if math.isnan(self.value):
            return f"Too few people joined to give an activation rate. {left_out}"
        sure = (
            ""
            if math.isnan(self.low)
            else f" (90 % interval {100 * self.low:.0f} % to {100 * self.high:.0f} %)"
        )
        return (
            f"{self.numerator:.0f} of {self.denominator:.0f} people, {100 * self.value:.0f} %"
            f"{sure}, began within {self.days} days of joining. {left_out}"
        )


def activation_rate(data: Dataset, days: int = 30) -> Activation:
    """People first active within `days` days of joining / people whose `days` days are over.

    Day 1 is the first day on the roster. Use before it counts as use on it.
    """
    stays = _stays(data)
    known = stays["start"].notna()
    before = known & (stays["start"] < _first_day(data))
    last = stays["start"] + (days - 1) * _DAY
    open_end = stays["end"].fillna(_last_day(data))
    over = known & ~before & (last <= _last_day(data)) & (last <= open_end)
    began = (over & (stays["first_use"] <= last))[over].to_numpy(dtype="float64")
    few = len(began) < data.minimum_group or not len(began)
    single = Matrix(began[:, None], np.ones((len(began), 1)))
    low, high = (math.nan, math.nan) if few else single.ratios()[0]
    return Activation(
        days=days,
        value=math.nan if few else float(began.mean()),
        low=low,
        high=high,
        numerator=math.nan if few else float(began.sum()),
        denominator=math.nan if few else float(len(began)),
        unknown_start=int((~known).sum()),
        before=int(before.sum()),
        unfinished=int((known & ~before & ~over).sum()),
    )


@dataclass(frozen=True, eq=False)
class FirstUse:
    """How long people took from joining to their first active day, those still waiting included.

    `curve` has a row per day on which somebody began: day, value (share who had begun), low, high,
    at_risk. Quartiles are days, NaN where too few had begun. Everything is null under ten people.
    """

    curve: pd.DataFrame
    n_actors: int
    waiting: float
    quartiles: tuple[float, float, float]

    def sentence(self) -> str:
        """The median in plain English."""
        if self.curve.empty:
            return (
                f"Time to first use cannot be given: {self.n_actors} people joined while there are "
                f"records, and at least {MINIMUM_DISTRIBUTION} are needed."
            )
        lower, median, upper = (_days(days) for days in self.quartiles)
        return (
            f"Of {self.n_actors} people who joined, a quarter began within {lower}, half within "
            f"{median}, three quarters within {upper}; {self.waiting:.0f} had not begun when last "
            "seen, and count for as long as they could have."
        )


def time_to_first_use(data: Dataset) -> FirstUse:
    """Days from joining to the first active day, by Kaplan and Meier; the day of joining is 0."""
    stays = _stays(data)
    stays = stays[stays["start"].between(_first_day(data), _last_day(data))]
    end = stays["end"].fillna(_last_day(data)).clip(upper=_last_day(data))
    began = (stays["first_use"] <= end).to_numpy()
    until = stays["first_use"].where(began, end)
    days = (until - stays["start"]).dt.days.clip(lower=0).to_numpy(dtype="float64")
    if len(stays) < max(MINIMUM_DISTRIBUTION, data.minimum_group):
        nothing = kaplan_meier(days[:0], began[:0])
        return FirstUse(nothing, len(stays), math.nan, (math.nan, math.nan, math.nan))
    curve = kaplan_meier(days, began)
    lower, median, upper = (_reached(curve, share) for share in (0.25, 0.5, 0.75))
    return FirstUse(curve, len(stays), float((~began).sum()), (lower, median, upper))


def kaplan_meier(days: Floats, began: Cells) -> pd.DataFrame:
    """One row per day on which somebody began: day, value (the share begun by then), low, high,
    at_risk. Those who had not begun are kept up to their last day.

    The interval is Greenwood's on the scale of log(-log), 90 %.
    """
    at, begun = np.unique(days[began], return_counts=True)
    at_risk = (days[None, :] >= at[:, None]).sum(axis=1)
    survival = np.cumprod(1 - begun / at_risk)
    inside = (survival > 0) & (survival < 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(begun / (at_risk * (at_risk - begun)))
        width = np.exp(TAIL * np.sqrt(variance) / np.abs(np.log(survival)))
        ends = survival ** (1 / width), survival**width
    low, high = (np.where(inside, 1 - edge, np.nan) for edge in ends)
    return pd.DataFrame(
        {"day": at, "value": 1 - survival, "low": low, "high": high, "at_risk": at_risk}
    )


def _reached(curve: pd.DataFrame, share: float) -> float:
    """The first day by which `share` had begun; NaN when that was not seen."""
    days = curve.loc[curve["value"] >= share - 1e-9, "day"]
    return float(days.iloc[0]) if len(days) else math.nan


def _days(days: float) -> str:
    if math.isnan(days):
        return "a time not reached yet"
    return f"{days:.0f} day{'' if days == 1 else 's'}"


def _first_day(data: Dataset) -> pd.Timestamp:
    """The first day of the closed weeks that follow on one another up to the last."""
    weeks = data.weeks
    gaps = np.flatnonzero(np.diff(weeks) != np.timedelta64(7, "D"))
    return weeks[gaps[-1] + 1 if len(gaps) else 0] if len(weeks) else pd.NaT


def _last_day(data: Dataset) -> pd.Timestamp:
    return data.weeks[-1] + 6 * _DAY if len(data.weeks) else pd.NaT


def _stays(data: Dataset) -> pd.DataFrame:
    """One row per person on the roster at the end or before it: start, end, first and last use.

    Start is that of the first stay and end that of the last; NaT is unknown and open.
    """
    roster = data.roster[~(data.roster["start"] > _last_day(data))]
    roster = roster if len(data.weeks) else roster.iloc[:0]
    ordered = roster.sort_values(["actor", "start"], na_position="first")
    stays = ordered.drop_duplicates("actor")[["actor", "start"]].set_index("actor")
    stays["end"] = ordered.drop_duplicates("actor", keep="last").set_index("actor")["end"]
    stays = stays[~(stays["end"] < _first_day(data))]
    days = actor_days(data)
    days = days[(days["active"] == 1) & (days["date"] >= _first_day(data))]
    use = days.astype({"actor": "str"}).groupby("actor")["date"]
    return stays.assign(first_use=use.min(), last_use=use.max()).reset_index()


def _cells(rows: pd.DataFrame, names: npt.NDArray[np.str_], weeks: pd.DatetimeIndex) -> Cells:
    """Weeks by people: who has a row."""
    cells = np.zeros((len(weeks), len(names)), dtype=bool)
    people = pd.Index(names).get_indexer(rows["actor"].astype("str"))
    cells[weeks.get_indexer(rows["week"]), people] = True
    return cells


def _flow(active: Cells, on_roster: Cells, position: int) -> tuple[int, ...]:
    """The people of each flow of the week at `position`, in the order of FLOWS."""
    now, last = active[position], active[position - 1]
    seen = active[:position].any(axis=0)
    left = last & ~now & on_roster[position - 1] & ~on_roster[position]
    parts = (now & last, now & seen & ~last, now & ~seen, last & ~now & ~left, left)
    return tuple(int(part.sum()) for part in parts)


def _weeks_since(rows: pd.DataFrame, first: pd.Series) -> pd.Series:
    return (rows["week"] - rows["actor"].map(first)).dt.days // 7


def _cell(data: Dataset, active: pd.Series, cohort: pd.Timestamp, k: int) -> tuple[object, ...]:
    """One cell of the triangle."""
    size = int(active.get((cohort, 0), 0))
    if cohort + k * WEEK not in data.weeks:
        return cohort, k, math.nan, math.nan, "not yet"
    if size < max(data.minimum_group, 1):
        return cohort, k, math.nan, math.nan, "withheld" if size else "nobody"
    return cohort, k, int(active.get((cohort, k), 0)) / size, float(size), "seen"
