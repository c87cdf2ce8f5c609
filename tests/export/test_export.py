"""Exports into databases: exact, once, whole days or none, and no name where none may be."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from builders import record
from click.testing import CliRunner
from export_stores import DAY, NOW, awkward, export, fill, query, roster, small
from postgres import PASSWORD

from ccanalytics import cli
from ccanalytics.charges.billing_frames import build_billing
from ccanalytics.errors import ExportError, StoreError
from ccanalytics.export import engines
from ccanalytics.export.engines import DuckDatabase, ServerDatabase, SqliteDatabase
from ccanalytics.export.records import Records, exported_schema
from ccanalytics.frames.record_frames import SCHEMAS, SESSIONS, build_frames
from ccanalytics.people.identity import rotate_secret
from ccanalytics.people.roster import no_roster, parse_roster
from ccanalytics.store.day_store import FRAME_SCHEMAS, Store
from ccanalytics.wire.cost_report import Cost, DayBill

HOSTILE = [
    "</script><script>alert(1)</script>@x.example",
    "=cmd|' /C calc'!A0@x.example",
    "a\"b'c,d;e\nf\tg\\N\\.@x.example",
    "nul\0nul@x.example",
    "zoë-李-🙂@x.example",
    "%s %(x)s :source $source {0}@x.example",
    "null",
    "",
]


@pytest.fixture(params=["duckdb", "sqlite", "postgresql"])
def target(request, tmp_path):
    """A database of each kind that does not exist yet, or is empty."""
    if request.param == "postgresql":
        return request.getfixturevalue("new_database")()
    return tmp_path / f"usage.{request.param}"


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """27 stored days of 29 people."""
    return awkward(tmp_path_factory.mktemp("awkward"))


@pytest.fixture
def server(new_database):
    return new_database()


def run(*arguments, env=None):
    return CliRunner().invoke(cli.main, [str(one) for one in arguments], env=env)


def everything(target):
    """All rows of all tables, in a fixed order."""
    tables = [*SCHEMAS, "actor_days", "exports"]
    return {name: sorted(map(repr, query(target, f"select * from {name}"))) for name in tables}


# What is in


def test_rows_and_totals_are_those_of_the_store(target, big):
    """Every frame has as many rows, and every number adds up to the same."""
    export(big, target, roster=roster())
    for name, schema in SCHEMAS.items():
        stored = big.read("api", name, date.min, date.max)
        numbers = [f.name for f in schema if pa.types.is_integer(f.type)]
        sums = ", ".join(f"sum({column})" for column in numbers)
        ((count, *totals),) = query(target, f"select count(*), {sums} from {name}")
        assert count == len(stored)
        assert [int(one) for one in totals] == [pa.compute.sum(stored[n]).as_py() for n in numbers]
    cost = pa.compute.sum(big.read("api", "model_usage", date.min, date.max)["cost_usd"]).as_py()
    for table in ("model_usage", "actor_days"):
        ((total,),) = query(target, f"select sum(cost_usd) from {table}")
        assert float(total) == pytest.approx(float(cost), rel=1e-12)
        assert str(target).endswith("sqlite") or total == cost


def test_actor_days_lay_all_measures_side_by_side(target, tmp_path):
    """Two records of one person on one day are one row: sums, and the one team of the day."""
    records = [
        record(str(DAY), commits=1, tools={"edit_tool": (2, 1), "bash_tool": (9, 0)}),
        record(str(DAY), commits=2, models={"claude-x": {"output": 7, "cents": None}}),
    ]
    teams = parse_roster("email,team,start\nann@x.example,Web,2026-01-01\n", "roster")
    export(fill(tmp_path / "store", records), target, roster=teams)
    sql = "select actor, team, weekday, active, commits, accepted, decisions, unpriced_tokens"
    assert query(target, f"{sql} from actor_days") == [("ann@x.example", "Web", 1, 1, 3, 2, 12, 7)]


def test_hostile_names_come_out_as_they_went_in(target, tmp_path):
    """Quotes, formulas, line breaks and placeholders are text; only NUL cannot be in a server."""
    records = [record(str(DAY), "ann@x.example", terminal=name, tools={name: (1, 0)})
               for name in HOSTILE]  # fmt: skip
    keys = [record(str(DAY), api_key=name) for name in HOSTILE if name]
    export(fill(tmp_path / "store", records + keys), target)
    wanted = [n.replace("\0", "�") if "://" in str(target) else n for n in HOSTILE]
    for column, table in {
        "terminal": "activity",
        "tool": "tool_actions",
        "actor": "actor_days",
    }.items():
        found = {value for (value,) in query(target, f"select {column} from {table}")}
        assert set(wanted) - found == ({""} if column == "actor" else set())


def test_null_is_null_and_empty_is_empty(target, tmp_path):
    """A subscription that was not sent and a terminal without a name are two things."""
    export(fill(tmp_path / "store", [record(str(DAY), terminal="")]), target)
    sql = "select terminal, subscription_type, project from activity"
    assert query(target, sql) == [("", None, None)]


def test_other_frames_come_along_and_lists_become_text(target, tmp_path):
    """Sessions of local logs are a table too; their models are JSON."""
    store = Store(tmp_path / "store")
    row = dict.fromkeys(SESSIONS.names) | {
        "date": datetime(2026, 11, 16),
        "session": "s1",
        "models": ["a", 'b"'],
    }
    frames = build_frames(DAY, []) | {"sessions": pa.Table.from_pylist([row], SESSIONS)}
    store.write_day("local", DAY, frames, fetched_at=NOW)
    plan = Records(store, "local", DAY, DAY, no_roster(), "named")
    with engines.open_database(str(target)) as database:
        database.set_up(plan, replace=False)
        database.put(plan, *plan.build([DAY]))
    assert query(target, "select session, models from sessions") == [("s1", '["a", "b\\""]')]


def test_what_was_billed_comes_along_as_a_source_of_its_own(target, tmp_path):
    """A dollar was billed where an eighth was estimated; weeks are of people, not of bills."""
    store = small(tmp_path / "store")
    bill = DayBill([Cost(Decimal("100"), "USD")], [], {})
    store.write_day("api-billing", DAY, build_billing(DAY, bill), fetched_at=NOW)
    export(store, target)
    assert query(target, "select source, amount_usd from billed") == [("api-billing", 1)]
    sources = query(target, "select source, floor from exports order by source")
    assert sources == [("api", 5), ("api-billing", None)]
    for day in range(7):
        one = DAY + timedelta(day)
        store.write_day("api-billing", one, build_billing(one, bill), fetched_at=NOW)
    export(store, target)
    assert query(target, "select * from weekly_metrics") == []


def test_every_frame_of_the_store_can_be_a_table():
    """Each has a date, which is what a part is deleted by, and types that a database has."""
    database = DuckDatabase(":memory:")
    for schema in FRAME_SCHEMAS.values():
        exported = exported_schema(schema)
        assert {"source", "date"} <= set(exported.names)
        assert all(database.kind(field) for field in exported)


def test_postgresql_has_types_and_the_data_dictionary(server, tmp_path):
    """A date is a date, money exact, and each column says what it is."""
    export(small(tmp_path / "store"), server)
    sql = "select column_name, data_type from information_schema.columns where table_name = '{}'"
    types = dict(query(server, sql.format("model_usage")))
    assert types["date"] == "date"
    assert types["cost_usd"] == "numeric"
    assert types["is_remote"] == "boolean"
    assert types["input_tokens"] == "bigint"
    undescribed = query(
        server,
        """select c.relname, a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
        where c.relkind in ('r', 'v') and c.relnamespace = 'public'::regnamespace and attnum > 0
        and c.relname <> 'actor_weeks' and a.attname not in ('source', 'week', 'team')
        and col_description(c.oid, attnum) is null""",
    )
    assert undescribed == []
    told = "select obj_description('weekly_metrics'::regclass)"
    assert "closed ISO week" in query(server, told)[0][0]


def test_a_range_exports_only_its_days(target, tmp_path):
    """The days before and after stay out, until they are asked for."""
    records = [record(str(DAY + timedelta(n))) for n in range(4)]
    store = fill(tmp_path / "store", records)
    export(store, target, since=DAY + timedelta(1), until=DAY + timedelta(2))
    assert query(target, "select count(*) from exports") == [(2,)]
    assert len(export(store, target).new) == 2


# Once, and again


def test_running_twice_changes_nothing(target, big):
    """The second run finds every digest there and writes no row."""
    export(big, target, roster=roster())
    before, stamp = everything(target), stamp_of(target)
    result = export(big, target, roster=roster())
    assert (len(result.new), len(result.replaced), len(result.same)) == (0, 0, 27)
    assert everything(target) == before
    assert stamp_of(target) == stamp


def stamp_of(target):
    """What changes when anything is written: the writer of each row, or the file."""
    if "://" in str(target):
        tables = [*SCHEMAS, "actor_days", "exports", "export_policy"]
        return [sorted(query(target, f"select ctid::text, xmin::text from {t}")) for t in tables]
    if target.suffix == ".duckdb":
        return sorted(query(target, "select rowid, actor from activity"))
    return hashlib.sha256(target.read_bytes()).hexdigest()


def test_a_restated_day_is_replaced_and_the_others_stay(target, tmp_path):
    """Three commits instead of one on the first day; the second day keeps its rows."""
    store = fill(tmp_path / "store", [record(str(DAY)), record(str(DAY + timedelta(1)))])
    export(store, target)
    frames = build_frames(DAY, [record(str(DAY), commits=3)])
    store.write_day("api", DAY, frames, fetched_at=NOW)
    result = export(store, target)
    assert (result.replaced, result.same) == ([DAY], [DAY + timedelta(1)])
    assert query(target, "select commits from activity order by date") == [(3,), (0,)]
    assert query(target, "select count(*) from exports") == [(2,)]


def test_another_team_on_the_roster_exports_the_days_of_that_stay(target, tmp_path):
    """Ann is in Data from the second day on: only that day is written again."""
    store = fill(tmp_path / "store", [record(str(DAY)), record(str(DAY + timedelta(1)))])
    line = "ann@x.example,Web,2026-01-01,"
    export(store, target, roster=parse_roster(f"email,team,start,end\n{line}\n", "r"))
    moved = f"email,team,start,end\n{line}{DAY}\nann@x.example,Data,{DAY + timedelta(1)},\n"
    result = export(store, target, roster=parse_roster(moved, "r"))
    assert (result.replaced, result.same) == ([DAY + timedelta(1)], [DAY])
    assert query(target, "select team from activity order by date") == [("Web",), ("Data",)]


def test_a_day_that_became_final_says_so(target, tmp_path):
    """No number changed, but what is said about the day did."""
    records = [record(str(DAY))]
    store = fill(tmp_path / "store", records, fetched_at=NOW.replace(day=17))
    export(store, target)
    fill(tmp_path / "store", records)
    assert export(store, target).replaced == [DAY]
    assert query(target, "select closed, final from exports") in ([(True, True)], [(1, 1)])


def test_a_new_column_is_added_to_the_tables_there_are(target, tmp_path, monkeypatch):
    """Another version knows one more column: the table gets it, and the days are written again."""
    store = small(tmp_path / "store")
    export(store, target)
    extra = SCHEMAS["activity"].append(pa.field("reviews", pa.int64()))
    monkeypatch.setitem(FRAME_SCHEMAS, "activity", extra)
    assert export(store, target).replaced == [DAY]
    assert query(target, "select commits, reviews from activity") == [(1, None)]


KILLED = """
import os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from ccanalytics.export import export_days
from ccanalytics.export.engines import DuckDatabase, ServerDatabase, SqliteDatabase
from ccanalytics.store.day_store import Store

