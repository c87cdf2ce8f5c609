"""A damaged store whose logs are gone: everything that follows from its facts is rebuilt."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from log_lines_made import PATCH, answer, call, result

import ccanalytics as cca
from ccanalytics.logs.log_source import LocalLogs
from ccanalytics.store.day_store import Store

NOW = datetime(2026, 10, 12, 12, tzinfo=UTC)
SUMS = ("activity", "model_usage", "tool_actions")
FACTS = ("sessions", "requests", "tool_calls")


def synced(root, *lines):
    """A sync of one file of these lines, which is deleted after that."""
    folder = root / "logs" / "projects" / "p"
    folder.mkdir(parents=True)
    (folder / "s1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    store = Store(root / "store")
    cca.sync(LocalLogs([root / "logs"]), store, now=NOW)
    shutil.rmtree(root / "logs")
    return store


def filled(root):
    """Two months of one session: an edit, three requests."""
    later = {"at": "2026-09-05T10:00:00Z"}
    lines = (
        answer(output=3),
        call(),
        result(account=PATCH),
        answer("m2", output=4, **later),
        answer("m3", output=5, **later),
    )
    return synced(root, *lines)


def damaged(store, name):
    path = store.folder("local") / name
    path.write_bytes(path.read_bytes()[:-30])


def rows(store, names=(*SUMS, *FACTS)):
    _, frames = store.read_days("local", store.dates("local"), names)
    return {name: table.to_pylist() for name, table in frames.items()}


@pytest.mark.parametrize(
    "name", [*(f"{frame}/2026-08.parquet" for frame in SUMS), "days.parquet", "logs.ledger"]
)
def test_frames_are_rebuilt_from_the_facts(tmp_path, name):
    """Every row is unchanged, and the next sync of another session counts nothing twice."""
    store = filled(tmp_path)
    before, dates = rows(store), store.dates("local")
    damaged(store, name)
    synced(tmp_path)
    assert rows(store) == before
    assert store.dates("local") == dates
    assert all(day.closed for day in store.days("local").values() if day.day < NOW.date())
    assert store.verify("local")[1] == []
    synced(tmp_path, answer("m4", at="2026-09-06T10:00:00Z"))
    assert sum(row["sessions"] for row in rows(store)["activity"]) == 1


@pytest.mark.parametrize("frame", FACTS)
def test_sums_outlive_the_facts_they_were_computed_from(tmp_path, frame):
    """The rows of the damaged file are lost if no log has them; no daily sum shrinks."""
    store = filled(tmp_path)
    before = rows(store)
    damaged(store, f"{frame}/2026-08.parquet")
    synced(tmp_path)
    assert rows(store, SUMS) == {name: before[name] for name in SUMS}
    assert (tmp_path / f"store/damaged/v2/local/{frame}").is_dir()


def test_facts_still_in_a_log_are_read_again(tmp_path):
    """The file of requests is damaged, but the log still exists: nothing is lost."""
    lines = [answer(output=3), answer("m2", output=4)]
    store = synced(tmp_path, *lines)
    before = rows(store)
    damaged(store, "requests/2026-08.parquet")
    synced(tmp_path, *lines)
    assert rows(store) == before
