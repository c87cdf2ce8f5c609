"""SQL queries on the store's Parquet files."""

import subprocess
import sys
from datetime import UTC, date, datetime

import duckdb
import pytest
from builders import record

import ccanalytics as cca
from ccanalytics.errors import StoreError
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.store.day_store import Store

LATER = datetime(2026, 12, 1, tzinfo=UTC)


def filled(root, *commits):
    """A store with one record a day from 16 November on, with these numbers of commits."""
    store = Store(root)
    for n, many in enumerate(commits):
        day = date(2026, 11, 16 + n)
        store.write_day(
            "api", day, build_frames(day, [record(str(day), commits=many)]), fetched_at=LATER
        )
    return store


def test_the_views_are_named_after_the_frames_and_read_every_day(tmp_path):
    """Three days of 1, 2 and 3 commits are 6."""
    connection = cca.connect("api", filled(tmp_path, 1, 2, 3))
    names = [name for (name,) in connection.sql("show tables").fetchall()]
    assert names == ["activity", "model_usage", "tool_actions"]
    assert connection.sql("select sum(commits) from activity").fetchall() == [(6,)]


def test_all_views_are_a_snapshot_at_the_time_of_connecting(tmp_path):
    """Days stored later appear in the next connection, for all frames or none."""
    before = cca.connect("api", filled(tmp_path, 1))
    filled(tmp_path, 1, 4)
    assert before.sql("select sum(commits) from activity").fetchall() == [(1,)]
    assert cca.connect("api", tmp_path).sql("select sum(commits) from activity").fetchall() == [
        (5,)
    ]


def test_leftovers_of_a_dead_connection_are_removed(tmp_path):
    """Its links would keep old files forever; those of a running process stay."""
    filled(tmp_path, 1)
    living = cca.connect("api", tmp_path)
    script = "import os, sys, ccanalytics as cca; cca.connect('api', sys.argv[1]); os._exit(1)"
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert len(list((tmp_path / ".tmp").glob("read-*"))) == 2
    filled(tmp_path, 1, 4)
    assert len(list((tmp_path / ".tmp").glob("read-*"))) == 1
    assert living.sql("select sum(commits) from activity").fetchall() == [(1,)]


def test_a_damaged_file_is_not_queried(tmp_path):
    """A connection also reads only intact files."""
    path = filled(tmp_path, 1).folder("api", "activity") / "2026-11.parquet"
    path.write_bytes(path.read_bytes()[:-9] + b"123456789")
    with pytest.raises(StoreError, match=r"activity/2026-11\.parquet is damaged"):
        cca.connect("api", tmp_path)


def test_the_store_is_that_of_the_settings_unless_given(tmp_path, monkeypatch):
    """The environment can set it, as everywhere."""
    filled(tmp_path, 7)
    monkeypatch.setenv("CCANALYTICS_STORE", str(tmp_path))
    assert cca.connect("api").sql("select commits from activity").fetchall() == [(7,)]


def test_a_folder_with_special_characters_in_its_name_is_read(tmp_path):
    """Quotes do not end a string, and brackets and stars are not a pattern."""
    odd = tmp_path / "an [odd] 'sto*re'?"
    assert cca.connect("api", filled(odd, 2)).sql("select commits from activity").fetchall() == [
        (2,)
    ]


def test_the_views_cannot_be_written_to(tmp_path):
    """Only a sync writes to the store."""
    connection = cca.connect("api", filled(tmp_path, 1))
    with pytest.raises(duckdb.Error):
        connection.execute("delete from activity")


def test_a_source_that_is_not_stored_is_an_error_with_a_hint(tmp_path):
    """The error names the store."""
    with pytest.raises(StoreError, match=r"No sample day is in the store .* ccanalytics sync"):
        cca.connect("sample", filled(tmp_path, 1))
