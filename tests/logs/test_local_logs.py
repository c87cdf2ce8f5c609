"""Session logs: every request, session and edit is counted once, whatever the files look like."""

import itertools
import json
import logging
import tarfile
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_lines_made import MODEL, PATCH, answer, call, line, progress, result

from ccanalytics.frames.schemas import SCHEMAS
from ccanalytics.logs.log_facts import settled
from ccanalytics.logs.log_frames import by_day, frames_of
from ccanalytics.logs.log_lines import DAMAGED, GLUED, NOT_JSON
from ccanalytics.logs.log_schemas import LOG_SCHEMAS, SESSIONS
from ccanalytics.logs.log_source import LocalLogs, log_folders

SAMPLE = Path(__file__).parents[3] / "shared" / "data"
DAY = date(2026, 8, 3)


class ReadLogs(LocalLogs):
    """Session logs, the result of reading them, and their frames."""

    @cached_property
    def _read(self):
        news = self.news()
        return news, frames_of(settled(news.accounts))

    @property
    def reader(self):
        return self._read[0]

    def span(self):
        """The first and last day with any activity."""
        dates = [row for frame in self._read[1].values() for row in frame["date"].to_pylist()]
        return (min(dates).date(), max(dates).date()) if dates else None

    def frames(self, day):
        return by_day(self._read[1], [day])[day]


@pytest.fixture
def logs(tmp_path):
    """Write files below `projects` and return their LocalLogs."""

    def write(**files):
        for name, lines in files.items():
            path = tmp_path / "projects" / "p" / f"{name.replace('__', '/')}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            texts = [
                text if isinstance(text, bytes) else json.dumps(text).encode() for text in lines
            ]
            path.write_bytes(b"\n".join(texts) + b"\n")
        return ReadLogs([tmp_path])

    return write


def table(logs, name, day=DAY):
    """The rows of a frame of one day."""
    return logs.frames(day)[name].to_pylist()


def everything(logs, name):
    """The rows of a frame of all days."""
    if logs.span() is None:
        return []
    return [row for day in all_days(logs) for row in table(logs, name, day)]


TOKENS = ("input", "output", "cache_read", "cache_creation")
WORK = ("sessions", "lines_added", "lines_removed", "commits", "pull_requests")


def total(logs):
    """The sums over all days."""
    activity, used, tools = (
        everything(logs, name) for name in ("activity", "model_usage", "tool_actions")
    )
    return {
        **{name: sum(row[name] for row in activity) for name in WORK},
        **{name: sum(row[name] for row in tools) for name in ("accepted", "rejected")},
        **{name: sum(row[f"{name}_tokens"] for row in used) for name in TOKENS},
    }


# Requests, each counted once


def test_the_lines_of_one_message_are_one_request(logs):
    """Each block repeats the usage; the largest output counts, in any order."""
    lines = [answer(output=2), answer(output=30, stop="end_turn"), answer(output=9)]
    read = logs(s1=lines)
    assert total(read)["output"] == 30
    assert [row["final"] for row in table(read, "requests")] == [True]


@pytest.mark.parametrize("minutes", list(itertools.permutations([1, 2, 3])))
def test_a_request_has_the_moment_of_the_earliest_line_that_repeats_it(logs, minutes):
    """Three lines that differ only in their moment, in any order."""
    lines = [answer(at=f"2026-08-03T10:0{minute}:00.000Z") for minute in minutes]
    assert [row["at"].minute for row in table(logs(s1=lines), "requests")] == [1]


def test_a_request_that_was_never_finished_is_not_final(logs):
    """Without a stop reason its output is a lower bound."""
    read = logs(s1=[answer(output=3), answer("m2", output=5, stop="end_turn")])
    assert [row["final"] for row in table(read, "requests")] == [False, True]


def test_another_request_id_is_another_request(logs):
    """The same message id requested twice was paid for twice."""
    assert (
        total(logs(s1=[answer(request="r1", output=2), answer(request="r2", output=3)]))["output"]
        == 5
    )


def test_copies_without_a_request_id_are_recognised(logs):
    """Old versions and other clouds log none; then the message id decides."""
    assert (
        total(logs(s1=[answer(request=None, output=2), answer(request=None, output=4)]))["output"]
        == 4
    )


