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
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from ccanalytics.analyses.daily_cost import (
    BASELINE_DAYS,
    Kinds,
    cost_by_day,
    kinds_of_day,
    usual_costs,
)
from ccanalytics.dataset.dataset import Dataset, kept
from ccanalytics.dataset.titled_frame import Column, TitledFrame, titled, typed
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.findings import Finding
from ccanalytics.metrics.own_history import LEVEL, Floats
from ccanalytics.metrics.withholding import UNAVAILABLE, basis_of, mask_unavailable
from ccanalytics.people.small_groups import few, people_of
from ccanalytics.showing import ShowsItself
from ccanalytics.words import day_words

MINIMUM_DAYS = 21  # closed days needed for a forecast: three weeks
FEWEST_BACKTESTS = 8
"""With fewer forecasts of earlier days it is not known how far such a forecast is off."""

HALF_LIFE = 10  # half-life of a day in the level, in days
BILLED = "billed_cost"

_DAY = pd.Timedelta(days=1)
_USD = METRICS["cost"].format
_NUMBERS = dict.fromkeys(("value", "low", "high"), "float64")
_PATH = {"date": "datetime64[ms]", "kind": "str", **_NUMBERS}
_BUDGETS = {
    "scope": Column(kind="str"),
    "name": Column("for", kind="str"),
    "budget_usd": Column("budget", _USD),
    "so_far": Column("so far", _USD),
    "total": Column(),
    "low": Column("month from", _USD),
    "high": Column("to", _USD),
    "money": Column("money", kind="str"),
    "verdict": Column("the budget", kind="str"),
    "first_day": Column(kind="datetime64[ms]"),
    "is_crossed": Column(kind="bool"),
}


@dataclass(frozen=True, eq=False)
class Forecast(ShowsItself):
    """The cost of a month: so far, the forecast, its evidence, and the budget if there is one.

    `frame` has one row per day of the month: date, kind ("actual" or "forecast"), value, low, high,
    each summed up from its first day. `error` is the median absolute error of `backtests` earlier
    forecasts over as many days, as a share. `left_out` says whether people on seats are left out.
    Without a forecast `why` says why, there are no rows, and the numbers are NaN.
    """

    shown_by = "display.bundles:result_bundle"
    drawn_by = "analyses.analysis_display:month_forecast_chart"

    frame: pd.DataFrame
    month: pd.Timestamp
    budget: float = math.nan
    left_out: bool = False
    why: str = ""
    so_far: float = math.nan
    total: float = math.nan
    low: float = math.nan
    high: float = math.nan
    error: float = math.nan
    backtests: int = 0

    @property
    def earliest(self) -> pd.Timestamp:
        """The day on which the high end of the forecast reaches the budget, or NaT."""
        return self.frame.loc[self.frame["high"] >= self.budget, "date"].min()

    @property
    def first_day(self) -> pd.Timestamp:
        """The day on which even the low end of the forecast reaches the budget, or NaT."""
        return self.frame.loc[self.frame["low"] >= self.budget, "date"].min()

    @property
    def verdict(self) -> str:
        """When the budget is used up."""
        if self.why or pd.isna(self.earliest):
            return self.why or "is not reached within the month"
        first = day_words(self.earliest)
        if pd.isna(self.first_day):
            return f"may be used up from {first} on, or not at all"
        last = day_words(self.first_day)
        return f"is used up {f'on {last}' if first == last else f'between {first} and {last}'}"

    def sentence(self) -> str:
        """The forecast, its error and the budget, in words."""
        if self.why:
            return f"There is no forecast of the month: {self.why}."
        without = ", plan seats not included" if self.left_out else ""
        budget = f"The budget of {_USD(self.budget)} {self.verdict}."
        return (
            f"At the current pace {self.month:%B %Y} will cost an estimated {_USD(self.total)}"
            f"{without} (90 % interval {_USD(self.low)} to {_USD(self.high)}), "
            f"{_USD(self.so_far)} of it so far. {self.backtests} such forecasts of earlier days "
            f"were off by {100 * self.error:.0f} % in the median. "
            f"{'No monthly budget is set.' if math.isnan(self.budget) else budget}"
        )


@kept
def month_forecast(data: Dataset) -> Forecast:
    """The forecast of the month of the last closed day, or of the next month if that day ended it.

    The cost is of people and API keys together, like a budget. What people on
    seats of a plan use is left out: it is paid with the seats.
    """
    data = _until_enough(data)
    seats = bool((data.model_usage["customer_type"] == "subscription").any())
    days = _days_paid_by_use(data) if seats else cost_by_day(data)
    # The level is also known of days that are withheld: together they tell their mean.
    values, kinds = days["level"].to_numpy(), days["kind"].to_numpy()
    last, known = days["date"].max(), int(days["level"].count())
    month = (last + _DAY).replace(day=1)
    budget = math.nan if data.team or not data.monthly_budget_usd else data.monthly_budget_usd
    nothing = Forecast(mask_unavailable(data, typed([], _PATH)), month, budget, seats)
    if not data.has_cost:
        return replace(nothing, why=f"cost is {UNAVAILABLE}")
    if known < MINIMUM_DAYS:
        return replace(nothing, why=f"{known} days are known; {MINIMUM_DAYS} are needed")
    over = days[days["date"] >= month]
    if len(over) != (last - month).days + 1 or over["level"].isna().any():
        return replace(nothing, why="not every day of the month so far is known")
    ahead = pd.Series(pd.date_range(last + _DAY, month + pd.offsets.MonthEnd(1)))
    expected = _expected(values, kinds, kinds_of_day(data, ahead).to_numpy())
    errors = _errors(values, kinds, len(ahead))
    if np.isnan(expected).any() or len(errors) < FEWEST_BACKTESTS:
        return replace(nothing, why="there are too few weeks to know the error of a forecast")
    so_far, spread = float(over["level"].sum()), _widths(errors)
    ends = [so_far + expected.cumsum() * np.exp(way * spread) for way in (0, -1, 1)]
    total, low, high = (float(end[-1]) for end in ends)
    if not total > high - low:  # also where nothing was used
        why = f"its 90 % interval, {_USD(low)} to {_USD(high)}, is wider than the forecast"
        return replace(nothing, why=why)
    sums, error = over["level"].cumsum(), float(np.median(np.abs(np.expm1(errors[:, -1]))))
    rows = [(day, "actual", one, one, one) for day, one in zip(over["date"], sums, strict=True)]
    rows += [(day, "forecast", *each) for day, *each in zip(ahead, *ends, strict=True)]
    return replace(
        nothing,
        frame=typed(rows, _PATH),
        so_far=so_far,
        total=total,
        low=low,
        high=high,
        error=error,
        backtests=len(errors),
    )


