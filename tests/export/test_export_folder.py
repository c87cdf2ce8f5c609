"""Exports into a folder: one file per table and source, all or none, safe in a spreadsheet."""

import csv
import io
from datetime import datetime

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import record
from export_stores import DAY, awkward, export, fill, roster, small, tables_with

from ccanalytics.display.csv_text import safe_csv
from ccanalytics.errors import ExportError
from ccanalytics.export.targets import target_of, write_workbook


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


def test_a_parquet_folder_can_be_read_directly(big, tmp_path):
    """DuckDB counts the same number of records."""
    result = export(big, tmp_path / "out", roster=roster())
    read = f"select count(*) from '{tmp_path}/out/activity/*.parquet'"
    assert duckdb.sql(read).fetchall() == [(result["rows"]["activity"],)]


def test_every_column_is_in_the_dictionary(tmp_path):
    """`columns.csv` describes each of them."""
    export(small(tmp_path / "s"), tmp_path / "out")
    rows = read_csv(tmp_path / "out/columns.csv")
    [commits] = [r for r in rows if (r["table"], r["column"]) == ("activity", "commits")]
    assert "commits_by_claude_code" in commits["description"]
    for table in {row["table"] for row in rows}:
        names = pq.read_schema(tmp_path / f"out/{table}/api.parquet").names
        assert [r["column"] for r in rows if r["table"] == table] == names


def test_csv_has_iso_dates_empty_nulls_and_crlf(tmp_path):
    """As RFC 4180 requires."""
    usage = {"claude-unknown-9": {"output": 1}}
    export(fill(tmp_path / "s", [record(str(DAY), models=usage)]), tmp_path / "out", form="csv")
    path = tmp_path / "out/model_usage/api.csv"
    [row] = read_csv(path)
    assert (row["date"], row["is_remote"]) == ("2026-11-16", "false")
    assert path.read_bytes().count(b"\r\n") == 2


def test_money_in_csv_has_all_its_digits_and_no_exponent(tmp_path):
    """A zero is 0, not 0E-8."""
    cents = {"a": 0, "b": 12.5, "c": 123456789}
    usage = {model: {"output": 1, "cents": cost} for model, cost in cents.items()}
    export(fill(tmp_path / "s", [record(str(DAY), models=usage)]), tmp_path / "out", form="csv")
    rows = read_csv(tmp_path / "out/model_usage/api.csv")
    assert [row["cost_usd"] for row in rows] == ["0", "0.125", "1234567.89"]


def test_text_that_starts_like_a_formula_is_escaped(tmp_path):
    """Excel would run it, so it starts with an apostrophe."""
    names = [f"{start}cmd|calc@x.example" for start in "=+-@＝"]  # noqa: RUF001
    store = fill(tmp_path / "s", [record(str(DAY), name) for name in names])
    export(store, tmp_path / "out", form="csv")
    actors = {row["actor"] for row in read_csv(tmp_path / "out/activity/api.csv")}
    assert actors == {f"'{name}" for name in names}


def test_a_workbook_keeps_types(tmp_path):
    """Names that look like numbers, dates or formulas stay text; counts and dollars are numbers."""
    names = ["0042", "1-2", "MAR1", "3E5", "12345678901234567890", "TRUE", "=1+1"]
    models = {"claude-sonnet-5": {"output": 7, "cents": 141}}
    records = [record(str(DAY), api_key=name, commits=3, models=models) for name in names]
    export(fill(tmp_path / "s", records), tmp_path / "out", form="excel")
    rows = sheet_rows(tmp_path / "out/actor_days/api.xlsx", "actor_days")
    assert sorted(row["actor"] for row in rows) == sorted(names)
    assert {(row["commits"], row["cost_usd"]) for row in rows} == {(3, 1.41)}
    assert {row["date"].date() for row in rows} == {DAY}
    assert {row["team"] for row in rows} == {None}


