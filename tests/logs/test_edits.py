"""From a tool call and its result: decision, lines, commits and pull requests."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from ccanalytics.logs.edits import Outcome, ToolUse
from ccanalytics.logs.log_lines import ContentBlock, Line

REFUSAL = "The user doesn't want to proceed with this tool use. The tool use was rejected"


def done(tool, call=None, account=None, *, text="", error=False, denied=False):
    """The outcome of a call with this input and this result."""
    logged = b"" if account is None else json.dumps(account).encode()
    given, said = json.dumps(call or {}).encode(), json.dumps(text).encode()
    return judged(tool, given, said, logged, is_error=error, denied=denied)


def judged(tool, given, said, account, *, is_error=False, denied=False):
    """The same of any bytes."""
    call = ContentBlock("tool_use", name=tool, input=Raw(given))
    result = ContentBlock("tool_result", content=Raw(said), is_error=is_error)
    line = Line("user", tool_use_result=Raw(account), tool_denial_kind="rule" if denied else None)
    return ToolUse(call, result, line).outcome()


def patch(*lines, **more):
    """Claude Code's account of an edit with one hunk."""
    return {"structuredPatch": [{"oldStart": 1, "lines": list(lines)}], **more}


def bash(command, text="", **account):
    """The outcome of a shell command that succeeded."""
    return done("Bash", {"command": command}, {"stdout": text, **account}, text=text)


def test_an_edit_counts_the_lines_of_its_patch():
    """Two lines added and one removed; context lines are not counted."""
    account = patch(" same", "-old", "+new", "+newer", "\\ No newline at end of file")
    assert done("Edit", account=account) == Outcome("accepted", 2, 1)


def test_a_patch_is_used_instead_of_the_texts_of_the_call():
    """The texts repeat three unchanged lines, which the patch has as context."""
    call = {"old_string": "a\nb\nc\nx", "new_string": "a\nb\nc\ny"}
    assert done("Edit", call, patch(" c", "-x", "+y")) == Outcome("accepted", 1, 1)


def test_a_created_file_adds_all_its_lines():
    """Its patch is empty; its content has three lines, the last without an end."""
    account = {"type": "create", "content": "a\nb\nc", "structuredPatch": []}
    assert done("Write", account=account) == Outcome("accepted", 3, 0)
    short = {"type": "create", "structuredPatch": []}
    assert done("Write", {"content": "a\nb"}, short) == Outcome("accepted", 2, 0)


def test_an_overwritten_file_counts_only_its_changes():
    """Rewriting a whole file adds one line if one line is new."""
    account = patch(" a", "+b", type="update", content="a\nb\n")
    assert done("Write", {"content": "a\nb\n"}, account) == Outcome("accepted", 1, 0)


@pytest.mark.parametrize("account", [None, "Done.", [], {"structuredPatch": 5}])
def test_an_edit_without_a_patch_compares_its_texts(account):
    """The result may be absent, a text or of another shape: `b` became `x` and `y`."""
    call = {"old_string": "a\nb\nc", "new_string": "a\nx\ny\nc"}
    assert done("Edit", call, account) == Outcome("accepted", 2, 1)


def test_several_edits_at_once_add_up():
    """One line replaced and one line added."""
    call = {
        "edits": [
            {"old_string": "a", "new_string": "b"},
            {"old_string": "c", "new_string": "c\nd"},
        ]
    }
    assert done("MultiEdit", call) == Outcome("accepted", 2, 1)


def test_a_written_file_without_a_result_counts_its_content():
    """The log does not say whether it was new."""
    assert done("Write", {"content": "a\nb\n"}) == Outcome("accepted", 2, 0)


def test_a_notebook_cell_is_a_decision_without_lines():
    """The log has no patch for notebooks."""
    assert done("NotebookEdit", {"new_source": "a\nb"}) == Outcome("accepted")


