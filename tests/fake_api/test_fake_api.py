"""The fake service behaves like the real one."""

from datetime import UTC, datetime

import httpx
import pytest
from builders import record
from charges_made import charge
from records_of_other_years import before_remote, next_year

from ccanalytics.errors import SettingsError
from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.fake_api.faults import random_faults
from ccanalytics.sources.admin_api import REPORT
from ccanalytics.sources.enterprise_api import SUMMARIES, USERS

COST = "/v1/organizations/analytics/cost"
ADMIN = {"x-api-key": "sk-ant-admin01-x"}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = "2026-11-16"


def five(day):
    return [record(str(day), f"{name}@x.example") for name in "abcde"]


def service(records=five, **options):
    return FakeService(records, now=lambda: NOW, **options)


def ask(fake, headers=ADMIN, path=REPORT, method="GET", **query):
    request = httpx.Request(method, f"https://fake{path}", params=query, headers=headers)
    answer = fake.respond(request)
    return answer.status_code, answer.json()


def names(body):
    return "".join(r["actor"]["email_address"][0] for r in body["data"])


@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
def test_a_walk_shows_every_record_once(limit):
    """For any page size, even an exact multiple, the pages add up and the last has no next page."""
    fake, seen, cursor = service(), "", {}
    while True:
        _, body = ask(fake, starting_at=DAY, limit=limit, **cursor)
        seen += names(body)
        if not body["has_more"]:
            break
        assert "=" in body["next_page"]
        cursor = {"page": body["next_page"]}
    assert seen == "abcde"
    assert body["next_page"] is None


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"starting_at": "2026-11-16T00:00:00Z"},
        {"starting_at": "2026/11/16"},
        {"starting_at": "2026-2-3"},
        {"starting_at": "2026-02-30"},
        {"starting_at": DAY, "limit": 0},
        {"starting_at": DAY, "limit": 1001},
        {"starting_at": DAY, "limit": "ten"},
        {"starting_at": DAY, "page": "page_AAAA"},
    ],
)
def test_a_bad_request_is_a_400_with_the_message_of_the_service(query):
    """Dates, limits and cursors that the service refuses are refused."""
    status, body = ask(service(), **query)
    assert (status, body["type"], body["error"]["type"]) == (400, "error", "invalid_request_error")
    assert body["request_id"].startswith("req_")


def test_a_cursor_is_bound_to_its_day():
    """A cursor of Monday is refused on Tuesday, and so is an edited one."""
    fake = service()
    cursor = ask(fake, starting_at=DAY, limit=2)[1]["next_page"]
    assert ask(fake, starting_at="2026-11-17", limit=2, page=cursor)[0] == 400
    assert ask(fake, starting_at=DAY, limit=2, page=cursor.replace("A", "B", 1))[0] in (200, 400)
    assert ask(fake, starting_at=DAY, limit=2, page="page_" + "A" * 24)[0] == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (ADMIN, 200),
        ({"authorization": "Bearer sk-ant-oat01-x"}, 200),
        ({}, 401),
        ({"x-api-key": "sk-ant-api03-x"}, 401),
        ({"x-api-key": "sk-ant-api01-x"}, 403),
        ({"authorization": "Bearer sk-ant-admin01-x"}, 401),
    ],
)
def test_each_kind_of_key_is_accepted_or_refused(headers, status):
    """Only an Admin key, or the token of a signed-in admin, opens this endpoint."""
    assert ask(service(), headers, starting_at=DAY)[0] == status


ANALYTICS = {"x-api-key": "sk-ant-api01-x"}


@pytest.mark.parametrize(
    ("headers", "path", "got", "needed"),
    [
        (ADMIN, USERS, "api:admin", "read:analytics"),
        (ANALYTICS, REPORT, "read:analytics", "api:admin"),
        (ANALYTICS, "/v1/organizations/api_keys", "read:analytics", "api:admin"),
    ],
)
def test_each_kind_of_key_opens_its_own_api_only(headers, path, got, needed):
    """The refusal names the scope of the key and the scope required."""
    status, body = ask(service(), headers, path)
    assert status == 403
    assert body["error"]["message"].endswith(f"Got: ['{got}'] Needed: ['{needed}']")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"date": "2025-12-31"},
        {"date": "2026-11-24"},
        {"date": DAY, "limit": 1001},
        {"date": DAY, "page": "page_AAAA"},
    ],
)
def test_enterprise_refuses_bad_requests(query):
    """No day, a day before the first, one not counted yet, too many days, an invalid cursor."""
    assert ask(service(), ANALYTICS, USERS, **query)[0] == 400


