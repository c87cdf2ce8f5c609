"""Session logs in a store: what was read stays, and is never counted twice."""

import os
import shutil
import subprocess
import sys
import textwrap
from datetime import UTC, date, datetime
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_lines_made import (
    MODEL,
    NOW,
    PATCH,
    answer,
    appended,
    bytes_of,
    call,
    line,
    output,
    progress,
    result,
    rows,
    synced_logs,
    written,
)

import ccanalytics as cca
from ccanalytics.errors import SettingsError, StoreError
from ccanalytics.logs import log_lines
from ccanalytics.logs.log_schemas import LOG_SCHEMAS
from ccanalytics.logs.log_source import LocalLogs
from ccanalytics.logs.log_sync import LEDGER
from ccanalytics.store.day_store import Store

DAY = date(2026, 8, 3)
FINAL = {"stop": "end_turn"}


def tools(store):
    """Each tool call with its outcome."""
    return [(row["tool"], row["decision"], row["lines_added"]) for row in rows(store)["tool_calls"]]


# The frames


def test_a_request_has_its_time_place_and_price(folder, store):
    """1,000 tokens of Opus 5 read from the cache cost a tenth of the input price."""
    usage = {"input_tokens": 7, "cache_read_input_tokens": 1000}
    logged = answer(output=2, usage=usage, gitBranch="main", entrypoint="cli", **FINAL)
    synced_logs(store, written(folder, s1=[logged]))
    (row,) = rows(store)["requests"]
    where = [row[name] for name in ("session", "project", "branch", "terminal")]
    assert where == ["s1", "/w", "main", "cli"]
    assert (row["at"], row["date"]) == (datetime(2026, 8, 3, 10), datetime(2026, 8, 3))
    assert (row["message"], row["request"], row["model"]) == ("m1", "r1", MODEL)
    assert (row["agent"], row["final"], row["cache_read_tokens"]) == ("main", True, 1000)
    assert float(row["cost_usd"]) == pytest.approx((7 * 5 + 1000 * 0.5 + 2 * 25) / 1e6)
    assert float(row["uncached_cost_usd"]) == pytest.approx((1007 * 5 + 2 * 25) / 1e6)


def test_an_advisor_and_a_subagent_are_separate_from_the_main_conversation(folder, store):
    """Each call of a model is a separate row, and the sums do not change."""
    iterations = [{"type": "advisor_message", "model": "claude-fable-5", "output_tokens": 3}]
    asked = answer(output=2, usage={"iterations": iterations})
    synced_logs(store, written(folder, s1=[asked, progress(answer("m2", "r2", output=8))]))
    agents = {row["agent"]: row["output_tokens"] for row in rows(store)["requests"]}
    assert agents == {"main": 2, "advisor": 3, "subagent": 8}
    assert sum(row["output_tokens"] for row in rows(store)["model_usage"]) == 13


def test_every_tool_call_with_a_result_is_a_row(folder, store):
    """Also calls that write nothing; a call without a result is not included yet."""
    lines = [
        call("t1", "Read"),
        result("t1"),
        call("t2"),
        result("t2", PATCH),
        call("t3", "mcp__x__y"),
        result("t3", text="no", error=True),
        call("t4", "Bash", command="ls"),
    ]
    synced_logs(store, written(folder, s1=lines))
    assert sorted(tools(store)) == [
        ("Edit", "accepted", 2),
        ("Read", "accepted", 0),
        ("mcp__x__y", "error", 0),
    ]


def test_facts_the_log_only_implies_are_events(folder, store):
    """A compaction of 9,000 tokens, a recap, a failed call, a title logged twice without a date."""
    at = "2026-08-03T11:00:00.000Z"
    title = {"type": "ai-title", "aiTitle": "Fix the login", "sessionId": "s1"}
    lines = [
        title,
        answer(output=1),
        line("system", subtype="compact_boundary", uuid="u1", compactMetadata={"preTokens": 9000}),
        line("system", subtype="away_summary", uuid="u2", at=at),
        line("system", subtype="api_error", uuid="u3"),
        title,
    ]
    synced_logs(store, written(folder, s1=lines))
    events = rows(store)["log_events"]
    assert sorted((row["kind"], row["tokens"], row["at"].hour) for row in events) == [
        ("api_error", None, 10),
        ("compaction", 9000, 10),
        ("recap", None, 11),
        ("title", None, 10),
    ]
    assert [row["text"] for row in events if row["text"]] == ["Fix the login"]


