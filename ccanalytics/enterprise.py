"""The wire format of the Claude Enterprise Analytics API: people of a day, and seats by day.

Only what is about Claude Code is here. Its counters are those of `records`, under other names;
`tool_actions` is a fixed object there, but is read as the open map it may become.
"""

from datetime import date

from ccanalytics.records import Wire, decoder


class Lines(Wire):
    """Lines Claude Code wrote and removed."""

    added_count: int
    removed_count: int


class Counters(Wire):
    """The counters of one person; distinct counts may be null where rows were added up."""

    commit_count: int
    pull_request_count: int
    lines_of_code: Lines
    distinct_session_count: int | None


class Decisions(Wire):
    """Decisions on one tool's proposals."""

    accepted_count: int
    rejected_count: int


class ClaudeCode(Wire):
    """What one person did in Claude Code."""

    core_metrics: Counters
    tool_actions: dict[str, Decisions]


class Person(Wire):
    """Who it was; the address is null when it is no longer known."""

    id: str
    email_address: str | None


class PersonDay(Wire):
    """One person on the day asked for, which the row itself does not tell."""

    user: Person
    claude_code_metrics: ClaudeCode


class PeoplePage(Wire):
    """One answer: people, and the cursor of the next page; without one it is the last."""

    data: list[PersonDay]
    next_page: str | None


class Summary(Wire):
    """The seats of one UTC day; those of everybody, whichever product they use."""

    starting_at: str
    assigned_seat_count: int | None
    pending_invite_count: int | None = None

    @property
    def day(self) -> date:
        """The UTC day."""
        return date.fromisoformat(self.starting_at[:10])


class SummaryPage(Wire):
    """One row per UTC day, in the envelope `summaries` or, later, in `data`."""

    data: list[Summary] | None = None
    summaries: list[Summary] | None = None
    next_page: str | None = None

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
