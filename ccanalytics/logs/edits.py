"""A tool call and its result -> decision, lines of code, commits and pull requests.

    Call    ─┐
             ├─ outcome() ─▶ Outcome
    Result  ─┘

A call and its result stand on two lines of a log, at times in the wrong order. Edits are judged by
the patch Claude Code logged; only where it logged none are the two texts of the call compared. A
notebook's cells have neither, so they count as decisions but not as lines.
Texts are read to be counted and are not kept.
"""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Raw

from ccanalytics.logs.log_lines import ApiPart, ContentBlock, LogPart, Turn
from ccanalytics.logs.log_repair import repaired

EDIT_TOOLS = {
    "Edit": "edit_tool",
    "MultiEdit": "multi_edit_tool",
    "Write": "write_tool",
    "NotebookEdit": "notebook_edit_tool",
}
"""Tools whose proposals are accepted or rejected, and what the Analytics API calls them."""

Decision = Literal["accepted", "rejected", "error"]

SHELLS = ("Bash", "PowerShell")
"""Tools that run a command."""

AGENT_TOOLS = ("Task", "Agent")
"""Tools that start a subagent."""

_REFUSED = re.compile(
    r"\s*(<tool_use_error>\s*)?(Error:\s*)?("
    r"(The )?[Uu]ser (doesn't|does not|didn't|did not) want to"
    r"|(The )?[Uu]ser (rejected|denied|declined)"
    r"|(This|The) (tool use|tool call|command|action|operation) was (reject|deni|block)ed"
    r"|(This|The) (command|tool|operation) requires approval"
    r"|(Claude|You) (requested permissions?|do(n't| not) have permission) to (use|write|edit|read)"
    r"|Permission (to|for) .{0,400}?(has been|was) (denied|rejected|blocked)"
    r"|\S*(PreToolUse|PermissionRequest)\S* hook.{0,200}?(error|blocked|denied|stopped|rejected)"
    r"|Hook \S* ?(blocked|denied|rejected)"
    r"|(Tool|File|Edit|Execution)\b.{0,80}? (is )?(denied|blocked|rejected) by"
    r"|(?!Exit code).{0,200}?(denied|blocked) by (your |the |a )?(permission|hook|policy|settings)"
    r")",
    re.DOTALL,
)
"""How a call that a person, a rule or a hook refused begins, in the wordings of all versions."""

_COMMIT_COMMAND = re.compile(r"\bgit\b[^\n;|&]*\bcommit\b")
_COMMIT_PRINTED = re.compile(r"^\[[^\]\n]+ [0-9a-f]{7,40}\] ", re.MULTILINE)
_CREATE_COMMAND = re.compile(r"\b(gh\s+pr|glab\s+mr|az\s+repos\s+pr)\s+create\b")
_CREATED_PRINTED = re.compile(r"https?://\S+/(pull|pulls|merge_requests|pullrequest)/\d+")
_CREATE_TOOL = re.compile(r"mcp__.*create_(pull|merge)_request")

Buffer = bytes | Raw
"""JSON that is decoded only when it is wanted."""

T = TypeVar("T")


class Call(NamedTuple):
    """A tool call."""

    tool: str
    input: Buffer


class Result(NamedTuple):
    """What came of a tool call: text for the model, and Claude Code's own account."""

    is_error: bool
    denied: bool
    content: Buffer
    account: Buffer


class Outcome(NamedTuple):
    """What a tool call counts for."""

    decision: Decision = "accepted"
    lines_added: int = 0
    lines_removed: int = 0
    commits: int = 0
    pull_requests: int = 0


ACCEPTED = Outcome()
"""What most tool calls count for."""


class Replacement(ApiPart):
    """One replacement of an edit."""

    old_string: str = ""
    new_string: str = ""


class EditInput(Replacement):
    """The input of any edit tool."""

    content: str | None = None
    edits: tuple[Replacement, ...] = ()


class ShellInput(ApiPart):
    """The input of a shell command."""

    command: str = ""


class Hunk(ApiPart):
    """A hunk of a patch; its lines begin with "+", "-" or a blank."""

    lines: tuple[str, ...] = ()


class EditAccount(LogPart):
    """Claude Code's account of an edit."""

    type: str | None = None
    content: str | None = None
    structured_patch: list[Hunk] | None = None


class PullRequest(ApiPart):
    """What was done to a pull request."""

    action: str | None = None


class Commit(ApiPart):
    """A commit; that there is one is enough."""


class GitOperation(ApiPart):
    """What a shell command did in git, as newer versions log it."""

    commit: Commit | None = None
    pr: PullRequest | None = None