def test_a_request_has_its_skill_and_subagent(folder, store):
    """A skill with an MCP server; a subagent in its own file, started as an Explore."""
    asked = call("t9", "Task", subagent_type="Explore", prompt="a secret")
    lines = [
        answer("m1", "r1", attributionSkill="review", attributionMcpServer="tickets"),
        asked,
        result("t9", {"agentId": "a7"}),
    ]
    own = [answer("m2", "r2", agentId="a7", isSidechain=True)]
    synced_logs(store, written(folder, **{"s1": lines, "agent-a7": own}))
    frames = rows(store)
    requests = {row["message"]: row for row in frames["requests"]}
    assert (requests["m1"]["skill"], requests["m1"]["mcp_server"]) == ("review", "tickets")
    assert requests["m2"]["agent_id"] == "a7"
    (started,) = frames["tool_calls"]
    assert (started["started_agent_id"], started["started_agent_type"]) == ("a7", "Explore")
    assert "secret" not in repr(frames)


def test_only_a_dataset_of_logs_has_the_frames(folder, store, sample_days):
    """The dataset of another source has none of them."""
    data = cca.load(
        source="local", logs=[written(folder, s1=[answer(output=1)])], store=store, weeks=1, now=NOW
    )
    assert [len(getattr(data, name)) for name in LOG_SCHEMAS] == [1, 1, 0, 0]
    sample = cca.load(source="sample", store=sample_days)
    assert not set(LOG_SCHEMAS) & set(sample.extras)


def test_an_open_day_is_included_and_its_week_is_not_closed(folder, store):
    """A line written a second ago is included; no week is closed before it is over."""
    now = datetime(2026, 8, 12, 12, 0, 1, tzinfo=UTC)
    logs = written(folder, s1=[answer(output=5), answer("m2", output=7, at="2026-08-12T12:00:00Z")])
    data = cca.load("2026-08-03", "2026-08-12", source="local", logs=[logs], store=store, now=now)
    assert data.requests["output_tokens"].tolist() == [5, 7]
    assert [f"{week:%m-%d}" for week in data.weeks] == ["08-03"]
    later = datetime(2026, 8, 20, tzinfo=UTC)
    data = cca.load("2026-08-03", "2026-08-16", source="local", logs=[logs], store=store, now=later)
    assert [f"{week:%m-%d}" for week in data.weeks] == ["08-03", "08-10"]
    assert store.restatements("local") == []


# Reading new lines


def test_only_a_file_that_has_grown_is_read_again(folder, store, monkeypatch):
    """Both lines of one, and none of the other; then nothing."""
    synced_logs(store, written(folder, s1=[answer(output=1)], s2=[answer("m2", session="s2")]))
    appended(folder, "s1", answer("m3", output=4))
    lines = []
    decode = log_lines.decode_line
    monkeypatch.setattr(
        "ccanalytics.logs.log_lines.decode_line", lambda raw: lines.append(raw) or decode(raw)
    )
    assert synced_logs(store, folder).changed == (DAY,)
    assert len(lines) == 2
    assert sorted(output(store)) == [0, 1, 4]
    assert (synced_logs(store, folder).new, len(lines)) == ((), 2)


def test_an_unchanged_file_is_not_opened(folder, store, monkeypatch):
    """One stat per file shows that nothing is new."""
    synced_logs(store, written(folder, s1=[answer(output=1)]))
    monkeypatch.setattr("ccanalytics.logs.log_file.LogFile.read", None)
    result = synced_logs(store, folder)
    assert not (result.new or result.changed or result.same)


def test_only_months_with_changes_are_written(folder, store):
    """The files between keep their modification time."""
    synced_logs(store, written(folder, s1=[answer(), answer("m2", at="2026-10-05T10:00:00Z")]))
    files = {path: path.stat().st_mtime_ns for path in store.root.rglob("*.parquet")}
    appended(folder, "s1", answer("m3", at="2026-10-05T11:00:00Z"))
    synced_logs(store, folder)
    new = {path.stem for path in files if path.stat().st_mtime_ns != files[path]}
    # The session's row, with its sums, is on the day it started.
    assert new == {"2026-08", "2026-10", "days"}


def test_a_truncated_last_line_counts_once_it_is_complete(folder, store, caplog):
    """Claude Code was still writing it, so it is not an error yet."""
    text = bytes_of(answer("m2", output=6))
    synced_logs(store, written(folder, s1=[answer(output=1), text[:40]]))
    assert output(store) == [1]
    assert caplog.records == []
    appended(folder, "s1", text[40:])
    synced_logs(store, folder)
    assert output(store) == [1, 6]


