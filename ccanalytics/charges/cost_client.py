"""The analytics cost report -> charges of UTC days by actor, model and kind of token.

An Admin key or an analytics key of claude.ai opens it. A day that ends before `data_refreshed_at`
and has no rows cost nothing; later days are incomplete.
"""

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ccanalytics.errors import ApiError, AuthError, SchemaError
from ccanalytics.sources.http import Client
from ccanalytics.sources.keys import ANALYTICS, COST_KEY
from ccanalytics.weeks import days_between
from ccanalytics.wire.analytics_cost import ChargedDays, CostItem, decode_cost_items
from ccanalytics.wire.claude_code import decoder
from ccanalytics.wire.organization import ApiKeyPage

COST = "/v1/organizations/analytics/cost"
API_KEYS = "/v1/organizations/api_keys"
BETA = "analytics-usage-cost-2026-08-24"

FLOOR, OLDEST = date(2026, 1, 1), timedelta(days=364)
"""Earlier days are unknown, and so are days longer ago than this."""

log = logging.getLogger(__name__)

ASKED = {
    "time_bucket_width": "1d",
    "order_by": "time",
    "products[]": ["claude_code"],
    # Without the kind of cost, costs other than tokens would be missing.
    "group_by[]": ["actor", "model", "cost_type", "token_type"],
}


class CostClient(Client):
    """The charges of UTC days, for an organization of the Console or of Claude Enterprise."""

    key_kind = COST_KEY
    per_minute = 50

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

    def charges(self, since: date, until: date) -> ChargedDays:
        """The rows of the known days from `since` to `until`, at most 31 days, or an error."""
        first = max(since, FLOOR, self._now().date() - OLDEST)
        if until < first:
            return ChargedDays({}, None, {})
        found: dict[date, list[CostItem]] = {day: [] for day in days_between(first, until)}
        refreshed: set[datetime | None] = set()
        ends = {
            "starting_at": f"{first}T00:00:00Z",
            "ending_at": f"{until + timedelta(days=1)}T00:00:00Z",
        }
        for page in self._all_pages(COST, {**ASKED, **ends}, decode_cost_items):
            refreshed.add(page.data_refreshed_at)
            for item in page.data:
                if item.day not in found:
                    raise SchemaError(f"{item.day} was not requested: {first} to {until}.")
                found[item.day].append(item)
        complete = None if None in refreshed else min(filter(None, refreshed))
        return ChargedDays(found, complete, self._key_names(), self._organization)

    def _key_names(self) -> dict[str, str]:
        """The names of API keys by id, where this key may list them."""
        if self._key.prefix == ANALYTICS:
            return {}
        try:
            rows = self._all_rows(API_KEYS, decoder(ApiKeyPage, "a page of API keys"))
        except (ApiError, AuthError) as error:
            log.warning("API keys are shown by id because their names are unknown: %s", error)
            return {}
        return {row.id: row.name for row in rows if row.name}
