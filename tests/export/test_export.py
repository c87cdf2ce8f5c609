"""Exports into files and databases: exact, all tables or none, and no name where names are not
allowed."""

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest
from builders import record
from click.testing import CliRunner
from export_stores import (
    DAY,
    MONDAY,
    awkward,
    execute,
    export,
    fill,
    query,
    roster,
    small,
    tables_of,
    tables_with,
)
from postgres import PASSWORD

from ccanalytics import cli
from ccanalytics.dataset.loading import load
from ccanalytics.errors import ExportError, StoreError
from ccanalytics.export.export_tables import WEEKLY
from ccanalytics.export.targets import target_of
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.metrics.by_week import OTHER_TEAMS, by_week
from ccanalytics.store.day_store import Store

HOSTILE = [
    "</script><script>alert(1)</script>@x.example",
    "=cmd|' /C calc'!A0@x.example",
    "a\"b'c,d;e\nf\tg\\N\\.@x.example",
    "zoë-李-🙂@x.example",
    "%s %(x)s :source $source {0}@x.example",
    "null",
]

PARTS = [
    "duckdb",
    pytest.param("sqlite", marks=pytest.mark.slow),
    pytest.param("postgresql", marks=pytest.mark.database),
]


@pytest.fixture(params=PARTS)
def target(request, tmp_path):
    """A database of each kind that does not exist yet or is empty."""
    if request.param == "postgresql":
        return request.getfixturevalue("new_database")()
    return tmp_path / f"usage.{request.param}"


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """27 stored days of 29 people."""
    return awkward(tmp_path_factory.mktemp("awkward"))


def run(*arguments, env=None):
    return CliRunner().invoke(cli.main, [str(one) for one in arguments], env=env)


def everything(target):
    """All rows of all tables, in a fixed order."""
    tables = [*SCHEMAS, "actor_days", "exports", "weekly_metrics", "weekly_team_metrics"]
    return {name: sorted(map(repr, query(target, f"select * from {name}"))) for name in tables}


def test_rows_and_totals_are_those_of_the_store(target, big):
    """Every record once, with the commits, tokens and dollars of the store."""
    export(big, target, roster=roster())
    stored = big.read("api", "model_usage", MONDAY, MONDAY + timedelta(27))
    [(rows, tokens, cost)] = query(
        target, "select count(*), sum(input_tokens), sum(cost_usd) from model_usage"
    )
    assert (rows, tokens) == (len(stored), sum(stored["input_tokens"].to_pylist()))
    known = [amount for amount in stored["cost_usd"].to_pylist() if amount is not None]
    assert float(cost) == pytest.approx(float(sum(known)))


def test_actor_days_hold_all_measures_side_by_side(target, tmp_path):
    """One person, one day: 2 commits, 15 tokens, 12.5 cents, 3 of 4 proposals."""
    export(small(tmp_path / "s", commits=2), target)
    columns = "commits, input_tokens + output_tokens, cost_usd, accepted, rejected, active"
    [row] = query(target, f"select {columns} from actor_days")
    assert [float(one) for one in row] == [2, 15, 0.125, 3, 1, 1]


def test_hostile_names_are_exported_unchanged(target, tmp_path):
    """Quotes, tags, formulas and other scripts are text; control characters are shown as such."""
    records = [record(str(DAY), name, commits=1) for name in HOSTILE]
    export(fill(tmp_path / "s", records), target)
    names = {name for (name,) in query(target, "select actor from activity")}
    assert names == {re.sub(r"[\n\t]", "\ufffd", name.lower()) for name in HOSTILE}


def test_money_is_exact_in_duckdb(tmp_path):
    """A third of a cent stays a decimal of eight places."""
    usage = {"claude-sonnet-5": {"output": 1, "cents": 0.333333}}
    export(fill(tmp_path / "s", [record(str(DAY), models=usage)]), tmp_path / "x.duckdb")
    assert query(tmp_path / "x.duckdb", "select cost_usd from model_usage") == [
        (Decimal("0.00333333"),)
    ]


