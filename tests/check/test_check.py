"""`check` says what is wrong and what to do about it for every kind of problem, and never shows a
key."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from builders import record
from click.testing import CliRunner
from log_lines_made import answer, synced_logs, written
from records_of_other_years import before_remote, next_year

from ccanalytics.check import all_checks
from ccanalytics.check.all_checks import CLIENTS, diagnose
from ccanalytics.check.finding import verdict
from ccanalytics.cli import main, options
from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.fake_api.faults import FAULTS
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.settings import read_settings
from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.enterprise_api import EnterpriseClient
from ccanalytics.sources.registry import Source
from ccanalytics.store.day_store import Store
from ccanalytics.store.sync import sync

ADMIN = "sk-ant-admin01-do-not-print-me-0123456789"
ANALYTICS = "sk-ant-api01-do-not-print-me-0123456789"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONDAY = "2026-11-23"
ORGANIZATION = "5a3c1e00-0000-4000-8000-000000000001"

IDS = ["key", "service", "records"]


def two(day):
    """Ann on a weekday, and a key; the records have the fields of a current answer."""
    usage = {"claude-sonnet-5": {"output": 5, "cents": 7}}
    people = [record(str(day), organization=ORGANIZATION, models=usage)]
    return [*people, record(str(day), api_key="ci", organization=ORGANIZATION)]


@pytest.fixture
def look(tmp_path, monkeypatch):
    """Check a fake with these options, by default with an Admin key; findings by their id."""

    monkeypatch.setenv("HOME", str(tmp_path))  # where session logs are looked for

    def take(records=two, *, key=ADMIN, variable="ANTHROPIC_ADMIN_KEY", environ=None, **wanted):
        fake = {name: wanted.pop(name) for name in ("faults", "shape") if name in wanted}
        service = FakeService(records, now=lambda: NOW, organization=ORGANIZATION, **fake)
        waited = [0.0]
        ways = {"sleep": lambda s: waited.append(waited[-1] + s), "clock": lambda: waited[-1]}
        for name, kind in (("api", AdminClient), ("enterprise", EnterpriseClient)):
            monkeypatch.setitem(CLIENTS, name, partial(kind, **ways))
        with serve(service) as server:
            given = {"ANTHROPIC_BASE_URL": server.url, **({variable: key} if key else {})}
            given |= {"CCANALYTICS_STORE": str(tmp_path / "store"), **(environ or {})}
            if roster := wanted.pop("roster", None):
                given["CCANALYTICS_ROSTER"] = str(roster)
            settings = read_settings(given, tmp_path)
            day = wanted.pop("day", None)
            flags = {"source": "api", "now": NOW, **wanted}
            found = list(diagnose(RunOptions(environ=given, settings=settings, **flags), day))
        assert waited[-1] < 60
        assert all(secret not in repr(found) for secret in filter(None, [key, key and key[15:30]]))
        assert len({one.id for one in found}) == len(found)
        return {one.id: one for one in found}

    return take


def test_all_is_well(look, tmp_path):
    """With a good key and a filled store nothing is wrong."""
    fill(tmp_path / "store", date(2026, 11, 10), date(2026, 11, 23))
    found = look()
    wrong = [one for one in found.values() if one.status in ("failed", "warning")]
    assert wrong == []
    assert verdict(found.values()) == "ok"
    assert ORGANIZATION in found["service"].found
    assert "2 records of 1 person and 1 API key" in found["records"].found
    assert found["days"].found.startswith("14 days from 2026-11-10 to 2026-11-23")


def fill(path, since, until, records=two):
    class Days(Source):
        name = "api"

        def records(self, day):
            return records(day)

    sync(Days(), Store(path), since, until, now=NOW)


def test_without_a_key_the_service_is_not_asked(look):
    """The failure says which key to set; the stored days are checked all the same."""
    found = look(key=None)
    assert found["key"].status == "failed"
    assert "set ANTHROPIC_ADMIN_KEY" in found["key"].found
    assert "Make an Admin key" in found["key"].next
    assert found.keys() & {*IDS, "days"} == {"key", "days"}


@pytest.mark.parametrize("fault", [*FAULTS, "402", "envelope", "echo", "echo-403"])
def test_a_service_that_fails_is_named(look, fault):
    """A permanent fault is reported in the service's words; nothing more is asked of it."""
    found = look(faults=lambda number: fault)
    assert found["service"].status == "failed"
    assert "records" not in found
    words = {
        "429": "429 rate_limit_error",
        "429-after": "429 rate_limit_error",
        "429-stale": "429 rate_limit_error",
        "500": "500 api_error",
        "504": "504 timeout_error",
        "529": "529 overloaded_error",
        "402": "402 billing_error",
        "html": "502",
        "truncated": "",
        "drop": "gave no answer",
        "envelope": "",
        "echo": "[key]",
        "echo-403": "[key]",
    }
    assert words[fault] in f"{found['service'].found} {found['service'].next}"


