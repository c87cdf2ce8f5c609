"""A client trusts no answer: not its size, time, pages or characters, nor who is listening."""

import gzip
import json
import logging
import os
import signal
import subprocess
import sys
from datetime import date

import httpx
import msgspec
import pytest
from builders import record

from ccanalytics.errors import ApiError, AuthError, SchemaError, SettingsError
from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.fake_api.faults import FAULTS
from ccanalytics.sources import http
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.keys import find_key

KEY = "sk-ant-admin01-do-not-print-me"
DAY = date(2026, 11, 16)


def page(*records, more=None):
    """The bytes of a page; `more` is the cursor of the next."""
    rows = [msgspec.to_builtins(one) for one in records]
    return json.dumps({"data": rows, "has_more": bool(more), "next_page": more}).encode()


def client(*bodies, **options):
    """A client of a service whose n-th answer is the n-th of `bodies`, then always the last."""
    asked = []

    def answer(request):
        asked.append(request)
        body = bodies[min(len(asked), len(bodies)) - 1]
        body = body() if callable(body) else body
        return body if isinstance(body, httpx.Response) else httpx.Response(200, content=body)

    made = AdminClient(
        KEY, transport=httpx.MockTransport(answer), sleep=lambda seconds: None, **options
    )
    made.asked = asked
    return made


def actors(made):
    return [one.actor.email_address for one in made.records(DAY)]


def test_pages_that_overlap_count_each_row_once(caplog):
    """A person joined between two pages, so the last row of the first also starts the second."""
    ann, bob, cat = (record(actor=f"{name}@x.example") for name in ("ann", "bob", "cat"))
    made = client(page(ann, bob, more="2"), page(bob, cat))
    assert actors(made) == ["ann@x.example", "bob@x.example", "cat@x.example"]
    assert "page 2 repeats 1 rows" in caplog.text


def test_equal_rows_of_one_page_all_count(caplog):
    """Two keys with one name and equal use are two; only pages can overlap."""
    key = record(api_key="ci")
    assert len(client(page(key, key, more="2"), page(record())).records(DAY)) == 3


def test_pages_without_new_rows_stop_the_walk():
    """Each page has another cursor, and the walk would never end."""
    made = client(*(page(record(), more=f"c{n}") for n in range(100)))
    with pytest.raises(ApiError, match=r"2026-11-16: page 4 .* nothing new three times"):
        made.records(DAY)
    assert len(made.asked) < 20


@pytest.mark.parametrize("body", [b'{"data": [', page(record())[:-40], b'{"data": NaN}'])
def test_an_answer_broken_in_the_same_way_three_times_is_a_fault(body):
    """It is not temporary: three tries, and an error with the day and the request."""
    answer = httpx.Response(200, content=body, headers={"request-id": "req_7"})
    made = client(answer)
    with pytest.raises(SchemaError, match=r"2026-11-16.*req_7.*three|3 times"):
        made.records(DAY)
    assert len(made.asked) == 3


def test_answers_broken_in_different_ways_are_retried(caplog):
    """Each is truncated elsewhere; the fourth is complete. Every retry logs its reason and time."""
    whole = page(record())
    made = client(whole[:20], whole[:30], whole[:40], whole)
    assert actors(made) == ["ann@x.example"]
    lines = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert len(lines) == 3
    assert all("2026-11-16" in line and "Next try in" in line for line in lines)


def test_an_answer_that_unpacks_to_more_than_any_page_is_refused(monkeypatch):
    """Ten megabytes of spaces arrive as ten kilobytes; reading stops at the limit."""
    monkeypatch.setattr(http, "MOST_BYTES", 1_000_000)
    packed = gzip.compress(b" " * 10_000_000)
    bomb = httpx.Response(200, content=packed, headers={"content-encoding": "gzip"})
    with pytest.raises(ApiError, match=r"2026-11-16: the answer is larger than 1 MB"):
        client(bomb).records(DAY)


def times_out():
    raise httpx.ReadTimeout("The read operation timed out")


@pytest.mark.parametrize("slow", [408, 504, 524, times_out])
def test_a_page_that_takes_too_long_is_requested_in_smaller_sizes(slow):
    """Whoever timed out: the service, a gateway, Cloudflare, this client."""
    if isinstance(slow, int):
        slow = httpx.Response(slow, content=b"<html>timeout</html>")
    made = client(slow, slow, page(record()))
    assert actors(made) == ["ann@x.example"]
    assert [one.url.params["limit"] for one in made.asked] == ["1000", "1000", "250"]


def test_a_wait_longer_than_the_budget_is_named():
    """It does not start to wait for a day, and the error says that the service required it."""
    refusal = httpx.Response(429, headers={"retry-after": "86400"}, json={"error": {}})
    with pytest.raises(ApiError, match=r"2026-11-16: 429 .* asks to wait 86,400 s"):
        client(refusal).records(DAY)


def test_a_list_without_its_last_id_continues_after_its_last_row():
    """As some gateways send it; a person without an address is skipped, null fields are fine."""
    rows = [
        {
            "id": f"user_{n}",
            "email": f"p{n}@x.example",
            "name": None,
            "role": None,
            "added_at": None,
        }
        for n in range(3)
    ]
    rows[1]["email"] = None
    first = {"data": rows[:2], "has_more": True, "first_id": None, "last_id": None}
    rest = {"data": rows[2:], "has_more": False}
    made = client(json.dumps(first).encode(), json.dumps(rest).encode())
    assert [one.email for one in made.members()] == ["p0@x.example", "p2@x.example"]
    assert made.asked[1].url.params["after_id"] == "user_1"


