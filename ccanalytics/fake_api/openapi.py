"""The endpoints, one row each, and as an OpenAPI 3.1 document: what Postman or Apidog imports.

Schemas are those of the structs the client decodes with, parameters those of the queries the fake
checks, descriptions the docstrings, examples the fake's own answers. Nothing is written twice.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_type_hints

import httpx
import msgspec

from ccanalytics.fake_api.fake_console import (
    list_api_keys,
    list_claude_code_records,
    list_users,
    retrieve_organization,
)
from ccanalytics.fake_api.fake_costs import list_analytics_cost
from ccanalytics.fake_api.fake_enterprise import list_enterprise_people, list_enterprise_summaries
from ccanalytics.fake_api.faults import ERRORS, Refused
from ccanalytics.fake_api.queries import Json, Query, World
from ccanalytics.wire.analytics_cost import CostItemPage
from ccanalytics.wire.claude_code import ErrorBody, Page
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

EXAMPLE_NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The fixed time of the examples, so that the document is always the same."""

BASE: Json = msgspec.json.decode(Path(__file__).with_name("contract.json").read_bytes())
"""What is the same in every document: what it is about, the keys, the headers."""


def document(world: World, url: str | None = None) -> Json:
    """The document, with examples from `world`; `url` is where the fake runs."""
    references, schemas = schemas_of([*(endpoint.gives for endpoint in ENDPOINTS), ErrorBody])
    fake = [{"url": url, "description": "The fake service; any key of the right kind"}]
    return {
        "openapi": "3.1.0",
        "info": {**BASE["info"], "version": version("ccanalytics")},
        "servers": [*(fake if url else []), *BASE["servers"]],
        "paths": {one.path: {"get": _operation(one, references, world)} for one in ENDPOINTS},
        "components": {
            "schemas": schemas,
            "securitySchemes": BASE["securitySchemes"],
            "responses": {
                f"Error{status}": _response(
                    about, references[ErrorBody], Refused(status, about).body("req_000001")
                )
                for status, (_, about) in ERRORS.items()
            },
        },
    }


def _operation(endpoint: Endpoint, schemas: Mapping[type, Json], world: World) -> Json:
    summary, about = endpoint.words
    parameters = _parameters(endpoint.asks)
    examples = {one["name"]: one["schema"].get("examples") for one in parameters}
    query = {name: str(given[0]) for name, given in examples.items() if given}
    # Always the same, whatever the clock of the fake.
    then = replace(world, now=lambda: EXAMPLE_NOW)
    example = endpoint.answer(then, endpoint.asks.read(httpx.QueryParams(query)))
    return {
        "operationId": endpoint.name,
        "summary": summary,
        "description": about,
        "security": [{key: []} for scope in endpoint.scopes for key in BASE["keys"][scope]],
        "parameters": [BASE["version"], *parameters],
        "responses": {
            "200": _response(summary, schemas[endpoint.gives], msgspec.to_builtins(example)),
            **{str(status): {"$ref": f"#/components/responses/Error{status}"} for status in ERRORS},
        },
    }


def _response(about: str, schema: Json, example: Json) -> Json:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"description": about, "headers": BASE["headers"], "content": content}


def _parameters(query: type[Query]) -> list[Json]:
    """The fields of a query as query parameters."""
    _, schemas = schemas_of([query])
    (whole,) = schemas.values()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in whole["required"],
            "description": schema.pop("description"),
            "schema": schema,
        }
        for name, schema in whole.get("properties", {}).items()
    ]


def schemas_of(structs: Sequence[type[msgspec.Struct]]) -> tuple[dict[type, Json], Json]:
    """A reference to each struct, and the JSON Schemas of all of them and their parts.

    The text below a field is its description; fields marked "Ours" are never sent.
    """
    references, found = msgspec.json.schema_components(
        structs, ref_template="#/components/schemas/{name}"
    )
    named = {struct.__name__: struct for struct in _below(msgspec.Struct)}
    for name, schema in found.items():
        fields, texts = msgspec.structs.fields(named[name]), field_docs(named[name])
        for field in fields:
            about = texts.get(field.name, "")
            schema["properties"][field.encode_name]["description"] = about
            if about.startswith("Ours"):
                del schema["properties"][field.encode_name]
    _as_sent(found)
    return dict(zip(structs, references, strict=True)), found


def _as_sent(schemas: Json) -> None:
    """Where the service's format differs from the struct."""
    if record := schemas.get("Record"):
        actor = record["properties"]["actor"]
        ours = actor["discriminator"]["mapping"].pop("other_actor")
        actor["anyOf"].remove({"$ref": ours})
        del schemas["OtherActor"]
    for name in {"Page", "CostItemPage", "PeoplePage"} & schemas.keys():
        fields = schemas[name]["properties"]
        if name == "PeoplePage":
            del fields["has_more"]
        schemas[name]["required"] = [
            one for one in ("data", "has_more", "next_page") if one in fields
        ]
    if cost := schemas.get("EstimatedCost"):  # a number; text is read too, to the last decimal
        kinds = [{"type": kind} for kind in ("number", "string", "null")]
        cost["properties"]["amount"]["anyOf"] = kinds


def field_docs(struct: type) -> dict[str, str]:
    """The text below each field of a struct, inherited ones too."""
    texts: dict[str, str] = {}
    for kind in reversed(struct.__mro__):
        if issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct:
            texts |= dict(_own_docs(kind))
    return texts


def _own_docs(struct: type) -> Iterator[tuple[str, str]]:
    # Python does not keep the text below a field: only the source has it.
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    assert isinstance(definition, ast.ClassDef)
    for field, text in pairwise(definition.body):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                yield name, inspect.cleandoc(words)


def _below(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for kind in struct.__subclasses__():
        yield kind
        yield from _below(kind)
