"""Claude Enterprise Analytics API -> the records of one UTC day; and the seats that are assigned.

This API counts people, not terminals: one row per person and day, with other names for the same
counters. What it lacks (terminal, customer type, remote or not, models, tokens, cost) is
null in a record or not there, never zero. The day of a row is the one that was asked for. A person
whose row has nothing of Claude Code used other products that day, and has no record.
"""

import re
from datetime import date, timedelta

import ccanalytics.wire.enterprise as wire
from ccanalytics.errors import ApiError, NotYetError
from ccanalytics.sources.http import Client, checked_day
from ccanalytics.sources.keys import ANALYTICS_KEY
from ccanalytics.wire.claude_code import Record, UserActor
from ccanalytics.wire.organization import Organization

USERS = "/v1/organizations/analytics/users"
SUMMARIES = "/v1/organizations/analytics/summaries"

FLOOR = date(2026, 1, 1)  # there are no records before this day
LONGEST_SPAN = 31  # days of one seats query; the reference says 366, the guide 31
LATEST = timedelta(days=14)  # no day is counted later than this

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class EnterpriseClient(Client):
    """The records of an organisation from the Claude Enterprise Analytics API, and its seats.

    All clients of the organization may make 60 requests a minute together; this one makes fewer.
    """

    name = "enterprise"
    key_kind = ANALYTICS_KEY
    per_minute = 50

    def span(self) -> tuple[date, date] | None:
        """From the first possible day; only the service knows the last."""
        return FLOOR, date.max

    def records(self, day: date | str) -> list[Record]:
        """All records of one UTC day, one per person who used Claude Code.

        `NotYetError` with the newest available day when the service has not counted it yet.
        """
        asked = checked_day(day)
        if asked < FLOOR:
            raise ValueError(f"{asked} is before {FLOOR}, the start of this API.")
        # The rest of a row belongs to other products.
        decode = self._noting(wire.decode_people, inside="claude_code_metrics")
        try:
            rows = self._all_rows(USERS, decode, date=asked.isoformat())
        except ApiError as error:
            raise _not_yet(error, {asked}) from None
        found = (_record(asked, row, self._organization or "") for row in rows)
        return [record for record in found if record]

    def organization(self) -> Organization:
        """The organization of the key by its id; the service does not give its name."""
        self.seats(FLOOR, FLOOR)  # every answer has the id, and that day is always counted
        return Organization(self._organization or "", "")

    def seats(self, since: date, until: date) -> dict[date, wire.Summary]:
        """The seats of the days from `since` to `until`, as far as the service has counted them."""
        found: dict[date, wire.Summary] = {}
        one, first = timedelta(days=1), since
        while first <= until:
            last = min(first + (LONGEST_SPAN - 1) * one, until)
            end = last + one  # the service's end is exclusive
            params = {"starting_date": str(first), "ending_date": str(end)}
            try:
                page = self._request(SUMMARIES, params, wire.decode_summaries)
            except ApiError as error:
                early = _not_yet(error, {first, end})
                if not isinstance(early, NotYetError):
                    raise
                until = min(early.newest, last - one)
                continue
            if page.next_page is not None:
                raise ApiError(
                    f"{first} to {last}: the list of summaries has a second page, which it never "
                    "had before: the seats of the days on it are not known. Update ccanalytics."
                )
            found |= {row.day: row for row in page.rows if first <= row.day <= last}
            first = end
        return found


def _not_yet(error: ApiError, asked: set[date]) -> ApiError:
    """`NotYetError` for a refusal that names an earlier day than those asked for, else `error`.

    Branching on a message is a last resort: only the day in the message says so.
    """
    news = set(_DAY.findall(str(error))) - set(map(str, asked))  # not what it only repeats
    named = [day for day in news if str(FLOOR) <= day < str(max(asked))]
    newest = date.fromisoformat(max(named)) if named else None
    if error.status != 400 or not newest or max(asked) - newest > LATEST:
        return error
    return NotYetError(
        f"The service has counted the days up to {newest} so far. {error}", newest=newest
    )


def _record(day: date, row: wire.PersonDay, organization: str) -> Record | None:
    """The record of a person; None when they used other products only."""
    who, did = row.user, row.claude_code_metrics
    if did is None:
        return None
    core, lines = did.core_metrics, did.core_metrics.lines_of_code
    # All tools are always listed.
    tools = {tool: one for tool, one in did.tool_actions.items() if one.accepted or one.rejected}
    counts = core.num_sessions, core.commits_by_claude_code, core.pull_requests_by_claude_code
    if not any((*counts, lines.added, lines.removed, tools)):
        return None
    return Record(
        date=f"{day}T00:00:00Z",
        actor=UserActor(who.email_address or who.id, who.id),
        organization_id=organization,
        customer_type=None,
        terminal_type=None,
        core_metrics=core,
        tool_actions={**tools},
        model_breakdown=[],
    )
