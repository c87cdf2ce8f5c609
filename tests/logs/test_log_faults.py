"""A fault in a log folder affects only itself, and is counted by reason."""

import json
import logging
import os

from log_lines_made import NOW, answer, appended, line, output, rows, synced_logs, written

import ccanalytics as cca
from ccanalytics.check.all_checks import check_days
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.logs.log_check import check_logs
from ccanalytics.logs.log_source import LocalLogs
from ccanalytics.settings import Settings
from ccanalytics.sources.registry import source_spec


def as_floats(output):
    """An answer with its numbers as floats."""
    return (
        json.dumps(answer(f"m{output}", f"r{output}", output=output))
        .replace(f'"output_tokens": {output}', f'"output_tokens": {output}.5')
        .encode()
        + b"\n"
    )


def test_dropped_or_partly_read_lines_are_reported_by_reason_everywhere(folder, store, caplog):
    """By sync, by check, in the store and in the page's ledger; once, however often they are
    read."""
    lines = [answer(output=1), as_floats(2), b"{broken\n", {"no": "type"}, answer("m3", at="x")]
    written(folder, s1=lines)
    with caplog.at_level(logging.WARNING):
        synced_logs(store, folder)
    messages = "\n".join(record.getMessage() for record in caplog.records)
    assert "1 log line repaired: a damaged value." in messages
    for reason in ("not JSON", "not a line of Claude Code", "no possible date"):
        assert f"1 log line dropped: {reason}." in messages
    appended(folder, "s1", answer("m9", output=9))
    synced_logs(store, folder)
    kinds = [row["kind"] for row in rows(store)["log_events"]]
    assert sorted(kind.partition(":")[0] for kind in kinds) == [*["dropped"] * 3, "repaired"]
    check = check_logs(RunOptions(logs=[folder], environ={}, settings=Settings(), now=NOW))
    assert "1 log line dropped: not JSON" in check.found
    data = cca.load(source="local", logs=[folder], store=store, days=10, now=NOW)
    ledger = cca.coverage_ledger(data).set_index("who")
    state, why = ledger.loc["Log lines with a fault", ["state", "why"]]
    assert state == "4 lines"
    assert "1 dropped: not JSON" in why
    assert "1 repaired: a damaged value" in why
    assert output(store) == [1, 2, 9]


def test_a_line_of_the_future_does_not_hide_the_newest_days(folder, store):
    """A clock was years ahead for one answer: the newest days and the check end with today."""
    ahead = answer("m2", "r2", at="2029-02-06T10:00:00Z", output=2)
    synced_logs(store, written(folder, s1=[answer(output=1), ahead]))
    data = cca.load(source="local", logs=[folder], store=store, days=10, now=NOW)
    assert (str(data.until), data.requests["output_tokens"].sum()) == ("2026-08-03", 1)
    check = check_logs(RunOptions(logs=[folder], environ={}, settings=Settings(), now=NOW))
    assert check.status == "warning"
    assert "the newest line of 2026-08-03" in check.found
    assert "1 day in the future, up to 2029-02-06" in check.found
    days = check_days(source_spec("local"), NOW, store)
    assert (days.status, "missing" in days.found) == ("ok", False)
    assert str(store.dates("local")[-1]) == "2029-02-06"


def test_a_place_without_a_name_is_not_logged(folder, store):
    """Outside a repository the branch is empty text; so may be the folder."""
    synced_logs(store, written(folder, s1=[answer(cwd="", gitBranch="", entrypoint="")]))
    (row,) = rows(store)["requests"]
    assert [row[name] for name in ("project", "branch", "terminal")] == [None] * 3


def test_a_changed_format_is_reported(folder, store, caplog):
    """Two hundred answers with numbers as floats: they count, and a message says so."""
    written(folder, s1=[as_floats(n) for n in range(10, 210)])
    with caplog.at_level(logging.WARNING):
        synced_logs(store, folder)
    assert len(output(store)) == 200
    assert "the log format may have changed" in caplog.text


def test_a_pipe_a_folder_and_an_odd_name_affect_only_themselves(folder, store, monkeypatch):
    """Named like logs, or a folder without read permission; the session next to them counts."""
    written(folder, s1=[answer(output=3)])
    place = folder / "projects" / "p"
    os.mkfifo(place / "pipe.jsonl")
    (place / "folder.jsonl").mkdir()
    (place / "locked").mkdir()
    os.close(os.open(os.fsencode(place) + b"/\xff.jsonl", os.O_CREAT))
    scan = os.scandir

    def refused(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    logs = LocalLogs([folder])
    cca.sync(logs, store, now=NOW)
    assert output(store) == [3]
    assert logs.news().unreadable_files == {
        "It is not a file": 1,
        "Its name is no text": 1,
        "Permission denied": 1,
    }


def test_a_file_replaced_between_two_reads_loses_only_its_open_call(folder, store):
    """The call was stored by position, where another line is now."""
    block = {"type": "tool_use", "id": "t1", "name": "Edit", "input": {}}
    synced_logs(store, written(folder, s1=[answer(content=[block])]))
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}
    written(folder, s1=[answer("m7", "r7", output=7)])
    written(folder, s2=[line("user", message={"role": "user", "content": [result]})])
    synced_logs(store, folder)
    assert sorted(output(store)) == [0, 7]
    assert rows(store)["tool_calls"] == []