@pytest.mark.parametrize("fault", [*FAULTS, "slow", "envelope", "echo", "402"])
def test_a_fault_after_the_first_answer_fails_the_records(look, fault):
    """The service says which organisation it is, then always fails."""
    found = look(faults=lambda number: fault if number else None)
    assert found["service"].status == "ok"
    assert (found["records"].status == "failed") == (fault != "slow")


def test_a_temporary_fault_is_not_a_failure(look):
    """One 500 is retried; one refusal with a retry time is waited out."""
    assert look(faults={0: "500", 2: "504"}.get)["records"].status != "failed"
    assert look(faults={1: "429-after"}.get)["records"].status != "failed"


@pytest.mark.parametrize(
    ("key", "status", "words"),
    [
        ("sk-ant-api01-do-not-print-me-01", "failed", "Enterprise"),
        ("sk-ant-api03-do-not-print-me-01", "warning", "Messages API"),
        ("hello-do-not-print-me-0123456789", "warning", "does not look like"),
        ("sk-ant-oat01-do-not-print-me-01", "ok", "sk-ant-oat"),
        ("sk-ant-admin01-a b", "failed", "space"),
    ],
)
def test_each_kind_of_key_is_named(look, key, status, words):
    """Its kind and what it works for; a key for the other API is not even sent."""
    found = look(key=key)
    said = f"{found['key'].found} {found['key'].next}"
    assert (found["key"].status, words in said) == (status, True)
    if status == "warning":
        assert found["service"].status == "failed"
        assert "401 authentication_error" in found["service"].found


def test_a_key_the_service_refuses_can_be_replaced(look):
    """A revoked key in a valid format: the refusal, and how to create another."""
    found = look(faults=lambda number: "401")
    assert found["key"].status == "ok"
    assert "401 authentication_error" in found["service"].found
    assert "Make an Admin key" in found["service"].next


def test_a_wrong_address_is_named(look):
    """Nothing answers there, or it is no address."""
    closed = look(environ={"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"})["service"]
    assert (closed.status, "127.0.0.1:9" in closed.found) == ("failed", True)
    none = look(environ={"ANTHROPIC_BASE_URL": "api.example"})["service"]
    assert (none.status, "api.example" in none.found) == ("failed", True)


def test_a_wrong_path_is_a_wrong_address(look):
    """A base URL with an extra path: 404, check the base URL."""
    with serve(FakeService(two, now=lambda: NOW)) as server:
        found = look(environ={"ANTHROPIC_BASE_URL": f"{server.url}/v2"})["service"]
    assert "404 not_found_error" in found.found
    assert "base URL" in found.next


@pytest.mark.parametrize("shape", [before_remote, dict])
def test_a_known_schema_is_fine(look, shape):
    """With and without the more recent fields."""
    assert "fields" not in look(shape=shape)["records"].found


def test_new_fields_are_named_by_their_path(look):
    """An unknown field is a warning, not a failure."""
    found = look(shape=next_year)["records"]
    assert (found.status, "seen_next_year" in found.found) == ("warning", True)


def test_a_missing_field_is_named_by_its_path(look):
    """A record without its counters is another format."""
    shape = lambda row: {**row, "core_metrics": {}}  # noqa: E731 - short
    found = look(shape=shape)["records"]
    assert found.status == "failed"
    assert "num_sessions" in found.found
    assert "core_metrics" in found.found


def test_an_empty_organization_is_not_zero_use(look):
    """No records: a warning says who may not be included; only seven days are requested."""
    asked = []
    found = look(lambda day: asked.append(day) or [])
    assert found["records"].status == "warning"
    assert "Empty is not zero use" in found["records"].next
    assert "Bedrock" in found["records"].next
    assert len(asked) == 7


def test_after_a_quiet_day_an_earlier_day_is_checked(look):
    """After an empty Monday, those of the Friday before."""
    friday = date(2026, 11, 20)
    found = look(lambda day: two(day) if day <= friday else [])
    assert found["records"].status == "warning"
    assert found["records"].found.startswith(f"{friday}: 2 records")


def test_just_after_midnight_yesterday_is_too_fresh(look):
    """At half past midnight the newest closed day is the one before yesterday."""
    early = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    assert look(now=early)["records"].found.startswith("2026-11-22: 2 records")


