"""How often what is said of an organisation is true, where the truth is known: 200 seeds each.

    uv run python tests/benchmarks/simulated_truth.py [--seeds N]

People differ in habit by a lognormal factor, keep it from week to week, and are away in a fifth of
their weeks. Weeks are independent; share a shock of 10 %; are correlated within people; are of
heavy tails with a third who never commit; or drift by 1 % a week. Days have weekdays and noise.
"""

import argparse
import math
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from builders import dataset, record

import ccanalytics as m
from ccanalytics.metrics.change import compare
from ccanalytics.metrics.ratios import Matrix
from ccanalytics.people.calendars import Calendars, parse_calendar

RATE = 8.0  # dollars per unit of work
COMMITS = 2.5  # per unit of work
MONDAY = date(2026, 8, 31)
WEEKS = 12
SHAPES = ("independent", "shared", "correlated", "heavy", "drift")


def twelve_weeks(random, n, shape):
    """Cost and commits of `n` people in twelve weeks in which nothing is changed."""
    skew = 1.5 if shape == "heavy" else 1.0
    work = random.lognormal(0, skew, (n, 1)) * _noise(random, n, 0.4, shape)
    work *= random.random((n, WEEKS)) < 0.8
    cost = RATE * work * _noise(random, n, 0.5, shape)
    commits = random.poisson(COMMITS * work) * 1.0
    if shape == "heavy":
        commits[random.random(n) < 0.3] = 0
    if shape == "shared":
        cost = cost * np.exp(random.normal(0, 0.1, WEEKS))
    if shape == "drift":
        cost = cost * 1.01 ** np.arange(WEEKS)
    return cost, commits


def _noise(random, n, size, shape):
    """Lognormal noise of each person and week; correlated within people (.7) where asked."""
    normal = random.normal(0, 1, (n, WEEKS))
    if shape == "correlated":
        for week in range(1, WEEKS):
            normal[:, week] = 0.7 * normal[:, week - 1] + math.sqrt(1 - 0.49) * normal[:, week]
    return np.exp(size * normal - size**2 / 2)


def changes(seeds, n, shape):
    """False changes, and of 30 % more found, in the last week and in the last four."""
    metric, order = m.METRICS["cost_per_commit"], np.arange(WEEKS)
    found = np.zeros(4)
    for seed in range(seeds):
        random = np.random.default_rng([seed, n])
        cost, commits = twelve_weeks(random, n, shape)
        for at, late in enumerate((order >= WEEKS - 1, order >= WEEKS - 4)):
            same = compare(metric, Matrix(cost, commits), ~late, late)
            more = compare(metric, Matrix(cost * np.where(late, 1.3, 1.0), commits), ~late, late)
            found[2 * at] += same.is_change
            found[2 * at + 1] += more.verdict == "up"
    return found / seeds


def levels(seeds, n):
    """How often the interval of the last week holds the true cost per commit."""
    held = 0
    for seed in range(seeds):
        cost, commits = twelve_weeks(np.random.default_rng([seed, n]), n, "independent")
        low, high = Matrix(cost, commits).ratios()[-1]
        held += low <= RATE / COMMITS <= high
    return held / seeds


def quiet_issues(seeds):
    """The share of organisations of 40 people without any change for which a change is reported."""
    found = 0
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        cost, commits = twelve_weeks(random, 40, "independent")
        found += any(one.kind == "change" for one in m.findings(forty_people(cost, commits)))
    return found / seeds


def forty_people(cost, commits):
    """A dataset of these people in four teams of ten, each with a record a week."""
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


