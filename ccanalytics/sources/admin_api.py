"""Claude Code Analytics Admin API -> the records of one UTC day; and the organization's members.

The service gives one UTC day per walk, in pages that share one cursor. A walk ends with all pages
or with an error, never with a part.
"""

import logging
from collections.abc import Iterator
from datetime import date
from urllib.parse import quote

from ccanalytics.sources.http import Client, checked_day
from ccanalytics.sources.keys import ANALYTICS, MEMBERS_KEY
from ccanalytics.wire.claude_code import CursorPage, Record, decode_page, decoder
from ccanalytics.wire.organization import GroupMember, Member, MemberGroup, MemberPage, Organization

REPORT = "/v1/organizations/usage_report/claude_code"
MEMBERS = "/v1/organizations/users"
GROUPS = "/v1/organizations/rbac_groups"
ME = "/v1/organizations/me"

log = logging.getLogger(__name__)


class AdminClient(Client):
    """The records of an organisation from the Claude Code Analytics Admin API, and its members.

    `key` is an Admin API key: `AuthError` without one, or when the service refuses it. A request
    is repeated for `budget` seconds, then `ApiError`.
    """

    name = "api"

    def records(self, day: date | str) -> list[Record]:
        """All records of one UTC day, none when nobody was active; an error rather than a part."""
        decode = self._noting(decode_page)
        return self._all_rows(REPORT, decode, starting_at=checked_day(day).isoformat())

    def organization(self) -> Organization:
        """The organization of the key; the cheapest way to check a key."""
        return self._request(ME, {}, decoder(Organization, "what the service says of itself"))

    def members(self) -> list[Member]:
        """All current members with an address; an error rather than a part."""
        found = self._all_rows(MEMBERS, decoder(MemberPage, "a page of members"))
        known = [member for member in found if member.email]
        if len(known) < len(found):
            log.warning("Left out %d members without an address.", len(found) - len(known))
        return known


class MemberClient(AdminClient):
    """The members and their groups, which a key of claude.ai with these scopes opens too."""

    key_kind = MEMBERS_KEY

    @property
    def organization_id(self) -> str | None:
        """The organization that answered; None before the first answer, or when it is unknown."""
        return self._organization

    @property
    def roles_without(self) -> frozenset[str]:
        """The roles that cannot use Claude Code; in claude.ai every role can."""
        in_claude_ai = self._key.prefix == ANALYTICS
        return frozenset() if in_claude_ai else frozenset({"user", "billing"})

    def groups(self) -> Iterator[tuple[str, list[GroupMember]]]:
        """Each group's name and its members; an error rather than a part."""
        for group in self._all_rows(GROUPS, decoder(CursorPage[MemberGroup], "a page of groups")):
            path = f"{GROUPS}/{quote(group.id, safe='')}/members"
            decode = decoder(CursorPage[GroupMember], f"the members of group {group.name!r}")
            yield group.name, self._all_rows(path, decode)