@pytest.mark.parametrize(
    "text",
    [
        REFUSAL,
        "The user doesn't want to take this action right now. STOP what you are doing",
        "Permission to use Edit has been denied.",
        "Permission to edit /w/a.py has been denied.",
        "User rejected tool use",
        "The tool use was rejected",
        "PreToolUse:Edit hook error: [guard.sh]: no edits here",
        "Claude requested permissions to write to /w/a.py, but you haven't granted it yet.",
        "File is in a directory that is denied by your permission settings.",
        "Denied by PermissionRequest hook",
        "Hook PreToolUse:Edit denied this tool",
        "Edit operation blocked by hook:\n- [guard.sh]: no",
        "Permission for this action was denied by the Claude Code auto mode classifier.",
        "Auto mode denied: the command targets a path outside",
        "This Bash command contains multiple operations. The following part requires approval: rm",
        "The user has denied permission",
        "Tool execution denied.",
    ],
)
def test_a_refusal_is_a_rejection(text):
    """People and settings refuse with fixed phrases."""
    assert done("Edit", account=f"Error: {text}", text=text, error=True) == Outcome("rejected")


@pytest.mark.parametrize("account", [f"Error: {REFUSAL}", "User rejected tool use"])
def test_a_refusal_without_an_error_flag_is_a_rejection(account):
    """Claude Code's own result says that it failed."""
    assert done("Edit", account=account, text=REFUSAL) == Outcome("rejected")


def test_a_denial_in_the_log_is_a_rejection():
    """Newer versions log who denied it, whatever the text says."""
    assert done("Edit", text="no", error=True, denied=True) == Outcome("rejected")


def test_a_refusal_is_found_among_blocks():
    """The text of a result may be a list of blocks."""
    blocks = [{"type": "text", "text": REFUSAL}]
    assert done("Edit", text=blocks, error=True).decision == "rejected"


def test_a_failed_tool_is_not_a_decision():
    """The file had not been read, so nobody was asked."""
    text = "<tool_use_error>File has not been read yet.</tool_use_error>"
    assert done("Edit", {"new_string": "a"}, text=text, error=True) == Outcome("error")


def test_refusal_words_in_the_text_of_an_edit_are_not_a_refusal():
    """The words are in the file, not in the result."""
    text = "String to replace not found in file.\nString: blocked by hook"
    assert done("Edit", text=text, error=True) == Outcome("error")


def test_a_command_that_printed_a_refusal_is_not_refused():
    """It ran, so nobody refused it."""
    text = "Exit code 1\npush was denied by the policy of the server"
    assert done("Bash", {"command": "git push"}, text=text, error=True).decision == "error"


def test_a_file_that_quotes_a_refusal_was_still_edited():
    """Only an error is a refusal."""
    assert done("Edit", account=patch("+a"), text=REFUSAL).decision == "accepted"


@pytest.mark.parametrize(
    "printed",
    [
        "[main 1d6f8ff] Say hello\n 1 file changed",
        "[main (root-commit) 1d6f8ff] Say hello",
        "[detached HEAD 1d6f8ff] Say hello",
        "hooks passed\n[fix/a-b_c 1d6f8ff0] Say hello",
    ],
)
def test_a_commit_is_recognised_by_the_output_of_git(printed):
    """Branch and hash in brackets, at the start of a line."""
    assert bash("cd x && git -C . commit -m 'Say hello'", printed).commits == 1


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("git commit -m x", "nothing to commit, working tree clean"),
        ("git log --grep commit", "see [main 1d6f8ff] inside a line"),
        ("git status | grep commit", "[main 1d6f8ff] printed by something else"),
        ("echo commit", "[main 1d6f8ff] Say hello"),
    ],
)
def test_without_command_and_output_there_is_no_commit(command, printed):
    """A word in a command or a line in an output alone proves nothing."""
    assert bash(command, printed).commits == 0


def test_a_commit_made_in_powershell_is_a_commit():
    """The Windows shell is a separate tool with the same result format."""
    command = {"command": "git add -A; git commit -m work"}
    assert done("PowerShell", command, {"stdout": "[main 1d6f8ff] work"}).commits == 1