def test_lines_without_any_id_are_distinguished_by_their_input(logs):
    """Two blocks of one answer, and another answer."""
    first, second = ({"input_tokens": tokens} for tokens in (10, 20))
    lines = [answer(None, None, output=2, usage=usage) for usage in (first, first, second)]
    assert total(logs(s1=lines))["output"] == 4


def test_a_side_conversation_that_replays_a_message_does_not_count(logs):
    """The copy has its own request id, and comes before or after the original."""
    original = answer(output=5)
    copy = answer(request="r9", output=7, isSidechain=True)
    assert total(logs(s1=[original, copy]))["output"] == 5
    assert total(logs(s1=[copy, original]))["output"] == 5


def test_a_subagent_in_its_file_and_its_parents_progress_counts_once(logs):
    """Both have the same ids."""
    inner = answer("m2", "r2", output=8, isSidechain=True)
    read = logs(s1=[answer(output=5), progress(inner)], **{"s1__subagents__agent-a": [inner]})
    assert total(read)["output"] == 13
    assert total(read)["sessions"] == 1


def test_a_subagent_seen_only_in_progress_counts(logs):
    """Its file may be gone: its tokens, its edit and its commit are still in the parent."""
    edit, bash = call("t1"), call("t2", "Bash", command="git commit -m x")
    read = logs(
        s1=[
            progress(answer("m2", "r2", output=8)),
            progress(edit),
            progress(result("t1", PATCH)),
            progress(bash),
            progress(result("t2", {"stdout": "[main 1d6f8ff] x"})),
        ]
    )
    sums = total(read)
    assert (sums["output"], sums["lines_added"], sums["lines_removed"], sums["commits"]) == (
        8,
        2,
        1,
        1,
    )


def test_an_older_subagent_file_next_to_the_session_is_not_a_session(logs):
    """`agent-*.jsonl` holds requests but starts no session."""
    read = logs(**{"agent-1": [answer(output=4, isSidechain=True)]})
    assert (total(read)["output"], total(read)["sessions"]) == (4, 0)


def test_an_advisor_is_a_call_to_its_own_model(logs):
    """Its tokens are not in the message's totals and are billed at its own price."""
    iterations = [
        {"type": "message", "input_tokens": 1, "output_tokens": 2},
        {
            "type": "advisor_message",
            "model": "claude-fable-5",
            "input_tokens": 7,
            "output_tokens": 3,
        },
    ]
    read = logs(s1=[answer(output=2, usage={"input_tokens": 1, "iterations": iterations})])
    names = ("model", "input_tokens", "output_tokens")
    used = [tuple(row[name] for name in names) for row in table(read, "model_usage")]
    assert used == [("claude-fable-5", 7, 3), (MODEL, 1, 2)]


def test_synthetic_answers_are_not_requests(logs):
    """Claude Code itself wrote them."""
    read = logs(s1=[answer(model="<synthetic>", output=9)])
    assert (table(read, "requests"), total(read)["output"]) == ([], 0)


@pytest.mark.parametrize(
    ("usage", "expected", "dollars"),
    [
        ({"cache_creation_input_tokens": 500}, 500, "0.003125"),
        ({"cache_creation_input_tokens": 500, "cache_creation": None}, 500, "0.003125"),
        ({"cache_creation_input_tokens": 500, "cache_creation": (0, 0)}, 500, "0.003125"),
        ({"cache_creation_input_tokens": 0, "cache_creation": (100, 400)}, 500, "0.004625"),
        ({"cache_creation_input_tokens": 500, "cache_creation": (100, 400)}, 500, "0.004625"),
        ({"cache_creation_input_tokens": 900, "cache_creation": (100, 400)}, 900, "0.007125"),
        ({"cache_creation_input_tokens": None}, 0, "0"),
    ],
)
def test_cache_writes_are_the_larger_of_total_and_breakdown(logs, usage, expected, dollars):
    """Five-minute writes at $6.25 a million, one-hour writes at $10, the remainder as short."""
    if split := usage.get("cache_creation"):
        kinds = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
        usage = usage | {"cache_creation": dict(zip(kinds, split, strict=True))}
    (used,) = table(logs(s1=[answer(usage=usage)]), "model_usage")
    assert (used["cache_creation_tokens"], used["cost_usd"]) == (expected, Decimal(dollars))


