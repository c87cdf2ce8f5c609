"""The live page: it follows the logs, and informs nobody else."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime

import httpx
import psutil
import pytest
from live_pages import answer, append, dashboard, log_of, write_notebook

from ccanalytics.live.page_server import _bound

WAIT = 120

HOSTILE = "</script><script>alert(1)</script>"


def received(served, until, wait=WAIT, chosen=None):
    """The state of the page once `until` is true of it, after `chosen` was asked for."""
    deadline = time.monotonic() + wait
    said = httpx.get(f"{served.url}live", params=chosen, timeout=wait).json()
    while not until(said):
        assert time.monotonic() < deadline, f"the server only said {said}"
        time.sleep(0.1)
        said = httpx.get(f"{served.url}live", timeout=wait).json()
    return said


def is_live(said):
    return said["state"] == "live"


@pytest.fixture(scope="module")
def own(tmp_path_factory, _isolated_session):
    """The real notebook on one session of two million tokens, and a model with a hostile name."""
    folder = tmp_path_factory.mktemp("own")
    append(log_of(folder), answer(1), answer(2), answer(3, output=1000, model=f"={HOSTILE}"))
    with dashboard(folder) as served:
        received(served, is_live)
        yield served


@pytest.fixture(scope="module")
def numbers(tmp_path_factory, _isolated_session):
    """A notebook of this test on rows of numbers: 3 and 4."""
    folder = tmp_path_factory.mktemp("numbers")
    append(log_of(folder), {"team": "Data", "value": 3}, {"team": "Web", "value": 4})
    notebooks = write_notebook(folder / "notebooks")
    secret = {"ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-secret"}
    with dashboard(folder, "--notebooks", notebooks, **secret) as served:
        received(served, is_live)
        yield served


def worker_of(served):
    """The process in which the notebooks run."""
    return psutil.Process(served.process.pid).children()[0]


# Who may connect.


@pytest.mark.parametrize("path", ["", "live", "nowhere"])
@pytest.mark.parametrize(
    "foreign",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1.evil.example:{port}"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda headers: " ".join(*headers.items()),
)
def test_requests_from_elsewhere_are_refused(numbers, path, foreign):
    """A foreign host name, another origin, another site: 403 for every path."""
    headers = {name: value.format(port=numbers.port) for name, value in foreign.items()}
    answered = httpx.get(numbers.url + path, headers=headers)
    assert answered.status_code == 403
    assert "Numbers" not in answered.text


@pytest.mark.parametrize("path", ["", "live", "nowhere"])
def test_requests_without_the_token_are_refused(numbers, path):
    """Another program on this machine that finds the port gets 403 for every path."""
    for token in ("", "x", "0" * 22):
        answered = httpx.get(f"{numbers.origin}/{token}/{path}")
        assert answered.status_code == 403
        assert "Numbers" not in answered.text


@pytest.mark.parametrize(
    "head", ["Host: a\r\nHost: 127.0.0.1:{port}", "X: 1", "Host: 127.0.0.1:{port}\r\nHost: a"]
)
def test_two_hosts_or_none_are_refused(numbers, head):
    """A proxy could use either one, so the server refuses both."""
    request = f"GET / HTTP/1.1\r\n{head}\r\nConnection: close\r\n\r\n".format(port=numbers.port)
    with socket.create_connection(("127.0.0.1", numbers.port), timeout=10) as line:
        line.sendall(request.encode())
        first = line.makefile("rb").readline()
    assert first.split()[1] in (b"400", b"403")


def test_it_listens_on_this_machine_only():
    """No other machine can reach the port."""
    with _bound(0)[0] as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_can_be_written(numbers, method):
    """Only GET and HEAD are answered, and no other origin is allowed."""
    answered = httpx.request(method, numbers.url)
    assert answered.status_code == 405
    assert "access-control-allow-origin" not in answered.headers


def test_every_response_has_restrictive_headers(numbers):
    """Not cached, not framed, no type sniffing; the page runs only its own scripts."""
    for path in ("", "nowhere"):
        headers = httpx.get(numbers.url + path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "Server" not in headers
    page = httpx.get(numbers.url).text
    policy = page.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[0]
    assert "default-src &#39;none&#39;" in policy
    assert "connect-src &#39;self&#39;" in policy
    assert "unsafe-eval" not in policy


def test_a_head_request_has_the_headers_without_the_page(numbers):
    """HEAD has the length of the page and no body."""
    answered = httpx.head(numbers.url)
    assert answered.status_code == 200
    assert int(answered.headers["Content-Length"]) > 10_000
    assert answered.content == b""


def test_a_notebook_sees_no_key(numbers):
    """The key the server was started with is not in the process of the notebooks."""
    page = httpx.get(numbers.url).text
    assert "keys: []" in page
    assert "sk-ant" not in page
    assert "secret" not in json.dumps(worker_of(numbers).environ())


# What can be chosen.


@pytest.mark.slow
def test_the_page_is_filtered_by_the_offered_values(own):
    """The two projects are offered; any other value is ignored."""
    append(log_of(own.folder, "s9"), answer(9, session="s9", name="blog", output=1_000_000))
    said = received(own, lambda said: is_live(said) and said["files"] == 2)
    offered = {one["name"]: dict(one["options"]) for one in said["choices"]}
    assert offered["project"] == {"": "all", "/w/shop": "shop", "/w/blog": "blog"}
    assert set(offered["session"]) == {"", "s1", "s9"}
    chosen = {"project": "/w/blog", "model": HOSTILE, "source": "sample", "nothing": 1}
    said = received(
        own, lambda said: is_live(said) and said["chosen"].get("project"), chosen=chosen
    )
    assert said["chosen"] == {"project": "/w/blog"}
    assert "all of it on blog" in httpx.get(own.url).text
    received(
        own, lambda said: is_live(said) and not said["chosen"]["project"], chosen={"project": ""}
    )


# How it starts and stops.


def test_a_taken_port_is_an_error_that_names_the_flag(numbers):
    """Two dashboards need two ports."""
    command = [sys.executable, "-m", "ccanalytics", "dashboard", "--no-browser"]
    done = subprocess.run(
        [*command, "--port", str(numbers.port)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert f"Port {numbers.port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_it_stops_with_its_processes(tmp_path, number):
    """Ctrl-C and SIGTERM, also while a notebook runs and a browser is connected: exit code 0."""
    append(log_of(tmp_path), {"team": "Data", "value": 3})
    notebooks = write_notebook(
        tmp_path / "notebooks", "import subprocess", "subprocess.run(['sleep', '60'])"
    )
    with dashboard(tmp_path, "--notebooks", notebooks) as served:
        httpx.get(served.url, timeout=WAIT)
        parent = psutil.Process(served.process.pid)
        deadline = time.monotonic() + WAIT
        while not any(one.name() == "sleep" for one in parent.children(recursive=True)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        begun = parent.children(recursive=True)
        assert served.stop(number) == 0
        gone, alive = psutil.wait_procs(begun, timeout=5)
        assert len(gone) == 3  # the prepared process, its copy and that one's children
        assert alive == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.slow
def test_a_worker_dies_with_a_server_that_was_killed(numbers, tmp_path):
    """A crash leaves no process behind."""
    append(log_of(tmp_path), {"team": "Data", "value": 3})
    with dashboard(tmp_path, "--notebooks", numbers.folder / "notebooks") as served:
        received(served, is_live)
        worker = worker_of(served)
        served.process.kill()
        assert psutil.wait_procs([worker], timeout=10)[1] == []


def test_a_killed_worker_is_restarted(numbers):
    """A message says so, and a new worker handles the next change."""
    worker = worker_of(numbers)
    worker.kill()
    append(log_of(numbers.folder, "killed"), {"team": "Web", "value": 0})
    said = received(numbers, lambda said: said["state"] in ("failed", "live") and said["files"] > 1)
    if said["state"] == "failed":
        assert "ended" in said["message"]
        append(log_of(numbers.folder, "killed"), {"team": "Web", "value": 0})
        received(numbers, is_live)
    assert worker_of(numbers).pid != worker.pid


@pytest.mark.slow
def test_a_notebooks_folder_without_the_notebook_is_an_error(tmp_path):
    """--notebooks with a folder that lacks my_usage."""
    with dashboard(tmp_path, "--notebooks", tmp_path) as served:
        assert served.process.wait(WAIT) == 1


@pytest.mark.slow
def test_it_waits_for_a_missing_folder(numbers, tmp_path):
    """The page says which folder; the first session starts the page."""
    folder = tmp_path / "later"
    with dashboard(folder, "--notebooks", numbers.folder / "notebooks") as served:
        said = received(served, lambda said: said["state"] == "waiting")
        assert str(folder) in said["message"]
        append(log_of(folder), {"team": "Data", "value": 5})
        assert received(served, is_live)["files"] == 1
        assert "5 in all" in httpx.get(served.url).text


@pytest.mark.slow
def test_a_week_asked_for_is_the_range(tmp_path):
    """It goes before the days that the page would offer first."""
    append(log_of(tmp_path), answer(1))
    week = f"{datetime.fromisoformat(answer(1)['timestamp']):%G-W%V}"
    with dashboard(tmp_path, "-p", "week", week) as served:
        assert received(served, is_live)["message"] == ""
        assert "You spent about $25 in the week of" in httpx.get(served.url).text


@pytest.mark.slow
def test_without_any_log_left_the_page_shows_the_store(tmp_path):
    """Claude Code deletes its logs; what was read once is still there, also at the next start."""
    append(log_of(tmp_path), answer(1))
    for _ in range(2):
        with dashboard(tmp_path) as served:
            assert received(served, is_live)["message"] == ""
            assert "You spent about $25" in httpx.get(served.url).text
        log_of(tmp_path).unlink(missing_ok=True)


@pytest.mark.slow
def test_the_page_is_whole_before_the_first_week_is_over(tmp_path):
    """All its notebooks show the range that the page offers first, however little is in it."""
    now = {"timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"}
    append(log_of(tmp_path), answer(1) | now)
    with dashboard(tmp_path) as served:
        first = received(served, is_live)
        assert first["message"] == ""
        page = httpx.get(served.url).text
        assert ("1 answer," in page, "You spent about $25" in page) == (True, True)
        append(log_of(tmp_path), answer(2) | now)
        received(served, lambda said: is_live(said) and said["version"] != first["version"])
        assert "2 answers," in httpx.get(served.url).text