left = 40  # so in the middle of a day, after its deletion

def dying(insert):
    def wrapped(self, table, rows):
        global left
        left -= 1
        insert(self, table, rows)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return wrapped

for kind in (DuckDatabase, SqliteDatabase, ServerDatabase):
    kind.insert = dying(kind.insert)
export_days(sys.argv[1], source="api", store=Store(Path(sys.argv[2])), now=datetime.now(UTC))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_export_goes_on_where_it_was(target, tmp_path, big):
    """Whole days are in, the day it was at is not, and the end is as if nothing had happened."""
    command = [sys.executable, "-c", KILLED, str(target), str(big.root)]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
    ((days,),) = query(target, "select count(*) from exports")
    assert 0 < days < 27
    orphans = "select count(*) from activity where date not in (select date from exports)"
    assert query(target, orphans) == [(0,)]
    assert len(export(big, target).same) == days
    export(big, other := tmp_path / f"other.{Path(str(target)).suffix[1:] or 'duckdb'}")
    if Path(str(target)).suffix:
        assert everything(target) == everything(other)
    else:
        counts = "select count(*), sum(commits) from actor_days"
        assert [tuple(map(int, r)) for r in query(target, counts)] == query(other, counts)


# Who may be told


def test_pseudonyms_are_the_same_in_all_tables_and_no_name_is_anywhere(target, tmp_path):
    """The address is in no table; the person is one and the same in each of them."""
    store = small(tmp_path / "store")
    export(store, target, identity="pseudonym")
    tables = everything(target)
    assert "ann" not in json.dumps(tables)
    actors = {query(target, f"select actor from {t}")[0][0] for t in [*SCHEMAS, "actor_days"]}
    assert len(actors) == 1
    assert actors.pop().startswith("person-")