def test_a_result_in_a_later_read_finds_its_call(folder, store):
    """The call is read again, its text is not stored in between."""
    secret = call(old_string="secret", new_string="secret\nsecret too")
    synced_logs(store, written(folder, s1=[secret]))
    assert tools(store) == []
    assert b"secret" not in store.read_file("local", LEDGER)
    appended(folder, "s1", result())
    synced_logs(store, folder)
    assert tools(store) == [("Edit", "accepted", 1)]


def test_a_call_that_comes_after_its_result_in_a_later_read_counts(folder, store):
    """Some versions write them in that order."""
    synced_logs(store, written(folder, s1=[result(account=PATCH)]))
    appended(folder, "s1", call())
    synced_logs(store, folder)
    assert tools(store) == [("Edit", "accepted", 2)]


def test_a_file_deleted_by_claude_code_removes_nothing(folder, store):
    """Its requests, sessions and edits stay, even on days that are written again."""
    lines = [answer(output=3), call(), result(account=PATCH)]
    synced_logs(store, written(folder, s1=lines, s2=[answer("m2", output=4, session="s2")]))
    (folder / "projects" / "p" / "s1.jsonl").unlink()
    appended(folder, "s2", answer("m3", output=5, session="s2"))
    synced_logs(store, folder)
    assert sorted(output(store)) == [0, 3, 4, 5]
    (activity,) = rows(store)["activity"]
    assert (activity["sessions"], activity["lines_added"]) == (2, 2)


def test_a_resumed_session_adds_to_its_row_on_the_day_it_started(folder, store):
    """Two weeks later, long after the file with its start was deleted."""
    synced_logs(store, written(folder, s1=[answer(output=3, **FINAL)]))
    written(folder, s1=[answer("m2", output=4, at="2026-08-11T10:00:00Z")])
    synced_logs(store, folder)
    (session,) = rows(store)["sessions"]
    assert (session["date"].day, session["requests"], session["output_tokens"]) == (3, 2, 7)
    assert session["ended_at"].day == 11
    assert sum(row["sessions"] for row in rows(store)["activity"]) == 1


def test_a_file_replaced_by_a_smaller_or_another_one_is_reread(folder, store):
    """The stored end of the old file is not used."""
    synced_logs(store, written(folder, s1=[answer(output=3), answer("m2", output=4)]))
    synced_logs(store, written(folder, s1=[answer("m3", output=5)]))
    assert output(store) == [3, 4, 5]
    longer = [answer("m4", output=6), answer("m5", output=7), answer("m6", output=8)]
    synced_logs(store, written(folder, s1=longer))
    assert output(store) == [3, 4, 5, 6, 7, 8]


def test_a_file_rewritten_with_equal_size_and_time_is_reread(folder, store):
    """A program that redacts words restores the time; the end of the file is unchanged."""
    lines = [answer(output=3), answer("m2", output=4)]
    synced_logs(store, written(folder, s1=lines))
    path = folder / "projects" / "p" / "s1.jsonl"
    before = path.stat()
    written(folder, s1=[answer("m9", output=3), lines[1]])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    synced_logs(store, folder)
    assert output(store) == [3, 4, 3]


def test_a_fork_with_a_late_own_session_adds_it(folder, store):
    """At first the file has only the copied history of a session whose own file is gone."""
    synced_logs(store, written(folder, s2=[answer(output=5)]))
    assert [row["session"] for row in rows(store)["sessions"]] == ["s1"]
    appended(folder, "s2", answer("m2", session="s2", output=1, at="2026-08-04T10:00:00Z"))
    synced_logs(store, folder)
    assert [row["session"] for row in rows(store)["sessions"]] == ["s1", "s2"]


def test_an_index_from_another_version_is_discarded(folder, store, monkeypatch):
    """The rules changed: every file is read again, and what only the store has stays."""
    synced_logs(store, written(folder, s1=[answer(output=3)], s2=[answer("m2", output=4)]))
    (folder / "projects" / "p" / "s1.jsonl").unlink()
    monkeypatch.setattr("ccanalytics.logs.log_sync.code_version", lambda: "another")
    before = rows(store)
    assert synced_logs(store, folder).new == ()
    assert rows(store) == before