def test_a_requested_day_is_checked(look):
    """That day only, although it is not over yet or has no records."""
    assert look(day=date(2026, 11, 2))["records"].found.startswith("2026-11-02: 2 records")
    asked = []
    found = look(lambda day: asked.append(day) or [], day=date(2026, 11, 24))["records"]
    assert (asked, found.status) == ([date(2026, 11, 24)], "warning")


def test_a_day_before_the_service_has_any_fails_its_records(look):
    """Claude Enterprise begins with 2026."""
    wanted = {"source": "enterprise", "key": ANALYTICS, "variable": "ANTHROPIC_ANALYTICS_KEY"}
    found = look(day=date(2025, 12, 31), **wanted)["records"]
    assert (found.status, "2026-01-01" in found.found) == ("failed", True)


def test_a_clock_that_is_off_is_a_warning(look):
    """With the clock an hour behind the service, closed days seem open."""
    found = look(now=NOW - timedelta(hours=1))["service"]
    assert (found.status, "60 minutes behind" in found.found) == ("warning", True)


def test_days_of_another_organization_are_a_failure(look, tmp_path):
    """A store of another organisation is reported before a sync is refused."""
    fill(tmp_path / "store", date(2026, 11, 23), date(2026, 11, 23), lambda day: [record(str(day))])
    found = look()["service"]
    assert (found.status, "org-1" in found.found) == ("failed", True)
    assert "--store" in found.next


def test_gaps_and_open_days_come_with_the_command_that_fills_them(look, tmp_path):
    """A gap of two days is named, with the command that fills it."""
    for first, last in [(9, 10), (13, 23)]:
        fill(tmp_path / "store", date(2026, 11, first), date(2026, 11, last))
    found = look()["days"]
    assert (found.status, "missing: 2026-11-11, 2026-11-12" in found.found) == ("warning", True)
    assert "--since 2026-11-11 --until 2026-11-12" in found.next


def test_a_day_that_is_not_over_yet_is_no_fault(look, tmp_path):
    """Today is open in every store of session logs; once it is over it is to be read again."""
    folder = written(tmp_path / ".claude", s1=[answer(at="2026-11-24T08:00:00.000Z")])
    synced_logs(Store(tmp_path / "store"), folder, now=NOW)
    assert look(source="local")["days"].status == "ok"
    later = look(source="local", now=NOW + timedelta(days=1))["days"]
    assert (later.status, "before their end: 2026-11-24" in later.found) == ("warning", True)


def test_a_store_that_is_behind_is_a_warning(look, tmp_path):
    """The service has records up to Monday, the store up to Friday."""
    fill(tmp_path / "store", date(2026, 11, 16), date(2026, 11, 20))
    found = look()["records"]
    assert (found.status, "--since 2026-11-21" in found.next) == ("warning", True)


def test_a_broken_file_is_reported(look, tmp_path):
    """A file that is not valid Parquet is a failure that names it; the rest is checked."""
    root = tmp_path / "store"
    fill(root, date(2026, 11, 23), date(2026, 11, 23))
    (root / "v2" / "api" / "activity" / "2026-11.parquet").write_bytes(b"half")
    found = look()
    assert (found["days"].status, "2026-11.parquet" in found["days"].found) == ("failed", True)
    assert "--since 2026-11-01" in found["days"].next
    assert found["records"].status == "ok"


