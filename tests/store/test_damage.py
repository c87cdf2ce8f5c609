"""Damage on disk is named, the damaged file is kept, and the data is restored where possible."""

import os
import shutil
from datetime import UTC, date, datetime

import pytest
from builders import record

from ccanalytics.errors import ApiError, StoreError
from ccanalytics.sources.registry import Source
from ccanalytics.store.day_store import Store
from ccanalytics.store.sync import sync

MONDAY, SUNDAY = date(2026, 11, 16), date(2026, 11, 22)
NOW = datetime(2026, 12, 24, 12, tzinfo=UTC)


class Days(Source):
    """A source of one record a day, with as many commits as the day of the month."""

    name, answered_at = "api", NOW

    def __init__(self, broken=()):
        self.broken, self.asked = broken, []

    def records(self, day):
        self.asked.append(day)
        if day in self.broken:
            raise ApiError("The service is overloaded.", status=529)
        usage = {"claude-sonnet-5": {"output": day.day}}
        return [record(str(day), commits=day.day, models=usage, organization="org-1")]


def filled(root):
    """The first three weeks of November."""
    store = Store(root)
    sync(Days(), store, "2026-11-02", SUNDAY, now=NOW)
    return store


def damaged(store, name):
    """Change a few bytes in the middle of a file."""
    path = store.folder("api") / name
    content = path.read_bytes()
    middle = len(content) // 2
    content = content[:middle] + bytes(20) + content[middle + 20 :]
    path.write_bytes(content)
    return content


def commits(store):
    return store.read("api", "activity", date.min, date.max)["commits"].to_pylist()


@pytest.mark.parametrize("frame", ["activity", "model_usage", "tool_actions"])
def test_all_days_of_a_damaged_month_are_fetched_again(tmp_path, frame):
    """A sync of the last week fetches all three; the file is kept, and nothing is restated."""
    store = filled(tmp_path)
    content = damaged(store, f"{frame}/2026-11.parquet")
    source = Days()
    result = sync(source, store, MONDAY, SUNDAY, now=NOW)
    assert len(source.asked) == len(result.same) == 21
    assert commits(store) == list(range(2, 23))
    assert store.read("api", frame, MONDAY, SUNDAY) is not None
    assert (tmp_path / f"damaged/v2/api/{frame}/2026-11.parquet").read_bytes() == content
    assert store.restatements("api") == []
    assert store.verify("api")[1] == []


def test_damage_of_other_months_is_left_to_their_sync(tmp_path):
    """December is stored and read, although November cannot be."""
    store = filled(tmp_path)
    damaged(store, "activity/2026-11.parquet")
    source = Days()
    sync(source, store, "2026-12-01", "2026-12-02", now=NOW)
    assert sorted(source.asked) == [date(2026, 12, 1), date(2026, 12, 2)]
    with pytest.raises(StoreError, match=r"activity/2026-11\.parquet is damaged"):
        commits(store)


def test_a_month_that_cannot_be_fetched_does_not_stop_another(tmp_path):
    """Its damaged file was set aside; a sync of December still asks for December only."""
    store = filled(tmp_path)
    damaged(store, "activity/2026-11.parquet")
    with pytest.raises(ApiError):
        sync(Days(broken=[date(2026, 11, 5)]), store, MONDAY, SUNDAY, now=NOW)
    source = Days()
    sync(source, store, "2026-12-01", "2026-12-02", now=NOW)
    assert sorted(source.asked) == [date(2026, 12, 1), date(2026, 12, 2)]


def test_a_damaged_month_is_replaced_completely_or_not_at_all(tmp_path):
    """One day cannot be fetched: no partial sum is shown, and the next sync continues."""
    store = filled(tmp_path)
    damaged(store, "activity/2026-11.parquet")
    with pytest.raises(ApiError, match="2026-11-05"):
        sync(Days(broken=[date(2026, 11, 5)]), store, MONDAY, SUNDAY, now=NOW)
    with pytest.raises(StoreError, match="damaged"):
        commits(store)
    assert len(store.read("api", "model_usage", MONDAY, SUNDAY)) == 7
    sync(Days(), store, SUNDAY, SUNDAY, now=NOW)
    assert commits(store) == list(range(2, 23))


def test_a_damaged_list_of_days_is_rebuilt_from_the_files(tmp_path):
    """The rows are there; their fetch times are unknown, so the days may change again."""
    store = filled(tmp_path)
    content = damaged(store, "days.parquet")
    source = Days()
    sync(source, store, SUNDAY, SUNDAY, now=NOW)
    assert source.asked == [SUNDAY]
    assert commits(store) == list(range(2, 23))
    assert [day for day, one in store.days("api").items() if one.final] == [SUNDAY]
    assert store.organization("api") == "org-1"
    assert (tmp_path / "damaged/v2/api/days.parquet").read_bytes() == content
    sync(Days(), store, "2026-11-02", SUNDAY, now=NOW)
    assert all(one.final for one in store.days("api").values())
    assert store.restatements("api") == []


@pytest.mark.parametrize("other", ["activity/2026-10.parquet", "model_usage/2026-11.parquet"])
def test_a_file_of_another_month_or_frame_is_not_used(tmp_path, other):
    """It is valid, with good checksums; without the list of days its path still identifies it."""
    store = filled(tmp_path)
    sync(Days(), store, "2026-10-30", "2026-10-31", now=NOW)
    folder = store.folder("api")
    shutil.copy(folder / other, folder / "activity/2026-11.parquet")
    with pytest.raises(StoreError, match=r"activity/2026-11\.parquet is damaged"):
        commits(store)
    damaged(store, "days.parquet")
    sync(Days(), store, "2026-10-30", SUNDAY, now=NOW)
    assert commits(store) == [30, 31, *range(1, 23)]
    assert (tmp_path / "damaged/v2/api/activity/2026-11.parquet").exists()


def test_a_missing_list_of_days_does_not_empty_the_store(tmp_path):
    """Rows in the files would be overwritten, so nothing is written until the list is rebuilt."""
    store = filled(tmp_path)
    (store.folder("api") / "days.parquet").unlink()
    with pytest.raises(StoreError, match=r"days\.parquet"):
        commits(store)
    sync(Days(), store, SUNDAY, SUNDAY, now=NOW)
    assert commits(store) == list(range(2, 23))


def test_a_second_damaged_file_does_not_replace_the_first(tmp_path):
    """Both are kept: each may have rows the other lacks."""
    store = filled(tmp_path)
    for _ in range(2):
        damaged(store, "activity/2026-11.parquet")
        sync(Days(), store, SUNDAY, SUNDAY, now=NOW)
    folder = tmp_path / "damaged/v2/api/activity"
    assert {path.name for path in folder.iterdir()} == {"2026-11.parquet", "2026-11.parquet.1"}


def test_every_read_verifies_every_byte(tmp_path):
    """Even for files this process has read before, whatever their time and size."""
    store = filled(tmp_path)
    assert store.verify("api") == (4, [])
    path = store.folder("api") / "model_usage/2026-11.parquet"
    state = path.stat()
    damaged(store, "model_usage/2026-11.parquet")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert [error.path for error in store.verify("api")[1]] == [path]