def test_an_id_of_a_gateway_is_the_model_it_stands_for(folder, store):
    """A million tokens of Opus 4.6 for $5, even if they were first read without a price."""
    written(folder, s1=[answer(model="our-best[1m]", usage={"input_tokens": 1_000_000})])
    synced_logs(store, folder)
    assert [row["cost_usd"] for row in rows(store)["requests"]] == [None]
    named = LocalLogs([folder], models={"our-best": "claude-opus-4-6"})
    cca.sync(named, store, now=NOW)
    (row,) = rows(store)["requests"]
    assert (row["model"], row["cost_usd"]) == ("claude-opus-4-6", 5)
    assert cca.sync(named, store, now=NOW).changed == ()


def test_a_store_remembers_what_an_id_stands_for(folder, store):
    """A sync without the setting keeps the price; one that reads everything again does not."""
    written(folder, s1=[answer(model="our-best", usage={"input_tokens": 1_000_000})])
    cca.sync(LocalLogs([folder], models={"our-best": "claude-opus-4-6"}), store, now=NOW)
    appended(folder, "s1", answer("m2", "r2", model="our-best"))
    synced_logs(store, folder)
    assert {row["model"] for row in rows(store)["requests"]} == {"claude-opus-4-6"}
    cca.sync(LocalLogs([folder]), store, now=NOW, again=True)
    assert {row["model"] for row in rows(store)["requests"]} == {"our-best"}


def test_an_id_that_stands_for_no_known_model_is_an_error(folder):
    """The error names both."""
    written(folder, s1=[answer()])
    with pytest.raises(SettingsError, match="'our-best' is 'claude-opsu-4'"):
        LocalLogs([folder], models={"our-best": "claude-opsu-4"})


def test_a_wrong_clock_does_not_fill_the_store_with_empty_days(folder, store):
    """A line of 1970 or of the year 9999 was not written by Claude Code."""
    lines = [
        answer(at="1970-01-01T00:00:00Z"),
        answer("m2", at="9999-12-31T23:59:59-12:00"),
        answer("m3"),
    ]
    synced_logs(store, written(folder, s1=lines))
    assert len(store.dates("local")) == (NOW.date() - DAY).days + 1
    assert {row["kind"] for row in rows(store)["log_events"]} == {"dropped: no possible date"}


# Days


def test_days_between_the_first_log_and_today_are_stored_even_if_empty(folder, store):
    """It is known that nothing happened; the week of a recent starter is complete."""
    later = datetime(2026, 8, 13, tzinfo=UTC)
    synced_logs(store, written(folder, s1=[answer(at="2026-08-05T10:00:00Z")]), later)
    dates = store.dates("local")
    assert (dates[0], dates[-1], len(dates)) == (DAY, date(2026, 8, 13), 11)


def test_days_before_the_first_log_are_not_stored_as_empty_when_logs_may_be_deleted(folder, store):
    """After 30 days, unknown is not the same as no activity."""
    later = datetime(2026, 9, 20, tzinfo=UTC)
    synced_logs(store, written(folder, s1=[answer(at="2026-08-05T10:00:00Z")]), later)
    assert store.dates("local")[0] == date(2026, 8, 5)


# Two stores


@pytest.fixture
def two(tmp_path):
    """The stores of two machines; one session was copied to the other and continued there."""
    past = [answer(output=3), call(), result(account=PATCH)]
    more = answer("m2", output=4, at="2026-08-04T10:00:00Z")
    own = answer("m3", "r3", output=5, session="s3")
    folders = {
        "a": written(tmp_path / "a", s1=past),
        "b": written(tmp_path / "b", s1=[*past, more], s3=[own]),
    }

    def make(name, target):
        store = Store(tmp_path / target)
        synced_logs(store, folders[name])
        return store

    return make


def test_two_stores_merge_to_the_same_in_either_order(two):
    """The copied session counts once, with the activity on both machines."""
    one, other = two("a", "one"), two("b", "other")
    cca.merge(two("b", "b"), one, now=NOW)
    cca.merge(two("a", "a"), other, now=NOW)
    assert rows(one) == rows(other)
    assert sorted(output(one)) == [0, 3, 4, 5]
    sessions = {row["session"]: row["output_tokens"] for row in rows(one)["sessions"]}
    assert sessions == {"s1": 7, "s3": 5}