def test_a_read_only_store_is_a_failure(look, tmp_path, monkeypatch):
    """Reports work, a sync would not."""
    root = tmp_path / "store"
    fill(root, date(2026, 11, 23), date(2026, 11, 23))

    def refuse(**where):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(all_checks.tempfile, "TemporaryFile", refuse)
    found = look()["store"]
    assert (found.status, "Permission denied" in found.found) == ("failed", True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_to_write_is_a_failure(look, tmp_path):
    """The same with the real permissions of a folder."""
    root = tmp_path / "store"
    fill(root, date(2026, 11, 23), date(2026, 11, 23))
    root.chmod(0o555)
    assert look()["store"].status == "failed"


def test_settings_that_cannot_be_read_stop_the_rest(tmp_path, monkeypatch):
    """As with every command, the error says what is wrong."""
    (tmp_path / "ccanalytics.toml").write_text("stoer = 'data'\n")
    monkeypatch.chdir(tmp_path)
    done = run()
    assert done.exit_code != 0
    assert "stoer" in done.output


def test_an_invalid_roster_is_a_failure(look, tmp_path):
    """A missing file and a wrong line are failures; a good file has counts of people and teams."""
    roster = tmp_path / "people.csv"
    assert look(roster=roster)["roster"].status == "failed"
    roster.write_text("email,team,start,end\nann@x.example,Red,2026-13-01,\n")
    assert "2026-13-01" in look(roster=roster)["roster"].found
    roster.write_text("email,team,start,end\nann@x.example,Red,,\n")
    assert "1 person in 1 team" in look(roster=roster)["roster"].found


def test_logs_are_counted(look, tmp_path):
    """The folders searched, and that there are no logs."""
    found = look(source="local", key=None)
    assert (found["logs"].status, ".claude" in found["logs"].found) == ("failed", True)
    assert "service" not in found


def test_enterprise_is_checked_with_its_own_key(look):
    """An analytics key opens the Enterprise API; the answer names the organization."""
    found = look(source="enterprise", key=ANALYTICS, variable="ANTHROPIC_ANALYTICS_KEY")
    assert [found[id].status for id in ("key", "service")] == ["ok"] * 2
    assert f"{MONDAY}: 1 records of 1 person" in found["records"].found


def test_at_five_in_the_morning_enterprise_has_the_day_before_yesterday(look):
    """Days are counted at ten the next day."""
    early = datetime(2026, 11, 24, 5, tzinfo=UTC)
    wanted = {"source": "enterprise", "key": ANALYTICS, "variable": "ANTHROPIC_ANALYTICS_KEY"}
    found = look(now=early, **wanted)["records"]
    assert found.found.startswith("2026-11-22: 1 records")


def run(*arguments, **environ):
    return CliRunner().invoke(main, ["check", *arguments], env=environ)


@pytest.fixture
def url(monkeypatch):
    monkeypatch.setattr(options, "now", lambda: NOW)
    with serve(FakeService(two, now=lambda: NOW, organization=ORGANIZATION)) as server:
        yield server.url


def test_the_command_exits_with_0_when_nothing_failed(url):
    """Warnings are not failures: a fresh install with a good key is 0, without one 1."""
    good = run(ANTHROPIC_BASE_URL=url, ANTHROPIC_ADMIN_KEY=ADMIN)
    assert (good.exit_code, ADMIN in good.output) == (0, False)
    assert run(ANTHROPIC_BASE_URL=url).exit_code == 1
    assert run("--source", "sample").exit_code == 0


def test_the_output_fits_a_terminal(url, monkeypatch):
    """No line is wider than 80 characters."""
    monkeypatch.setenv("COLUMNS", "80")
    output = run("--source", "api", ANTHROPIC_BASE_URL=url).output
    assert max(map(len, output.splitlines())) <= 80


def test_a_service_cannot_send_control_characters_to_the_terminal(monkeypatch):
    """In a field name they are shown as question marks, line breaks as spaces."""
    monkeypatch.setattr(options, "now", lambda: NOW)
    hostile = FakeService(two, now=lambda: NOW, shape=lambda row: {**row, "\x1b[2Ja\nb": 1})
    with serve(hostile) as server:
        done = run("--source", "api", ANTHROPIC_BASE_URL=server.url, ANTHROPIC_ADMIN_KEY=ADMIN)
    assert "\x1b" not in done.output
    assert "?[2Ja b" in " ".join(done.output.split())


def test_a_password_in_the_address_is_not_shown(look):
    """Whether or not the service answers."""
    with serve(FakeService(two, now=lambda: NOW)) as server:
        host = server.url.removeprefix("http://")
        good = look(environ={"ANTHROPIC_BASE_URL": f"http://bob:pass4711@{host}"})
    bad = look(environ={"ANTHROPIC_BASE_URL": "http://bob:pass4711@127.0.0.1:9"})
    assert (good["service"].status, bad["service"].status) == ("ok", "failed")
    assert "pass4711" not in f"{good} {bad}"


def test_the_findings_are_available_as_json(url):
    """With the same ids in the same order, and one overall status."""
    document = json.loads(
        run("--json", "--source", "api", ANTHROPIC_BASE_URL=url, ANTHROPIC_ADMIN_KEY=ADMIN).stdout
    )
    assert document["status"] == "warning"
    assert set(document) == {"status", "checked_at", "ccanalytics", "findings"}
    ids = [one["id"] for one in document["findings"]]
    assert ids == ["program", "settings", "roster", "store", *IDS, "days"]
    assert set(document["findings"][0]) == {"id", "status", "found", "next", "source"}


def test_a_key_file_decides_the_source(url, tmp_path):
    """A file with an analytics key is checked as Enterprise; a missing file is a failure."""
    file = tmp_path / "key"
    file.write_text(f"{ANALYTICS}\n")
    file.chmod(0o600)
    done = run("--json", "--key-file", str(file), ANTHROPIC_BASE_URL=url)
    sources = {one["source"] for one in json.loads(done.stdout)["findings"]}
    assert sources == {"", "enterprise"}
    missing = run("--key-file", str(tmp_path / "none"), ANTHROPIC_BASE_URL=url)
    assert missing.exit_code == 1
    assert "cannot be read" in " ".join(missing.output.split())
