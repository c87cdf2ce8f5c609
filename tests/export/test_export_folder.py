"""Exports into a folder: a file per table and month, whole or as it was, safe in a spreadsheet."""

import csv
import io
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from builders import record
from export_stores import DAY, NOW, awkward, export, fill, roster, small

from ccanalytics.errors import ExportError
from ccanalytics.export import safe_csv
from ccanalytics.frames.record_frames import SCHEMAS, build_frames

OCTOBER = date(2026, 10, 31)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """27 stored days of October and November."""
    return awkward(tmp_path_factory.mktemp("awkward"))


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".tmp" not in path.parts
    }


def read_csv(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_a_parquet_folder_has_the_rows_of_the_store(big, tmp_path):
    """DuckDB reads it as it lies: as many rows and the same money, exactly."""
    export(big, tmp_path / "out", roster=roster())
    for name in SCHEMAS:
        stored = big.read("api", name, date.min, date.max)
        glob = tmp_path / "out" / name / "*.parquet"
        found = duckdb.sql(f"select * from read_parquet('{glob}')").arrow().read_all()
        assert len(found) == len(stored)
        assert found.column_names[:2] == ["source", "date"]
        if name == "model_usage":
            assert sum(filter(None, found["cost_usd"].to_pylist())) == sum(
                filter(None, stored["cost_usd"].to_pylist())
            )
    names = {path.name for path in (tmp_path / "out" / "activity").iterdir()}
    assert names == {"api-2026-10.parquet", "api-2026-11.parquet"}


def test_parquet_columns_carry_what_they_mean(tmp_path):
    """The data dictionary is in the files, and in a file of its own."""
    export(small(tmp_path / "store"), tmp_path / "out")
    schema = pq.read_schema(tmp_path / "out" / "activity" / "api-2026-11.parquet")
    assert schema.field("commits").metadata[b"description"]
    told = {(row["table"], row["column"]) for row in read_csv(tmp_path / "out" / "columns.csv")}
    assert {("activity", "commits"), ("actor_days", "week")} <= told


def test_csv_has_iso_dates_empty_nulls_and_crlf(tmp_path):
    """As RFC 4180 has it: quotes doubled, lines ended by CR LF, a header."""
    store = small(tmp_path / "store", terminal='a "b", c\nd')
    export(store, tmp_path / "out", form="csv")
    path = tmp_path / "out" / "activity" / "api-2026-11.csv"
    text = path.read_bytes()
    assert text.startswith(b'"source","date"')
    assert text.endswith(b"\r\n")
    assert b'"a ""b"", c\nd"' in text
    (row,) = read_csv(path)
    assert (row["date"], row["commits"], row["subscription_type"]) == ("2026-11-16", "1", "")


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        ("0", "0"),
        ("12.5", "0.125"),
        ("0.142857", "0.00142857"),
        ("123456789.123456", "1234567.89123456"),
    ],
)
def test_money_in_csv_has_all_its_digits_and_no_exponent(tmp_path, cents, text):
    """Nothing is 0 and not 0E-8, and no digit is rounded."""
    one = record(str(DAY), models={"claude-x": {"output": 1, "cents": cents}})
    export(fill(tmp_path / "store", [one]), tmp_path / "out", form="csv")
    (row,) = read_csv(tmp_path / "out" / "model_usage" / "api-2026-11.csv")
    assert row["cost_usd"] == text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", " ="])  # noqa: RUF001
def test_text_that_begins_like_a_formula_is_no_formula(tmp_path, start):
    """An apostrophe stands in front of it, in every text column; numbers stay numbers."""
    name = f"{start}cmd|' /C calc'!A0"
    store = fill(tmp_path / "store", [record(str(DAY), api_key=name, tools={name: (1, 0)})])
    export(store, tmp_path / "out", form="csv")
    for table, column in {"activity": "actor", "tool_actions": "tool"}.items():
        (row,) = read_csv(tmp_path / "out" / table / "api-2026-11.csv")
        assert row[column] == f"'{name}"
    assert safe_csv(pd.DataFrame({name: [-1.5]})).split("\r\n")[-2] == "-1.5"


def test_excel_is_told_that_a_file_is_utf_8(tmp_path):
    """The same file with a byte order mark in front."""
    store = small(tmp_path / "store", actor="zoë@x.example")
    export(store, tmp_path / "excel", form="excel")
    export(store, tmp_path / "csv", form="csv")
    name = "activity/api-2026-11.csv"
    assert (tmp_path / "excel" / name).read_bytes() == (
        b"\xef\xbb\xbf" + (tmp_path / "csv" / name).read_bytes()
    )


def test_a_frame_of_a_dashboard_is_safe_csv_too():
    """Categories, dates, nulls and hostile column names of a pandas frame."""
    frame = pd.DataFrame(
        {
            "week": pd.to_datetime(["2026-11-16", "2026-11-23"]),
            "team": pd.Categorical(["=1+1", None]),
            "=value": [1.5, None],
        }
    )
    assert safe_csv(frame) == (
        '"week","team","\'=value"\r\n2026-11-16,"\'=1+1",1.5\r\n2026-11-23,,\r\n'
    )