def months(seeds):
    """Coverage of the month's forecast, organisations with a false alarm, and spikes found."""
    held = alarms = found = 0
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        days = [MONDAY + timedelta(n) for n in range(92)]
        usual = [10.0 if day.weekday() >= 5 else 100.0 for day in days]
        costs = dict(zip(days, usual * random.lognormal(0, 0.15, len(days)), strict=True))
        whole = sum(cost for day, cost in costs.items() if day.month == 11)
        seen = days[:84]
        data = daily(costs, seen)
        forecast = m.month_forecast(data)
        held += forecast.low <= whole <= forecast.high
        alarms += len(m.unusual_days(data)) > 0
        spiked = daily(costs | {date(2026, 11, 18): 300.0}, seen)
        found += date(2026, 11, 18) in set(m.unusual_days(spiked)["date"].dt.date)
    return held / seeds, alarms / seeds, found / seeds


def daily(costs, days):
    """A dataset of one person who costs so much a day."""
    usage = {day: round(100 * costs[day], 4) for day in days}
    records = [
        record(str(day), models={"claude-sonnet-5": {"output": 9, "cents": cents}})
        for day, cents in usage.items()
    ]
    return dataset(records, days[0], days[-1])


def interventions(seeds, controls, shock):
    """False effects, and of a quarter more how often found and how often inside the interval."""
    alarms = found = held = 0
    for seed in range(seeds):
        random = np.random.default_rng([seed, controls])
        commits = team_weeks(random, controls + 1, shock)
        (without,) = m.intervention_effects(teams_of_ten(commits))
        commits[0, :, 6:] *= 1.25
        (with_it,) = m.intervention_effects(teams_of_ten(commits))
        low, high = with_it.change.interval
        alarms += without.verdict in ("higher", "lower")
        found += with_it.verdict == "higher"
        held += low <= 0.25 <= high
    return alarms / seeds, found / seeds, held / seeds


def team_weeks(random, teams, shock):
    """Expected commits by team, person of ten, and week; all of a team share a weekly shock."""
    habit = random.gamma(4, 3, (teams, 10, 1))
    return habit * np.exp(random.normal(0, shock, (teams, 1, WEEKS)))


def teams_of_ten(expected):
    """A dataset of teams of ten, of which the first has an intervention in the seventh week."""
    random = np.random.default_rng(int(expected[:, :, :6].sum()))
    commits = random.poisson(expected)
    records = [
        record(
            str(MONDAY + timedelta(weeks=week, days=1)), f"p{team}-{n}@x.example", commits=int(x)
        )
        for (team, n, week), x in np.ndenumerate(commits)
    ]
    people = [
        f"p{team}-{n}@x.example,T{team}," for team, n, _ in np.ndindex(*expected.shape[:2], 1)
    ]
    roster = "\n".join(["email,team,start", *people])
    data = dataset(records, MONDAY, MONDAY + timedelta(days=83), roster=roster)
    known = parse_calendar("interventions", "team,date,what\nT0,2026-10-12,Training\n", "i")
    return replace(data, calendars=Calendars(interventions=known))


def main():
    """Print every share as percent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    seeds = parser.parse_args().seeds
    names = "false, last week", "+30 % found", "false, last 4 weeks", "+30 % found"
    for shape in SHAPES:
        for n in (20, 40, 120):
            show(f"cost per commit, {shape}, {n} people", names, changes(seeds, n, shape), seeds)
    for n in (20, 40, 120):
        show(f"level of a week, {n} people", ("interval holds",), [levels(seeds, n)], seeds)
    show("40 people without a change", ("issues that tell one",), [quiet_issues(seeds)], seeds)
    show("month", ("interval holds", "false alarm", "spike x3 found"), months(seeds), seeds)
    names = "false effect", "+25 % found", "interval holds"
    for controls, shock in ((6, 0.0), (6, 0.1), (8, 0.1), (12, 0.1)):
        what = f"intervention, {controls} other teams, shock of a team-week {shock:.0%}"
        show(what, names, interventions(seeds, controls, shock), seeds)


def show(what, names, shares, seeds):
    """Each share in percent, with its standard error."""
    parts = ", ".join(
        f"{name} {100 * share:.0f} % (SE {100 * math.sqrt(share * (1 - share) / seeds):.1f})"
        for name, share in zip(names, shares, strict=True)
    )
    print(f"{what}: {parts}", flush=True)


if __name__ == "__main__":
    main()