def test_named_and_pseudonym_do_not_mix(target, tmp_path, big):
    """A second policy is refused with both names and the way out, and nothing was changed."""
    store = small(tmp_path / "store")
    export(store, target, identity="pseudonym")
    before = everything(target)
    with pytest.raises(ExportError, match=r"'pseudonym \w+'.*'named'.*--replace"):
        export(store, target)
    with pytest.raises(ExportError, match=r"'records'.*'weekly'"):
        export(big, target, identity="aggregate")
    assert everything(target) == before


def test_another_source_is_held_to_the_same_policy(target, tmp_path):
    """The policy is of the whole database: a sample with names beside pseudonyms is refused."""
    store = small(tmp_path / "store")
    export(store, target, identity="pseudonym")
    store.write_day("local", DAY, build_frames(DAY, []), fetched_at=NOW)
    with pytest.raises(ExportError, match="must not mix"):
        plan = Records(store, "local", DAY, DAY, no_roster(), "named")
        with engines.open_database(str(target)) as database:
            database.set_up(plan, replace=False)


def test_another_secret_is_another_policy(target, tmp_path):
    """After the secret was rotated the same person would be two."""
    store = small(tmp_path / "store")
    export(store, target, identity="pseudonym")
    rotate_secret(store.root / "identity.secret")
    with pytest.raises(ExportError, match="Another secret"):
        export(store, target, identity="pseudonym")


