"""The wire format of an organization's own lists: members and API keys."""

from datetime import UTC, date, datetime
from typing import ClassVar, TypeVar

from msgspec import field

from ccanalytics.wire.claude_code import CursorPage, Wire


class Listed(Wire):
    """One row of a list that goes on after an id."""

    id: str
    """Begins with what it is: user_, apikey_."""


ListedRow = TypeVar("ListedRow", bound=Listed)


def utc_day(moment: str | None, today: date) -> date:
    """The UTC day of a moment, at the latest `today`, also for a text that is no moment."""
    try:
        return min(datetime.fromisoformat(moment or "").astimezone(UTC).date(), today)
    except ValueError:
        return today


class Organization(Wire):
    """The organization a key belongs to."""

    id: str
    """A UUID, as in `organization_id` of the records."""
    name: str
    """What the organization calls itself."""


class Member(Listed):
    """One current member of the organization."""

    email: str | None
    """Their address; null where none is known."""
    added_at: str | None
    """When they were added, with a time zone."""
    role: str | None = None
    """What they may do, such as `user`, `claude_code_user`, `developer`, `billing` or `admin`."""


class MemberGroup(Wire):
    """One group of members, as claude.ai has them for roles and limits."""

    id: str
    """Begins with rbac_group_."""
    name: str
    """Its name."""


class GroupMember(Wire):
    """One member of a group."""

    email: str | None
    """Their address; null where none is known."""
    created_at: str | None
    """When they joined the group, with a time zone."""


class ApiKey(Listed):
    """One API key, never the key itself."""

    name: str | None = None
    """Its name, by which records know it; it can be changed, and two keys can share it."""


class Listing(CursorPage[ListedRow], kw_only=True):
    """One answer of a list; the next one begins after `last_id`."""

    has_more: bool
    """Whether another page follows."""
    next_page: str | None = field(name="last_id", default=None)
    """The id of the last row, to send as `after_id`; null on an empty page."""

    continued_by: ClassVar[str] = "after_id"

    def __post_init__(self) -> None:
        if not self.next_page and self.data:  # some gateways leave it out
            self.next_page = self.data[-1].id


class MemberPage(Listing[Member]):
    """One answer of the list of members."""


class ApiKeyPage(Listing[ApiKey]):
    """One answer of the list of API keys."""
