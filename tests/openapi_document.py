"""The OpenAPI 3.1 document of the services, which `tests/doc_pages.py` writes for the fake.

Schemas are those of the structs the client decodes with, parameters those of the queries the fake
checks, descriptions the docstrings, examples the fake's own answers. Nothing is written twice.
"""

import ast
import inspect
import json
import textwrap
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import httpx
import msgspec

from ccanalytics.fake_api.fake_service import ENDPOINTS, sample_service
from ccanalytics.fake_api.faults import ERRORS, Refused
from ccanalytics.wire.analytics_cost import CostItemPage
from ccanalytics.wire.claude_code import ErrorBody, Page
from ccanalytics.wire.enterprise import PeoplePage, SummaryPage
from ccanalytics.wire.organization import ApiKeyPage, MemberPage, Organization

ANSWERS = {
    "usage_report/claude_code": ("list_claude_code_records", Page),
    "me": ("retrieve_organization", Organization),
    "users": ("list_users", MemberPage),
    "api_keys": ("list_api_keys", ApiKeyPage),
    "analytics/cost": ("list_analytics_cost", CostItemPage),
    "analytics/users": ("list_enterprise_people", PeoplePage),
    "analytics/summaries": ("list_enterprise_summaries", SummaryPage),
}
"""By endpoint: its operation id, and the struct a client decodes an answer into."""

ABOUT_ERRORS = {
    400: "The query breaks a rule.",
    401: "No key, or not a good one.",
    402: "A bill is open.",
    403: "The key is of another kind, or lacks a scope.",
    404: "Nothing is at this address; never an empty day.",
    405: "Only GET is answered.",
    410: "The cursor has expired: begin again without one.",
    429: "Too many requests of the whole organization. `retry-after` is mostly absent and "
    "`anthropic-ratelimit-requests-reset` can be long past: wait longer each time.",
    500: "The service failed: try again.",
    504: "It took too long: try again.",
    529: "The service is overloaded: try again later.",
}

EXAMPLE_NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The fixed time of the examples, so that the document is always the same."""

BASE = json.loads(Path(__file__).with_name("openapi_base.json").read_bytes())
"""What the document is about, the keys, the headers."""


def answers():
    """Path, operation id and struct of every endpoint of the fake."""
    return [(path, *ANSWERS[path.removeprefix("/v1/organizations/")]) for path in ENDPOINTS]


def openapi_page():
    """The document as text; the fake adds its version and where it is served."""
    return json.dumps(null_last(document()), indent=2) + "\n"


def null_last(part):
    """`part` with null as the last alternative, wherever a version of msgspec puts it."""
    if isinstance(part, list):
        return sorted(map(null_last, part), key=lambda one: one == {"type": "null"})
    return {k: null_last(v) for k, v in part.items()} if isinstance(part, dict) else part


def document():
    """The document, with examples of the sample organisation."""
    references, schemas = schemas_of([*(struct for *_, struct in answers()), ErrorBody])
    world = sample_service(lambda: EXAMPLE_NOW)
    return {
        "openapi": "3.1.0",
        "info": BASE["info"],
        "servers": BASE["servers"],
        "paths": {
            path: {"get": operation(path, name, references[struct], world)}
            for path, name, struct in answers()
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": BASE["securitySchemes"],
            "responses": {
                f"Error{status}": response(
                    ABOUT_ERRORS[status],
                    references[ErrorBody],
                    Refused(status, ABOUT_ERRORS[status]).body("req_000001"),
                )
                for status in ERRORS
            },
        },
    }


def operation(path, name, schema, world):
    """The GET of one path, with an example."""
    query, scopes = ENDPOINTS[path]
    summary, _, about = inspect.cleandoc(query.__doc__).partition("\n\n")
    asked = parameters(query)
    examples = {one["name"]: one["schema"].get("examples") for one in asked}
    given = {one: str(values[0]) for one, values in examples.items() if values}
    example = query.read(httpx.QueryParams(given)).answer(world)
    return {
        "operationId": name,
        "summary": summary.rstrip("."),
        "description": about,
        "security": [{key: []} for scope in scopes for key in BASE["keys"][scope]],
        "parameters": [BASE["version"], *asked],
        "responses": {
            "200": response(summary.rstrip("."), schema, msgspec.to_builtins(example)),
            **{str(status): {"$ref": f"#/components/responses/Error{status}"} for status in ERRORS},
        },
    }


def response(about, schema, example):
    """An answer of a schema."""
    content = {"application/json": {"schema": schema, "example": example}}
    return {"description": about, "headers": BASE["headers"], "content": content}


def parameters(query):
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


def schemas_of(structs):
    """A reference to each struct, and the JSON Schemas of all of them and their parts.

    The text below a field is its description; fields marked "Ours" are never sent.
    """
    references, found = msgspec.json.schema_components(
        structs, ref_template="#/components/schemas/{name}"
    )
    named = {struct.__name__: struct for struct in below(msgspec.Struct)}
    for name, schema in found.items():
        texts = field_docs(named[name])
        for field in msgspec.structs.fields(named[name]):
            about = texts.get(field.name, "")
            schema["properties"][field.encode_name]["description"] = about
            if about.startswith("Ours"):
                del schema["properties"][field.encode_name]
    as_sent(found)
    return dict(zip(structs, references, strict=True)), found


def as_sent(schemas):
    """Change what differs between the service's format and the struct."""
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


def field_docs(struct):
    """The text below each field of a struct, inherited ones too."""
    texts = {}
    for kind in reversed(struct.__mro__):
        if issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct:
            texts |= dict(own_docs(kind))
    return texts


def own_docs(struct):
    """Python does not keep the text below a field: only the source has it."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    for field, text in pairwise(definition.body):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                yield name, inspect.cleandoc(words)


def below(struct):
    """All structs made from this one."""
    for kind in struct.__subclasses__():
        yield kind
        yield from below(kind)
