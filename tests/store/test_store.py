"""Days on disk: whole or not at all, readable by any tool, honest about when they were fetched."""

import os
import subprocess
import sys
import textwrap
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import record

from ccanalytics.errors import StoreError
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.store.day_files import Written, write_file
from ccanalytics.store.day_store import Store

DAY = date(2026, 11, 16)
MUCH_LATER = datetime(2026, 11, 24, tzinfo=UTC)


def frames_of(count, day=DAY, **keys):
    """A day on which every measure that is looked at is `count`."""
    usage = {"claude-sonnet-5": {"output": count, "cents": count}}
    busy = record(str(day), commits=count, tools={"edit_tool": (count, 0)}, models=usage, **keys)
    return build_frames(day, [busy])


def stored(root, count=1, day=DAY, fetched_at=MUCH_LATER):
    store = Store(root)
    store.write_day("api", day, frames_of(count, day), fetched_at=fetched_at)
    return store


def counts(store):
    """What all three frames say the count is."""
    _, frames = store.read_range("api", DAY, DAY)
    columns = {"activity": "commits", "model_usage": "output_tokens", "tool_actions": "accepted"}
    return [frames[name][column].to_pylist() for name, column in columns.items()]


def test_a_day_is_read_as_it_was_written(tmp_path):
    """Every frame comes back with its rows, its types and its exact money."""
    store = stored(tmp_path)
    for name, table in frames_of(1).items():
        assert store.read("api", name, DAY, DAY).equals(table)


def test_each_frame_of_a_day_is_one_file_named_by_the_day(tmp_path):
    """The place of a file tells source, frame and day to any tool."""
    stored(tmp_path)
    files = {str(path.relative_to(tmp_path)) for path in (tmp_path / "v1").rglob("*.parquet")}
    assert files == {f"v1/api/{name}/2026-11-16.parquet" for name in SCHEMAS}


def test_an_empty_day_is_stored_and_a_missing_one_is_not(tmp_path):
    """Nothing happened and nobody asked are two different things."""
    store = Store(tmp_path)
    store.write_day("api", DAY, build_frames(DAY, []), fetched_at=MUCH_LATER)
    assert store.days("api")[DAY].rows == 0
    assert DAY + timedelta(1) not in store.days("api")
    assert store.read("api", "activity", DAY, DAY).schema == SCHEMAS["activity"]


def test_looking_at_an_empty_store_makes_no_folder(tmp_path):
    """A store that was only looked at leaves nothing behind."""
    store = Store(tmp_path / "new")
    assert store.days("api") == {}
    assert len(store.read("api", "activity", DAY, DAY)) == 0
    assert not store.root.exists()


def test_only_days_and_columns_asked_for_are_read(tmp_path):
    """Files outside the range are not opened: a broken one there does not matter."""
    store = stored(tmp_path)
    next_week = DAY + timedelta(7)
    stored(tmp_path, 2, next_week)
    table = store.read("api", "activity", next_week, next_week, ["date", "commits"])
    assert table.to_pydict() == {"date": [datetime(2026, 11, 23)], "commits": [2]}
    (store.folder("api", "model_usage") / f"{DAY}.parquet").write_bytes(b"broken")
    assert len(store.read("api", "model_usage", next_week, next_week)) == 1


@pytest.mark.parametrize(
    ("hours", "closed", "final"),
    [(0.9, False, False), (1, True, False), (47.9, True, False), (48, True, True)],
)
def test_a_day_is_closed_an_hour_after_its_end_and_final_after_two_days(
    tmp_path, hours, closed, final
):
    """What counts is when the day was fetched, not how old it is now."""
    end = datetime(2026, 11, 17, tzinfo=UTC)
    day = stored(tmp_path, fetched_at=end + timedelta(hours=hours)).days("api")[DAY]
    assert (day.closed, day.final) == (closed, final)


def test_a_column_that_is_newer_than_a_file_reads_as_null(tmp_path):
    """Columns are only added, so old files need not be written again."""
    store = stored(tmp_path)
    path = store.folder("api", "activity") / f"{DAY}.parquet"
    old = pq.read_table(path)
    digest = store.days("api")[DAY].digest
    write_file(path, old.drop_columns(["is_remote"]), Written(MUCH_LATER, None, digest))
    table = store.read("api", "activity", DAY, DAY)
    assert table.schema == SCHEMAS["activity"]
    assert table["is_remote"].to_pylist() == [None]


