"""The analytics cost report -> what every UTC day was charged, by actor, model and kind of token.

An Admin key opens it, and so does an analytics key of claude.ai. One walk covers up to 31 days. A
day that ends before `data_refreshed_at` and has no rows cost nothing; a later one is not complete.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from ccanalytics.errors import ApiError, SchemaError
from ccanalytics.sources.http import Client
from ccanalytics.sources.keys import ADMIN_KEY, ANALYTICS, ANALYTICS_KEY
from ccanalytics.sources.refusals import Params
from ccanalytics.wire.analytics_cost import ChargedDays, CostItem, decode_cost_items
from ccanalytics.wire.organization import ApiKeyPage

COST = "/v1/organizations/analytics/cost"
API_KEYS = "/v1/organizations/api_keys"
BETA = "analytics-usage-cost-2026-08-24"

FLOOR, OLDEST = date(2026, 1, 1), timedelta(days=364)
"""Nothing is known of earlier days, nor of days longer ago than that."""

LONGEST_WALK = 31
"""The most days of one walk."""

PAGE_SIZE = 1000

GROUP_BY = ["actor", "model", "cost_type", "token_type"]
"""Without the kind of cost, what is not tokens would be missing."""

COST_KEY = replace(
    ADMIN_KEY,
    name="Admin or analytics key",
    advice={
        **ADMIN_KEY.advice,
        ANALYTICS: "A key beginning sk-ant-api01- opens the cost report only with the scope "
        f"read:analytics. {ANALYTICS_KEY.make_one}",
    },
    foreign=(),
    lacking="An sk-ant-api01- key needs the scope read:analytics; there are costs of organizations "
    "only, not of individual accounts.",
)
"""A key that opens the cost report."""


class CostClient(Client):
    """What UTC days were charged, of an organization of the Console or of Claude Enterprise."""

    key_kind = COST_KEY
    per_minute = 50
    charged_since: date | None = None

    def __init__(
        self,
        key: str | None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        **options: Any,
    ) -> None:
        super().__init__(key, **options)
        self._http.headers["anthropic-beta"] = BETA
        self._now = now

    @property
    def organization_id(self) -> str | None:
        """The organization that answered last."""
        return self._organization

    def charges(self, since: date, until: date) -> ChargedDays:
        """The rows of every complete day from `since` to `until`, or an error."""
        oldest = max(FLOOR, self._now().date() - OLDEST)
        first = max(since, oldest).toordinal()
        found: dict[date, list[CostItem]] = {}
        refreshed: list[datetime | None] = []
        for begin in range(first, until.toordinal() + 1, LONGEST_WALK):
            end = min(begin + LONGEST_WALK - 1, until.toordinal())
            days = [date.fromordinal(n) for n in range(begin, end + 1)]
            found |= {day: [] for day in days}
            for page in self._all_pages(COST, _params(days), decode_cost_items):
                refreshed.append(page.data_refreshed_at)
                for item in page.data:
                    if item.day not in found:
                        raise SchemaError(f"{item.day} was not asked for: {days[0]} to {days[-1]}.")
                    found[item.day].append(item)
        known = [moment for moment in refreshed if moment]
        complete = min(known) if len(known) == len(refreshed) and known else None
        return ChargedDays(found, complete, self._key_names())

    def _key_names(self) -> dict[str, str]:
        """The names of API keys by their ids; only an Admin key may list them."""
        if self._key.prefix == ANALYTICS:
            return {}
        return {row.id: row.name for row in self._list_rows(API_KEYS, ApiKeyPage)}

    def _refusal(self, answer: httpx.Response, params: Params) -> Exception:
        """A refused question is mostly one of an organization that may not ask."""
        error = super()._refusal(answer, params)
        if type(error) is ApiError and error.status == 400:
            text = f"{error} Organizations that are set up for HIPAA have no cost report."
            return ApiError(text, status=400, request_id=error.request_id)
        return error


def _params(days: list[date]) -> Params:
    return {
        "starting_at": f"{days[0]}T00:00:00Z",
        "ending_at": f"{days[-1] + timedelta(days=1)}T00:00:00Z",
        "time_bucket_width": "1d",
        "order_by": "time",
        "products[]": ["claude_code"],
        "group_by[]": GROUP_BY,
        "limit": PAGE_SIZE,
    }