class ShellAccount(LogPart):
    """Claude Code's account of a shell command."""

    stdout: str | None = None
    git_operation: GitOperation | None = None


class AgentInput(ApiPart):
    """The input of a call that starts a subagent."""

    subagent_type: str | None = None


class AgentAccount(LogPart):
    """Claude Code's account of a subagent."""

    agent_id: str | None = None
    agent_type: str | None = None


class TextBlock(ApiPart):
    """A text among the blocks of a result."""

    text: str | None = None


def result_of(block: ContentBlock, turn: Turn) -> Result:
    """The result in a `tool_result` block of `turn`."""
    return Result(
        bool(block.is_error),
        turn.tool_denial_kind is not None,
        block.content,
        turn.tool_use_result,
    )


def may_count(tool: str) -> bool:
    """Whether a call of this tool that went through may count for more than that."""
    return tool in EDIT_TOOLS or tool in SHELLS or tool.startswith("mcp__")


def outcome(call: Call, result: Result) -> Outcome:
    """What `call` counts for, given its result.

    An error without a refusal happened before anybody was asked: neither accepted nor rejected.
    """
    if result.denied or (result.is_error and _REFUSED.match(_text(result.content))):
        return Outcome("rejected")
    if result.is_error:
        return Outcome("error")
    if call.tool in EDIT_TOOLS:
        added, removed = _lines(call, result)
        return Outcome(lines_added=added, lines_removed=removed)
    if call.tool in SHELLS:
        commits, pull_requests = _git(call, result)
        return Outcome(commits=commits, pull_requests=pull_requests)
    return Outcome(pull_requests=int(_CREATE_TOOL.fullmatch(call.tool) is not None))


def started_agent(call: Call, result: Result) -> tuple[str | None, str | None]:
    """The id and the type of the subagent a call started; None where the log does not say."""
    account = _decode(result.account, AgentAccount) or AgentAccount()
    wanted = _decode(call.input, AgentInput) or AgentInput()
    return account.agent_id, account.agent_type or wanted.subagent_type


def _lines(call: Call, result: Result) -> tuple[int, int]:
    """Lines added and removed by an edit that went through."""
    account = _decode(result.account, EditAccount)
    if account and account.type == "create" and account.content is not None:
        return _count(account.content), 0
    if account and account.structured_patch is not None:
        signs = [line[:1] for hunk in account.structured_patch for line in hunk.lines]
        return signs.count("+"), signs.count("-")
    edit = _decode(call.input, EditInput)
    return _compared(edit) if edit else (0, 0)


def _compared(edit: EditInput) -> tuple[int, int]:
    """Lines by comparing the texts of the call, where the result brought no patch."""
    if edit.content is not None:
        return _count(edit.content), 0
    pairs = [_line_diff(part.old_string, part.new_string) for part in edit.edits or (edit,)]
    return sum(added for added, _ in pairs), sum(removed for _, removed in pairs)


def _line_diff(old: str, new: str) -> tuple[int, int]:
    before, after = old.splitlines(), new.splitlines()
    added = removed = 0
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, before, after, False).get_opcodes():
        if kind != "equal":
            added += j2 - j1
            removed += i2 - i1
    return added, removed


def _git(call: Call, result: Result) -> tuple[int, int]:
    """Commits and pull requests of a shell command that went through.

    Newer versions log what happened in git; before, the command and what it printed tell.
    """
    command = bytes(call.input)
    if b"commit" not in command and b"create" not in command:
        return 0, 0
    account = _decode(result.account, ShellAccount)
    if account and account.git_operation:
        done = account.git_operation
        created = done.pr is not None and done.pr.action == "created"
        return int(done.commit is not None), int(created)
    shell = _decode(call.input, ShellInput)
    if shell is None:
        return 0, 0
    printed = (account and account.stdout) or _text(result.content)
    committed = _COMMIT_COMMAND.search(shell.command) and _COMMIT_PRINTED.search(printed)
    opened = _CREATE_COMMAND.search(shell.command) and _CREATED_PRINTED.search(printed)
    return int(bool(committed)), int(bool(opened))


def _count(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n") and bool(text))


def _text(content: Buffer) -> str:
    """The text of a result, which is a string or a list of blocks."""
    plain = _decode(content, str)
    return "\n".join(_texts(_decode(content, list[TextBlock]) or ())) if plain is None else plain


def _texts(blocks: Iterable[TextBlock]) -> list[str]:
    return [block.text for block in blocks if block.text]


def _decode(data: Buffer, kind: type[T]) -> T | None:
    """`data` as `kind`, or None when it is absent or of another shape (a string for an error)."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = repaired(bytes(data), kind)
        return found[0] if found else None
