"""Stores for the tests of exports, and their contents according to each database."""

import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
from builders import record
from postgres import connect

from ccanalytics.export.export_run import export_days
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.people.roster import parse_roster
from ccanalytics.people.roster_pull import roster_csv
from ccanalytics.settings import Settings
from ccanalytics.store.day_store import NewDay, Store

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONDAY = date(2026, 10, 26)
DAY = date(2026, 11, 16)

TEAMS = {"web": 7, "data": 5, "ops": 4, "Ärzte": 4, "lone": 1, "robert'); drop table x;--": 6}
"""People of each team; two teams of four are ordered by name, and Ä comes last."""


def fill(root, records, fetched_at=NOW, since=None, until=None, without=None):
    """A store of `records` in which every day from the first to the last is stored."""
    store = Store(root)
    days = sorted({date.fromisoformat(one.date[:10]) for one in records})
    first, last = since or days[0], until or days[-1]
    news = []
    for day in (first + timedelta(n) for n in range((last - first).days + 1)):
        of_day = [one for one in records if one.date[:10] == str(day)]
        news += [NewDay(day, build_frames(day, of_day), fetched_at)] * (day != without)
    store.write_days("api", news)
    return store


def small(root, commits=1, day=DAY, actor="ann@x.example", **more):
    """A store of one day of one person."""
    usage = {"claude-sonnet-5": {"input": 10, "output": 5, "cents": 12.5}}
    tools = {"edit_tool": (3, 1)}
    one = record(str(day), actor, commits=commits, models=usage, tools=tools, **more)
    return fill(root, [one])


def awkward(root):
    """Four weeks of 29 people in teams of all sizes, two keys, models without a price, gaps."""
    random = Random(7)
    records = []
    for number in range(28):
        day = MONDAY + timedelta(number)
        for actor in people():
            busy = 0.1 if day.weekday() > 4 else 0.5
            if (number < 21 and random.random() < busy) or actor == people()[0]:
                records += [one(random, day, actor) for _ in range(random.choice([1, 1, 2]))]
        records.append(one(random, day, None, api_key=f"key-{number % 2}"))
    # The second week lacks a day, and in the fourth only one person is at work.
    return fill(root, records, without=MONDAY + timedelta(9))


def one(random, day, actor, **more):
    cents = random.choice([None, *[random.randrange(1, 90_000) / 100] * 60])
    usage = {"input": random.randrange(9_000), "output": 70, "cache_read": 4_000, "cents": cents}
    return record(
        str(day),
        actor,
        terminal=random.choice(["vscode", "tmux"]),
        sessions=random.randrange(3),
        added=random.randrange(99),
        removed=random.randrange(9),
        commits=random.choice([0, 0, 1, 2]),
        pull_requests=random.randrange(2),
        models={"claude-sonnet-5": usage},
        tools={"edit_tool": (random.randrange(9), 1), "bash_tool": (5, 0)},
        **more,
    )


def people():
    return [f"{n}-{at}@x.example" for at, team in enumerate(TEAMS) for n in range(TEAMS[team])]


def roster():
    """Everybody is in their team except two: one has no team, one changed team on a Thursday."""
    lines = ["email,team,start,end"]
    for actor in people()[1:]:
        team = list(TEAMS)[int(actor.split("-")[1].split("@")[0])]
        lines.append(f'{actor},"{team}",2026-01-01,')
    lines[-1] = lines[-1].removesuffix(",") + ",2026-10-28"
    lines.append(f"{people()[-1]},web,2026-10-29,")
    return parse_roster("\n".join(lines), "roster")


def export(store, target, source="api", roster=None, identity="named", **more):
    """The result of exporting all stored days, with names."""
    file = None
    if roster is not None:
        file = store.root / "people.csv"
        file.write_text(roster_csv(roster), encoding="utf-8")
    settings = Settings(store=store.root, roster=file, identity=identity)
    options = RunOptions(environ={}, settings=settings, now=NOW, source=source)
    return export_days(options, str(target), **more)


def tables_with(source, *names):
    """Make tables with these names and one row each."""
    return {name: pa.table({"source": [source], "amount": [1]}) for name in names}


def query(target, sql):
    """The rows a database returns to its own client."""
    with opened(target) as connection:
        return connection.execute(sql).fetchall()


def execute(target, sql):
    """Change a database from outside."""
    with opened(target) as connection:
        connection.execute(sql)
        connection.commit()


def tables_of(target):
    """The names of the tables of a database."""
    of_kind = {".duckdb": "duckdb_tables()", ".sqlite": "sqlite_master where type = 'table'"}
    column = "name" if str(target).endswith(".sqlite") else "table_name"
    postgres = "information_schema.tables where table_schema = 'public'"
    found = query(target, f"select {column} from {of_kind.get(Path(target).suffix, postgres)}")
    return sorted(name for (name,) in found)


@contextmanager
def opened(target):
    """A connection to a database, with its own client."""
    target = str(target)
    if target.startswith("postgresql"):
        connection = connect(target)
    elif target.endswith(".duckdb"):
        connection = duckdb.connect(target)
        connection.begin()
    else:
        connection = sqlite3.connect(target)
    with closing(connection):
        yield connection