def test_a_list_whose_pages_overlap_has_each_row_once():
    """A member added between two pages moved the last row of the first to the second."""
    rows = [{"id": f"user_{n}", "email": f"p{n}@x.example", "added_at": None} for n in range(3)]
    first = {"data": rows[:2], "has_more": True, "last_id": "user_1"}
    rest = {"data": rows[1:], "has_more": False}
    made = client(json.dumps(first).encode(), json.dumps(rest).encode())
    assert [one.id for one in made.members()] == ["user_0", "user_1", "user_2"]


def test_an_answer_that_trickles_in_is_abandoned():
    """An occasional byte would keep any read timeout from expiring."""
    now = [0.0]

    def drips():
        while True:
            now[0] += 50
            yield b" "

    made = client(lambda: httpx.Response(200, content=drips()), clock=lambda: now[0])
    with pytest.raises(ApiError, match=r"2026-11-16: the answer takes longer than 120 s"):
        made.records(DAY)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"\xef\xbb\xbf%s", "ann@x.example"),
        (rb"\ud83d%s", "�"),
        (rb"\udc00%s", "�"),
        (b"\xff%s", "�"),
        (rb"\ud83d\ude00%s", "😀"),
        (rb"\\ud83d%s", r"\ud83d"),
    ],
)
def test_an_invalid_character_does_not_fail_a_day(sent, read):
    """Half a surrogate pair, broken UTF-8, a byte order mark: the rest of the name is read."""
    body = page(record())
    if sent.startswith(b"\xef"):
        body = sent.replace(b"%s", body)
    else:
        body = body.replace(b"ann@", sent.replace(b"%s", b"@"))
    (name,) = actors(client(body))
    assert name == (read if "@" in read else f"{read}@x.example")


@pytest.mark.parametrize("depth", [10_000, 1_000_000])
@pytest.mark.parametrize("status", [200, 400])
def test_an_endlessly_nested_answer_is_an_error_for_its_day(depth, status):
    """It names the day and the request, and does not crash the process."""
    body = b'{"data": [], "has_more": false, "next_page": null, "x": ' + b"[" * depth
    answer = httpx.Response(status, content=body + b"]" * depth + b"}")
    with pytest.raises((SchemaError, ApiError), match="2026-11-16"):
        client(answer).records(DAY)


@pytest.mark.parametrize("url", ["http://api.example", "http://10.0.0.1:80", "http://127.evil.com"])
def test_a_key_is_not_sent_unencrypted(url):
    """Only this machine may be contacted without encryption."""
    with pytest.raises(SettingsError, match="in clear"):
        AdminClient(KEY, base_url=url)
    for own in ("http://127.0.0.1:1", "http://localhost", "http://[::1]:80", "https://x.example"):
        AdminClient(KEY, base_url=own).close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks5://proxy.example:1080"),
        ("HTTPS_PROXY", "ftp://proxy.example"),
        ("HTTPS_PROXY", "http://proxy.example:port"),
        ("SSL_CERT_FILE", "/not/there.pem"),
    ],
)
def test_an_unusable_proxy_or_certificate_is_an_error_of_the_settings(monkeypatch, name, value):
    """A SOCKS proxy without its package, another scheme, a port in words, a missing file."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        AdminClient(KEY)


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o644, True), (0o640, True)])
def test_a_key_file_that_others_can_read_is_refused(tmp_path, mode, refused):
    """The error has the command that fixes its permissions."""
    file = tmp_path / "a key"
    file.write_text(KEY)
    file.chmod(mode)
    if refused:
        with pytest.raises(AuthError, match=r"chmod 600 '.*a key'"):
            find_key({}, file)
    else:
        assert find_key({}, file) == KEY


def test_a_key_file_may_come_from_windows(tmp_path):
    """A byte order mark and the end of the line are not part of the key."""
    file = tmp_path / "key.txt"
    file.write_bytes(b"\xef\xbb\xbf" + KEY.encode() + b"\r\n")
    file.chmod(0o600)
    assert find_key({}, file) == KEY


def syncing(url, folder, *flags, fetch="2026-11-16"):
    """A running `ccanalytics sync`."""
    words = ("sync", "--source", "api", "--since", fetch, "--until", "2026-11-20")
    return subprocess.Popen(
        [sys.executable, "-m", "ccanalytics", *flags, *words, "--store", str(folder / "store")],
        env=os.environ | {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_ADMIN_KEY": KEY},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_waiting_sync_stops_at_once_when_interrupted(tmp_path, number):
    """Its retries and waits would take minutes."""
    fault = next(name for name in FAULTS if "429" in name)
    service = FakeService(lambda day: [record(str(day))], faults=lambda asked: fault)
    with serve(service) as server:
        process = syncing(server.url, tmp_path)
        for line in process.stderr:
            if "Next try in" in line:
                break
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode != 0


def test_debugging_shows_no_key_and_no_password(tmp_path):
    """Neither in the key header nor in an address."""
    service = FakeService(lambda day: [record(str(day))])
    with serve(service) as server:
        url = server.url.replace("http://", "http://ann:pass-word@")
        out, err = syncing(url, tmp_path, "--debug").communicate(timeout=120)
    assert "GET" in err
    assert "do-not-print-me" not in out + err
    assert "pass-word" not in out + err
