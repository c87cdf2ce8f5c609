"""The wire format of an organization's own lists: members, invitations, workspaces, API keys."""

from datetime import UTC, date, datetime
from typing import Generic, TypeVar

from ccanalytics.records import Wire

Row = TypeVar("Row", bound=Wire)


class Organization(Wire):
    """The organization a key belongs to."""

    id: str
    name: str


class Member(Wire):
    """One current member of the organization."""

    id: str
    email: str
    added_at: str
    role: str = ""
    name: str = ""

    def since(self, today: date) -> date:
        """The UTC day they were added on, at the latest `today`."""
        try:
            return min(datetime.fromisoformat(self.added_at).astimezone(UTC).date(), today)
        except ValueError:
            return today


class Invite(Wire):
    """One invitation to the organization."""

    id: str
    email: str
    role: str
    status: str
    invited_at: str
    expires_at: str
    accepted_at: str | None = None


class Workspace(Wire):
    """One workspace; the default one is not among them."""

    id: str
    name: str
    created_at: str
    archived_at: str | None = None
    display_color: str | None = None


class Principal(Wire):
    """Whom an API key acts for: a user or a service account."""

    id: str
    type: str


class ApiKey(Wire):
    """One API key, never the key itself."""

    id: str
    name: str
    status: str
    created_at: str
    workspace_id: str | None = None
    expires_at: str | None = None
    partial_key_hint: str | None = None
    created_by: Principal | None = None
    principal: Principal | None = None


class Listing(Wire, Generic[Row]):
    """One answer of a list; the next one begins after `last_id`."""

    data: list[Row]
    has_more: bool
    first_id: str | None = None
    last_id: str | None = None


class MemberPage(Listing[Member]):
    """One answer of the list of members."""


class InvitePage(Listing[Invite]):
    """One answer of the list of invitations."""


class WorkspacePage(Listing[Workspace]):
    """One answer of the list of workspaces."""


class ApiKeyPage(Listing[ApiKey]):
    """One answer of the list of API keys."""
