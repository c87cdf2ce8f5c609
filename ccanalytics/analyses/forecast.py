"""What the month will cost if it continues as before, with an interval, and its budgets.

Each future day is expected to cost what its weekday usually does (see `daily_cost`), times a level
that follows the newest days: their cost / the usual cost, where ten days ago counts half. The error
of such a path comes from the past: at every past day the same forecast is made over as
many days, and compared with what came. The interval is that error, with a t quantile for as few
independent stretches as there were. A forecast whose interval is wider than itself is withheld.

Budgets are compared in billed money where known, else estimated. A budget belongs to the
organisation, including API keys and everything billed, or to a team or a cost centre. It is
exceeded when the low end of the forecast reaches it, not when it might be.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from ccanalytics.analyses.daily_cost import (
    BASELINE_DAYS,
    Kinds,
    cost_by_day,
    kinds_of_day,
    median_of_kind,
)
from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.dataset.titled_frame import TitledFrame, titled
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.findings import Finding
from ccanalytics.metrics.own_history import LEVEL, Floats
from ccanalytics.metrics.withholding import UNAVAILABLE, basis_of, mask_unavailable
from ccanalytics.people.small_groups import few, people_of
from ccanalytics.showing import ShowsItself
from ccanalytics.words import day_words

MINIMUM_DAYS = 21
"""Closed days needed for a forecast: three weeks."""

FEWEST_BACKTESTS = 8
"""With fewer forecasts of earlier days it is not known how far such a forecast is off."""

HALF_LIFE = 10
"""Half-life of a day in the level, in days."""

ORGANISATION, BILLED = "organisation", "billed_cost"

_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False)
class Forecast(ShowsItself):
    """The cost of a month: so far, the forecast, and its evidence.

    `frame` has one row per day of the month: date, kind ("actual" or "forecast"), value, low, high,
    each summed up from its first day. `error` is the median absolute error of `backtests` earlier
    forecasts over as many days, as a share. Crossing dates are NaT where the budget is not reached.
    `left_out` says whether people on seats are left out. `why` says why there is no forecast.
    """

    shown_by = "display.sentences:result_bundle"
    drawn_by = "analyses.analysis_display:month_forecast_chart"

    frame: pd.DataFrame
    month: pd.Timestamp
    so_far: float = math.nan
    total: float = math.nan
    low: float = math.nan
    high: float = math.nan
    error: float = math.nan
    backtests: int = 0
    budget: float = math.nan
    earliest: pd.Timestamp = pd.NaT
    latest: pd.Timestamp = pd.NaT
    left_out: bool = False
    why: str = ""

    def sentence(self) -> str:
        """The forecast, its error and the budget, in words."""
        if self.why:
            return f"There is no forecast of the month: {self.why}."
        usd = METRICS["cost"].format
        without = ", plan seats not included" if self.left_out else ""
        return (
            f"At the current pace {self.month:%B %Y} will cost an estimated {usd(self.total)}"
            f"{without} (90 % interval {usd(self.low)} to {usd(self.high)}), "
            f"{usd(self.so_far)} of it so far. {self.backtests} such forecasts of earlier days "
            f"were off by {100 * self.error:.0f} % in the median. {self._budget()}"
        )

    def _budget(self) -> str:
        if math.isnan(self.budget):
            return "No monthly budget is set."
        budget = METRICS["cost"].format(self.budget)
        if pd.isna(self.earliest):
            return f"The budget of {budget} is not reached within the month."
        first = day_words(self.earliest)
        if pd.isna(self.latest):
            return f"The budget of {budget} may be used up from {first} on, or not at all."
        if self.earliest == self.latest:
            return f"The budget of {budget} is used up on {first}."
        return f"The budget of {budget} is used up between {first} and {day_words(self.latest)}."


@kept
def month_forecast(data: Dataset) -> Forecast:
    """The forecast of the month of the last closed day, or of the next month if that day ended it.

    The cost is of people and API keys together, like a budget. What people on
    seats of a plan use is left out: it is paid with the seats.
    """
    data = _until_enough(data)
    seats = data.model_usage["customer_type"] == "subscription"
    days = _days_paid_by_use(data) if seats.any() else cost_by_day(data)
    days = days.assign(value=days["level"])  # days withheld together tell their mean
    last = days["date"].max()
    month = (last + _DAY).replace(day=1)
    nothing = Forecast(mask_unavailable(data, _path([])), month, left_out=bool(seats.any()))
    if not data.has_cost:
        return replace(nothing, why=f"cost is {UNAVAILABLE}")
    known = days.dropna(subset="value")
    if len(known) < MINIMUM_DAYS:
        return replace(nothing, why=f"{len(known)} days are known; {MINIMUM_DAYS} are needed")
    ahead = pd.Series(pd.date_range(last + _DAY, month + pd.offsets.MonthEnd(1)))
    this_month = days[days["date"] >= month]
    if len(this_month) != (last - month).days + 1 or this_month["value"].isna().any():
        return replace(nothing, why="not every day of the month so far is known")
    values, kinds = days["value"].to_numpy(), days["kind"].to_numpy()
    expected = _expected(values, kinds, kinds_of_day(data, ahead).to_numpy())
    errors = _errors(values, kinds, len(ahead))
    if np.isnan(expected).any() or errors.shape[0] < FEWEST_BACKTESTS:
        return replace(nothing, why="there are too few weeks to know the error of a forecast")
    found = _forecast(nothing, this_month, ahead, expected, errors)
    return _against(found, data.monthly_budget_usd if not data.team else None)


@dataclass(frozen=True, eq=False, kw_only=True)
class BudgetState(Forecast):
    """One monthly budget, and the forecast of what it is for; `money` is billed or estimated."""

    scope: str
    name: str
    money: str

    @property
    def first_day(self) -> pd.Timestamp:
        """The day on which the low end of the forecast reaches it; NaT when it does not."""
        return self.latest

    @property
    def is_crossed(self) -> bool:
        """Whether even the low end of the forecast reaches it."""
        return self.low >= self.budget

    @property
    def tense(self) -> str:
        """Whether a crossed budget is used up already, or only by the forecast."""
        return "was" if self.so_far >= self.budget else "will be"

    def sentence(self) -> str:
        """The forecast against the budget, in words."""
        usd = METRICS["cost"].format
        whose = self.name or "All of it"
        if self.why:
            return f"{whose}: there is no forecast for the budget because {self.why}."
        return (
            f"{whose}: {usd(self.so_far)} so far and {usd(self.low)} to {usd(self.high)} in "
            f"{self.month:%B %Y}, {self.money}; its budget, {usd(self.budget)}, {self.verdict}."
        )

    @property
    def verdict(self) -> str:
        """Whether the month stays within the budget."""
        if self.why:
            return self.why
        if self.is_crossed:
            return f"{self.tense} exceeded by {day_words(self.first_day)}"
        return "will not be reached" if self.high < self.budget else "may be exceeded"

    def as_json(self) -> dict[str, Any]:
        """As values for programs: days as text, unknown values null."""
        names = ("scope", "name", "money", "so_far", "total", "low", "high", "why", "is_crossed")
        known = {"budget_usd": self.budget, **{name: getattr(self, name) for name in names}}
        days = {"month": (self.month, "%Y-%m"), "first_day": (self.first_day, "%Y-%m-%d")}
        known |= {
            name: f"{day:{form}}" if pd.notna(day) else None for name, (day, form) in days.items()
        }
        return {name: None if pd.isna(value) else value for name, value in known.items()}


@kept
def budget_states(data: Dataset) -> list[BudgetState]:
    """Every budget of the settings against the month of the last known day."""
    if data.team:
        return []
    basis, money = data, "estimated"
    if BILLED in METRICS and basis_of(data, METRICS[BILLED]).has_cost:
        basis, money = basis_of(data, METRICS[BILLED]), "billed"
    if basis.cost_days:
        basis = basis.between(min(basis.cost_days).date(), max(basis.cost_days).date())
    return [_state(*one, money) for one in _scopes(data, basis)]


def budget_findings(data: Dataset) -> Iterator[Finding]:
    """A finding for each budget that even the low end of the forecast exceeds."""
    usd = METRICS["cost"].format
    for one in filter(lambda one: one.is_crossed, budget_states(data)):
        name = f"{one.name}: the" if one.name else "The"
        day = day_words(one.first_day)
        title = f"{name} budget of {usd(one.budget)} {one.tense} used up by {day}"
        text = (
            f"{usd(one.so_far)} {one.money} so far; {usd(one.low)} to {usd(one.high)} expected in "
            f"{one.month:%B}."
        )
        over = min(one.total / one.budget - 1, 2.0)
        weight = 2 * math.sqrt(one.total / 4) * over  # a month is four weeks, and it is sure
        yield Finding("budget", title, text, "month_forecast", one.scope, one.name, weight=weight)


def budget_table(data: Dataset) -> TitledFrame:
    """One row per budget of the settings, this month: US dollars so far and expected, verdict.

    Columns: whose, budget, so_far, low, high, money (billed or estimated), verdict.
    """
    usd = METRICS["cost"].format
    rows = [
        (one.name or "all", one.budget, one.so_far, one.low, one.high, one.money, one.verdict)
        for one in budget_states(data)
    ]
    labels = {"whose": "for", "budget": "budget", "so_far": "so far", "low": "month from",
              "high": "to", "money": "money", "verdict": "the budget"}  # fmt: skip
    return titled(
        pd.DataFrame(rows, columns=list(labels)),
        "Budgets of the month",
        labels=labels,
        formats=dict.fromkeys(("budget", "so_far", "low", "high"), usd),
        empty_text="No budget is set: monthly_budget_usd and [budgets] in ccanalytics.toml.",
    )


def _until_enough(data: Dataset) -> Dataset:
    """The dataset up to the newest day of enough people, or to the end of the last closed week.

    Else the sum up to today, less the one up to yesterday, would be of few people.
    """
    if data.minimum_group == 1 or not len(data.weeks):
        return data
    last, small = data.weeks[-1] + 6 * _DAY, set[pd.Timestamp]()
    for one in filter(None, (data.rest, data)):
        people = people_of([getattr(one, name) for name in SCHEMAS], ["date"])
        small |= {*people.loc[few(people, data.minimum_group, ["date"]), "date"]}
    last = max({*people["date"]} - small | {last})
    return data.between(data.since, last.date()) if last < pd.Timestamp(data.until) else data


def _days_paid_by_use(data: Dataset) -> pd.DataFrame:
    """`cost_by_day` without what seats pay; null where either part has too few people."""

    def cost_of(seats: bool) -> pd.DataFrame:
        frames = {"activity": data.activity, "model_usage": data.model_usage}
        parts = {n: f[(f["customer_type"] == "subscription") == seats] for n, f in frames.items()}
        return cost_by_day(replace(data, **parts))

    days = cost_of(seats=False)
    return days.assign(level=days["level"].where(cost_of(seats=True)["level"].notna()))


def _forecast(
    nothing: Forecast,
    this_month: pd.DataFrame,
    ahead: pd.Series,
    expected: Floats,
    errors: Floats,
) -> Forecast:
    so_far, to_come = float(this_month["value"].sum()), np.cumsum(expected)
    path = so_far + to_come
    if not path[-1] > 0:
        return replace(nothing, why="nothing was used in the weeks before")
    spread = _widths(errors)
    low, high = (so_far + to_come * np.exp(sign * spread) for sign in (-1, 1))
    if high[-1] - low[-1] > path[-1]:
        ends = " to ".join(METRICS["cost"].format(float(end[-1])) for end in (low, high))
        return replace(nothing, why=f"its 90 % interval, {ends}, is wider than the forecast")
    actual = zip(this_month["date"], this_month["value"].cumsum(), strict=True)
    rows = [(day, "actual", value, value, value) for day, value in actual]
    rows += [(day, "forecast", *values)
             for day, *values in zip(ahead, path, low, high, strict=True)]  # fmt: skip
    total, least, most = (float(one[-1]) for one in (path, low, high))
    error = float(np.median(np.abs(np.expm1(errors[:, -1]))))
    numbers: Any = {"so_far": so_far, "total": total, "low": least, "high": most, "error": error}
    return replace(nothing, frame=_path(rows), backtests=len(errors), **numbers)


def _expected(values: Floats, kinds: Kinds, ahead: Kinds) -> Floats:
    """The expected cost of days of the kinds `ahead`, after days of these values and kinds."""
    values, kinds = values[-BASELINE_DAYS:], kinds[-BASELINE_DAYS:]
    usual = {kind: median_of_kind(values, kinds, kind) for kind in {*kinds, *ahead}}
    then = np.array([usual[kind] for kind in kinds])
    known = ~np.isnan(values) & ~np.isnan(then)
    weights = 0.5 ** (np.arange(len(values))[::-1] / HALF_LIFE)
    came, was_usual = (float(weights[known] @ one[known]) for one in (values, then))
    level = came / was_usual if was_usual > 0 else 1.0
    return level * np.array([usual[kind] for kind in ahead], dtype="float64")


def _errors(values: Floats, kinds: Kinds, horizon: int) -> Floats:
    """One row per past day: log of the actual / expected cost of the next 1, 2, ... days."""
    rows = []
    for at in range(MINIMUM_DAYS, len(values) - horizon + 1):
        to_come = slice(at, at + horizon)
        expected = np.cumsum(_expected(values[:at], kinds[:at], kinds[to_come]))
        actual = np.cumsum(values[to_come])
        if not np.isnan(expected[-1]) and not np.isnan(actual[-1]):
            rows.append(np.log((actual + 1) / (expected + 1)))
    return np.array(rows).reshape(-1, horizon)


def _widths(errors: Floats) -> Floats:
    """Half of the interval at each day ahead, on the log scale.

    Forecasts from neighbouring days overlap, so only every stretch of the horizon's length counts
    as independent; there are always taken to be two.
    """
    count, horizon = errors.shape
    steps = np.arange(1, horizon + 1)
    independent = np.maximum((count + horizon - 1) / steps, 3.0)
    rms = np.sqrt(np.mean(errors**2, axis=0))
    widths: Floats = stdtrit(independent - 1, (1 + LEVEL) / 2) * rms * np.sqrt(1 + 1 / independent)
    return widths


def _against(found: Forecast, budget: float | None) -> Forecast:
    """`found` with a budget, and the first days on which either end of it reaches that."""
    if budget is None:
        return found
    reached = (found.frame.loc[found.frame[end] >= budget, "date"] for end in ("high", "low"))
    earliest, latest = (days.iloc[0] if len(days) else pd.NaT for days in reached)
    return replace(found, budget=budget, earliest=earliest, latest=latest)


def _path(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    numbers = dict.fromkeys(["value", "low", "high"], "float64")
    kinds = {"date": "datetime64[ms]", "kind": "str", **numbers}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def _scopes(data: Dataset, basis: Dataset) -> Iterator[tuple[str, str, float, Dataset | None]]:
    """Scope, name, budget and dataset; None for a name without people."""
    if data.monthly_budget_usd:
        yield ORGANISATION, "", data.monthly_budget_usd, basis
    for scope, budgets in data.budgets.items():
        parted = basis.by_cost_centre() if scope == "cost_centre" else basis
        for name, budget in budgets.items():
            there = name in set(parted.roster["team"].dropna())
            yield scope, name, budget, parted.of_team(name) if there else None


def _state(scope: str, name: str, budget: float, part: Dataset | None, money: str) -> BudgetState:
    why = f"the roster has no {scope.replace('_', ' ')} {name!r}"
    found = month_forecast(part) if part is not None else Forecast(_path([]), pd.NaT, why=why)
    known = vars(_against(found, budget))
    return BudgetState(**known, scope=scope, name=name, money=money)
