"""Claude Code Analytics Admin API -> the records of one UTC day; and the organization's members.

The service tells one UTC day per walk, in pages that share one cursor. A walk ends with all pages
or with an error, never with a part.
"""

from collections.abc import Iterator
from datetime import date

from ccanalytics.sources.backoff import RetryBudget
from ccanalytics.sources.http import Client, checked_day, next_cursor
from ccanalytics.wire.claude_code import Page, Record, decode_page, decoder, unknown_fields
from ccanalytics.wire.organization import Member, MemberPage, Organization

REPORT = "/v1/organizations/usage_report/claude_code"
MEMBERS = "/v1/organizations/users"
ME = "/v1/organizations/me"
PAGE_SIZE = 1000


class AdminClient(Client):
    """The source `api`: the records of UTC days, and who is a member."""

    name = "api"

    def records(self, day: date | str) -> list[Record]:
        """All records of one UTC day, none when nobody was active; an error rather than a part."""
        asked = checked_day(day)
        pages = self._whole(lambda retries: self._walk(asked, retries))
        return [record for page in pages for record in page]

    def iter_pages(self, day: date | str) -> Iterator[list[Record]]:
        """The pages of records of one UTC day; an error on the way makes those before it void."""
        return self._walk(checked_day(day), RetryBudget(self._budget))

    def organization(self) -> Organization:
        """The organization the key belongs to: the cheapest way to check a key."""
        return self._ask(ME, {}, _decode_organization, RetryBudget(self._budget))

    def members(self) -> list[Member]:
        """All current members of the organization; an error rather than a part."""
        return self._listed(MEMBERS, MemberPage, RetryBudget(self._budget))

    def _walk(self, day: date, retries: RetryBudget) -> Iterator[list[Record]]:
        params: dict[str, str | int] = {"starting_at": day.isoformat(), "limit": PAGE_SIZE}
        seen: set[str] = set()
        while True:
            page = self._ask(REPORT, params, self._decoded_page, retries)
            yield page.data
            if not page.has_more:
                return
            params["page"] = next_cursor(page.next_page, seen, day)

    def _decoded_page(self, body: bytes) -> Page:
        page = decode_page(body)
        self._learn(unknown_fields(body))
        return page


_decode_organization = decoder(Organization, "what the service says of an organization")
