"""How often what is said of an organisation is true, where the truth is known: 200 seeds each.

    uv run python tests/benchmarks/simulated_truth.py [--seeds N]

People differ in habit by a lognormal factor, keep it from week to week, and are away in a fifth of
their weeks. Days have weekdays and noise. Coverage is the share of 90 % intervals that hold the
truth.
"""

import argparse
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from builders import dataset, record

import ccanalytics as m
from ccanalytics.metrics.change import change_interval
from ccanalytics.metrics.ratios import Matrix
from ccanalytics.people.calendars import Calendars, parse_calendar

RATE = 8.0  # dollars per unit of work
COMMITS = 2.5  # per unit of work
MONDAY = date(2026, 8, 31)


def two_weeks(random, n, effect):
    """Cost and commits of `n` people in two weeks; in the second `effect` times the cost."""
    habit = random.lognormal(0, 1, (n, 1)) * random.lognormal(0, 0.4, (n, 2))
    work = habit * (random.random((n, 2)) < 0.8)
    cost = RATE * work * random.lognormal(-0.125, 0.5, (n, 2)) * [1, effect]
    return Matrix(cost, random.poisson(COMMITS * work) * 1.0)


def ratios(seeds, n):
    """Coverage of cost per commit and of its change, false alarms, and changes of 30 % found."""
    metric, truth = m.METRICS["cost_per_commit"], RATE / COMMITS
    held = changed = alarms = found = 0
    for seed in range(seeds):
        random = np.random.default_rng([seed, n])
        same, other = two_weeks(random, n, 1.0), two_weeks(random, n, 1.3)
        low, high = same.ratios()[1]
        held += low <= truth <= high
        low, high = ends(same, metric)
        alarms += low > 0 or high < 0
        low, high = ends(other, metric)
        changed += low <= 0.3 * truth <= high
        found += low > 0
    return held / seeds, changed / seeds, alarms / seeds, found / seeds


def ends(actors, metric):
    """The interval of the change between the two weeks."""
    values = actors.top.sum(axis=0) / actors.bottom.sum(axis=0)
    return change_interval(values[1] - values[0], actors, metric)


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


def interventions(seeds, effect=2.0):
    """Coverage of a planted effect, how often it is found, and how often one is seen in none."""
    held = found = alarms = 0
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        habit = random.gamma(4, 3, 32)
        (with_it,) = m.intervention_effects(organisation(random, habit, effect))
        (without,) = m.intervention_effects(organisation(random, habit, 0.0))
        held += with_it.low <= effect <= with_it.high
        found += with_it.verdict == "higher"
        alarms += without.verdict in ("higher", "lower")
    return held / seeds, found / seeds, alarms / seeds


def organisation(random, habit, effect):
    """12 people of a team with an intervention in the seventh week, 20 of one without."""
    teams = ["Red"] * 12 + ["Blue"] * 20
    records = [
        record(
            str(MONDAY + timedelta(weeks=week, days=1)),
            f"p{n}@x.example",
            commits=int(random.poisson(habit[n] + effect * (team == "Red" and week >= 6))),
        )
        for week in range(12)
        for n, team in enumerate(teams)
    ]
    roster = "email,team,start\n" + "\n".join(
        f"p{n}@x.example,{team}," for n, team in enumerate(teams)
    )
    data = dataset(records, MONDAY, MONDAY + timedelta(days=83), roster=roster)
    known = parse_calendar("interventions", "team,date,what\nRed,2026-10-12,Training\n", "i")
    return replace(data, calendars=Calendars(interventions=known))


def main():
    """Print every share as percent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    seeds = parser.parse_args().seeds
    names = "interval holds", "of a change", "false change", "+30 % found"
    for n in (20, 40, 120):
        show(f"cost per commit, {n} people", names, ratios(seeds, n))
    show("month", ("interval holds", "false alarm", "spike x3 found"), months(seeds))
    show("intervention", ("interval holds", "+2 found", "false effect"), interventions(seeds))


def show(what, names, shares):
    told = ", ".join(
        f"{name} {100 * share:.0f} %" for name, share in zip(names, shares, strict=True)
    )
    print(f"{what}: {told}", flush=True)


if __name__ == "__main__":
    main()