def test_a_model_nobody_prices_costs_null_and_one_warning(logs, caplog):
    """Two requests on two days: one warning naming the model, and never a zero."""
    read = logs(
        s1=[
            answer(model="glm-9", output=5, at="2026-08-02T10:00:00Z"),
            answer("m2", model="glm-9", output=5),
        ]
    )
    with caplog.at_level(logging.WARNING):
        amounts = [row["cost_usd"] for row in everything(read, "model_usage")]
    assert amounts == [None, None]
    assert [r.getMessage() for r in caplog.records] == [
        "No price is known for glm-9 (2); the cost of these requests is null."
    ]
    assert [row["cost_usd"] for row in table(read, "sessions", date(2026, 8, 2))] == [None]


def test_a_line_without_a_model_has_the_model_of_its_answer(logs):
    """In either order."""
    lines = [answer(output=3, model=None), answer(output=3, at="2026-08-03T10:00:01Z")]
    for order in (lines, lines[::-1]):
        assert [row["model"] for row in table(logs(s1=order), "requests")] == [MODEL]


def test_missing_and_null_usage_fields_are_zero_tokens(logs):
    """Only logged values count."""
    nulls = dict.fromkeys(
        ["input_tokens", "cache_read_input_tokens", "iterations", "speed", "server_tool_use"]
    )
    assert total(logs(s1=[answer(output=3, usage=nulls)]))["output"] == 3


# Days, sessions, places


def test_a_day_is_a_utc_day(logs):
    """Half past one in Berlin is still the previous UTC day; both sides of midnight."""
    read = logs(
        s1=[
            answer("m1", output=1, at="2026-08-03T23:59:59.999Z"),
            answer("m2", output=2, at="2026-08-04T00:00:00.000Z"),
            answer("m3", output=4, at="2026-08-05T01:30:00+02:00"),
        ]
    )
    assert read.span() == (DAY, date(2026, 8, 4))
    outputs = [row["output_tokens"] for row in everything(read, "model_usage")]
    assert outputs == [1, 6]


def test_a_session_counts_on_the_day_it_started(logs):
    """It continued past midnight, where there is a record but no new session."""
    read = logs(s1=[answer(output=1), answer("m2", output=1, at="2026-08-04T08:00:00Z")])
    assert [row["sessions"] for row in everything(read, "activity")] == [1, 0]


def test_a_fork_adds_one_session_and_its_copied_history_counts_once(logs):
    """The copied lines keep the id of their session."""
    past = [line("user", message={"content": "hi"}), answer(output=5)]
    own = answer("m2", output=2, session="s2", at="2026-08-03T12:00:00Z")
    read = logs(s1=past, s2=[*past, own])
    assert (total(read)["sessions"], total(read)["output"]) == (2, 7)


def test_a_fork_whose_original_is_gone_starts_only_its_own_session(logs):
    """The copied history belongs to a session no longer in the logs; its requests count."""
    name = "0f1e2d3c-0000-4000-8000-00000000000a"
    own = answer("m2", session=name, at="2026-08-03T12:00:00Z")
    for lines, sessions in (([answer(output=5)], 0), ([answer(output=5), own], 1)):
        read = logs(**{name: lines})
        assert (total(read)["sessions"], total(read)["output"]) == (sessions, 5)


def test_a_renamed_file_still_holds_its_session(logs):
    """No line has the name of the file."""
    assert total(logs(backup=[answer(output=5)]))["sessions"] == 1


def test_records_are_split_by_terminal_and_working_folder(logs):
    """A session that moves to a worktree has two projects, and counts in the first."""
    read = logs(
        s1=[
            answer("m1", output=1, entrypoint="cli"),
            answer("m2", output=2, entrypoint="cli", cwd="C:\\work\\tree"),
            answer("m3", output=4, entrypoint="claude-vscode"),
        ]
    )
    rows = [
        (work["terminal"], work["project"], work["sessions"], used["output_tokens"])
        for work, used in zip(table(read, "activity"), table(read, "model_usage"), strict=True)
    ]
    assert rows == [
        ("claude-vscode", "/w", 0, 4),
        ("cli", "/w", 1, 1),
        ("cli", "C:\\work\\tree", 0, 2),
    ]


def test_a_row_has_the_actor_of_the_logs(logs):
    """One actor called local, and an organization of the same name, for any folder."""
    (row,) = table(logs(s1=[answer(output=1)]), "activity")
    names = ("organization", "actor", "actor_kind", "customer_type", "is_remote")
    assert [row[name] for name in names] == ["local", "local", "user", "local", None]


