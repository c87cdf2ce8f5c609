"""Time and memory of every metric on 12 weeks of 10,000 actors.

    uv run python tests/benchmarks/metrics.py [ACTORS]

The frames are made here, not loaded: what is measured begins at the Dataset.
"""

import resource
import sys
import time
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

import ccanalytics as m
from ccanalytics.dataset.dataset import Dataset
from ccanalytics.dataset.preflight import preflight
from ccanalytics.people.calendars import Calendars, parse_calendar
from ccanalytics.people.roster import parse_roster

MODELS = ["claude-sonnet-5", "claude-opus-4-5-20251101", "claude-haiku-4-5-20251001"]
TOOLS = ["edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool"]
FIRST = pd.Timestamp("2026-08-31")


def category(codes, names):
    return pd.Categorical.from_codes(codes, categories=names)


def keys(random, actors, weeks):
    """The key columns of an activity frame: each actor on 4 of 7 days, on a terminal or two."""
    there = random.random((actors, 7 * weeks, 2)) < [0.57, 0.2]
    actor, day, terminal = np.nonzero(there)
    dates = (FIRST + pd.to_timedelta(np.arange(7 * weeks), unit="D")).as_unit("ms")
    return pd.DataFrame(
        {
            "date": dates[day],
            "organization": category(np.zeros(len(actor), dtype=int), ["org-1"]),
            "subscription_type": category(np.full(len(actor), -1), []),
            "actor": category(actor, [f"p{n:05}@corvid.example" for n in range(actors)]),
            "actor_kind": category(np.zeros(len(actor), dtype=int), ["user"]),
            "terminal": category(terminal, ["vscode", "tmux"]),
            "customer_type": category(np.zeros(len(actor), dtype=int), ["api"]),
            "is_remote": pd.array(terminal == 1, dtype="boolean"),
            "project": category(np.full(len(actor), -1), []),
            "team": category(actor * 40 // actors, [f"team {n:02}" for n in range(40)]),
        }
    )


def frames(random, actors, weeks):
    """Activity, two models a record, two tools a record."""
    rows = keys(random, actors, weeks)
    counts = ("sessions", "lines_added", "lines_removed", "commits", "pull_requests")
    activity = rows.assign(**{name: random.poisson(2, len(rows)) for name in counts})
    twice = rows.loc[rows.index.repeat(2)].reset_index(drop=True)
    tokens = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    usage = twice.assign(
        model=category(random.integers(0, 3, len(twice)), MODELS),
        cost_usd=random.lognormal(0, 1, len(twice)),
        **{name: random.integers(0, 9999, len(twice)) for name in tokens},
    )
    actions = twice.assign(
        tool=category(random.integers(0, 4, len(twice)), TOOLS),
        accepted=random.poisson(9, len(twice)),
        rejected=random.poisson(2, len(twice)),
    )
    return activity, usage, actions


def made_dataset(actors, weeks=12):
    activity, usage, actions = frames(np.random.default_rng(1), actors, weeks)
    dates = (FIRST + pd.to_timedelta(np.arange(7 * weeks), unit="D")).as_unit("ms")
    fetched = (dates + pd.Timedelta(days=4)).tz_localize("UTC")
    days = pd.DataFrame(
        {
            "date": dates,
            "stored": True,
            "closed": True,
            "final": True,
            "fetched_at": fetched,
            "restated": False,
        }
    )
    lines = [f"p{n:05}@corvid.example,team {n * 40 // actors:02}," for n in range(actors)]
    roster = parse_roster("\n".join(["email,team,start", *lines]), "roster")
    until = date(2026, 8, 31) + pd.Timedelta(days=7 * weeks - 1)
    known = parse_calendar("interventions", "team,date,what\nteam 01,2026-10-12,Training\n", "i")
    data = Dataset("api", date(2026, 8, 31), until, activity, usage, actions, roster, days)
    return replace(data, calendars=Calendars(interventions=known))


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(name, function):
    start = time.perf_counter()
    function()
    seconds = time.perf_counter() - start
    print(f"{name:32} {seconds:7.2f} s")
    return seconds


def answer(data, name):
    """The result of a metric: by its own public function, or its frame."""
    if name == "cost_per_commit_drivers":
        return m.cost_drivers(data, "cost_per_commit")
    return getattr(m, name)(data) if hasattr(m, name) else m.metric_frame(data, name)


def main():
    actors = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    data = made_dataset(actors)
    before = peak_megabytes()
    print(f"{actors:,} actors, {len(data.activity):,} records, {before:.0f} MB before")
    total = timed("actor_weeks (kept)", lambda: m.actor_weeks(data))
    for name in [n for n, one in m.METRICS.items() if not one.source.startswith("Session logs")]:
        total += timed(name, lambda name=name: answer(data, name))
    total += timed("preflight", lambda: preflight(data))
    total += timed("cost_per_commit by team", lambda: m.by_week(data, "cost_per_commit", by="team"))
    total += timed("findings", lambda: m.findings(data))
    total += timed("headline cost_per_commit", lambda: m.headline(data, "cost_per_commit"))
    print(f"{'all':32} {total:7.2f} s, peak {peak_megabytes() - before:.0f} MB over the dataset")


if __name__ == "__main__":
    main()
