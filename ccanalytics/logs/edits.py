"""A tool call and its result -> decision, lines of code, commits and pull requests.

    ToolUse ── outcome() ─▶ Outcome

A call and its result are two lines of a log, sometimes in the wrong order. Edits are counted from
the patch Claude Code logged; without one, the two texts of the call are compared. A
notebook cell has neither, so it counts as a decision but not as lines.
Texts are read for counting and never stored.
"""

import re
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Raw

from ccanalytics.logs.log_lines import ApiPart, ContentBlock, Line, LogPart, repaired

EDIT_TOOLS = {
    "Edit": "edit_tool",
    "MultiEdit": "multi_edit_tool",
    "Write": "write_tool",
    "NotebookEdit": "notebook_edit_tool",
}
"""Tools whose proposals are accepted or rejected, and their names in the Analytics API."""

_REFUSING = "(rejected|denied|blocked|stopped)"
_ASKED_FOR = r"(This |The )?(\w+ )?(tool( use| call)?|command|action|operation|file|edit|execution)"
_REFUSED = re.compile(
    r"\s*(<tool_use_error>\s*)?(Error:\s*)?("
    r"(The )?user (doesn't|does not|didn't|did not) want to"
    rf"|(The )?user (has )?({_REFUSING}|declined)"
    rf"|{_ASKED_FOR} (execution |permission )?(was |has been |is )?{_REFUSING}"
    rf"|{_ASKED_FOR} (requires approval|contains multiple operations|is not allowed by)"
    r"|(Claude|You|Agent) (requested permissions?|denied permission) to"
    r"|(Claude|You) do(n't| not) have permission to"
    rf"|Permission (to|for) [^\n]{{0,400}}?(has been|was) {_REFUSING}"
    rf"|(Permission )?{_REFUSING} by (your |the |a )?"
    r"(user|hook|rule|policy|permission|settings|auto mode|\w+ hook)"
    rf"|\S*(PreToolUse|PermissionRequest)\S* [^\n]{{0,200}}?(error|deny|{_REFUSING})"
    rf"|(Hook \S* ?|Auto mode ){_REFUSING}"
    rf"|(File|Path) [^\n]{{0,80}}?{_REFUSING} by (your |the )?(permission|settings|policy)"
    r")",
    re.IGNORECASE,
)
"""How the result of a call refused by a person, rule or hook starts, in all versions."""

_COMMIT_COMMAND = re.compile(r"\bgit\b[^\n;|&]*\bcommit\b")
_COMMIT_PRINTED = re.compile(r"^\[[^\]\n]+ [0-9a-f]{7,40}\] ", re.MULTILINE)
_CREATE_COMMAND = re.compile(r"\b(gh\s+pr|glab\s+mr|az\s+repos\s+pr)\s+create\b")
_CREATED_PRINTED = re.compile(r"https?://\S+/(pull|pulls|merge_requests|pullrequest)/\d+")
_THERE_PRINTED = re.compile(r"(pull|merge) request\b.* already exists", re.IGNORECASE)
_CREATE_TOOL = re.compile(r"mcp__.*create_(pull|merge)_request")


class Outcome(NamedTuple):
    """What a tool call did."""

    decision: Literal["accepted", "rejected", "error"] = "accepted"
    lines_added: int = 0
    lines_removed: int = 0
    commits: int = 0
    pull_requests: int = 0
    started_agent_id: str | None = None
    started_agent_type: str | None = None


class ToolInput(ApiPart):
    """The input of a call, as far as any tool's matters; of several edits, one of them."""

    old_string: str = ""
    new_string: str = ""
    content: object = None
    edits: tuple["ToolInput", ...] = ()
    command: str = ""
    subagent_type: str | None = None


class Hunk(ApiPart):
    """A hunk of a patch; its lines begin with "+", "-" or a blank."""

    lines: tuple[str, ...] = ()


class ToolAccount(LogPart):
    """Claude Code's own account of a call, as far as any tool's matters."""

    type: str | None = None
    content: object = None
    structured_patch: list[Hunk] | None = None
    stdout: str | None = None
    git_operation: dict[str, object] | None = None
    """The commit and pull request of a shell command, as newer versions log them."""
    agent_id: str | None = None
    agent_type: str | None = None