def test_the_sessions_frame_has_one_row_per_session(logs):
    """Two requests, one of them final, an edit and a commit."""
    read = logs(
        s1=[
            line("user", message={"content": "hello"}, gitBranch="main", entrypoint="cli"),
            answer(output=1_000_000, stop="end_turn"),
            call(),
            result(account=PATCH),
            call("t2", "Bash", command="git commit -m x"),
            result("t2", {"stdout": "[main 1d6f8ff] x"}, at="2026-08-03T11:00:00.000Z"),
        ]
    )
    assert read.frames(DAY)["sessions"].schema == SESSIONS
    (row,) = table(read, "sessions")
    assert (row["session"], row["project"], row["branch"], row["terminal"]) == (
        "s1",
        "/w",
        "main",
        "cli",
    )
    assert (row["requests"], row["final_requests"]) == (3, 1)
    assert (row["lines_added"], row["lines_removed"], row["commits"]) == (2, 1, 1)
    assert row["cost_usd"] == 25
    assert row["models"] == [MODEL]
    assert (row["ended_at"] - row["started_at"]).total_seconds() == 3600


def test_a_day_without_activity_has_empty_frames(logs):
    """No activity is a valid answer."""
    frames = logs(s1=[answer(output=1)]).frames(date(2020, 1, 1))
    schemas = SCHEMAS | LOG_SCHEMAS
    assert {name: (len(one), one.schema) for name, one in frames.items()} == {
        name: (0, schema) for name, schema in schemas.items()
    }


# Tools


def test_a_tool_result_before_its_call_counts(logs):
    """Some versions write them in that order."""
    sums = total(logs(s1=[result(account=PATCH), call()]))
    assert (sums["lines_added"], sums["lines_removed"], sums["accepted"]) == (2, 1, 1)


def test_a_tool_result_in_two_files_counts_once(logs):
    """A fork copied call and result."""
    lines = [call(), result(account=PATCH)]
    assert total(logs(s1=lines, s2=lines))["lines_added"] == 2


def test_a_rejected_edit_is_a_rejection_without_lines(logs):
    """It is in the record under the name the Analytics API uses."""
    text = "The user doesn't want to proceed with this tool use."
    read = logs(
        s1=[call(new_string="a\nb"), result(text=text, error=True, account=f"Error: {text}")]
    )
    actions = [(r["tool"], r["accepted"], r["rejected"]) for r in table(read, "tool_actions")]
    assert actions == [("edit_tool", 0, 1)]
    assert total(read)["lines_added"] == 0


def test_a_result_without_a_call_is_ignored(logs):
    """Its call was lost."""
    assert total(logs(s1=[result(account=PATCH)]))["lines_added"] == 0


# Irregular files


def test_broken_lines_are_counted_and_the_others_read(logs, caplog):
    """A truncated line in the middle of a file, and a last one that was still being written."""
    read = logs(s1=[answer(output=1), b'{"type":"assistant","mess', b'{"type":"assis'])
    with caplog.at_level(logging.WARNING):
        assert total(read)["output"] == 1
    assert (read.reader.lines_read, read.reader.faults) == (3, {"dropped: not JSON": 2})
    assert "2 log lines dropped: not JSON" in caplog.text


FIRST, SECOND, THIRD = (
    json.dumps(answer(f"m{tokens}", f"r{tokens}", output=tokens)).encode() for tokens in (1, 2, 4)
)


@pytest.mark.parametrize(
    ("glued", "tokens", "faults"),
    [
        (FIRST + SECOND, 3, [GLUED]),
        (FIRST + b"\0\0" + SECOND + b", " + THIRD, 7, [GLUED]),
        (FIRST[:150] + SECOND, 2, [NOT_JSON]),
        (FIRST + SECOND[:150] + THIRD, 5, [NOT_JSON, GLUED]),
        (FIRST + SECOND[:150], 1, [NOT_JSON]),
    ],
)
def test_several_records_on_one_line_all_count(logs, glued, tokens, faults):
    """Two processes wrote at once, or one was killed; only a truncated record is lost."""
    read = logs(s1=[glued])
    assert total(read)["output"] == tokens
    assert read.reader.faults == dict.fromkeys(faults, 1)


def test_a_part_of_a_truncated_record_is_not_a_record(logs):
    """The copy of a subagent's answer is complete, but the line around it is not."""
    cut = json.dumps(progress(answer("m2", "r2", output=8))).encode()
    read = logs(s1=[cut[: cut.index(b"}}") + 1], answer(output=1)])
    assert total(read)["output"] == 1
    assert read.reader.faults == {"dropped: not JSON": 1}


