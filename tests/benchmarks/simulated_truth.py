"""How often the statements about an organisation are true when the truth is known: 200 seeds each.

    uv run python tests/benchmarks/simulated_truth.py [--seeds N]

People differ in habit by a lognormal factor, keep it from week to week, and are away in a fifth of
their weeks. Weeks are independent; share a shock of 10 %; are correlated within people (0.7); have
heavy tails with 30 % who never commit; end with a holiday, on which four of ten are away; or drift
by 1 % a week. Days have weekdays and noise. It prints the tables of docs/numbers.md.
"""

import argparse
import math
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from builders import dataset, record

import ccanalytics as m
from ccanalytics.analyses.daily_cost import unusual_days
from ccanalytics.analyses.interventions import Effect, compared_teams
from ccanalytics.metrics.change import compare
from ccanalytics.metrics.own_history import week_intervals
from ccanalytics.metrics.ratios import Matrix

RATE = 8.0  # dollars per unit of work
COMMITS = 2.5  # per unit of work
MONDAY = date(2026, 8, 31)
WEEKS = 12
SHAPES = ("independent", "shared", "correlated", "heavy", "holiday", "drift")
SIZES = (10, 20, 40, 120)


def twelve_weeks(random, n, shape):
    """Cost and commits of `n` people in twelve unchanged weeks, and the true cost per commit in
    the last week."""
    skew = 1.5 if shape == "heavy" else 1.0
    habit = random.lognormal(0, skew, (n, 1))
    work = habit * _noise(random, n, 0.4, shape)
    work *= random.random((n, WEEKS)) < 0.8
    if shape == "holiday":
        work[:, -1] *= random.random(n) < 0.6
    cost = RATE * work * _noise(random, n, 0.5, shape)
    commits = random.poisson(COMMITS * work) * 1.0
    truth = RATE / COMMITS
    if shape == "heavy":
        never = random.random(n) < 0.3
        commits[never] = 0
        truth *= habit.sum() / habit[~never].sum()
    if shape == "shared":
        cost = cost * np.exp(random.normal(0, 0.1, WEEKS))
    if shape == "drift":
        cost = cost * 1.01 ** np.arange(WEEKS)
        truth *= 1.01 ** (WEEKS - 1)
    return cost, commits, truth


def _noise(random, n, size, shape):
    """Lognormal noise of each person and week; correlated within people (.7) on request."""
    normal = random.normal(0, 1, (n, WEEKS))
    if shape == "correlated":
        for week in range(1, WEEKS):
            normal[:, week] = 0.7 * normal[:, week - 1] + math.sqrt(1 - 0.49) * normal[:, week]
    return np.exp(size * normal - size**2 / 2)


def changes(seeds, n, shape):
    """False changes, and of 30 % more found, in the last week and in the last four; and how often
    the interval of the last week holds the true cost per commit."""
    metric, order = m.METRICS["cost_per_commit"], np.arange(WEEKS)
    hits = np.zeros(5)
    for seed in range(seeds):
        cost, commits, truth = twelve_weeks(np.random.default_rng([seed, n]), n, shape)
        for at, late in enumerate((order >= WEEKS - 1, order >= WEEKS - 4)):
            same = compare(metric, Matrix(cost, commits), late)
            more = compare(metric, Matrix(cost * np.where(late, 1.3, 1.0), commits), late)
            hits[2 * at] += same.is_change
            hits[2 * at + 1] += more.verdict == "up"
        low, high = week_intervals(cost, commits, np.ones(WEEKS, dtype=bool))[-1]
        hits[4] += low <= truth <= high
    return hits / seeds


def quiet_issues(seeds, shape):
    """Of unchanged organisations of 40 people, the shares with a change and with any finding."""
    hits = np.zeros(2)
    for seed in range(seeds):
        cost, commits, _ = twelve_weeks(np.random.default_rng(seed), 40, shape)
        kinds = {one.kind for one in m.findings(forty_people(cost, commits))}
        hits += "change" in kinds, bool(kinds - {"nothing", "unknown"})
    return hits / seeds


def forty_people(cost, commits):
    """A dataset of these people in four teams of ten, each with one record a week."""
    records = [
        record(
            str(MONDAY + timedelta(weeks=week, days=1)),
            f"p{person}@x.example",
            commits=int(commits[person, week]),
            models={"claude-sonnet-5": {"output": 9, "cents": round(100 * cost[person, week], 4)}},
        )
        for week in range(WEEKS)
        for person in range(len(cost))
        if cost[person, week] > 0
    ]
    roster = "email,team,start\n" + "\n".join(f"p{n}@x.example,T{n % 4}," for n in range(len(cost)))
    return dataset(records, MONDAY, MONDAY + timedelta(days=83), roster=roster)