def test_a_commit_inside_a_failed_command_does_not_count():
    """The whole command is an error, as for the product's own counter."""
    text = "Exit code 1\n[main 537f15f] Say hello\npush failed"
    call = {"command": "git commit -m x && git push"}
    assert done("Bash", call, f"Error: {text}", text=text, error=True).commits == 0


COMMIT = {"commit": {"sha": "1d6f8ff", "kind": "committed", "branch": "main"}}
PUSH = {"push": {"branch": "main"}}


@pytest.mark.parametrize(
    ("command", "printed", "operation", "commits"),
    [
        ("git commit -q -m x", "", COMMIT, 1),
        ("git commit -m x", "[main 1d6f8ff] x", COMMIT, 1),
        ("git -C app commit -m x && git -C app push", "[main 1d6f8ff] x", PUSH, 1),
        ("git push", "", PUSH, 0),
    ],
)
def test_a_commit_shows_in_the_git_fields_or_in_the_output(command, printed, operation, commits):
    """A quiet commit prints nothing, the fields have no commit of `git -C`; a push is none."""
    assert bash(command, printed, gitOperation=operation).commits == commits


@pytest.mark.parametrize(
    ("command", "commits"),
    [
        ("git commit -m a && git add b && git commit -m b", 2),
        ("git commit -m a && ./fix && git commit -a --amend --no-edit", 1),
    ],
)
def test_each_commit_of_a_command_counts_once(command, commits):
    """Git prints a line for each; the second of an amended one replaces the first."""
    assert bash(command, "[main 1d6f8ff] a\n 1 file changed\n[main 2e7a9bb] b").commits == commits


def test_a_commit_without_git_fields_is_read_from_the_text():
    """Subagent files often have only the text."""
    text = "[main 1d6f8ff] Say hello"
    assert done("Bash", {"command": "git commit -m x"}, text=text).commits == 1


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("gh pr create --fill", "https://github.com/o/r/pull/41"),
        ("glab mr create", "https://gitlab.com/o/r/-/merge_requests/7"),
        ("az repos pr create", "https://dev.azure.com/o/p/_git/r/pullrequest/3"),
    ],
)
def test_a_pull_request_is_recognised_by_its_new_url(command, printed):
    """The command, and the new URL in its output."""
    assert bash(command, printed).pull_requests == 1
    assert bash(command, "aborted").pull_requests == 0


def test_a_pull_request_that_was_already_there_is_not_created():
    """The tool says so and gives its address; with a pipe the command does not fail."""
    said = 'a pull request for branch "b" into branch "main" already exists:\n'
    address = "https://github.com/o/r/pull/5"
    assert bash("gh pr create --fill 2>&1 | cat", said + address).pull_requests == 0


@pytest.mark.parametrize(("action", "expected"), [("created", 1), ("commented", 0), ("edited", 0)])
def test_only_a_created_pull_request_counts(action, expected):
    """The log also has comments and edits."""
    operation = {"pr": {"number": 4, "url": "https://github.com/o/r/pull/4", "action": action}}
    assert bash("gh pr create", gitOperation=operation).pull_requests == expected


def test_a_pull_request_made_by_an_mcp_tool_counts():
    """The name of the tool says what it does."""
    assert done("mcp__github__create_pull_request").pull_requests == 1
    assert done("mcp__github__create_pull_request", error=True).pull_requests == 0


def test_other_tools_have_no_lines():
    """Reading a file or listing a folder is only a decision."""
    assert done("Read") == bash("ls") == Outcome("accepted")


lines = st.lists(st.sampled_from("abc"), max_size=8)


@given(before=lines, after=lines)
def test_compared_texts_account_for_every_line(before, after):
    """Old lines, minus removed, plus added, equal new lines."""
    call = {"old_string": "\n".join(before), "new_string": "\n".join(after)}
    counted = done("Edit", call)
    assert len(before) - counted.lines_removed + counted.lines_added == len(after)


@given(tool=st.sampled_from(["Edit", "Write", "Bash"]), content=st.binary(), account=st.binary())
def test_no_result_stops_the_reading(tool, content, account):
    """Any value in a log has an outcome."""
    assert judged(tool, content, content, account).lines_added >= 0