def test_replace_empties_the_target_first(target, tmp_path, big):
    """With --replace all rows are of the new policy, also of days that are not exported again."""
    store = fill(tmp_path / "store", [record(str(DAY)), record(str(DAY + timedelta(1)))])
    export(store, target)
    export(store, target, identity="pseudonym", since=DAY + timedelta(1), replace=True)
    assert "ann" not in json.dumps(everything(target))
    assert query(target, "select count(*) from activity") == [(1,)]
    export(big, target, identity="aggregate", replace=True)
    assert query(target, "select count(*) from weekly_metrics") == [(3,)]
    export(store, target, replace=True)
    assert query(target, "select count(*) from weekly_metrics") == [(0,)]


def test_a_database_of_somebody_else_is_left_alone(target, tmp_path):
    """A table `activity` that no export made is not written to, also not with --replace."""
    with engines.open_database(str(target)) as database, database.transaction():
        database.run("create table activity (what varchar(9))")
    for replace in (False, True):
        with pytest.raises(ExportError, match="'activity' that is not of an export"):
            export(small(tmp_path / "store"), target, replace=replace)
    assert query(target, "select * from activity") == []


# Two at once


def test_a_second_export_into_postgresql_is_refused(server, tmp_path):
    """The first holds a lock, which the second does not wait for."""
    with ServerDatabase(server), pytest.raises(ExportError, match="Another export"):
        export(small(tmp_path / "store"), server)
    assert len(export(small(tmp_path / "store"), server).new) == 1


def test_a_second_export_into_duckdb_is_refused(tmp_path):
    """DuckDB lets one process in; the error says so."""
    target = tmp_path / "usage.duckdb"
    code = f"import duckdb, sys; c = duckdb.connect({str(target)!r}); print(); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        with pytest.raises(ExportError, match="one at a time"):
            export(small(tmp_path / "store"), target)
        holder.stdin.close()


def test_two_exports_into_sqlite_at_once_write_every_day_once(tmp_path, big):
    """They take turns day by day, and the end is as of one."""
    target = tmp_path / "usage.sqlite"
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(export, big, target) for _ in range(2)]:
            done.result()
    export(big, other := tmp_path / "one.sqlite")
    assert everything(target) == everything(other)


def test_the_policy_is_looked_at_with_every_day(tmp_path):
    """When another export empties the database meanwhile, the first one stops."""
    store, target = small(tmp_path / "store"), tmp_path / "usage.sqlite"
    plan = Records(store, "api", DAY, DAY, no_roster(), "named")
    with SqliteDatabase(str(target)) as database:
        database.set_up(plan, replace=False)
        export(store, target, identity="pseudonym", replace=True)
        with pytest.raises(ExportError, match="must not mix"):
            database.put(plan, next(plan.build([DAY])))


# Addresses and drivers


def test_the_address_may_come_from_the_environment(server, tmp_path):
    """Without TARGET it is CCANALYTICS_DATABASE_URL, and the password is not printed."""
    store = small(tmp_path / "store")
    env = {"CCANALYTICS_DATABASE_URL": server}
    done = run("export", "--source", "api", "--store", store.root, env=env)
    assert done.exit_code == 0, done.output
    assert "api days: 1 new, 0 replaced, 0 as they were." in done.output
    assert "analyst@127.0.0.1" in done.output
    assert_without_password(done.output)