def test_a_changed_day_is_written_to_the_restatement_log(tmp_path):
    """Two commits instead of one: both dates and both exact totals are kept."""
    store = stored(tmp_path, fetched_at=datetime(2026, 11, 17, 2, tzinfo=UTC))
    change = store.write_day("api", DAY, frames_of(2), fetched_at=MUCH_LATER)
    assert change.kind == "changed"
    assert counts(store) == [[2], [2], [2]]
    (line,) = store.restatements("api")
    assert (line.day, line.fetched_before.hour, line.fetched_after) == (DAY, 2, MUCH_LATER)
    assert line.measures == {
        "activity.commits": ("1", "2"),
        "model_usage.output_tokens": ("1", "2"),
        "model_usage.cost_usd": (str(Decimal("0.01000000")), str(Decimal("0.02000000"))),
        "tool_actions.accepted": ("1", "2"),
    }


def test_a_day_that_only_moved_between_terminals_is_a_change_of_no_measure(tmp_path):
    """All totals stayed, and still the day is not the same."""
    store = stored(tmp_path)
    store.write_day("api", DAY, frames_of(1, terminal="iTerm.app"), fetched_at=MUCH_LATER)
    (line,) = store.restatements("api")
    assert line.measures == {}


def test_the_same_rows_in_another_order_are_the_same_day(tmp_path):
    """The service promises no order, so an order is no change."""
    store, rows = Store(tmp_path), [record(actor=f"{n}@x.example") for n in "abc"]
    for records in (rows, rows[::-1]):
        change = store.write_day("api", DAY, build_frames(DAY, records), fetched_at=MUCH_LATER)
    assert change.kind == "same"
    assert store.restatements("api") == []


def test_a_day_becomes_final_when_it_is_fetched_again(tmp_path):
    """Nothing changed but the time of fetching, and that is kept."""
    store = stored(tmp_path, fetched_at=datetime(2026, 11, 17, 2, tzinfo=UTC))
    assert store.write_day("api", DAY, frames_of(1), fetched_at=MUCH_LATER).kind == "same"
    assert store.days("api")[DAY].final


def test_a_final_day_that_did_not_change_is_not_written(tmp_path):
    """Its file is left alone, down to the time it was written."""
    store = stored(tmp_path)
    path = store.folder("api", "activity") / f"{DAY}.parquet"
    os.utime(path, (1, 1))
    store.write_day("api", DAY, frames_of(1), fetched_at=MUCH_LATER + timedelta(1))
    assert path.stat().st_mtime == 1


def test_another_organization_is_refused_with_both_names_and_the_flag(tmp_path):
    """Two organizations in one store would be added up."""
    store = Store(tmp_path)
    store.write_day("api", DAY, frames_of(1), fetched_at=MUCH_LATER, organization="org-1")
    with pytest.raises(StoreError, match=r"org-1.*org-2.*--store") as error:
        store.write_day("api", DAY, frames_of(2), fetched_at=MUCH_LATER, organization="org-2")
    assert str(tmp_path) in str(error.value)
    assert counts(store) == [[1], [1], [1]]
    store.write_day("sample", DAY, frames_of(2), fetched_at=MUCH_LATER, organization="org-2")


def test_a_day_put_together_from_two_fetches_is_not_read(tmp_path):
    """A file copied from elsewhere over one frame is noticed; the error names the file."""
    store, other = stored(tmp_path / "a"), stored(tmp_path / "b", 2)
    name = f"{DAY}.parquet"
    foreign = (other.folder("api", "model_usage") / name).read_bytes()
    (store.folder("api", "model_usage") / name).write_bytes(foreign)
    with pytest.raises(StoreError, match=r"model_usage/2026-11-16\.parquet.*another fetch"):
        store.read_range("api", DAY, DAY)


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing", None])
def test_a_broken_or_missing_file_is_named(tmp_path, content):
    """The error says which file and what to do."""
    store = stored(tmp_path)
    path = store.folder("api", "tool_actions") / f"{DAY}.parquet"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=r"tool_actions.*sync --again"):
        store.read_range("api", DAY, DAY)


def test_duckdb_reads_the_files_as_they_lie(tmp_path):
    """Plain SQL over the folder: days, types and exact money are there without our code."""
    for count in (1, 2):
        stored(tmp_path, count, DAY + timedelta(count))
    where = f"{tmp_path}/v1/api/model_usage/*.parquet"
    rows = duckdb.sql(f"select date, cost_usd from '{where}' order by date").fetchall()
    assert rows == [
        (datetime(2026, 11, 17), Decimal("0.01")),
        (datetime(2026, 11, 18), Decimal("0.02")),
    ]


def test_polars_reads_the_folder_as_it_lies(tmp_path):
    """A scan of the folder itself works: nothing but day files is in it."""
    for count in (1, 2):
        stored(tmp_path, count, DAY + timedelta(count))
    frame = polars.scan_parquet(tmp_path / "v1/api/activity").collect()
    assert frame["commits"].sum() == 3
    assert frame["date"].to_list() == [datetime(2026, 11, 17), datetime(2026, 11, 18)]


