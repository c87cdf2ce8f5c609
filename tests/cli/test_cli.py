"""The command line is fast and gives clear errors."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from log_lines_made import answer

from ccanalytics import cli
from ccanalytics.cli import options
from ccanalytics.errors import ApiError
from ccanalytics.metrics.definitions import METRICS

HEAVY = ["pandas", "altair", "httpx", "numpy", "pyarrow", "papermill", "jupyter_client", "msgspec"]
"""The last of them reads settings, and only --help does without it."""


def run(*arguments, env=None):
    return CliRunner().invoke(cli.main, [str(one) for one in arguments], env=env)


def test_help_imports_nothing_heavy():
    """--help answers before any library of numbers, charts or HTTP is loaded."""
    code = (
        "import json, sys\n"
        "from ccanalytics.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert "click" in loaded
    assert not set(HEAVY) & set(loaded)


def commands(words=(), command=cli.main):
    """The words of every command, and the command."""
    yield words, command
    for name in getattr(command, "list_commands", lambda _: ())(None):
        yield from commands((*words, name), command.get_command(None, name))


def test_help_fits_a_terminal_and_gives_an_example():
    """Every line of every command fits in 80 columns, and an example can be typed as it is."""
    for words, command in commands():
        lines = run(*words, "--help").output.splitlines()
        assert max(map(len, lines)) <= 80
        example = " ".join(["  ccanalytics", *words])
        assert hasattr(command, "list_commands") or any(example in line for line in lines)


def test_help_truncates_no_description():
    """The first page says what the program can do, in full sentences."""
    first = " ".join(run("--help").output.split())
    for words, command in commands():
        if len(words) == 1:
            assert f"{words[0]} {command.get_short_help_str(limit=500)}" in first


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "--wek", "3"),
        ("report", "next", "--source", "sample"),
        ("report", "--source", "smaple"),
        ("report", "--all-missing", "--since", "soon"),
        ("sync", "--source", "api", "--since", "soon"),
        ("sync", "--source", "api", "--since", "2026-11-22", "--until", "2026-11-16"),
        ("export", "out", "--source", "sample", "--since", "soon"),
        ("roster", "check", "nowhere.csv"),
    ],
    ids=" ".join,
)
def test_a_wrong_argument_is_answered_before_anything_heavy_is_imported(arguments):
    """Exit code 2 and a message, without pandas, HTTP or a chart."""
    code = (
        "import sys\n"
        "from ccanalytics.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "finally:\n"
        f"    print({set(HEAVY[:-1])!r} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "set()\n")
    assert "Error: " in done.stderr


def test_without_key_and_source_the_error_names_three_options():
    """Nothing is assumed: the user chooses api, local or sample."""
    result = run("report")
    assert result.exit_code == 1
    for way in ("ANTHROPIC_ADMIN_KEY", "--source local", "--source sample"):
        assert way in result.stderr
    assert "Traceback" not in result.output


def test_an_unknown_source_is_a_usage_error():
    """Exit code 2, with the list of valid sources."""
    result = run("report", "--source", "smaple")
    assert result.exit_code == 2
    assert "sample" in result.stderr


def test_an_invalid_week_is_a_usage_error(tmp_path):
    """Exit code 2, and the week is shown."""
    result = run("report", "next", "--source", "sample", "--out", tmp_path)
    assert result.exit_code == 2
    assert "'next'" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_parameter_is_a_usage_error(tmp_path):
    """Exit code 2 before any day is fetched, with the parameter that may be meant."""
    words = ("--source", "sample", "--out", tmp_path / "out", "--store", tmp_path / "store")
    result = run("report", *words, "-p", "wek", "2026-W47")
    assert result.exit_code == 2
    assert "'week'" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_reversed_dates_are_a_usage_error():
    """A sync from a later to an earlier day shows both and fetches nothing."""
    env = {"ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-x"}
    result = run("sync", "--since", "2026-11-22", "--until", "2026-11-16", env=env)
    assert result.exit_code == 2
    assert "2026-11-22" in result.stderr
    assert "2026-11-16" in result.stderr


def test_sync_without_a_key_says_where_one_goes():
    """A sync needs a key, and our own errors have no traceback."""
    result = run("sync", "--since", "2026-11-16", "--until", "2026-11-16")
    assert result.exit_code == 1
    assert "ANTHROPIC_ADMIN_KEY" in result.stderr
    assert "Traceback" not in result.stderr


def test_enterprise_without_a_key_names_its_own_variable():
    """The other API has another key, and the error says how to create it."""
    result = run("sync", "--since", "2026-11-16", "--source", "enterprise")
    assert result.exit_code == 1
    assert "ANTHROPIC_ANALYTICS_KEY" in result.stderr
    assert "read:analytics" in result.stderr


def test_the_key_in_a_key_file_selects_the_source(tmp_path):
    """A file with an analytics key and no --source: Enterprise, which has no days of 2025."""
    file = tmp_path / "key"
    file.write_text("sk-ant-api01-very-secret\n")
    file.chmod(0o600)
    asked = ("--since", "2025-11-16", "--until", "2025-11-16", "--key-file", file, "--billed")
    result = run("sync", *asked, env={"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"})
    assert result.exit_code == 0, result.stderr
    assert "very-secret" not in result.output


def test_a_key_of_the_wrong_kind_is_refused_before_it_is_sent(tmp_path):
    """An Admin key for Enterprise is an error that names the source it is for."""
    file = tmp_path / "key"
    file.write_text("sk-ant-admin01-very-secret\n")
    file.chmod(0o600)
    asked = ("--since", "2026-11-16", "--source", "enterprise", "--key-file", file)
    result = run("sync", *asked, env={"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"})
    assert result.exit_code == 1
    assert "--source api" in result.stderr
    assert "very-secret" not in result.output


def test_debug_shows_the_traceback():
    """With --debug the exception itself is raised."""
    result = run("--debug", "report")
    assert type(result.exception).__name__ == "AuthError"


def test_the_key_is_not_in_an_error(tmp_path):
    """An unreachable service is an error that does not contain the key."""
    key = "sk-ant-admin01-very-secret"
    env = {"ANTHROPIC_ADMIN_KEY": key, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    result = run("sync", "--since", "nonsense", env=env)
    assert result.exit_code == 2
    assert key not in result.output


def test_metrics_prints_every_definition():
    """Each metric of the registry is listed with its formula."""
    from ccanalytics.metrics.definitions import METRICS

    output = run("metrics").output
    for metric in METRICS.values():
        assert metric.id in output
        assert metric.formula in output


def test_flags_override_the_environment(tmp_path):
    """--store is used although CCANALYTICS_STORE is set."""
    chosen = options.run_options(store=tmp_path / "flag")
    assert chosen.settings.store == tmp_path / "flag"
    assert os.environ["CCANALYTICS_STORE"] != str(tmp_path / "flag")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_fake_api_serves_until_it_is_interrupted(tmp_path):
    """The fake service prints its address, answers there, and ends quietly on Ctrl-C."""
    import httpx

    command = [sys.executable, "-m", "ccanalytics", "fake-api", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().partition("=")[2].strip()
        path = "/v1/organizations/usage_report/claude_code?starting_at=2026-11-20"
        headers = {"x-api-key": "sk-ant-admin01-x", "anthropic-version": "2023-06-01"}
        answer = httpx.get(url + path, headers=headers)
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - begin < 10
    assert answer.status_code == 200
    assert answer.json()["data"]


def test_metrics_are_available_as_json():
    """Every entry of the registry with its definition, as JSON."""
    done = run("metrics", "--json")
    known = {one["id"]: one for one in json.loads(done.output)}
    assert set(known) == set(METRICS)
    assert known["cost_per_commit"]["formula"] == METRICS["cost_per_commit"].formula


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("report", "--json"), "failed", 1),
        (("report", "--json", "--source", "smaple"), "usage-error", 2),
        (("report", "next", "--json", "--source", "sample"), "usage-error", 2),
        (("sync", "--json"), "usage-error", 2),
        (("sync", "--json", "--since", "2026-11-16"), "failed", 1),
    ],
)
def test_failures_are_available_as_json(arguments, status, code):
    """One object on stdout with the reason, a message on stderr, the same exit code."""
    done = run(*arguments)
    answer = json.loads(done.stdout)
    assert (answer["command"], answer["status"]) == (arguments[0], status)
    assert answer["exit_code"] == done.exit_code == code
    assert answer["error"].splitlines()[0] in done.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a mistake of ours")])
def test_unexpected_errors_are_json_too(monkeypatch, error):
    """On Ctrl-C or a bug, the object on stdout is still complete."""
    import ccanalytics.issue.fetching

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(ccanalytics.issue.fetching, "fetch_days", fail)
    done = run("sync", "--json", "--since", "2026-11-16", "--source", "api")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"].startswith(type(error).__name__)


def test_the_json_of_a_sync_has_the_days_it_changed(tmp_path):
    """Three days are new the first time; those less than 48 hours old may still change."""
    from datetime import UTC, date, datetime

    from builders import record

    from ccanalytics.fake_api.fake_service import FakeService, serve

    service = FakeService(
        lambda day: [record(str(day))], now=lambda: datetime(2026, 11, 24, 12, tzinfo=UTC)
    )
    with serve(service) as server:
        env = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-x"}
        asked = ("sync", "--since", "2026-11-01", "--until", "2026-11-03", "--store", tmp_path)
        first, again = (json.loads(run(*asked, "--json", env=env).stdout) for _ in range(2))
    days = [str(date(2026, 11, day)) for day in (1, 2, 3)]
    assert first["days"]["new"] == again["days"]["final"] == days
    assert again["days"]["new"] == []
    assert first["store"] == str(tmp_path)


@pytest.mark.parametrize("place", ["file/reports", "n" * 300])
def test_an_unwritable_folder_is_named_without_a_traceback(sample_days, tmp_path, place):
    """The report folder would have to be inside a file, or its name is too long."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    asked = ["report", "--source", "sample", "--weeks", "1", "--store", sample_days]
    done = run(*asked, "--out", tmp_path / place)
    assert done.exit_code == 1
    assert done.output.splitlines()[-1].startswith(f"Error: {tmp_path / place}")
    assert isinstance(done.exception, SystemExit)