@pytest.mark.database
def test_postgresql_has_types_and_the_data_dictionary(new_database, tmp_path):
    """Dates are dates, money is numeric, and every table has a comment with its grain."""
    server = new_database()
    export(small(tmp_path / "s"), server)
    kinds = dict(
        query(
            server,
            "select column_name, data_type from information_schema.columns "
            "where table_name = 'model_usage'",
        )
    )
    assert (kinds["date"], kinds["cost_usd"]) == ("date", "numeric")
    [(text,)] = query(server, "select obj_description('activity'::regclass)")
    assert text.startswith("One row per record")


@pytest.mark.slow
def test_weekly_tables_are_the_metric_frames(target, big):
    """Every total and ratio by week and team, null where the frame is null, without other teams."""
    export(big, target, roster=roster())
    last = MONDAY + timedelta(27)
    data = load(MONDAY, last, source="api", store=big, roster=roster())
    for table, by in (("weekly_metrics", None), ("weekly_team_metrics", "team")):
        keys = ["week", *([by] if by else [])]
        for metric in WEEKLY:
            frame = by_week(data, metric, by).sort_values(keys)
            frame = frame[frame["team"] != OTHER_TEAMS] if by else frame
            column = {"active_actors": "n_actors"}.get(metric, metric)
            rows = query(target, f"select {', '.join(keys)}, {column} from {table}")
            seen = {tuple(map(str, row[:-1])): row[-1] for row in rows}
            wanted = {
                (str(row.week.date()), *([str(row.team)] if by else [])): row.value
                for row in frame.itertuples()
            }
            assert seen == pytest.approx(
                {key: None if value != value else value for key, value in wanted.items()}
            )


def test_a_range_exports_only_its_days(target, big):
    """Both ends are included."""
    export(big, target, since=MONDAY, until=MONDAY + timedelta(1))
    days = query(target, "select min(date), max(date) from activity")
    assert [str(day)[:10] for day in days[0]] == ["2026-10-26", "2026-10-27"]


@pytest.mark.slow
def test_running_twice_changes_nothing(target, big):
    """The rows of a source replace its earlier rows."""
    export(big, target)
    before = everything(target)
    export(big, target)
    assert everything(target) == before


def test_a_changed_day_is_exported_once_with_its_new_rows(target, tmp_path):
    """A restatement: 1 commit became 5."""
    export(small(tmp_path / "s", commits=1), target)
    export(small(tmp_path / "s", commits=5), target)
    assert query(target, "select commits from activity") == [(5,)]


@pytest.mark.parametrize("replace", [False, True])
def test_every_table_of_a_bill_is_replaced_too(tmp_path, sample_days, replace):
    """Twice, with and without --replace: each fetched day of the bill has one row."""
    target, days = tmp_path / "usage.duckdb", {"since": date(2026, 9, 7), "until": date(2026, 9, 8)}
    export(Store(sample_days), target, source="sample", **days)
    export(Store(sample_days), target, source="sample", replace=replace, **days)
    assert query(target, "select count(*) from charged_days") == [(2,)]


@pytest.mark.slow
def test_rows_of_other_sources_stay(target, tmp_path, sample_days):
    """A database holds several sources, distinguished by their name."""
    export(small(tmp_path / "s"), target)
    export(Store(sample_days), target, source="sample")
    sources = {name for (name,) in query(target, "select distinct source from activity")}
    assert sources == {"api", "sample"}


def test_pseudonyms_are_the_same_in_all_tables_and_no_name_is_anywhere(target, big):
    """A person can be followed from table to table, but not identified."""
    export(big, target, roster=roster(), identity="pseudonym")
    text = json.dumps(everything(target))
    assert "@x.example" not in text
    people = [query(target, f"select distinct actor from {name}") for name in SCHEMAS]
    assert set(people[1]) <= set(people[0])