def test_merging_again_changes_nothing(two):
    """Nor does it write a day."""
    one, other = two("a", "one"), two("b", "other")
    cca.merge(other, one, now=NOW)
    before = rows(one)
    result = cca.merge(other, one, now=NOW)
    assert not (result.new or result.changed or result.same)
    assert rows(one) == before


def test_a_merged_store_still_reads_new_lines_of_its_own_logs(two, tmp_path):
    """And those of another folder, which are added."""
    one = two("a", "one")
    cca.merge(two("b", "other"), one, now=NOW)
    appended(tmp_path / "a", "s1", answer("m4", output=9))
    synced_logs(one, tmp_path / "a")
    assert sorted(output(one)) == [0, 3, 4, 5, 9]
    appended(tmp_path / "b", "s3", answer("m5", output=8))
    synced_logs(one, tmp_path / "b")
    assert sorted(output(one)) == [0, 3, 4, 5, 8, 9]


def test_an_empty_store_is_filled_by_a_merge(two, store):
    """A store that was never synced becomes a copy."""
    other = two("b", "other")
    cca.merge(other, store, now=NOW)
    assert rows(store) == rows(other)


def test_a_store_without_logs_or_the_store_itself_is_refused(two, store):
    """Both are mistakes, and the errors say so."""
    with pytest.raises(StoreError, match="holds no days of session logs"):
        cca.merge(store, two("a", "one"), now=NOW)
    with pytest.raises(ValueError, match="this store itself"):
        cca.merge(two("a", "one"), two("a", "one"), now=NOW)


# In any split


POOL = [
    answer(output=1),
    answer(output=30, **FINAL),
    answer("m2", output=4),
    answer("m2", "r7", output=6, isSidechain=True),
    answer("m2", output=5, isSidechain=True, **FINAL),
    answer("m1", output=31, at="2026-08-04T00:00:01Z"),
    answer("m5", output=2, session="s2", at="2026-08-02T09:00:00Z"),
    answer("m6", output=2, session="s1", at="2026-08-05T09:00:00Z", cwd="/tree", gitBranch="b"),
    answer(None, None, output=3),
    progress(answer("m7", "r7", output=8)),
    progress(call("t3")),
    progress(result("t3", PATCH)),
    call(),
    result(account=PATCH),
    call("t2", "Bash", command="git commit -m x"),
    result("t2", {"stdout": "[main 1d6f8ff] x"}, session="s2", at="2026-08-04T09:00:00Z"),
    {"type": "ai-title", "aiTitle": "one", "sessionId": "s1"},
    {"type": "summary", "summary": "two"},
    line("system", subtype="compact_boundary", uuid="u1", compactMetadata={"preTokens": 9}),
    b"not json\n",
    line("user", uuid="p1", message={"content": "hi"}),
    line("user", uuid="p2", message={"content": "hi"}, at="2026-08-04T09:00:00Z"),
    answer("gateway", None, output=3, usage={"input_tokens": 5}),
    answer("gateway", None, output=4, usage={"input_tokens": 9}),
    answer("m1", None, output=33),
]


@settings(deadline=None, max_examples=25)
@given(data=st.data())
@pytest.mark.slow
def test_files_read_in_any_split_give_the_frames_of_one_reading(tmp_path_factory, data):
    """Three files of shuffled lines, cut anywhere, even inside a line, and read as they grow."""
    root = tmp_path_factory.mktemp("split")
    names = ("s1", "s2", "backup")
    texts = {
        name: b"".join(map(bytes_of, data.draw(st.lists(st.sampled_from(POOL), max_size=9))))
        for name in names
    }
    once, parts = root / "once", root / "parts"
    for folder in (once, parts):
        written(folder, **{name: [] for name in names})
    grown = Store(root / "grown")
    ends = dict.fromkeys(names, 0)
    for _ in range(data.draw(st.integers(1, 4))):
        for name in names:
            end = data.draw(st.integers(ends[name], len(texts[name])))
            appended(parts, name, texts[name][ends[name] : end])
            ends[name] = end
        synced_logs(grown, parts)
    for name in names:
        appended(parts, name, texts[name][ends[name] :])
        appended(once, name, texts[name])
    synced_logs(grown, parts)
    whole = Store(root / "whole")
    synced_logs(whole, once)
    assert rows(grown) == rows(whole)
    shutil.rmtree(root)


