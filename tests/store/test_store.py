"""Days on disk: complete or absent, readable by any tool, with the time they were fetched."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import record

from ccanalytics.errors import StoreError
from ccanalytics.frames.record_frames import build_frames
from ccanalytics.frames.schemas import SCHEMAS, encoded
from ccanalytics.store.day_store import Store
from ccanalytics.store.source_files import DayIndex

DAY = date(2026, 11, 16)
MUCH_LATER = datetime(2026, 11, 24, tzinfo=UTC)
OWN_MODULES = os.environ | {
    "PYTHONPATH": os.pathsep.join(map(str, Path(__file__).resolve().parents[:2]))
}
"""Where a process of its own finds these tests and what they use."""


def frames_of(count, day=DAY, **keys):
    """A day where every measure the tests look at is `count`."""
    usage = {"claude-sonnet-5": {"output": count, "cents": count}}
    busy = record(str(day), commits=count, tools={"edit_tool": (count, 0)}, models=usage, **keys)
    return build_frames(day, [busy])


def stored(root, count=1, day=DAY, fetched_at=MUCH_LATER):
    store = Store(root)
    store.write_day("api", day, frames_of(count, day), fetched_at=fetched_at)
    return store


def counts(store):
    """The count according to all three frames."""
    _, frames = store.read_days("api", [DAY])
    columns = {"activity": "commits", "model_usage": "output_tokens", "tool_actions": "accepted"}
    return [frames[name][column].to_pylist() for name, column in columns.items()]


def test_a_day_is_read_as_it_was_written(tmp_path):
    """Every frame has the same rows, types and exact money."""
    store = stored(tmp_path)
    for name, table in frames_of(1).items():
        assert store.read("api", name, DAY, DAY).cast(table.schema).equals(table)


def test_each_frame_of_a_month_is_one_file_named_by_the_month(tmp_path):
    """The path of a file gives source, frame and month to any tool, however many days it has."""
    for n in (14, 0, 15):  # 30 November, 16 November, 1 December
        stored(tmp_path, day=DAY + timedelta(n))
    files = {str(path.relative_to(tmp_path)) for path in (tmp_path / "v2").rglob("*.*")}
    months = {f"{name}/2026-{month}" for name in SCHEMAS for month in (11, 12)}
    assert files == {f"v2/api/{name}.parquet" for name in {*months, "days"}}
    november = pq.read_table(tmp_path / "v2/api/activity/2026-11.parquet")
    assert [day.day for day in november["date"].to_pylist()] == [16, 30]


def test_an_empty_day_is_stored_and_a_missing_one_is_not(tmp_path):
    """No activity is different from not fetched."""
    store = Store(tmp_path)
    store.write_day("api", DAY, build_frames(DAY, []), fetched_at=MUCH_LATER)
    assert store.days("api")[DAY].rows == 0
    assert DAY + timedelta(1) not in store.days("api")
    assert store.read("api", "activity", DAY, DAY).schema == encoded(SCHEMAS["activity"])


def test_reading_an_empty_store_makes_no_folder(tmp_path):
    """Reading a store leaves nothing behind."""
    store = Store(tmp_path / "new")
    assert store.days("api") == {}
    assert len(store.read("api", "activity", DAY, DAY)) == 0
    assert not store.root.exists()


def test_only_the_requested_months_are_read(tmp_path):
    """Files outside the range are not opened, so a broken one there does not matter."""
    store = stored(tmp_path)
    next_month = DAY + timedelta(20)
    stored(tmp_path, 2, next_month)
    (store.folder("api", "activity") / "2026-11.parquet").write_bytes(b"broken")
    table = store.read("api", "activity", next_month, next_month)
    assert table["commits"].to_pylist() == [2]


def test_days_of_a_month_are_read_one_by_one(tmp_path):
    """Only the requested days of the three in the file are returned."""
    for n in range(3):
        stored(tmp_path, n, DAY + timedelta(n))
    store = Store(tmp_path)
    days, frames = store.read_days("api", [DAY + timedelta(2), DAY, DAY + timedelta(9)])
    assert list(days) == [DAY, DAY + timedelta(2)]
    assert frames["activity"]["commits"].to_pylist() == [0, 2]


@pytest.mark.parametrize("name", SCHEMAS)
def test_text_read_as_dictionaries_is_the_same(tmp_path, name, monkeypatch):
    """Over two months, with some days left out and a row group for each row."""
    monkeypatch.setattr(pq, "write_table", partial(pq.write_table, row_group_size=1))
    for n in (0, 1, 2, 20):
        stored(tmp_path, n, DAY + timedelta(n))
    since, until, store = DAY + timedelta(1), DAY + timedelta(20), Store(tmp_path)
    encoded_rows = store.read("api", name, since, until)
    plain = store.read_days("api", store.days("api", since, until))[1][name]
    assert encoded_rows.cast(plain.schema).equals(plain)
    assert [day.day for day in plain["date"].to_pylist()] == [17, 18, 6]


@pytest.mark.parametrize(
    ("hours", "closed", "final"),
    [(0.9, False, False), (1, True, False), (47.9, True, False), (48, True, True)],
)
def test_a_day_is_closed_an_hour_after_its_end_and_final_after_two_days(
    tmp_path, hours, closed, final
):
    """The time of fetching counts, not the current age of the day."""
    end = datetime(2026, 11, 17, tzinfo=UTC)
    day = stored(tmp_path, fetched_at=end + timedelta(hours=hours)).days("api")[DAY]
    assert (day.closed, day.final) == (closed, final)


def rewritten(store, frame, change):
    """The file of a frame as another version of the package would write it."""
    folder, name = store.folder("api"), f"{frame}/2026-11.parquet"
    index = DayIndex.of(folder)
    index.put(folder, name, change(pq.read_table(folder / name)))
    index.write(folder)


def test_a_column_that_is_newer_than_a_file_reads_as_null(tmp_path):
    """Columns are only ever added, so old files need not be rewritten."""
    store = stored(tmp_path)
    rewritten(store, "activity", lambda old: old.drop_columns(["is_remote"]))
    table = store.read("api", "activity", DAY, DAY)
    assert table.schema == encoded(SCHEMAS["activity"])
    assert table["is_remote"].to_pylist() == [None]


def test_a_column_of_a_newer_version_is_not_lost(tmp_path):
    """An older version would drop it when rewriting the file, so it writes nothing."""
    store = stored(tmp_path)
    rewritten(store, "activity", lambda old: old.append_column("mood", [["good"]]))
    with pytest.raises(StoreError, match="mood"):
        stored(tmp_path, 2)
    assert counts(store) == [[1], [1], [1]]


def test_a_changed_day_is_written_to_the_restatement_log(tmp_path):
    """Two commits instead of one: both dates and the number of people are kept."""
    store = stored(tmp_path, fetched_at=datetime(2026, 11, 17, 2, tzinfo=UTC))
    change = store.write_day("api", DAY, frames_of(2), fetched_at=MUCH_LATER)
    assert change == "changed"
    assert counts(store) == [[2], [2], [2]]
    (line,) = store.restatements("api")
    assert (line.day, line.fetched_before.hour, line.fetched_after) == (DAY, 2, MUCH_LATER)
    assert line.people == 1


def test_a_day_that_only_changed_terminals_is_another_day(tmp_path):
    """All totals are the same, but the day is not."""
    store = stored(tmp_path)
    store.write_day("api", DAY, frames_of(1, terminal="iTerm.app"), fetched_at=MUCH_LATER)
    assert len(store.restatements("api")) == 1


def test_the_same_rows_in_another_order_are_the_same_day(tmp_path):
    """The service guarantees no order, so another order is not a change."""
    store, rows = Store(tmp_path), [record(actor=f"{n}@x.example") for n in "abc"]
    for records in (rows, rows[::-1]):
        change = store.write_day("api", DAY, build_frames(DAY, records), fetched_at=MUCH_LATER)
    assert change == "same"
    assert store.restatements("api") == []


def test_a_day_becomes_final_when_it_is_fetched_again(tmp_path):
    """Only the time of fetching changed, and it is stored."""
    store = stored(tmp_path, fetched_at=datetime(2026, 11, 17, 2, tzinfo=UTC))
    assert store.write_day("api", DAY, frames_of(1), fetched_at=MUCH_LATER) == "same"
    assert store.days("api")[DAY].final


def test_an_unchanged_final_day_is_not_written(tmp_path):
    """Even the modification time of its file is unchanged."""
    store = stored(tmp_path)
    paths = list(store.folder("api").rglob("*.parquet"))
    for path in paths:
        os.utime(path, (1, 1))
    store.write_day("api", DAY, frames_of(1), fetched_at=MUCH_LATER + timedelta(1))
    assert [path.stat().st_mtime for path in paths] == [1, 1, 1, 1]


def test_another_organization_is_refused_with_both_names_and_the_flag(tmp_path):
    """Two organizations in one store would be summed."""
    store = Store(tmp_path)
    store.write_day("api", DAY, frames_of(1), fetched_at=MUCH_LATER, organization="org-1")
    with pytest.raises(StoreError, match=r"org-1.*org-2.*--store") as error:
        store.write_day("api", DAY, frames_of(2), fetched_at=MUCH_LATER, organization="org-2")
    assert str(tmp_path) in str(error.value)
    assert counts(store) == [[1], [1], [1]]
    store.write_day("sample", DAY, frames_of(2), fetched_at=MUCH_LATER, organization="org-2")


@pytest.mark.parametrize("frame", [*SCHEMAS, ""])
def test_a_file_of_another_store_is_not_read(tmp_path, frame):
    """A file copied over another is detected; the error names one of the two that disagree."""
    store, other = stored(tmp_path / "a"), stored(tmp_path / "b", 2)
    name = "2026-11.parquet" if frame else "days.parquet"
    foreign = (other.folder("api", frame) / name).read_bytes()
    (store.folder("api", frame) / name).write_bytes(foreign)
    with pytest.raises(StoreError, match=rf"api/{frame or 'activity'}/2026-11\.parquet.*damaged"):
        store.read_days("api", [DAY])


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing", None])
def test_a_broken_or_missing_file_is_named(tmp_path, content):
    """The error says which file and what to do, but not to delete anything."""
    store = stored(tmp_path)
    path = store.folder("api", "tool_actions") / "2026-11.parquet"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=r"tool_actions.*sync") as error:
        store.read_days("api", [DAY])
    assert "delete" not in str(error.value)


def test_no_flipped_bit_gives_another_number(tmp_path):
    """Changing any byte of any file gives an error or the same answer.

    The same answer if the byte has no meaning: in `days.parquet`, the name of the writing program.
    """
    store = stored(tmp_path, fetched_at=datetime(2026, 11, 17, 2, tzinfo=UTC))
    stored(tmp_path, 2)
    whole = store.days("api"), counts(store), store.restatements("api")
    paths = [path for path in store.folder("api").rglob("*.*") if path.is_file()]
    assert len(paths) == 5
    for path in paths:
        content = path.read_bytes()
        for at in range(0, len(content), max(1, len(content) // 25)):
            path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
            os.utime(path, ns=(at, at))
            try:
                seen = store.days("api"), counts(store), store.restatements("api")
            except StoreError as error:
                assert path.name in str(error)
            else:
                assert (seen, path.name) == (whole, "days.parquet")
        path.write_bytes(content)


def test_duckdb_reads_the_files_directly(tmp_path):
    """Plain SQL over the folder: days, types and exact money are there without our code."""
    for count in (1, 2):
        stored(tmp_path, count, DAY + timedelta(count))
    where = f"{tmp_path}/v2/api/model_usage/*.parquet"
    rows = duckdb.sql(f"select date, cost_usd from '{where}' order by date").fetchall()
    assert rows == [
        (datetime(2026, 11, 17), Decimal("0.01")),
        (datetime(2026, 11, 18), Decimal("0.02")),
    ]


def test_polars_reads_the_folder_directly(tmp_path):
    """A scan of the folder itself works: it contains only data files."""
    for count in (1, 2):
        stored(tmp_path, count, DAY + timedelta(count))
    frame = polars.scan_parquet(tmp_path / "v2/api/activity").collect()
    assert frame["commits"].sum() == 3
    assert frame["date"].to_list() == [datetime(2026, 11, 17), datetime(2026, 11, 18)]


def test_pandas_reads_the_folder_directly(tmp_path):
    """Without our code, and with the right types of dates and numbers."""
    for count in (1, 2):
        stored(tmp_path, count, DAY + timedelta(10 * count))
    frame = pd.read_parquet(tmp_path / "v2/api/activity")
    assert frame["commits"].to_list() == [1, 2]
    assert list(frame["date"]) == [pd.Timestamp("2026-11-26"), pd.Timestamp("2026-12-06")]


def test_leftovers_of_dead_writers_are_removed_by_the_next(tmp_path):
    """A writer has a lock, so an unfinished folder belongs to nobody."""
    store = stored(tmp_path)
    left = tmp_path / ".tmp/write-dead"
    left.mkdir()
    (left / "half").write_bytes(b"half")
    store.write_day("api", DAY, frames_of(2), fetched_at=MUCH_LATER)
    assert not left.exists()


def test_folders_and_files_are_readable_by_their_owner_only(tmp_path):
    """Other users of the machine cannot read or list them."""
    store = stored(tmp_path / "store", fetched_at=datetime(2026, 11, 17, 2, tzinfo=UTC))
    stored(store.root, 2)
    for path in [store.root, *store.root.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_store_of_another_version_is_refused_and_kept(tmp_path):
    """The error says how to keep it, because it may be the only copy."""
    (tmp_path / "store/v1/api/activity").mkdir(parents=True)
    store = Store(tmp_path / "store")
    with pytest.raises(StoreError, match=r"mv \S*/store/v1 \S*/store-v1\. .*ccanalytics sync"):
        store.days("api")
    with pytest.raises(StoreError, match="another version"):
        stored(store.root)
    (store.root / "v1").rename(tmp_path / "store-v1")
    stored(store.root)


def test_a_full_disk_leaves_the_old_day(tmp_path):
    """Whichever file is the last one to fit."""
    store, limit = stored(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for size in (0, 1000, 4000, 5000, 6000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limit[1]))
            with pytest.raises(StoreError, match=r"2026-11-16 cannot be written to .*large"):
                stored(tmp_path, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert counts(store) == [[1], [1], [1]]
    assert not list((tmp_path / ".tmp").glob("write-*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_store_can_be_read(tmp_path):
    """A store of another user is read without a lock, and writing says why it cannot."""
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


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
@pytest.mark.slow
def test_a_write_killed_at_any_step_leaves_the_old_day_or_the_new(tmp_path):
    """The process is killed before each disk call; a mixture is never seen."""
    script = textwrap.dedent(KILLED_AT_EACH_STEP)
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        env=OWN_MODULES,
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
    # Some were killed with one or two of the three files already in place.
    assert {"1", "2"} <= {line.split()[1] for line in lines}


KILLED_AT_RANDOM = """
    import os, random, signal, sys, time
    from pathlib import Path
    from ccanalytics.store.day_store import NewDay
    from test_store import DAY, MUCH_LATER, Store, frames_of, timedelta

    store, tries, chance = Store(Path(sys.argv[1])), int(sys.argv[2]), random.Random(1)
    days = [DAY + timedelta(n) for n in range(-20, 20)]

    def write(count):
        store.write_days("api", [NewDay(day, frames_of(count, day), MUCH_LATER) for day in days])

    def seen():
        _, frames = store.read_days("api", days)
        found = {"activity": "commits", "model_usage": "output_tokens", "tool_actions": "accepted"}
        return {tuple(frames[name][column].to_pylist()) for name, column in found.items()}

    begun = time.monotonic()
    write(0)
    took, before, landed = time.monotonic() - begun, 0, 0
    for number in range(1, tries + 1):
        child = os.fork()
        if child == 0:
            write(number)
            os._exit(0)
        time.sleep(chance.uniform(0, 1.2 * took))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        (values,) = seen()
        assert values in ((before,) * 40, (number,) * 40), values
        landed += values[0] == number
        before = values[0]
    assert store.verify("api")[1] == []
    print(landed)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