def test_lines_of_other_tools_are_counted_and_ignored(logs):
    """Numbers, lists, texts, objects of another shape, and a line without a time."""
    others = [5, [], "text", None, {"role": "user"}, {"type": 7}, answer(output=9, at="yesterday")]
    read = logs(s1=[*others, answer(output=1)])
    assert (total(read)["output"], read.reader.faults.total()) == (1, len(others))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"output_tokens": 7', b'"output_tokens": "7"'),
        (b'"output_tokens": 7', b'"output_tokens": 7.0'),
        (b'"output_tokens": 7', b'"output_tokens": 7, "cache_read_input_tokens": {}'),
        (b'"2026-08-03T10:00:00.000Z"', b"1785751200000"),
        (b'"cwd": "/w"', b'"cwd": "/w", "gitBranch": "\\ud83d"'),
        (b"{", b"\0\0{"),
        (b"{", b"\xef\xbb\xbf{"),
        (b'"/w"', b'"/w\t"'),
        (b'"type": "assistant"', b'"type": null, "version": NaN'),
    ],
)
def test_an_invalid_value_does_not_drop_the_rest_of_its_line(logs, before, after):
    """The seven tokens count, and the line is reported."""
    odd = json.dumps(answer(output=7)).encode().replace(before, after, 1)
    read = logs(s1=[odd])
    assert total(read)["output"] == 7
    assert read.reader.faults == {DAMAGED: 1}


@pytest.mark.parametrize("part", ["call", "result"])
def test_an_invalid_value_within_a_tool_call_or_result_is_reported(logs, part):
    """Half a character in the text of an edit: its lines count, and the line is reported."""
    lines = [call(new_string="a"), result(account=PATCH)]
    old, new = {"call": (b'"a"', b'"\\ud83d"'), "result": (b'"+new"', b'"+\\ud83d"')}[part]
    texts = [json.dumps(one).encode().replace(old, new, 1) for one in lines]
    if part == "call":
        texts[1] = json.dumps(result()).encode()
    read = logs(s1=texts)
    assert total(read)["lines_added"] == (1 if part == "call" else 2)
    assert read.reader.faults == {DAMAGED: 1}


def test_an_attempt_of_another_model_before_the_answer_is_billed_if_it_had_output(logs):
    """Fable wrote three tokens and was stopped; another time it was stopped before writing any."""

    def attempt(output):
        parts = [
            {"type": "message", "model": "claude-fable-5", "output_tokens": output},
            {"type": "fallback_message", "model": MODEL, "output_tokens": 5},
        ]
        return {"usage": {"iterations": parts}, "output": 5}

    read = logs(s1=[answer(**attempt(3)), answer("m2", "r2", **attempt(0))])
    assert total(read)["output"] == 13
    dollars = {row["model"]: row["cost_usd"] for row in table(read, "model_usage")}
    assert dollars["claude-fable-5"] == Decimal("0.00015")


def test_an_answer_refused_before_any_output_costs_nothing(logs):
    """Its tokens are in the log but on no bill."""
    refused = answer(usage={"input_tokens": 1_000_000}, stop="refusal")
    (used,) = table(logs(s1=[refused]), "model_usage")
    assert (used["input_tokens"], used["cost_usd"]) == (1_000_000, 0)


def test_linked_project_folders_are_followed_and_loops_are_not(logs, tmp_path):
    """A folder elsewhere counts; a link to the folder itself adds nothing."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    answered = answer("m2", "r2", output=4, session="s2")
    (elsewhere / "s2.jsonl").write_text(json.dumps(answered))
    logs(s1=[answer(output=3)])
    (tmp_path / "projects" / "linked").symlink_to(elsewhere)
    (tmp_path / "projects" / "p" / "loop").symlink_to(tmp_path / "projects")
    assert total(ReadLogs([tmp_path]))["output"] == 7


def test_a_folder_above_called_subagents_changes_nothing(tmp_path):
    """Only the parent folder of a file marks it as a subagent's."""
    folder = tmp_path / "subagents" / "projects" / "p"
    folder.mkdir(parents=True)
    (folder / "s1.jsonl").write_text(json.dumps(answer(output=1)))
    assert total(ReadLogs([tmp_path / "subagents"]))["sessions"] == 1