@settings(deadline=None, max_examples=15)
@given(first=st.lists(st.sampled_from(POOL)), second=st.lists(st.sampled_from(POOL)))
@pytest.mark.slow
def test_stores_of_any_logs_merge_in_either_order(tmp_path_factory, first, second):
    """Logs read by two machines, in parts or both, merge to the same result."""
    root = tmp_path_factory.mktemp("merge")
    made = []
    for name, one, other in (("ab", first, second), ("ba", second, first)):
        stores = []
        for number, lines in enumerate((one, other)):
            text = b"".join(map(bytes_of, lines))
            stem = f"s{1 + crc32(text) % 3}"
            stores.append(Store(root / name / str(number)))
            synced_logs(stores[-1], written(root / name / f"logs{number}", **{stem: [text]}))
        if all(store.dates("local") for store in stores):
            cca.merge(stores[1], stores[0], now=NOW)
            made.append(rows(stores[0]))
    assert made == [] or made[0] == made[1]
    shutil.rmtree(root)


# Crashes and concurrency


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from datetime import UTC, datetime
    from test_log_syncing import Store, answer, appended, synced_logs, output, written

    NOW = datetime(2026, 8, 4, 12, tzinfo=UTC)

    def deadly(function, left):
        def step(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)
        return step

    def sync_and_die(store, logs, step):
        left = [step]
        for name in ("fsync", "rename", "replace", "unlink", "rmdir", "mkdir"):
            setattr(os, name, deadly(getattr(os, name), left))
        synced_logs(store, logs, NOW)
        os._exit(0)

    for step in range(1000):
        root = Path(sys.argv[1]) / str(step)
        logs = written(root / "logs", s1=[answer(output=1)])
        store = Store(root / "store")
        synced_logs(store, logs, NOW)
        later = answer("m3", output=4, at="2026-08-04T10:00:00Z")
        appended(logs, "s1", answer("m2", output=2), later)
        child = os.fork()
        if child == 0:
            sync_and_die(store, logs, step)
        survived = os.waitpid(child, 0)[1] == 0
        found = output(Store(root / "store"))
        synced_logs(Store(root / "store"), logs, NOW)
        assert output(Store(root / "store")) == [1, 2, 4], step
        print(survived, sum(found))
        if survived:
            break
"""


def child(script, *arguments):
    """How to run a script of this module in a separate process."""
    return {
        "args": [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        "env": os.environ | {"PYTHONPATH": os.pathsep.join(map(str, Path(__file__).parents[:2]))},
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
@pytest.mark.slow
def test_a_sync_killed_at_any_step_loses_nothing_and_counts_nothing_twice(tmp_path):
    """Before each disk call: the old days or the new ones, and the next sync is complete."""
    run = subprocess.run(**child(KILLED, tmp_path), stdout=subprocess.PIPE, text=True, timeout=300)
    assert run.returncode == 0
    lines = run.stdout.splitlines()
    seen = [line.split()[1] for line in lines]
    turn = seen.index("7")
    assert seen == ["1"] * turn + ["7"] * (len(seen) - turn)
    assert turn > 3
    assert lines[-1].startswith("True")


SYNCS = """
    import sys
    from pathlib import Path
    from test_log_syncing import Store, synced_logs

    for _ in range(15):
        synced_logs(Store(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def test_two_syncs_of_growing_logs_give_the_result_of_one(folder, store):
    """Two processes, and lines appended all the time: nothing is lost, nothing counts twice."""
    written(folder, s1=[answer(output=1)])
    runs = [subprocess.Popen(**child(SYNCS, store.root, folder)) for _ in range(2)]
    for number in range(40):
        appended(folder, "s1", answer(f"n{number}", output=1))
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    synced_logs(store, folder)
    assert output(store) == [1] * 41


def test_the_frames_are_the_data_dictionary():
    """Every column of every frame of logs has a description."""
    for schema in LOG_SCHEMAS.values():
        assert all(field.metadata for field in schema)


def test_stored_data_outlives_every_log(tmp_path):
    """The folder is emptied, then deleted: nothing is lost; only a store without days is
    refused."""
    folder, store = (
        written(tmp_path / "logs", s1=[line("user"), answer(output=7)]),
        Store(tmp_path / "s"),
    )
    synced_logs(store, folder)
    before = rows(store)
    for gone in (folder / "projects" / "p" / "s1.jsonl", folder):
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
        logs = LocalLogs([folder])
        assert "logs" in logs.missing
        assert cca.sync(logs, store, now=NOW).changed == ()
        assert rows(store) == before
    with pytest.raises(SettingsError, match="no session logs"):
        cca.sync(logs, Store(tmp_path / "other"), now=NOW)