class TextBlock(ApiPart):
    """A text among the blocks of a result."""

    text: str | None = None


class ToolUse:
    """A tool call and its result, which has a text for the model and Claude Code's own account.

    All three are JSON that is decoded only when needed; `is_damaged` says that it was repaired.
    """

    def __init__(self, call: ContentBlock, result: ContentBlock, line: Line) -> None:
        self.tool, self._call, self._result, self._line = call.name or "", call, result, line
        self.is_damaged = False

    def outcome(self) -> Outcome:
        """What the call did.

        An error without a refusal happened before anybody decided: neither accepted nor rejected.
        """
        # An account of what failed is a text, also where the result does not say that it did.
        account = bytes(memoryview(self._line.tool_use_result)[:14])
        failed = self._result.is_error or account.startswith((b'"Error', b'"User rejected'))
        if self._line.tool_denial_kind is not None or (failed and _REFUSED.match(self._text())):
            return Outcome("rejected")
        if failed:
            return Outcome("error")
        if self.tool in EDIT_TOOLS:
            return self._edit()
        if self.tool in ("Bash", "PowerShell"):
            return self._git()
        if self.tool in ("Task", "Agent"):
            agent = self._account()
            kind = agent.agent_type or self._input().subagent_type
            return Outcome(started_agent_id=agent.agent_id, started_agent_type=kind)
        return Outcome(pull_requests=int(_CREATE_TOOL.fullmatch(self.tool) is not None))

    def _edit(self) -> Outcome:
        """The lines of a successful edit; its two texts are compared if no patch was logged."""
        account = self._account()
        if account.type == "create" and isinstance(account.content, str):
            return Outcome(lines_added=_count(account.content))
        if account.type != "create" and account.structured_patch is not None:
            signs = [line[:1] for hunk in account.structured_patch for line in hunk.lines]
            return Outcome(lines_added=signs.count("+"), lines_removed=signs.count("-"))
        given, added, removed = self._input(), 0, 0
        if isinstance(given.content, str):
            return Outcome(lines_added=_count(given.content))
        for part in given.edits or (given,):
            old, new = part.old_string.splitlines(), part.new_string.splitlines()
            blocks = SequenceMatcher(None, old, new, False).get_matching_blocks()
            same = sum(block.size for block in blocks)
            added, removed = added + len(new) - same, removed + len(old) - same
        return Outcome(lines_added=added, lines_removed=removed)

    def _git(self) -> Outcome:
        """Commits and pull requests of a successful shell command.

        The command and its output decide, and the git operations that newer versions log.
        """
        given = bytes(self._call.input)
        if b"commit" not in given and b"create" not in given:
            return Outcome()
        account, command = self._account(), self._input().command
        printed, done = account.stdout or self._text(), account.git_operation or {}
        made = len(_COMMIT_PRINTED.findall(printed)) if _COMMIT_COMMAND.search(command) else 0
        # An amended commit is still the same one.
        made = max(made - command.count("--amend"), min(made, 1))
        # Git operations have at most one commit, and none that `git -C` made.
        commits = max(made, int(done.get("commit") is not None))
        created = bool(_CREATE_COMMAND.search(command) and _CREATED_PRINTED.search(printed))
        created = created and not _THERE_PRINTED.search(printed)
        if isinstance(opened := done.get("pr"), dict):
            created = opened.get("action") == "created"
        return Outcome(commits=commits, pull_requests=int(created))

    def _account(self) -> ToolAccount:
        return self._decode(self._line.tool_use_result, ToolAccount) or ToolAccount()

    def _input(self) -> ToolInput:
        return self._decode(self._call.input, ToolInput) or ToolInput()

    def _text(self) -> str:
        """The text of the result, which is a string or a list of blocks."""
        said = self._decode(self._result.content, str | list[TextBlock])
        if isinstance(said, str):
            return said
        return "\n".join(block.text for block in said or () if block.text)

    def _decode(self, data: Raw, kind: Any) -> Any:
        """`data` as `kind`; None when it is absent or has another shape (text for an error)."""
        if not data:
            return None
        try:
            return msgspec.json.decode(data, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = repaired(bytes(data), kind)
        self.is_damaged = self.is_damaged or found is not None
        return found


def _count(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n") and bool(text))