@kept
def budget_table(data: Dataset) -> TitledFrame:
    """One row per budget of the settings, this month: US dollars so far and expected, verdict.

    Columns: scope, name, budget_usd, so_far, total, low, high, money (billed or estimated),
    verdict, first_day (on which even the low end of the forecast reaches it), is_crossed.
    """
    basis, money = data, "estimated"
    if BILLED in METRICS and basis_of(data, METRICS[BILLED]).has_cost:
        basis, money = basis_of(data, METRICS[BILLED]), "billed"
    if basis.cost_days:
        basis = basis.between(min(basis.cost_days).date(), max(basis.cost_days).date())
    parts = {"cost_centre": basis.by_cost_centre()} if "cost_centre" in data.budgets else {}
    asked = [("organisation", "all", data.monthly_budget_usd)] if data.monthly_budget_usd else []
    asked += [(scope, *one) for scope, named in data.budgets.items() for one in named.items()]
    rows = []
    for scope, name, budget in [] if data.team else asked:
        one = replace(_forecast_of(parts.get(scope, basis), scope, name), budget=budget)
        sums = one.so_far, one.total, one.low, one.high
        end = money, one.verdict, one.first_day, one.low >= budget
        rows.append((scope, name, budget, *sums, *end))
    none = "No budget is set: monthly_budget_usd and [budgets] in ccanalytics.toml."
    return titled(typed(rows, _BUDGETS), "Budgets of the month", _BUDGETS, none)


def _forecast_of(data: Dataset, scope: str, name: str) -> Forecast:
    """The forecast of the organisation, or of one of its teams or cost centres."""
    if scope == "organisation":
        return month_forecast(data)
    if name in set(data.roster["team"].dropna()):
        return month_forecast(data.of_team(name))
    why = f"the roster has no {scope.replace('_', ' ')} {name!r}"
    return Forecast(typed([], _PATH), pd.NaT, why=why)


def budget_findings(data: Dataset) -> Iterator[Finding]:
    """A finding for each budget that even the low end of the forecast exceeds."""
    budgets = budget_table(data)
    for one in budgets[budgets["is_crossed"]].itertuples():
        name = "" if one.scope == "organisation" else one.name
        tense = "was" if one.so_far >= one.budget_usd else "will be"
        title = (
            f"{f'{name}: the' if name else 'The'} budget of {_USD(one.budget_usd)} {tense} used up "
            f"by {day_words(one.first_day)}"
        )
        text = (
            f"{_USD(one.so_far)} {one.money} so far; {_USD(one.low)} to {_USD(one.high)} expected "
            f"in {one.first_day:%B}."
        )
        over = min(one.total / one.budget_usd - 1, 2.0)
        weight = 2 * math.sqrt(one.total / 4) * over  # a month is four weeks, and it is sure
        yield Finding("budget", title, text, "month_forecast", one.scope, name, weight=weight)


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


def _expected(values: Floats, kinds: Kinds, ahead: Kinds) -> Floats:
    """The expected cost of days of the kinds `ahead`, after days of these values and kinds."""
    values, kinds = values[-BASELINE_DAYS:], kinds[-BASELINE_DAYS:]
    usual, known = usual_costs(values, kinds), ~np.isnan(values)
    weights = 0.5 ** (np.arange(len(values))[::-1] / HALF_LIFE)[known]
    came, was_usual = weights @ values[known], weights @ usual[kinds[known]]
    return usual[ahead] * (came / was_usual if was_usual > 0 else 1.0)


def _errors(values: Floats, kinds: Kinds, horizon: int) -> Floats:
    """One row per past day: log of the actual / expected cost of the next 1, 2, ... days."""
    rows = []
    for at in range(MINIMUM_DAYS, len(values) - horizon + 1):
        to_come = slice(at, at + horizon)
        expected = _expected(values[:at], kinds[:at], kinds[to_come]).cumsum()
        rows.append(np.log((values[to_come].cumsum() + 1) / (expected + 1)))
    errors = np.array(rows).reshape(-1, horizon)
    return errors[~np.isnan(errors[:, -1])]


def _widths(errors: Floats) -> Floats:
    """Half of the interval at each day ahead, on the log scale.

    Forecasts from neighbouring days overlap, so only every stretch of the horizon's length counts
    as independent; there are taken to be three at least.
    """
    count, horizon = errors.shape
    independent = np.maximum((count + horizon - 1) / np.arange(1, horizon + 1), 3.0)
    rms = np.sqrt(np.mean(errors**2, axis=0))
    widths: Floats = stdtrit(independent - 1, (1 + LEVEL) / 2) * rms * np.sqrt(1 + 1 / independent)
    return widths