def months(seeds, growth):
    """The median error of the forecast; how often its interval holds what the month comes to,
    organisations with a false unusual day, and of days of three times the usual those found."""
    held, errors, alarms, found = 0, [], 0, 0
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        days = [MONDAY + timedelta(n) for n in range(92)]
        usual = [
            (10.0 if day.weekday() >= 5 else 100.0) * growth ** (n / 7)
            for n, day in enumerate(days)
        ]
        costs = dict(zip(days, usual * random.lognormal(0, 0.15, len(days)), strict=True))
        whole = sum(cost for day, cost in costs.items() if day.month == 11)
        data = daily(costs, days[:84])
        forecast = m.month_forecast(data)
        held += forecast.low <= whole <= forecast.high
        errors.append(abs(forecast.total / whole - 1))
        alarms += len(unusual_days(data)) > 0
        spiked = daily(costs | {date(2026, 11, 18): 3 * usual[79]}, days[:84])
        found += date(2026, 11, 18) in set(unusual_days(spiked)["date"].dt.date)
    return float(np.median(errors)), (held / seeds, alarms / seeds, found / seeds)


def daily(costs, days):
    """A dataset of one person with this cost a day."""
    usage = {day: round(100 * costs[day], 4) for day in days}
    records = [
        record(str(day), models={"claude-sonnet-5": {"output": 9, "cents": cents}})
        for day, cents in usage.items()
    ]
    return dataset(records, days[0], days[-1])


def interventions(seeds, controls, shock):
    """False effects; of a true effect of a quarter, how often it is found and inside the
    interval."""
    hits = np.zeros(3)
    for seed in range(seeds):
        random = np.random.default_rng([seed, controls])
        commits, days = team_weeks(random, controls + 1, shock)
        alike = effect(commits, days)
        commits[0, 6:] *= 1.25
        more = effect(commits, days)
        low, high = more.change.interval
        hits += alike.verdict in ("higher", "lower"), more.verdict == "higher", low <= 0.25 <= high
    return hits / seeds


def team_weeks(random, teams, shock):
    """Commits and active days by team of ten and week; all of a team share a weekly shock."""
    habit = random.gamma(4, 0.75, (teams, 10, 1))
    days = random.integers(2, 6, (teams, 10, WEEKS))
    shared = np.exp(random.normal(0, shock, (teams, 1, WEEKS)))
    return random.poisson(habit * days * shared).sum(axis=1) * 1.0, days.sum(axis=1) * 1.0


def effect(commits, days):
    """The result for the first team, changed in week seven, compared with the others."""
    weeks = pd.date_range(MONDAY, periods=WEEKS, freq="7D")
    metric = m.METRICS["commits_per_active_day"]
    asked = Effect(metric, "T0", "Training", weeks[6], pd.DataFrame(), n_teams=len(commits) - 1)
    return compared_teams(asked, np.stack([commits, days], axis=1), weeks[:6], weeks[6:])


def main():
    """Print the tables: percent, with the standard error in brackets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    seeds = parser.parse_args().seeds
    print(f"{seeds} seeds; percent, with the standard error in brackets")
    head(
        "weeks, people",
        "false, last week",
        "+30 % found",
        "false, last 4 weeks",
        "+30 % found",
        "interval of a week holds",
    )
    for shape in SHAPES:
        for n in SIZES:
            show(f"{shape}, {n}", changes(seeds, n, shape), seeds)
    head("40 people in 4 teams, no change", "reports with a change", "reports with any finding")
    for shape in ("independent", "shared"):
        show(shape, quiet_issues(seeds, shape), seeds)
    head("one team of ten against", "false effect", "+25 % found", "interval holds")
    for controls in (6, 12):
        show(f"{controls} others, shock of 10 %", interventions(seeds, controls, 0.1), seeds)
    head("month, 8 days to come", "interval holds", "false unusual day", "day of 3 times found")
    for growth in (1.0, 1.03):
        error, shares = months(seeds, growth)
        show(f"growth of {growth - 1:.0%}, median error {error:.1%}", shares, seeds)


def head(*names):
    """The head of a table."""
    print("\n| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|", flush=True)


def show(what, shares, seeds):
    """A row: each share in percent, with its standard error."""
    cells = [f"{100 * x:.0f} ({100 * math.sqrt(x * (1 - x) / seeds):.1f})" for x in shares]
    print(f"| {what} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