def test_a_write_that_died_long_ago_is_cleared_away(tmp_path):
    """What a killed process left is in nobody's way, and goes with a later write."""
    store = stored(tmp_path)
    old, young = tmp_path / ".tmp/write-old", tmp_path / ".tmp/write-young"
    for folder in (old, young):
        folder.mkdir()
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    store.write_day("api", DAY, frames_of(2), fetched_at=MUCH_LATER)
    assert not old.exists()
    assert young.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_one_may_not_write_to_can_be_read(tmp_path):
    """Somebody else's store is read without a lock, and writing says why it cannot."""
    store = stored(tmp_path)
    for folder in (tmp_path / ".tmp", tmp_path):
        folder.chmod(0o555)
    assert counts(store) == [[1], [1], [1]]
    with pytest.raises(StoreError, match="written"):
        stored(tmp_path, 2)


KILLED_AT_EACH_STEP = """
    import os, shutil, signal, sys
    from pathlib import Path
    from test_store import Store, counts, frames_of, stored, DAY, MUCH_LATER

    def deadly(function, left):
        def step(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)
        return step

    def write_and_die(root, step):
        left = [step]
        for module, name in ((os, "fsync"), (os, "rename"), (os, "replace"), (os, "unlink"),
                             (os, "rmdir"), (os, "mkdir")):
            setattr(module, name, deadly(getattr(module, name), left))
        Store(root).write_day("api", DAY, frames_of(2), fetched_at=MUCH_LATER)
        os._exit(0)

    for step in range(1000):
        root = Path(sys.argv[1]) / str(step)
        stored(root)
        child = os.fork()
        if child == 0:
            write_and_die(root, step)
        survived = os.waitpid(child, 0)[1] == 0
        files = {p.parent.name for p in root.rglob("commit/**/*.parquet")}
        print(survived, len(files), counts(Store(root)), len(Store(root).restatements("api")))
        Store(root).write_day("api", DAY, frames_of(3), fetched_at=MUCH_LATER)
        assert counts(Store(root)) == [[3], [3], [3]], step
        if survived:
            break
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_write_killed_at_any_step_leaves_the_old_day_or_the_new(tmp_path):
    """Before each call that touches the disk the process is killed; no mixture is ever seen."""
    script = textwrap.dedent(KILLED_AT_EACH_STEP)
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).parent), str(Path(__file__).parents[1])]
            )
        },
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    old, new = "[[1], [1], [1]] 0", "[[2], [2], [2]] 1"
    seen = [line.split(" ", 2)[2] for line in lines]
    turn = seen.index(new)
    assert seen == [old] * turn + [new] * (len(seen) - turn)
    assert turn > 3
    assert lines[-1].startswith("True")
    # Some were killed with one or two of the three files already in their places.
    assert {"1", "2"} <= {line.split()[1] for line in lines}


WRITES_ALL_THE_TIME = """
    import sys
    from pathlib import Path
    from test_store import Store, frames_of, DAY, MUCH_LATER

    store, count = Store(Path(sys.argv[1])), int(sys.argv[2])
    while True:
        store.write_day("api", DAY, frames_of(count), fetched_at=MUCH_LATER)
        count += 2
"""


def both(seen):
    """Whether something of either writer was read."""
    return {count % 2 for count in seen if count} == {0, 1}


def test_two_writers_and_a_reader_do_not_disturb_each_other(tmp_path):
    """Two processes rewrite one day without pause; a reader always sees one write, whole."""
    store = stored(tmp_path, 0)
    script = textwrap.dedent(WRITES_ALL_THE_TIME)
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    }
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), first], env=env)
        for first in ("1000", "1001")
    ]
    try:
        seen = set()
        deadline = time.monotonic() + 60
        while (len(seen) < 15 or not both(seen)) and time.monotonic() < deadline:
            usage = counts(store)
            assert usage[0] == usage[1] == usage[2]
            seen.add(usage[0][0])
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert both(seen)
    assert counts(store)[0] == counts(store)[2]


def test_no_table_is_read_twice_when_frames_are_laid_together(tmp_path):
    """A range of days is their rows, each once, in order of the days."""
    for n in range(3):
        stored(tmp_path, n, DAY + timedelta(n))
    days, frames = Store(tmp_path).read_range("api", DAY, DAY + timedelta(9))
    assert list(days) == [DAY, DAY + timedelta(1), DAY + timedelta(2)]
    assert frames["activity"]["commits"].to_pylist() == [0, 1, 2]
    assert isinstance(frames["activity"], pa.Table)


def test_a_file_named_after_no_day_is_passed_over(tmp_path):
    """There is no 30th of February; the days that there are can be read."""
    store = stored(tmp_path)
    (store.folder("api", "activity") / "2026-02-30.parquet").write_text("not of ours")
    assert list(store.days("api")) == [DAY]