def test_an_enterprise_cursor_expires_with_a_410():
    """When the service has counted again, the walk has to be restarted."""
    fake = service(faults={2: "expired"}.get)
    cursor = ask(fake, ANALYTICS, USERS, date=DAY, limit=2)[1]["next_page"]
    assert ask(fake, ANALYTICS, USERS, date=DAY, limit=3, page=cursor)[0] == 400
    assert ask(fake, ANALYTICS, USERS, date=DAY, limit=2, page=cursor)[0] == 410


def test_summaries_come_in_two_envelopes():
    """The older one by default, the later one with beta=true; as many rows as days."""
    days = {"starting_date": "2026-11-16", "ending_date": "2026-11-19"}
    old = ask(service(), ANALYTICS, SUMMARIES, **days)[1]
    new = ask(service(), ANALYTICS, SUMMARIES, beta="true", **days)[1]
    assert list(old) == ["summaries"]
    assert new == {"data": old["summaries"], "next_page": None}
    days = [row["starting_at"][:10] for row in old["summaries"]]
    assert days == ["2026-11-16", "2026-11-17", "2026-11-18"]


def charged(day):
    if day.day != 16:
        return []
    people = ("ann@x.example", 1.5, "a"), ("ann@x.example", 2, "b"), (None, 4, "a")
    return [charge(str(day), who, cents, model=model) for who, cents, model in people]


def costs(*group_by, headers=ADMIN, **query):
    span = {"starting_at": "2026-11-16T00:00:00Z", "ending_at": "2026-11-18T00:00:00Z"}
    asked = {**span, **query, "group_by[]": list(group_by)}
    return ask(service(charges=charged), headers, COST, **asked)


def test_costs_are_grouped_by_the_requested_dimensions():
    """Ungrouped, by actor, or by every dimension: cents as text; cost without an actor is kept."""
    amounts = [
        [row["cost"]["amount"] for row in costs(*by)[1]["data"]]
        for by in ([], ["actor"], ["actor", "model"])
    ]
    assert amounts == [["7.500000"], ["3.500000", "4.000000"], ["1.500000", "2.000000", "4.000000"]]
    (whole,) = costs()[1]["data"]
    assert (whole["starting_at"], whole["group"]["model"]) == ("2026-11-16T00:00:00Z", None)
    assert costs()[1]["data_refreshed_at"] == "2026-11-24T08:00:00+00:00"


def test_both_kinds_of_keys_open_the_cost_report():
    """An Admin key, and one of claude.ai with its scope."""
    assert [costs(headers=one)[0] for one in (ADMIN, ANALYTICS)] == [200, 200]


@pytest.mark.parametrize(
    "query",
    [
        {"ending_at": "2026-11-16T00:00:00Z"},
        {"ending_at": "2026-12-18T00:00:00Z"},
        {"starting_at": "2026-11-16"},
        {"starting_at": "2025-12-31T00:00:00Z", "ending_at": "2026-01-02T00:00:00Z"},
        {"limit": 1001},
        {"time_bucket_width": "1h"},
    ],
)
def test_a_cost_report_refuses_bad_requests(query):
    """No range or too long a one, a date without a time, before 2026, too large a page."""
    assert costs(**query)[0] == 400


def test_more_than_five_dimensions_are_refused():
    """Five are answered, not counting kinds of cost; six are a 400."""
    six = ["actor", "model", "product", "workspace_id", "api_key_id", "service_tier"]
    assert [costs(*six[:count], "token_type")[0] for count in (5, 6)] == [200, 400]


def test_pages_of_one_walk_show_one_snapshot():
    """A record that arrives during a walk is in the next walk, not in this one."""
    arrived = []
    fake = service(lambda day: five(day) + arrived)
    _, first = ask(fake, starting_at=DAY, limit=4)
    arrived.append(record(DAY, "zoe@x.example"))
    _, second = ask(fake, starting_at=DAY, limit=4, page=first["next_page"])
    assert names(first) + names(second) == "abcde"
    assert names(ask(fake, starting_at=DAY)[1]) == "abcdez"