def test_without_any_target_it_is_asked_wrongly():
    """Exit code 2, with the name of the variable."""
    done = run("export", "--source", "sample")
    assert done.exit_code == 2
    assert "CCANALYTICS_DATABASE_URL" in done.stderr


@pytest.mark.parametrize("change", ["password", "port", "query", "scheme"])
def test_no_error_and_no_log_has_the_password(server, tmp_path, change, caplog):
    """Wrong password, closed port, password as an option, no such database: never the password."""
    url = {
        "password": server.replace("very", "very%20very"),
        "port": server.replace(server.split(":")[-1].split("/")[0], "9"),
        "query": server.replace(":o%27very%20secret%40%25@", "@")
        + "?password=o%27very%20secret%40%25x",
        "scheme": server.replace("postgresql", "nosuchbase"),
    }[change]
    store = small(tmp_path / "store")
    caplog.set_level("DEBUG")
    env = {"CCANALYTICS_DATABASE_URL": url}
    done = run("export", "--source", "api", "--store", store.root, env=env)
    assert done.exit_code == 1, done.output
    assert "cannot be opened" in done.stderr
    with pytest.raises(ExportError) as error:  # as --debug shows it, with its traceback
        ServerDatabase(url)
    told = "".join(traceback.format_exception(error.value))
    assert_without_password(done.output + caplog.text + told.replace(url, ""))


def assert_without_password(text):
    assert "secret" not in text.replace("identity.secret", "")
    assert PASSWORD not in text


@pytest.mark.parametrize("url", ["postgresql:/x", "a b://c", "://"])
def test_what_is_no_address_is_asked_wrongly(url, tmp_path):
    """An address that cannot be read is exit code 2 and is not repeated."""
    done = run("export", url if "://" in url else f"{url}://", "--source", "api", "--store",
               small(tmp_path / "store").root)  # fmt: skip
    assert done.exit_code in (1, 2)
    assert "Traceback" not in done.output


@pytest.mark.parametrize("missing", ["sqlalchemy", "psycopg"])
def test_a_missing_driver_names_the_command_to_install_it(missing, tmp_path, monkeypatch):
    """Not an ImportError, but what to type."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ExportError, match=r"pip install 'ccanalytics\[sql\]'"):
        export(small(tmp_path / "store"), "postgresql://x@127.0.0.1:9/x")


def test_any_other_sqlalchemy_database_gets_rows_too(tmp_path, big):
    """Through SQLAlchemy's own SQLite, without COPY, comments or exact decimals."""
    target = tmp_path / "usage.sqlite"
    export(big, f"sqlite:///{target}")
    export(big, plain := tmp_path / "plain.sqlite")
    counts = "select count(*), sum(commits), round(sum(cost_usd), 6) from actor_days"
    assert query(target, counts) == query(plain, counts)
    assert query(target, "select * from weekly_metrics") == query(
        plain, "select * from weekly_metrics"
    )


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path):
    """A text file called .sqlite or .duckdb is not overwritten."""
    for name in ("notes.sqlite", "notes.duckdb"):
        path = tmp_path / name
        path.write_text("not a database, but somebody's notes" * 40)
        with pytest.raises(ExportError, match="cannot be opened"):
            export(small(tmp_path / "store"), path)
        assert path.read_text().startswith("not a database")


def test_nothing_stored_is_an_error_with_the_store(tmp_path):
    """An empty store makes no empty database."""
    with pytest.raises(StoreError, match="no api day"):
        export(Store(tmp_path / "store"), tmp_path / "usage.sqlite")
    assert not (tmp_path / "usage.sqlite").exists()


def test_json_tells_a_program_what_was_done(tmp_path):
    """Days by what became of them, and the rows by table."""
    store = small(tmp_path / "store")
    done = run("export", tmp_path / "u.duckdb", "--source", "api", "--store", store.root, "--json")
    (told,) = json.loads(done.stdout)
    assert told["new"] == [str(DAY)]
    assert told["rows"]["activity"] == 1
    assert told["identity"] == "named"


def test_money_is_exact_in_duckdb(tmp_path):
    """A seventh of a cent is not rounded on the way."""
    usage = {"claude-x": {"cents": "0.142857"}}
    export(fill(tmp_path / "s", [record(str(DAY), models=usage)]), target := tmp_path / "u.duckdb")
    with duckdb.connect(str(target)) as connection:
        assert connection.execute("select cost_usd from model_usage").fetchone() == (
            Decimal("0.00142857"),
        )