def test_named_and_pseudonym_do_not_mix(target, tmp_path):
    """A pseudonym next to its name would reveal it; --replace starts over."""
    store = small(tmp_path / "s")
    export(store, target)
    with pytest.raises(ExportError, match="do not mix"):
        export(store, target, identity="pseudonym")
    export(store, target, identity="pseudonym", replace=True)
    assert "@" not in query(target, "select actor from activity")[0][0]


def test_another_secret_is_another_policy(tmp_path):
    """Two pseudonyms of one person would count as two people."""
    store = small(tmp_path / "s")
    export(store, tmp_path / "x.duckdb", identity="pseudonym")
    (store.root / "identity.secret").unlink()
    with pytest.raises(ExportError):
        export(store, tmp_path / "x.duckdb", identity="pseudonym")


def test_aggregate_has_weekly_tables_without_actors(target, big):
    """No table under aggregate has an actor."""
    result = export(big, target, roster=roster(), identity="aggregate")
    assert set(result["rows"]) == {"weekly_metrics", "weekly_team_metrics"}
    with pytest.raises(Exception, match="activity"):
        query(target, "select * from activity")


def test_an_aggregate_export_that_replaces_a_named_one_leaves_no_actor(target, big):
    """--replace empties every table of an export, even those the new one does not write."""
    export(big, target, roster=roster())
    export(big, target, roster=roster(), identity="aggregate", replace=True)
    assert set(tables_of(target)) == {"export_policy", "weekly_metrics", "weekly_team_metrics"}


def test_a_sqlite_file_keeps_no_byte_of_replaced_names(tmp_path):
    """Dropped rows are overwritten, so that the file can be shared."""
    store, path = small(tmp_path / "s"), tmp_path / "x.sqlite"
    export(store, path)
    assert b"ann@x.example" in path.read_bytes()
    export(store, path, identity="pseudonym", replace=True)
    assert b"ann@x.example" not in path.read_bytes()


def test_replace_leaves_other_tables_alone(target, tmp_path):
    """A table with any other name than those of an export is not dropped."""
    store = small(tmp_path / "s")
    export(store, target)
    execute(target, "create table notes (note text)")
    export(store, target, identity="pseudonym", replace=True)
    assert query(target, "select count(*) from notes") == [(0,)]


def test_a_table_missing_from_a_later_export_keeps_no_rows_of_its_source(target):
    """The first export had bills, the second has none; bills of another source stay."""
    place = target_of(str(target), "")
    place.write("api", tables_with("api", "activity", "charges"), "named", replace=False)
    place.write("local", tables_with("local", "activity", "charges"), "named", replace=False)
    place.write("api", tables_with("api", "activity"), "named", replace=False)
    assert query(target, "select source from charges") == [("local",)]
    assert sorted(query(target, "select source from activity")) == [("api",), ("local",)]


@pytest.mark.parametrize("name", ["activity", "charges", "weekly_metrics"])
@pytest.mark.parametrize("replace", [False, True])
def test_a_foreign_table_of_the_same_name_is_left_alone(target, tmp_path, name, replace):
    """A table that we did not make is never overwritten or dropped."""
    execute(target, f"create table {name} (source text)")
    execute(target, f"insert into {name} values ('api')")
    with pytest.raises(ExportError, match=name):
        export(small(tmp_path / "s"), target, replace=replace)
    assert query(target, f"select * from {name}") == [("api",)]


def test_a_failing_export_leaves_the_earlier_rows(target, tmp_path, monkeypatch):
    """All tables are one transaction: the last one fails, and the first is unchanged."""
    store = small(tmp_path / "s", commits=1)
    export(store, target)
    before = everything(target)
    small(tmp_path / "s", commits=7)

    def fails(policies):
        raise ExportError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr("ccanalytics.export.targets.policy_table", fails)
        with pytest.raises(ExportError):
            export(store, target)
    assert everything(target) == before


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from ccanalytics.export import targets
from ccanalytics.export.export_run import export_days
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.settings import Settings

if sys.argv[3] == "folder":
    import pyarrow.parquet as pq
    plain, count = pq.write_table, [0]
    def write_table(*args, **kwargs):
        count[0] += 1
        if count[0] == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(*args, **kwargs)
    targets.pq.write_table = write_table