def test_the_last_hour_and_the_future_are_not_available_yet():
    """At noon 11 of 24 hours of today are visible, so 2 of 5 records; of tomorrow none."""
    assert names(ask(service(), starting_at="2026-11-24")[1]) == "ab"
    assert ask(service(), starting_at="2026-11-25")[1]["data"] == []


def test_records_can_have_an_older_or_newer_format():
    """Older records lack two keys; future records have more, and amounts as text."""
    usage = {"claude-sonnet-5": {"cents": 7}}
    one = lambda day: [record(str(day), models=usage)]  # noqa: E731 - a name for two uses
    old = ask(service(one, shape=before_remote), starting_at=DAY)[1]["data"][0]
    new = ask(service(one, shape=next_year), starting_at=DAY)[1]["data"][0]
    assert "is_remote" not in old
    assert new["model_breakdown"][0]["estimated_cost"]["amount"] == "7"


def test_a_port_that_is_taken_is_named():
    """A second server on it."""
    with serve(service()) as first:
        port = httpx.URL(first.url).port
        with pytest.raises(SettingsError, match=str(port)), serve(service(), port=port):
            pass


def test_it_serves_http_and_names_its_organization():
    """Over a real socket: the organization, an unknown path, and a refused method."""
    with serve(service()) as server, httpx.Client(base_url=server.url, headers=ADMIN) as http:
        assert http.get("/v1/organizations/me").json()["type"] == "organization"
        assert http.get("/v1/organizations/nowhere").status_code == 404
        assert http.post(REPORT).status_code == 405
        answer = http.get(REPORT, params={"starting_at": DAY, "beta": "true"})
        assert (names(answer.json()), answer.headers["request-id"]) == ("abcde", "req_000003")


def test_random_faults_are_the_same_for_a_seed():
    """About the requested share, and the same requests again for the same seed."""
    one, two = random_faults(0.3, seed=4), random_faults(0.3, seed=4)
    failed = [number for number in range(1000) if one(number)]
    assert 240 < len(failed) < 360
    assert all(one(number) == two(number) for number in failed)


def listed(fake, name, **query):
    status, body = ask(fake, path=f"/v1/organizations/{name}", **query)
    return [row["id"] for row in body["data"]] if status == 200 else status


@pytest.mark.parametrize(("name", "given"), [("users", "members"), ("api_keys", "api_keys")])
def test_a_list_continues_after_an_id(name, given):
    """Five rows in pages of two, to the end; an unknown id is refused."""
    rows = [{"id": f"x_{n}", "archived_at": None} for n in range(5)]
    fake = service(**{given: lambda: rows})
    assert listed(fake, name, limit=2) == ["x_0", "x_1"]
    assert listed(fake, name, limit=2, after_id="x_3") == ["x_4"]
    assert listed(fake, name, limit=2, after_id="x_4") == []
    assert listed(fake, name, after_id="nobody") == 400
    _, whole = ask(fake, path=f"/v1/organizations/{name}", limit=4)
    assert (whole["has_more"], whole["first_id"], whole["last_id"]) == (True, "x_0", "x_3")


def test_an_offset_is_ignored():
    """A walk by offset sees the first page forever, as with the real service."""
    fake = service(members=lambda: [{"id": f"x_{n}"} for n in range(5)])
    assert listed(fake, "users", limit=2, offset=2) == ["x_0", "x_1"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "HEAD", "TRACE", "BREW"])
def test_another_method_is_refused_with_the_allowed_one(method):
    """405 with `allow: GET`; its body is not read as the next request of the connection."""
    with serve(service()) as server, httpx.Client(base_url=server.url, headers=ADMIN) as http:
        refused = http.request(method, REPORT, content=b"GET / HTTP/1.1\r\n\r\n")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
        assert http.get(REPORT, params={"starting_at": DAY}).status_code == 200


def test_an_expired_cursor_is_refused():
    """The walk has to be restarted."""
    fake = service(faults={1: "expired"}.get)
    cursor = ask(fake, starting_at=DAY, limit=2)[1]["next_page"]
    status, body = ask(fake, starting_at=DAY, limit=2, page=cursor)
    assert (status, "expired" in body["error"]["message"]) == (400, True)


@pytest.mark.parametrize("text", ["２０２６-11-16", "2026-11-16\n", " 2026-11-16", ""])  # noqa: RUF001
def test_a_day_needs_plain_digits(text):
    """Digits of other scripts, line breaks, spaces and an empty text are not a day."""
    assert ask(service(), starting_at=text)[0] == 400
