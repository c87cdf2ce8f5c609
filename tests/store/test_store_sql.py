"""The store's Parquet files, asked in SQL."""

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
    """A store of one record a day from 16 November on, with these many commits."""
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


def test_all_views_are_of_the_moment_of_connecting(tmp_path):
    """What a sync stores meanwhile is in the next connection, for all frames or none."""
    before = cca.connect("api", filled(tmp_path, 1))
    filled(tmp_path, 1, 4)
    assert before.sql("select sum(commits) from activity").fetchall() == [(1,)]
    assert cca.connect("api", tmp_path).sql("select sum(commits) from activity").fetchall() == [
        (5,)
    ]


def test_what_a_connection_of_a_dead_process_left_is_cleared_away(tmp_path):
    """Its links would keep old files for ever; those of a living one stay."""
    filled(tmp_path, 1)
    script = "import os, sys, ccanalytics as cca; cca.connect('api', sys.argv[1]); os._exit(1)"
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    living = cca.connect("api", tmp_path)
    assert len(list((tmp_path / ".tmp").glob("read-*"))) == 2
    filled(tmp_path, 1, 4)
    assert len(list((tmp_path / ".tmp").glob("read-*"))) == 1
    assert living.sql("select sum(commits) from activity").fetchall() == [(1,)]


def test_a_damaged_file_is_not_asked(tmp_path):
    """A connection, too, reads only what was written."""
    path = filled(tmp_path, 1).folder("api", "activity") / "2026-11.parquet"
    path.write_bytes(path.read_bytes()[:-9] + b"123456789")
    with pytest.raises(StoreError, match=r"activity/2026-11\.parquet is damaged"):
        cca.connect("api", tmp_path)


def test_the_store_is_that_of_the_settings_unless_given(tmp_path, monkeypatch):
    """As everywhere, the environment names it."""
    filled(tmp_path, 7)
    monkeypatch.setenv("CCANALYTICS_STORE", str(tmp_path))
    assert cca.connect("api").sql("select commits from activity").fetchall() == [(7,)]


def test_a_folder_with_odd_signs_in_its_name_is_read(tmp_path):
    """Quotes end no string, and brackets and stars are no pattern."""
    odd = tmp_path / "an [odd] 'sto*re'?"
    assert cca.connect("api", filled(odd, 2)).sql("select commits from activity").fetchall() == [
        (2,)
    ]


def test_the_views_cannot_be_written_to(tmp_path):
    """The store is only written by a sync."""
    connection = cca.connect("api", filled(tmp_path, 1))
    with pytest.raises(duckdb.Error):
        connection.execute("delete from activity")


def test_a_source_that_is_not_stored_says_what_to_do(tmp_path):
    """The error names the store and the way on."""
    with pytest.raises(StoreError, match=r"No sample day is in the store .* ccanalytics sync"):
        cca.connect("sample", filled(tmp_path, 1))