else:
    targets._comments = lambda tables: os.kill(os.getpid(), signal.SIGKILL)
settings = Settings(store=Path(sys.argv[1]))
options = RunOptions(environ={}, settings=settings, now=datetime.now(UTC), source="api")
export_days(options, sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["duckdb", "folder"])
def test_a_killed_export_leaves_the_earlier_rows(kind, tmp_path):
    """If it is killed midway, all old rows are still there, and the next run succeeds."""
    target = tmp_path / ("out" if kind == "folder" else "x.duckdb")
    store = small(tmp_path / "s", commits=1)
    export(store, target)
    small(tmp_path / "s", commits=9)
    done = subprocess.run([sys.executable, "-c", KILLED, store.root, target, kind], timeout=120)
    assert done.returncode == -9
    read = f"'{target}/activity/*.parquet'" if kind == "folder" else None

    def commits():
        if read:
            return duckdb.sql(f"select commits from {read}").fetchall()
        return query(target, "select commits from activity")

    assert commits() == [(1,)]
    export(store, target)
    assert commits() == [(9,)]


@pytest.mark.database
def test_no_error_has_the_password(new_database, tmp_path):
    """For a wrong database the message names the server, never the password."""
    url = new_database().rsplit("/", 1)[0] + "/nowhere"
    with pytest.raises(ExportError) as error:
        export(small(tmp_path / "s"), url)
    for secret in (PASSWORD, "o%27very%20secret%40%25"):
        assert secret not in str(error.value)


@pytest.mark.database
def test_the_address_may_come_from_the_environment(new_database, tmp_path):
    """So that no shell history contains a password."""
    small(tmp_path / "s")
    env = {"CCANALYTICS_DATABASE_URL": new_database()}
    done = run("export", "--source", "api", "--store", tmp_path / "s", env=env)
    assert done.exit_code == 0, done.output
    assert query(env["CCANALYTICS_DATABASE_URL"], "select count(*) from activity") == [(1,)]


@pytest.mark.parametrize("name", ["mysql://h/db", "usage.csv", "usage.xlsx"])
def test_an_invalid_target_is_a_usage_error(name):
    """An unsupported database, or a single file for several tables."""
    with pytest.raises(ValueError, match=name.split(":")[0]):
        target_of(name, "")


def test_a_missing_target_is_a_usage_error():
    """Exit code 2, with the variable that can set it."""
    done = run("export", "--source", "sample", env={"CCANALYTICS_DATABASE_URL": ""})
    assert done.exit_code == 2
    assert "CCANALYTICS_DATABASE_URL" in done.output


def test_a_missing_driver_names_the_command_to_install_it(tmp_path, monkeypatch):
    """SQLite and PostgreSQL need an extra."""
    monkeypatch.setitem(sys.modules, "adbc_driver_sqlite.dbapi", None)
    with pytest.raises(ExportError, match=r"pip install 'ccanalytics\[sql\]'"):
        export(small(tmp_path / "s"), tmp_path / "x.sqlite")


def test_a_file_that_is_not_a_database_is_an_error_with_its_name(tmp_path):
    """The file is left unchanged."""
    path = tmp_path / "x.duckdb"
    path.write_text("no database")
    with pytest.raises(ExportError, match=r"x\.duckdb"):
        export(small(tmp_path / "s"), path)
    assert path.read_text() == "no database"


def test_an_empty_store_is_an_error_that_names_it(tmp_path):
    """Nothing is made up."""
    with pytest.raises(StoreError, match="no api day"):
        export(Store(tmp_path / "none"), tmp_path / "x.duckdb")


def test_json_says_what_was_written(tmp_path):
    """Tables with their row counts, and the target."""
    small(tmp_path / "s")
    out = tmp_path / "out"
    done = run("export", out, "--source", "api", "--store", tmp_path / "s", "--json")
    answer = json.loads(done.stdout)
    assert (answer["target"], answer["rows"]["activity"]) == (str(out), 1)