def test_unknown_kinds_of_lines_are_ignored(logs):
    """New kinds keep appearing, some with a message that is a text."""
    odd = [line("brand-new", message="hi"), line("progress", data="x"), line("new", data=[1, {}])]
    read = logs(s1=[*odd, answer(output=1)])
    assert (total(read)["output"], read.reader.faults) == (1, {})


def test_spaces_line_endings_and_nulls_do_not_matter(logs):
    """JSON with spaces, Windows line endings, empty lines, and null ids inside a tool's input."""
    block = {"type": "tool_use", "id": "t1", "name": "X", "input": {"id": None, "model": None}}
    spaced = json.dumps(answer(output=3, content=[block], version=None), indent=None).encode()
    read = logs(s1=[spaced + b"\r", b"", b"   ", b"\r", b" " * 200])
    assert (total(read)["output"], read.reader.lines_read) == (3, 1)


@pytest.mark.parametrize("count", [1, 2])
def test_a_file_with_carriage_returns_only_is_read(tmp_path, count):
    """As an old editor writes them."""
    lines = [json.dumps(answer(f"m{n}", f"r{n}", output=3)) for n in range(count)]
    (tmp_path / "s1.jsonl").write_bytes("".join(f"{one}\r" for one in lines).encode())
    assert total(ReadLogs([tmp_path]))["output"] == 3 * count


def test_the_unread_part_of_a_utf_16_file_is_reported(tmp_path):
    """Its zero bytes are dropped; the first line starts with a byte order mark."""
    text = "".join(json.dumps(answer(f"m{n}", output=3)) + "\n" for n in range(2))
    (tmp_path / "s1.jsonl").write_bytes(text.encode("utf-16"))
    read = ReadLogs([tmp_path])
    assert (total(read)["output"], read.reader.faults) == (3, {DAMAGED: 1, NOT_JSON: 1})


def test_records_on_several_lines_are_reported(tmp_path):
    """Each of their lines is counted as dropped."""
    (tmp_path / "s1.jsonl").write_text(json.dumps(answer(output=3), indent=1) + "\n")
    read = ReadLogs([tmp_path])
    assert total(read)["output"] == 0
    assert read.reader.faults.total() == read.reader.lines_read > 10


def test_a_content_may_be_a_text(logs):
    """Old prompts and answers are plain texts."""
    spoken = answer(output=3)
    spoken["message"]["content"] = "hello"
    assert total(logs(s1=[spoken]))["output"] == 3


def test_empty_files_have_no_records(logs, tmp_path):
    """A file without lines still counts as a file."""
    read = logs(s1=[])
    (tmp_path / "projects" / "p" / "s1.jsonl").write_bytes(b"")
    assert (read.span(), read.reader.files_read) == (None, 1)


def test_huge_lines_are_read(logs):
    """A result with an image of two megabytes."""
    read = logs(s1=[result(text="x" * 2_000_000), answer(output=3)])
    assert total(read)["output"] == 3


