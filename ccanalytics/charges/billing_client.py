"""Cost and usage reports of the Admin API -> what each UTC day was billed.

One request covers up to 31 days, as buckets whose end is exclusive. A day without a bucket is
unknown; a day with an empty one cost nothing. Reports have the ids of workspaces, a list has names.
"""

from collections.abc import Callable
from datetime import date, timedelta

from ccanalytics.errors import SchemaError
from ccanalytics.sources.http import Client
from ccanalytics.wire.cost_report import BucketOf, BucketPage, DayBill, decode_costs, decode_usage
from ccanalytics.wire.organization import WorkspacePage

COSTS = "/v1/organizations/cost_report"
USAGE = "/v1/organizations/usage_report/messages"
WORKSPACES = "/v1/organizations/workspaces"

LONGEST_WALK = 31
"""The most days of one request, and of one page."""


class BillingClient(Client):
    """What was billed by UTC day, with an Admin key: costs, and the tokens behind them."""

    billed_since: date | None = None

    def bills(self, since: date, until: date) -> dict[date, DayBill]:
        """The bill of every day from `since` to `until`, or an error.

        There are no threads: a whole month is two requests.
        """
        names = self._workspaces()
        found: dict[date, DayBill] = {}
        for first in range(since.toordinal(), until.toordinal() + 1, LONGEST_WALK):
            last = min(first + LONGEST_WALK - 1, until.toordinal())
            days = [date.fromordinal(n) for n in range(first, last + 1)]
            costs = self._buckets(COSTS, days, ["workspace_id", "description"], decode_costs)
            usage = self._buckets(USAGE, days, ["workspace_id", "model"], decode_usage)
            for day in days:
                found[day] = DayBill(
                    costs=[cost for bucket in costs[day] for cost in bucket.results],
                    usage=[used for bucket in usage[day] for used in bucket.results],
                    workspaces=names,
                )
        return found

    @property
    def organization_id(self) -> str | None:
        """The organization that answered last."""
        return self._organization

    def _workspaces(self) -> dict[str, str]:
        rows = self._list_rows(WORKSPACES, WorkspacePage, include_archived="true")
        return {row.id: row.name for row in rows}

    def _buckets(
        self,
        path: str,
        days: list[date],
        group_by: list[str],
        decode: Callable[[bytes], BucketPage[BucketOf]],
    ) -> dict[date, list[BucketOf]]:
        """The buckets of each day; a day may be spread over two pages."""
        found: dict[date, list[BucketOf]] = {day: [] for day in days}
        for page in self._all_pages(path, _params(days, group_by), decode):
            for bucket in page.data:
                found.setdefault(bucket.day, []).append(bucket)
        missing = [day for day in days if not found[day]]
        if missing:
            raise SchemaError(
                f"{missing[0]}: {path} has no bucket for {len(missing)} of {len(days)} days, which "
                "does not mean that nothing was billed. None of them was kept; try again later."
            )
        return found


def _params(days: list[date], group_by: list[str]) -> dict[str, str | int | list[str]]:
    end = days[-1] + timedelta(days=1)
    return {
        "starting_at": f"{days[0]}T00:00:00Z",
        "ending_at": f"{end}T00:00:00Z",
        "bucket_width": "1d",
        "limit": LONGEST_WALK,
        "group_by[]": group_by,
    }
