"""The wire format of the Claude Enterprise Analytics API: people of a day, and seats by day.

Only what is about Claude Code is here. Its counters are those of a `Record`, sent under other
names; `tool_actions` is a fixed object there, but is read as the open map it may become.
"""

from datetime import date

from msgspec import field

from ccanalytics.wire.claude_code import (
    CoreMetrics,
    CursorPage,
    LinesOfCode,
    ToolAction,
    Wire,
    decoder,
)


class Lines(LinesOfCode):
    """Lines Claude Code wrote and removed."""

    added: int = field(name="added_count")
    removed: int = field(name="removed_count")


class Counters(CoreMetrics):
    """The counters of one person; distinct counts may be null where rows were added up."""

    lines_of_code: Lines
    num_sessions: int | None = field(name="distinct_session_count")
    commits_by_claude_code: int = field(name="commit_count")
    pull_requests_by_claude_code: int = field(name="pull_request_count")


class Decisions(ToolAction):
    """Decisions on one tool's proposals."""

    accepted: int = field(name="accepted_count")
    rejected: int = field(name="rejected_count")


class ClaudeCode(Wire):
    """What one person did in Claude Code."""

    core_metrics: Counters
    """Sessions, lines, commits, pull requests."""
    tool_actions: dict[str, Decisions]
    """Decisions by tool."""


class Person(Wire):
    """Who it was; the address is null when it is no longer known."""

    id: str
    """Begins with user_."""
    email_address: str | None = None
    """Their address; null when it is no longer known."""


class PersonDay(Wire):
    """One person on the day asked for, which the row itself does not say."""

    user: Person
    """Who it was."""
    claude_code_metrics: ClaudeCode | None
    """What they did in Claude Code; null where nothing is known of it."""


class PeoplePage(CursorPage[PersonDay]):
    """One answer: people; whether another page follows only the cursor says."""


class Summary(Wire):
    """The seats of one UTC day; those of everybody, whichever product they use."""

    starting_at: str
    """The midnight, UTC, at which the day begins."""
    assigned_seat_count: int | None
    """Seats somebody has, of all products."""
    pending_invite_count: int | None = None
    """Invitations nobody took up yet."""

    def __post_init__(self) -> None:
        date.fromisoformat(self.starting_at[:10])

    @property
    def day(self) -> date:
        """The UTC day."""
        return date.fromisoformat(self.starting_at[:10])


class SummaryPage(Wire):
    """One row per UTC day, in the envelope `summaries` or, later, in `data`."""

    data: list[Summary] | None = None
    """The days, in the later envelope."""
    summaries: list[Summary] | None = None
    """The days, in the first envelope."""
    next_page: str | None = None
    """Always null so far."""

    def __post_init__(self) -> None:
        if self.data is None and self.summaries is None:
            raise ValueError("neither `summaries` nor `data` is there")

    @property
    def rows(self) -> list[Summary]:
        """The rows, in whichever envelope they came."""
        return [*(self.summaries or []), *(self.data or [])]


decode_people = decoder(PeoplePage, "a page of people of the Claude Enterprise Analytics API")
decode_summaries = decoder(
    SummaryPage, "a list of summaries of the Claude Enterprise Analytics API"
)
