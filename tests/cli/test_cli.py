"""The command line: quick, and clear about what it was a usage error."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from ccanalytics import cli
from ccanalytics.cli import options
from ccanalytics.metrics.definitions import METRICS

HEAVY = ("pandas", "altair", "httpx", "numpy", "pyarrow", "papermill", "jupyter_client", "msgspec")


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


def test_help_names_every_command():
    """What the program can do is on its first page."""
    output = run("--help").output
    for command in ("report", "dashboard", "sync", "lab", "fake-api", "metrics"):
        assert command in output


def test_without_key_and_source_the_error_names_three_ways_on():
    """Nothing is invented: the reader chooses api, local or sample."""
    result = run("report")
    assert result.exit_code == 1
    for way in ("ANTHROPIC_ADMIN_KEY", "--source local", "--source sample"):
        assert way in result.stderr
    assert "Traceback" not in result.output


def test_an_unknown_source_is_asked_wrongly():
    """A source that does not exist is exit code 2, with those that do."""
    result = run("report", "--source", "smaple")
    assert result.exit_code == 2
    assert "sample" in result.stderr


def test_a_week_that_is_none_is_asked_wrongly(tmp_path):
    """A week that cannot be read is exit code 2 and shown."""
    result = run("report", "next", "--source", "sample", "--out", tmp_path)
    assert result.exit_code == 2
    assert "'next'" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_reversed_dates_are_asked_wrongly():
    """A sync from a later to an earlier day shows both and fetches nothing."""
    env = {"ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-x"}
    result = run("sync", "--since", "2026-11-22", "--until", "2026-11-16", env=env)
    assert result.exit_code == 2
    assert "2026-11-22" in result.stderr
    assert "2026-11-16" in result.stderr


def test_sync_without_a_key_says_where_one_goes():
    """A sync needs a key, and an error of ours has no traceback."""
    result = run("sync", "--since", "2026-11-16", "--until", "2026-11-16")
    assert result.exit_code == 1
    assert "ANTHROPIC_ADMIN_KEY" in result.stderr
    assert "Traceback" not in result.stderr


def test_enterprise_without_a_key_names_its_own_variable():
    """The other API has another key, and the error says how it is made."""
    result = run("sync", "--since", "2026-11-16", "--source", "enterprise")
    assert result.exit_code == 1
    assert "ANTHROPIC_ANALYTICS_KEY" in result.stderr
    assert "read:analytics" in result.stderr


def test_a_key_file_says_by_its_key_which_source_is_meant(tmp_path):
    """A file with an analytics key and no --source: Enterprise, and so no bill."""
    file = tmp_path / "key"
    file.write_text("sk-ant-api01-very-secret\n")
    result = run("sync", "--since", "2026-11-16", "--key-file", file, "--billed")
    assert result.exit_code == 2
    assert "--source api" in result.stderr
    assert "very-secret" not in result.output


def test_a_key_of_the_wrong_kind_is_refused_unsent(tmp_path):
    """An Admin key for Enterprise is an error that names the source it is for."""
    file = tmp_path / "key"
    file.write_text("sk-ant-admin01-very-secret\n")
    asked = ("--since", "2026-11-16", "--source", "enterprise", "--key-file", file)
    result = run("sync", *asked, env={"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"})
    assert result.exit_code == 1
    assert "--source api" in result.stderr
    assert "very-secret" not in result.output


def test_debug_shows_where_an_error_arose():
    """With --debug the error itself comes through."""
    result = run("--debug", "report")
    assert type(result.exception).__name__ == "AuthError"


def test_the_key_is_not_in_an_error(tmp_path):
    """A service that cannot be reached is an error without the key in it."""
    key = "sk-ant-admin01-very-secret"
    env = {"ANTHROPIC_ADMIN_KEY": key, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    result = run("sync", "--since", "nonsense", env=env)
    assert result.exit_code == 2
    assert key not in result.output


def test_metrics_prints_every_definition():
    """Each metric of the registry is there with its formula."""
    from ccanalytics.metrics.definitions import METRICS

    output = run("metrics").output
    for metric in METRICS.values():
        assert metric.id in output
        assert metric.formula in output


def test_flags_win_over_the_environment(tmp_path):
    """--store is used although CCANALYTICS_STORE is set."""
    wish = options.run_options(store=tmp_path / "flag")
    assert wish.settings.store == tmp_path / "flag"
    assert os.environ["CCANALYTICS_STORE"] != str(tmp_path / "flag")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_fake_api_serves_until_it_is_interrupted(tmp_path):
    """The fake service says its address, answers there, and ends quietly on Ctrl-C."""
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


def test_metrics_are_told_to_programs_too():
    """Every entry of the registry with its definition, as JSON."""
    done = run("metrics", "--json")
    told = {one["id"]: one for one in json.loads(done.output)}
    assert set(told) == set(METRICS)
    assert told["cost_per_commit"]["formula"] == METRICS["cost_per_commit"].formula


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
def test_failures_are_told_to_programs_too(arguments, status, code):
    """One object on stdout that says why, the message for people on stderr, the same exit code."""
    done = run(*arguments)
    answer = json.loads(done.stdout)
    assert (answer["command"], answer["status"]) == (arguments[0], status)
    assert answer["exit_code"] == done.exit_code == code
    assert answer["error"].splitlines()[0] in done.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a mistake of ours")])
def test_what_nobody_expected_is_told_to_programs_as_a_failure(monkeypatch, error):
    """Ctrl-C, or a bug: the object on stdout is whole all the same."""
    import ccanalytics.issue.fetching

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(ccanalytics.issue.fetching, "fetch_days", fail)
    done = run("sync", "--json", "--since", "2026-11-16", "--source", "api")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"].startswith(type(error).__name__)


def test_a_sync_tells_programs_which_days_it_changed(tmp_path):
    """Three days are new the first time; those within 48 hours of their end may still change."""
    from datetime import UTC, date, datetime

    from builders import record

    from ccanalytics.fake_api.fake_server import serve
    from ccanalytics.fake_api.fake_service import FakeService

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


def test_what_cannot_be_written_is_named_without_a_traceback(tmp_path):
    """The folder of the reports would have to lie in a file."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    asked = ["report", "--source", "sample", "--weeks", "1", "--store", str(tmp_path / "s")]
    done = CliRunner().invoke(cli.main, [*asked, "--out", str(tmp_path / "file" / "reports")])
    assert done.exit_code == 1
    assert done.output.splitlines()[-1].startswith("Error: ")
    assert str(tmp_path / "file") in done.output
    assert isinstance(done.exception, SystemExit)