def test_running_twice_changes_no_file(big, tmp_path):
    """Every file is as it was, down to the time it was written."""
    export(big, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")}
    result = export(big, tmp_path / "out")
    assert (len(result.new), len(result.replaced), len(result.same)) == (0, 0, 27)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")} == before


def test_a_restated_day_writes_its_month_again(tmp_path):
    """November has the new number and its other days; October's file is left alone."""
    store = fill(tmp_path / "store", [record(str(OCTOBER)), record("2026-11-01"),
                                      record("2026-11-02")])  # fmt: skip
    export(store, tmp_path / "out", form="csv")
    october = tmp_path / "out" / "activity" / "api-2026-10.csv"
    os.utime(october, (1, 1))
    frames = build_frames(date(2026, 11, 1), [record("2026-11-01", commits=3)])
    store.write_day("api", date(2026, 11, 1), frames, fetched_at=NOW)
    result = export(store, tmp_path / "out", form="csv")
    assert (result.replaced, len(result.same)) == ([date(2026, 11, 1)], 2)
    rows = read_csv(tmp_path / "out" / "activity" / "api-2026-11.csv")
    assert [row["commits"] for row in rows] == ["3", "0"]
    assert october.stat().st_mtime == 1


def test_a_range_does_not_take_other_days_of_its_month_out(tmp_path):
    """First one half of November, then the other: the month's file has both."""
    store = fill(tmp_path / "store", [record(str(DAY + timedelta(n))) for n in range(4)])
    export(store, tmp_path / "out", form="csv", until=DAY + timedelta(1))
    export(store, tmp_path / "out", form="csv", since=DAY + timedelta(2))
    assert len(read_csv(tmp_path / "out" / "activity" / "api-2026-11.csv")) == 4


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_export_leaves_whole_files_and_goes_on(big, tmp_path):
    """It dies in November: October is there, and the next run makes the rest."""
    code = (
        "import os, signal, sys\n"
        "from datetime import datetime, UTC, date\n"
        "from pathlib import Path\n"
        "from ccanalytics.export import export_days\n"
        "from ccanalytics.export.folder import _File\n"
        "from ccanalytics.store.day_store import Store\n"
        "add = _File.add\n"
        "def dying(self, rows):\n"
        "    add(self, rows)\n"
        "    if len(rows) and rows['date'][0].as_py() >= date(2026, 11, 10):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "_File.add = dying\n"
        "export_days(sys.argv[1], source='api', store=Store(Path(sys.argv[2])),\n"
        "            now=datetime.now(UTC))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "out"), str(big.root)]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
    names = set(files(tmp_path / "out"))
    assert "activity/api-2026-10.parquet" in names
    assert "activity/api-2026-11.parquet" not in names
    assert len(export(big, tmp_path / "out").same) == 6
    export(big, tmp_path / "one")
    assert files(tmp_path / "out") == files(tmp_path / "one")


def test_two_exports_into_a_folder_at_once_end_as_one(big, tmp_path):
    """Months are moved to their places under a lock, with digests that fit them."""
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(export, big, tmp_path / "out") for _ in range(2)]:
            done.result()
    export(big, tmp_path / "one")
    assert files(tmp_path / "out") == files(tmp_path / "one")


def test_policies_and_formats_do_not_mix_in_a_folder(tmp_path):
    """Refused with the way out; --replace leaves nothing of before."""
    store, out = small(tmp_path / "store"), tmp_path / "out"
    export(store, out)
    with pytest.raises(ExportError, match=r"'named'.*'pseudonym \w+'.*--replace"):
        export(store, out, identity="pseudonym")
    with pytest.raises(ExportError, match="parquet files, not csv"):
        export(store, out, form="csv")
    export(store, out, identity="pseudonym", form="csv", replace=True)
    assert not list(out.rglob("*.parquet"))
    assert not any(b"ann@" in content for content in files(out).values())


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    """A folder with other files in it is refused, also with --replace."""
    (tmp_path / "notes.txt").write_text("mine")
    for replace in (False, True):
        with pytest.raises(ExportError, match="other files in it"):
            export(small(tmp_path / "s" / "store"), tmp_path, replace=replace)


def test_a_folder_of_another_store_is_not_written_over(tmp_path):
    """Its days are not in this store, so its month could not be written again."""
    export(small(tmp_path / "a"), tmp_path / "out")
    with pytest.raises(ExportError, match="2026-11-16 of api, which the store has not"):
        export(small(tmp_path / "b", day=DAY + timedelta(1)), tmp_path / "out")


def test_aggregate_files_have_weeks_only(big, tmp_path):
    """No file tells of a person; the numbers are the weekly metrics."""
    export(big, tmp_path / "out", form="csv", identity="aggregate", roster=roster())
    folders = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} - {".tmp"}
    assert folders == {"weekly_metrics", "weekly_team_metrics", "exports"}
    assert not any(b"@x.example" in content for content in files(tmp_path / "out").values())


@pytest.mark.parametrize("name", ["usage.csv", "usage.parquet"])
def test_a_single_file_is_asked_wrongly(tmp_path, name):
    """An export is several tables; the error says to name a folder."""
    with pytest.raises(ValueError, match="name a folder"):
        export(small(tmp_path / "store"), tmp_path / name)


def test_a_format_of_files_is_not_for_a_database(tmp_path):
    """CSV in SQLite makes no sense."""
    with pytest.raises(ValueError, match="is for a folder"):
        export(small(tmp_path / "store"), tmp_path / "usage.sqlite", form="csv")