@pytest.mark.parametrize("tries", [5, pytest.param(300, marks=pytest.mark.slow)])
def test_a_write_killed_at_any_moment_loses_nothing(tmp_path, tries):
    """Forty days of two months: all old or all new, and all frames agree."""
    script = textwrap.dedent(KILLED_AT_RANDOM)
    command = [sys.executable, "-c", script, str(tmp_path), str(tries)]
    run = subprocess.run(command, capture_output=True, text=True, env=OWN_MODULES, timeout=600)
    assert run.returncode == 0, run.stderr
    assert 0 <= int(run.stdout) <= tries


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


@pytest.mark.slow
def test_two_writers_and_a_reader_do_not_disturb_each_other(tmp_path):
    """Two processes rewrite one day constantly; a reader always sees one complete write."""
    store = stored(tmp_path, 0)
    script = textwrap.dedent(WRITES_ALL_THE_TIME)
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), first], env=OWN_MODULES)
        for first in ("1000", "1001")
    ]
    try:
        seen = set()
        deadline = time.monotonic() + 60
        while (len(seen) < 5 or not both(seen)) and time.monotonic() < deadline:
            usage = counts(store)
            assert usage[0] == usage[1] == usage[2]
            seen.add(usage[0][0])
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert both(seen)
    assert counts(store)[0] == counts(store)[2]


def test_no_table_is_read_twice_when_frames_are_concatenated(tmp_path):
    """A range of days is its rows, each once, in order of the days."""
    for n in range(3):
        stored(tmp_path, n, DAY + timedelta(n))
    store = Store(tmp_path)
    days, frames = store.read_days("api", store.dates("api"))
    assert list(days) == [DAY, DAY + timedelta(1), DAY + timedelta(2)]
    assert frames["activity"]["commits"].to_pylist() == [0, 1, 2]
    assert isinstance(frames["activity"], pa.Table)