@pytest.mark.skipif(os.name != "posix", reason="limits of a process")
def test_a_full_disk_is_an_error_without_a_traceback(tmp_path):
    """Files are limited to 1,000 bytes, as on a full disk: exit code 1, one line."""
    import resource

    command = [sys.executable, "-m", "ccanalytics", "sync", "--source", "local", "--logs", "logs"]
    (tmp_path / "logs").mkdir()
    lines = json.dumps(answer(output=5, cwd="/x" * 900))
    (tmp_path / "logs" / "one.jsonl").write_text(lines, encoding="utf-8")
    done = subprocess.run(
        [*command, "--store", "store"],
        cwd=tmp_path,
        # Truncated bytecode would stay, and break every later run.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_outside_text_cannot_control_the_terminal(monkeypatch):
    """Escape characters from a service, a file or a notebook are shown as question marks."""
    monkeypatch.setattr(options, "now", lambda: raised(ApiError("Overloaded.\x1b[2J\x07\u202e!")))
    done = run("report", "--source", "sample")
    assert (done.exit_code, done.stderr) == (1, "Error: Overloaded.?[2J??!\n")


def raised(error):
    raise error


def in_terminal(*command, env):
    """What a command writes to a terminal, and when, in seconds."""
    import pty

    begin, reader, writer = time.monotonic(), *pty.openpty()
    written = []
    with subprocess.Popen(command, stdout=writer, stderr=writer, stdin=writer, env=env):
        os.close(writer)
        with contextlib.suppress(OSError):  # how Linux reports the end of a terminal
            while piece := os.read(reader, 65536):
                written.append((time.monotonic() - begin, piece.decode()))
    os.close(reader)
    return written


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="terminals")
def test_one_bar_grows_and_the_findings_and_the_path_come_last(tmp_path):
    """The first line appears within a second; then percentages that never fall; then the page,
    which --open opens."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n', encoding="utf-8")
    browser.chmod(0o755)
    out, store = tmp_path / "reports", tmp_path / "store"
    written = in_terminal(
        *(sys.executable, "-m", "ccanalytics", "report", "--source", "sample", "--open"),
        *("--out", out, "--store", store),
        env={**os.environ, "BROWSER": str(browser)},
    )
    text = "".join(piece for _, piece in written)
    shares = [int(share) for share in re.findall(r"\] +(\d+)%", text)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] >= 95
    assert len(set(shares)) > 40
    first = next(seconds for seconds, piece in written if "%" in piece)
    assert first < 1 + time_to_start()
    after = text.partition("\x1b[?25h")[2].replace("\r\x1b[K", "")
    *findings, page, index = filter(None, after.splitlines())
    assert findings
    assert [page, index] == [str(out / "2026-W47.html"), str(out / "index.html")]
    assert (tmp_path / "opened").read_text().strip() == (out / "2026-W47.html").as_uri()


def time_to_start():
    """Seconds taken by a command that does nothing: mostly how busy the machine is."""
    begin = time.monotonic()
    subprocess.run([sys.executable, "-m", "ccanalytics", "--version"], capture_output=True)
    return time.monotonic() - begin
