"""The OpenAPI document and its examples are valid, and the fake follows it for any request."""

import json
from datetime import timedelta
from itertools import count

import httpx
import msgspec
import pytest
import schemathesis
from click.testing import CliRunner
from hypothesis import settings
from jsonschema import Draft202012Validator
from openapi_document import EXAMPLE_NOW, answers, field_docs
from openapi_spec_validator import validate
from records_of_other_years import before_remote, next_year
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ccanalytics.cli import main
from ccanalytics.fake_api.fake_service import (
    ENDPOINTS,
    FakeService,
    openapi_document,
    sample_service,
    serve,
)
from ccanalytics.sources.admin_api import REPORT
from ccanalytics.sources.sample.organisation import SampleOrganisation
from ccanalytics.wire.claude_code import Record

KEYS = {"api:admin": "sk-ant-admin01-x", "read:analytics": "sk-ant-api01-x"}

BOUND = {"page", "after_id", "ending_at", "ending_date", "starting_date", "date"}
"""Parameters whose good values depend on another answer, another parameter or the day."""


CONTRACT = openapi_document("http://127.0.0.1:8765")
anything = schemathesis.openapi.from_dict(CONTRACT)


@pytest.fixture(scope="module")
def url():
    """The URL of a fake; its clock runs so fast that no limit per minute is reached."""
    seconds = count(step=2)
    fake = sample_service(lambda: EXAMPLE_NOW + timedelta(seconds=next(seconds)))
    with serve(fake) as server:
        yield server.url


@anything.parametrize()
@settings(max_examples=8, derandomize=True, deadline=None, database=None)
def test_the_fake_follows_its_document(case, url):
    """Valid requests are answered as documented, invalid ones refused; by schemathesis."""
    _, scopes = ENDPOINTS[case.operation.path]
    # A cursor that was never issued is refused, although its format is valid.
    excluded = [positive_data_acceptance] if BOUND & set(case.query or {}) else []
    case.call_and_validate(
        base_url=url, headers={"x-api-key": KEYS[scopes[0]]}, excluded_checks=excluded
    )


def wrong(value, schema):
    """The errors a validator finds in a value."""
    whole = {**schema, "components": CONTRACT["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def content(answer):
    while "$ref" in answer:
        *_, place, name = answer["$ref"].split("/")
        answer = CONTRACT["components"][place][name]
    return answer["content"]["application/json"]


def test_the_document_is_valid():
    """A validator of the standard accepts it as OpenAPI 3.1."""
    validate(CONTRACT)
    assert CONTRACT["openapi"] == "3.1.0"
    assert list(CONTRACT["paths"]) == list(ENDPOINTS)


@pytest.mark.parametrize(("path", "name", "struct"), answers())
def test_every_example_matches_its_schema(path, name, struct):
    """Each example validates, and the client decodes it."""
    documented = CONTRACT["paths"][path]["get"]["responses"]
    for answer in documented.values():
        shown = content(answer)
        assert wrong(shown["example"], shown["schema"]) == []
    good = content(documented["200"])["example"]
    msgspec.convert(good, struct, strict=False)
    assert good.get("data") != []


def test_the_validator_finds_errors():
    """A record without its actor, or with a count as text, matches no schema."""
    shown = content(CONTRACT["paths"][REPORT]["get"]["responses"]["200"])
    record = shown["example"]["data"][0]
    without = {**shown["example"], "data": [{k: v for k, v in record.items() if k != "actor"}]}
    assert wrong(without, shown["schema"]) == ["'actor' is a required property"]
    assert wrong({**shown["example"], "has_more": "no"}, shown["schema"])


@pytest.mark.parametrize("shape", [before_remote, next_year])
def test_older_and_newer_records_match_the_schema_too(shape):
    """The document has what the client tolerates: missing keys, new ones, amounts as text."""
    fake = FakeService(SampleOrganisation().records, shape=shape)
    http = httpx.Client(transport=fake.transport(), headers={"x-api-key": KEYS["api:admin"]})
    page = http.get(f"https://fake{REPORT}", params={"starting_at": "2026-11-20"}).json()
    assert wrong(page, {"$ref": "#/components/schemas/Page"}) == []


def test_every_field_has_a_description():
    """No field of any schema lacks a docstring."""
    for name, schema in CONTRACT["components"]["schemas"].items():
        for field, shown in schema["properties"].items():
            # The kind of an actor is the tag of its struct, which has no field to write below.
            assert shown.get("description") or shown.get("enum"), f"{name}.{field}"


def test_our_own_fields_are_not_in_the_document():
    """`project` is filled from local logs; the service never sends it."""
    assert "project" in field_docs(Record)
    assert "project" not in CONTRACT["components"]["schemas"]["Record"]["properties"]


def test_no_two_endpoints_share_a_name():
    """Generated clients call each endpoint by its own name."""
    names = {path["get"]["operationId"] for path in CONTRACT["paths"].values()}
    assert len(names) == len(ENDPOINTS)


def test_a_running_fake_serves_its_document():
    """/openapi.json needs no key, contains the requested address, and never changes."""
    with serve(sample_service(lambda: EXAMPLE_NOW)) as server:
        first, second = (httpx.get(f"{server.url}/openapi.json").json() for _ in range(2))
        assert first["servers"][0]["url"] == server.url
    assert first == second
    assert first["paths"] == CONTRACT["paths"]


def test_the_command_prints_the_document():
    """`fake-api --openapi` prints JSON for the port it would use, and serves nothing."""
    done = CliRunner().invoke(main, ["fake-api", "--openapi", "--port", "9999"])
    document = json.loads(done.output)
    assert [one["url"] for one in document["servers"]] == [
        "http://127.0.0.1:9999",
        "https://api.anthropic.com",
    ]
    assert document["paths"] == CONTRACT["paths"]
