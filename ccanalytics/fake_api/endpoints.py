"""The endpoints of the service, one row each."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_type_hints

import msgspec

from ccanalytics.fake_api.fake_console import (
    list_api_keys,
    list_claude_code_records,
    list_users,
    retrieve_organization,
)
from ccanalytics.fake_api.fake_costs import list_analytics_cost
from ccanalytics.fake_api.fake_enterprise import list_enterprise_people, list_enterprise_summaries
from ccanalytics.fake_api.queries import Json, Query, World
from ccanalytics.wire.analytics_cost import CostItemPage
from ccanalytics.wire.claude_code import Page
from ccanalytics.wire.enterprise import PeoplePage, SummaryPage
from ccanalytics.wire.organization import ApiKeyPage, MemberPage, Organization

Scope = Literal["api:admin", "read:analytics"]
"""What a key opens: the Admin API, or the Claude Enterprise Analytics API."""


@dataclass(frozen=True)
class Endpoint:
    """One GET of the service; its query is the type its function takes."""

    path: str
    answer: Callable[[World, Any], Json]
    gives: type[msgspec.Struct]
    """The struct a client decodes an answer into."""
    scopes: tuple[Scope, ...]
    """The kinds of keys that open it."""

    @property
    def name(self) -> str:
        """Its operation id, unique among endpoints."""
        return self.answer.__name__

    @property
    def words(self) -> tuple[str, str]:
        """A summary in one line, and a description."""
        summary, _, about = inspect.cleandoc(self.answer.__doc__ or "").partition("\n\n")
        return summary.rstrip("."), about

    @cached_property
    def asks(self) -> type[Query]:
        """The struct of its parameters."""
        query: type[Query] = get_type_hints(self.answer)["query"]
        return query


_ADMIN: tuple[Scope, ...] = ("api:admin",)
_ENTERPRISE: tuple[Scope, ...] = ("read:analytics",)

ENDPOINTS = tuple(
    Endpoint(f"/v1/organizations/{path}", answer, gives, scopes)
    for path, answer, gives, scopes in (
        ("usage_report/claude_code", list_claude_code_records, Page, _ADMIN),
        ("me", retrieve_organization, Organization, _ADMIN),
        ("users", list_users, MemberPage, _ADMIN),
        ("api_keys", list_api_keys, ApiKeyPage, _ADMIN),
        ("analytics/cost", list_analytics_cost, CostItemPage, (*_ADMIN, *_ENTERPRISE)),
        ("analytics/users", list_enterprise_people, PeoplePage, _ENTERPRISE),
        ("analytics/summaries", list_enterprise_summaries, SummaryPage, _ENTERPRISE),
    )
)