def test_a_dangling_link_does_not_stop_the_others(logs, tmp_path):
    """It is counted as a file that could not be read."""
    logs(s1=[answer(output=3)])
    (tmp_path / "projects" / "p" / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    read = ReadLogs([tmp_path])
    assert total(read)["output"] == 3
    assert (read.reader.files_read, read.reader.unreadable_files.total()) == (1, 1)


def test_a_file_that_vanishes_before_it_is_read_is_counted(logs, tmp_path):
    """Claude Code deletes logs after 30 days, possibly during the read."""
    read = logs(s1=[answer(output=3)], s2=[answer("m2", output=4)])
    (tmp_path / "projects" / "p" / "s2.jsonl").unlink()
    assert (total(read)["output"], read.reader.unreadable_files.total()) == (3, 1)


def test_two_folders_with_the_same_session_count_it_once(logs, tmp_path):
    """In either order."""
    logs(s1=[answer(output=3)])
    other = tmp_path / "other"
    (other / "projects" / "p").mkdir(parents=True)
    copy = other / "projects" / "p" / "s1.jsonl"
    copy.write_bytes((tmp_path / "projects" / "p" / "s1.jsonl").read_bytes())
    read, turned = ReadLogs([tmp_path, other]), ReadLogs([other, tmp_path])
    assert total(read) == total(turned)
    assert (total(read)["output"], total(read)["sessions"]) == (3, 1)


def test_outputs_kept_by_tools_are_not_sessions(logs):
    """The output of a tool may be a copy of a log."""
    read = logs(s1=[answer(output=3)], **{"s1__tool-results__x": [answer("m2", output=9)]})
    assert total(read)["output"] == 3


def test_any_folder_with_session_files_below_works(logs, tmp_path):
    """The configuration folder, its `projects`, one project, or a parent folder."""
    logs(s1=[answer(output=3)])
    config = tmp_path / "around" / "config"
    config.mkdir(parents=True)
    (tmp_path / "projects").rename(config / "projects")
    for folder in (config, config / "projects", config / "projects" / "p", config.parent):
        assert total(ReadLogs([folder]))["output"] == 3


def test_reading_leaves_the_folder_unchanged(logs, tmp_path):
    """No file is added or touched."""
    read = logs(s1=[answer(output=3)])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    read.frames(DAY)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_no_text_of_a_prompt_or_file_gets_into_a_frame(logs):
    """Only counts, ids, models, terminals, branches and folders."""
    secret = "the secret plan"
    read = logs(
        s1=[
            line("user", message={"content": secret}),
            answer(output=1, content=[{"type": "text", "text": secret}]),
            call(old_string=secret, new_string=secret + "!", file_path=f"/w/{secret}"),
            result(account={"structuredPatch": [{"lines": [f"+{secret}"]}]}, text=secret),
            call("t2", "Bash", command=f"git commit -m '{secret}'"),
            result("t2", {"stdout": f"[main 1d6f8ff] {secret}"}),
        ]
    )
    assert total(read)["commits"] == 1
    tables = [*read.frames(DAY).values(), *read.reader.accounts.values()]
    assert "secret" not in repr([table.to_pylist() for table in tables])
    assert "secret" not in repr(vars(read.reader))


@given(order=st.permutations(range(6)), cuts=st.lists(st.booleans(), min_size=5, max_size=5))
def test_totals_do_not_depend_on_the_order_of_lines_and_files(tmp_path_factory, order, cuts):
    """Partial and final usage, a copy, a call and its result, shuffled over two files.

    Call and result stand in one file, as in all logs seen so far.
    """
    lines = [
        answer(output=1),
        answer(output=30, stop="end_turn"),
        answer("m2", output=4),
        answer("m2", "r7", output=6, isSidechain=True),
        call(),
        result(account=PATCH),
    ]
    folder = tmp_path_factory.mktemp("logs")
    for name, second in (("a", False), ("b", True)):
        chosen = [json.dumps(lines[n]) for n in order if cuts[min(n, 4)] is second]
        (folder / f"{name}.jsonl").write_text("\n".join(chosen))
    sums = total(ReadLogs([folder]))
    assert (sums["output"], sums["sessions"], sums["lines_added"], sums["lines_removed"]) == (
        34,
        1,
        2,
        1,
    )


# Folders


def test_a_folder_without_logs_is_named(tmp_path, caplog):
    """It is only warned of if another folder has logs: Claude Code may have moved."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "s.jsonl").write_text(json.dumps(answer(output=3)))
    (tmp_path / "empty" / "projects").mkdir(parents=True)
    for name in ("empty", "nowhere"):
        assert f"{name}: set CLAUDE_CONFIG_DIR" in ReadLogs([tmp_path / name]).missing
    with caplog.at_level(logging.WARNING):
        read = ReadLogs([tmp_path / "nowhere", tmp_path / "empty", tmp_path / "full"])
    assert (total(read)["output"], read.missing) == (3, "")
    assert "nowhere: set CLAUDE_CONFIG_DIR" in caplog.text
    assert "empty: set CLAUDE_CONFIG_DIR" in caplog.text


def test_the_environment_names_the_folders(tmp_path):
    """One, or several separated by commas, whether they exist or not."""
    environ = {"CLAUDE_CONFIG_DIR": "/a, ~/b,"}
    assert log_folders(environ, tmp_path) == [Path("/a"), Path.home() / "b"]


def test_by_default_the_usual_folders_with_logs_are_used(tmp_path):
    """`~/.claude`, `~/.config/claude`, or both; the first if neither has logs."""
    old, new = tmp_path / ".claude", tmp_path / ".config" / "claude"
    assert log_folders({}, tmp_path) == [old]
    (new / "projects").mkdir(parents=True)
    assert log_folders({"CLAUDE_CONFIG_DIR": ""}, tmp_path) == [new]
    (old / "projects").mkdir(parents=True)
    assert log_folders({}, tmp_path) == [old, new]
    other = tmp_path / "xdg" / "claude"
    (other / "projects").mkdir(parents=True)
    assert log_folders({"XDG_CONFIG_HOME": str(other.parent)}, tmp_path) == [old, other]


# Real logs


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The sample of real session logs, and the totals that an independent script computed."""
    if not (SAMPLE / "claude-logs.tar.xz").exists():
        pytest.skip("no sample of real logs next to the repository")
    folder = tmp_path_factory.mktemp("real")
    with tarfile.open(SAMPLE / "claude-logs.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    expected = json.loads((SAMPLE / "claude-logs-expected.json").read_text())
    return ReadLogs([folder / "claude-logs"]), expected


def counted(logs, days):
    """The totals of some days, under the names of the expected file."""
    rows = {
        name: [row for day in days for row in table(logs, name, day)]
        for name in ("activity", "model_usage")
    }
    sums = {name: sum(row[name] for row in rows["activity"]) for name in WORK}
    used = {name: sum(row[f"{name}_tokens"] for row in rows["model_usage"]) for name in TOKENS}
    cost = sum(row["cost_usd"] or Decimal(0) for row in rows["model_usage"])
    written = {"cache_write": used.pop("cache_creation")}
    return sums | used | written | {"cost_usd": round(float(cost), 4)}


def all_days(logs):
    """The days from the first with activity to the last."""
    first, last = logs.span()
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def rounded(expected, names):
    """The expected counts, with cost to a hundredth of a cent."""
    return {name: expected[name] for name in names} | {"cost_usd": round(expected["cost_usd"], 4)}


def test_real_logs_have_the_expected_totals(real):
    """Tokens, sessions, lines, commits and pull requests exactly; cost to better than a cent."""
    logs, expected = real
    found = counted(logs, all_days(logs))
    assert found == rounded(expected["totals"], found)


def test_real_logs_have_the_expected_totals_on_each_day(real):
    """No day has more or less, and no other day has anything."""
    logs, expected = real
    found = {
        day.isoformat(): counted(logs, [day])
        for day in all_days(logs)
        if table(logs, "activity", day)
    }
    names = counted(logs, [])
    assert found == {day: rounded(sums, names) for day, sums in expected["by_day"].items()}


def test_real_logs_have_the_expected_decisions(real):
    """Accepted and rejected per edit tool."""
    logs, expected = real
    names = {"edit_tool": "Edit", "write_tool": "Write", "notebook_edit_tool": "NotebookEdit"}
    found = dict.fromkeys(expected["tool_actions"], (0, 0))
    for row in everything(logs, "tool_actions"):
        accepted, rejected = found[names[row["tool"]]]
        found[names[row["tool"]]] = accepted + row["accepted"], rejected + row["rejected"]
    assert found == {
        tool: (counts["accepted"], counts["rejected"])
        for tool, counts in expected["tool_actions"].items()
    }


def test_real_logs_have_the_expected_sessions(real):
    """Start, end, requests, tokens and lines of each."""
    logs, expected = real
    found = {
        row["session"]: (
            row["started_at"].isoformat(timespec="milliseconds") + "Z",
            row["ended_at"].isoformat(timespec="milliseconds") + "Z",
            *(row[name] for name in ("requests", "final_requests", "input_tokens")),
            *(row[name] for name in ("output_tokens", "lines_added", "commits")),
        )
        for row in everything(logs, "sessions")
    }
    names = ["first", "last", "requests", "final_requests", "input", "output", "lines_added"]
    assert found == {
        session: tuple(sums[name] for name in [*names, "commits"])
        for session, sums in expected["by_session"].items()
    }


def test_real_logs_have_the_expected_report(real):
    """Files, lines, broken lines, requests and their final share, models without a price."""
    logs, expected = real
    reader, corpus, totals = logs.reader, expected["corpus"], expected["totals"]
    assert reader.files_read == corpus["files"]
    # The four lines that are not valid JSON each hold two records.
    assert (reader.lines_read, reader.faults[GLUED], reader.faults[NOT_JSON]) == (
        corpus["lines"],
        corpus["unparsable_lines"],
        0,
    )
    final = [row["final"] for row in everything(logs, "requests") if row["agent"] != "advisor"]
    assert (len(final), sum(final)) == (totals["requests"], totals["final_requests"])
    ((model, count),) = expected["checks"]["unpriced_models"].items()
    assert next(reader.warnings()).startswith(f"No price is known for {model} ({count});")