def test_a_workbook_has_times_to_the_millisecond(tmp_path):
    """A line of a session log has one; such a table was refused."""
    at = datetime(2026, 11, 16, 8, 0, 0, 123_000)
    path = tmp_path / "requests" / "local.xlsx"
    path.parent.mkdir()
    write_workbook(pa.table({"at": pa.array([at], pa.timestamp("ms"))}), path)
    assert sheet_rows(path, "requests") == [{"at": at}]


def test_a_table_longer_than_a_sheet_is_refused(tmp_path, monkeypatch):
    """Ten rows where a sheet holds four and a header: none is lost silently."""
    monkeypatch.setattr("ccanalytics.export.targets.MOST_ROWS", 5)
    with pytest.raises(ExportError, match="10 rows"):
        write_workbook(pa.table({"n": list(range(10))}), tmp_path / "long" / "api.xlsx")


def test_a_text_too_long_for_a_cell_is_refused(tmp_path):
    """It is not truncated."""
    with pytest.raises(ExportError, match="does not fit"):
        write_workbook(pa.table({"text": ["x" * 40_000]}), tmp_path / "text" / "api.xlsx")


def sheet_rows(path, name):
    """The rows of a sheet, by the column names in its first row."""
    head, *rows = openpyxl.load_workbook(path)[name].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_a_frame_from_a_page_is_safe_csv_too():
    """The same rules for every CSV this package writes."""
    frame = pd.DataFrame({"week": pd.to_datetime(["2026-11-16"]), "team": ["=1+1"]})
    assert safe_csv(frame) == '"week","team"\r\n2026-11-16,"\'=1+1"\r\n'


def test_running_twice_changes_no_file(big, tmp_path):
    """Byte for byte."""
    export(big, tmp_path / "out")
    before = files(tmp_path / "out")
    export(big, tmp_path / "out")
    assert files(tmp_path / "out") == before


def test_policies_and_formats_do_not_mix_in_a_folder(tmp_path):
    """Names with pseudonyms, or CSV with Parquet, would be read as one data set."""
    store = small(tmp_path / "s")
    export(store, tmp_path / "out")
    for more in ({"identity": "pseudonym"}, {"form": "csv"}):
        with pytest.raises(ExportError, match="do not mix"):
            export(store, tmp_path / "out", **more)
    export(store, tmp_path / "out", form="csv", replace=True)
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_replace_removes_only_files_of_exports(big, tmp_path):
    """Named files go when an aggregate export replaces them; a folder of notes stays."""
    out = tmp_path / "out"
    export(big, out, roster=roster())
    (out / "notes").mkdir()
    (out / "notes/mine.csv").write_text("mine")
    export(big, out, roster=roster(), identity="aggregate", replace=True)
    left = {path.parent.name for path in out.glob("*/*.*")} - {".tmp"}
    assert left == {"notes", "weekly_metrics", "weekly_team_metrics"}


def test_a_table_missing_from_a_later_export_keeps_no_file_of_its_source(tmp_path):
    """The first export had bills, the second has none; bills of another source stay."""
    place = target_of(str(tmp_path / "out"), "")
    place.write("api", tables_with("api", "activity", "charges"), "named", replace=False)
    place.write("local", tables_with("local", "activity", "charges"), "named", replace=False)
    place.write("api", tables_with("api", "activity"), "named", replace=False)
    left = {path.parent.name + "/" + path.stem for path in tmp_path.rglob("*.parquet")}
    assert left == {"activity/api", "activity/local", "charges/local"}


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    """Nothing is written to it."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/thesis.txt").write_text("mine")
    with pytest.raises(ExportError, match="thesis"):
        export(small(tmp_path / "s"), tmp_path / "theirs")


def test_a_file_format_is_refused_for_a_database(tmp_path):
    """A database has tables."""
    with pytest.raises(ValueError, match="--format csv"):
        export(small(tmp_path / "s"), tmp_path / "x.duckdb", form="csv")


def test_an_export_is_readable_by_its_owner_only(tmp_path):
    """It contains names; the owner decides who else may read them."""
    out = tmp_path / "out"
    export(small(tmp_path / "store"), out)
    for path in [out, *out.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
