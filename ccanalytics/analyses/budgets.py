"""Monthly budgets against the forecast, in billed money where known, else estimated.

A budget belongs to the organisation, including API keys and everything billed, or to a team or
a cost centre. It is exceeded when the low end of the forecast reaches it, not when it might be.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ccanalytics.analyses.forecast import crossing, month_forecast
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.kept import kept
from ccanalytics.dataset.titled_frame import TitledFrame, titled
from ccanalytics.metrics.availability import basis_of
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.metrics.findings import Finding

ORGANISATION, BILLED = "organisation", "billed_cost"


@dataclass(frozen=True)
class BudgetState:
    """One monthly budget; `low` to `high` is the 90 % interval of the forecast.

    `first_day` is the day on which the low end reaches it; NaT when it does not. `money` is billed
    or estimated. `why` says why there is no forecast.
    """

    scope: str
    name: str
    budget_usd: float
    month: pd.Timestamp = pd.NaT
    money: str = "estimated"
    so_far: float = math.nan
    total: float = math.nan
    low: float = math.nan
    high: float = math.nan
    first_day: pd.Timestamp = pd.NaT
    why: str = ""

    @property
    def is_crossed(self) -> bool:
        """Whether even the low end of the forecast reaches it."""
        return self.low >= self.budget_usd

    def sentence(self) -> str:
        """The forecast against the budget, in words."""
        usd = METRICS["cost"].format
        whose = self.name or "All of it"
        if self.why:
            return f"{whose}: there is no forecast for the budget because {self.why}."
        return (
            f"{whose}: {usd(self.so_far)} so far and {usd(self.low)} to {usd(self.high)} in "
            f"{self.month:%B %Y}, {self.money}; its budget, {usd(self.budget_usd)}, {self.verdict}."
        )

    @property
    def verdict(self) -> str:
        """Whether the month stays within the budget."""
        if self.why:
            return self.why
        if self.is_crossed:
            return f"is exceeded by {self.first_day:%-d %B}"
        return "will not be reached" if self.high < self.budget_usd else "may be exceeded"

    def as_json(self) -> dict[str, Any]:
        """As values for programs: days as text, unknown values null."""
        known = {name: None if pd.isna(value) else value for name, value in vars(self).items()}
        month, day = known.pop("month"), known.pop("first_day")
        days = {"month": month and f"{month:%Y-%m}", "first_day": day and f"{day:%Y-%m-%d}"}
        return {**known, **days, "is_crossed": self.is_crossed}


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
        title = f"{name} budget of {usd(one.budget_usd)} is used up by {one.first_day:%-d %B}"
        text = (
            f"{usd(one.so_far)} {one.money} so far; {usd(one.low)} to {usd(one.high)} expected in "
            f"{one.month:%B}."
        )
        over = min(one.total / one.budget_usd - 1, 2.0)
        weight = 2 * math.sqrt(one.total / 4) * over  # a month is four weeks, and it is sure
        yield Finding("budget", title, text, "month_forecast", one.scope, one.name, weight=weight)


def budget_table(data: Dataset) -> TitledFrame:
    """One row per budget: owner, budget, so far, the forecast, and whether it is exceeded."""
    usd = METRICS["cost"].format
    rows = [
        (one.name or "all", one.budget_usd, one.so_far, one.low, one.high, one.money, one.verdict)
        for one in budget_states(data)
    ]
    labels = {"whose": "of", "budget": "budget", "so_far": "so far", "low": "month from",
              "high": "to", "money": "money", "verdict": "the budget"}  # fmt: skip
    return titled(
        pd.DataFrame(rows, columns=list(labels)),
        "Budgets of the month",
        labels=labels,
        formats=dict.fromkeys(("budget", "so_far", "low", "high"), usd),
        empty_text="No budget is set: monthly_budget_usd and [budgets] in ccanalytics.toml.",
    )


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
    if part is None:
        why = f"the roster has no {scope.replace('_', ' ')} {name!r}"
        return BudgetState(scope, name, budget, money=money, why=why)
    found = month_forecast(part)
    names = ("month", "so_far", "total", "low", "high", "why")
    known: Any = {name: getattr(found, name) for name in names}
    first_day = crossing(found.frame, "low", budget)
    return BudgetState(scope, name, budget, money=money, first_day=first_day, **known)
