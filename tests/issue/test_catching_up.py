"""Catching up: the weeks without an issue, oldest first, whether or not each succeeds."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from builders import record
from click.testing import CliRunner

from ccanalytics import cli
from ccanalytics.cli import options
from ccanalytics.errors import ApiError, AuthError, PreflightError, ReportError
from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.issue import weekly as catching_up
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.issue.weekly import catch_up, missing_weeks
from ccanalytics.report.archive import write_issue
from ccanalytics.report.page import build_page, failure_page
from ccanalytics.settings import Settings
from ccanalytics.weeks import week_name

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NAMES = ["2026-W44", "2026-W45", "2026-W46", "2026-W47"]


def report_options(folder, source="api", **changed):
    """The options of a run over the last four weeks."""
    facts = {"environ": {}, "settings": Settings(store=folder / "store"), "now": NOW}
    facts |= {"source": source, "weeks": 4, "out": folder / "reports"}
    return RunOptions(**(facts | changed))


def put_issue(requested, week, source="api", whole=True, name=""):
    """A page of `week` in the folder of reports."""
    about = {"week": week, "source": source}
    page = (
        build_page([], title=week, issue=about)
        if whole
        else failure_page(title=week, reason="No.", issue=about)
    )
    return write_issue(requested.out, name or week, page)


@pytest.fixture
def reports(monkeypatch):
    """Fake reports: they record their options, and fail in the given weeks."""
    asked, wrong = [], {}

    def report(requested, *_):
        asked.append(requested.week)
        if requested.week in wrong:
            raise wrong[requested.week]
        return put_issue(requested, requested.week)

    monkeypatch.setattr(catching_up, "weekly_report", report)
    monkeypatch.setattr(catching_up, "_has_records", lambda *_: True)
    return asked, wrong


def names(weeks):
    return [week_name(week) for week in weeks]


def test_the_last_weeks_without_an_issue_are_missing_oldest_first(tmp_path):
    """Of four, one has a complete issue, one a failure page, one an issue of the sample."""
    asked = report_options(tmp_path)
    put_issue(asked, "2026-W46")
    put_issue(asked, "2026-W45", whole=False)
    put_issue(asked, "2026-W44", source="sample")
    assert names(missing_weeks(asked)) == ["2026-W44", "2026-W45", "2026-W47"]


def test_since_a_week_reaches_further_back(tmp_path):
    """W40 to W47 are eight weeks; from a week that is not over yet there are none."""
    assert names(missing_weeks(report_options(tmp_path), "2026-W40"))[0] == "2026-W40"
    assert len(missing_weeks(report_options(tmp_path), "2026-W40")) == 8
    assert missing_weeks(report_options(tmp_path), "2026-W48") == []


def test_issues_of_a_team_are_separate(tmp_path):
    """The issue of everybody is not one of the team."""
    asked = report_options(tmp_path, team="Data")
    put_issue(asked, "2026-W47")
    put_issue(asked, "2026-W46", name="2026-W46-data")
    assert names(missing_weeks(asked)) == ["2026-W44", "2026-W45", "2026-W47"]


def test_the_sample_is_caught_up_to_its_own_end(tmp_path):
    """It ends with W47 in every year."""
    asked = report_options(tmp_path, "sample", now=datetime(2031, 1, 1, tzinfo=UTC))
    assert names(missing_weeks(asked)) == NAMES


def test_a_week_that_fails_does_not_stop_the_others(tmp_path, reports):
    """The second is stopped by a check, the third by the service; the fourth is made."""
    asked, wrong = reports
    wrong |= {"2026-W45": PreflightError("A gap."), "2026-W46": ApiError("Overloaded.", status=529)}
    outcomes = list(
        catch_up(report_options(tmp_path), missing_weeks(report_options(tmp_path)), None)
    )
    assert asked == NAMES
    assert [getattr(page, "name", "failed") for _, page in outcomes] == [
        "2026-W44.html",
        "failed",
        "failed",
        "2026-W47.html",
    ]
    assert names(missing_weeks(report_options(tmp_path))) == ["2026-W45", "2026-W46"]


def test_an_interrupted_run_continues_where_it_stopped(tmp_path, reports):
    """Ctrl-C in the third week: two are done, and the next run starts with the third."""
    asked, wrong = reports
    wrong["2026-W46"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        list(catch_up(report_options(tmp_path), missing_weeks(report_options(tmp_path)), None))
    wrong.clear(), asked.clear()
    list(catch_up(report_options(tmp_path), missing_weeks(report_options(tmp_path)), None))
    assert asked == ["2026-W46", "2026-W47"]


def test_a_refused_key_is_tried_only_once(tmp_path, reports):
    """Eleven more requests would not help."""
    asked, wrong = reports
    wrong |= dict.fromkeys(NAMES, AuthError("The key was refused."))
    with pytest.raises(AuthError):
        list(catch_up(report_options(tmp_path), missing_weeks(report_options(tmp_path)), None))
    assert asked == ["2026-W44"]


@pytest.mark.parametrize(
    ("source", "variable", "key"),
    [
        ("api", "ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-x"),
        ("enterprise", "ANTHROPIC_ANALYTICS_KEY", "sk-ant-api01-x"),
    ],
)
def test_weeks_before_the_first_record_are_skipped(tmp_path, monkeypatch, source, variable, key):
    """An organisation that started on the Tuesday of W46 has two reports, not four failures."""
    first, later = date(2026, 11, 10), NOW + timedelta(days=3)
    service = FakeService(lambda day: [record(str(day))] if day >= first else [], now=lambda: later)
    made = []
    monkeypatch.setattr(catching_up, "weekly_report", lambda one, *_: made.append(one.week))
    with serve(service) as server:
        settings = Settings(store=tmp_path / "store", base_url=server.url)
        asked = report_options(
            tmp_path, source, environ={variable: key}, settings=settings, now=later
        )
        list(catch_up(asked, missing_weeks(asked), None))
    assert made == ["2026-W46", "2026-W47"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`ccanalytics report --all-missing ARGUMENTS` for four weeks, as on a day in November 2026."""
    monkeypatch.setattr(options, "now", lambda: NOW)
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        asked = ["report", "--source", "api", "--weeks", "4", "--all-missing", *arguments]
        return CliRunner().invoke(cli.main, asked)

    return invoke


def test_the_command_prints_each_page_and_succeeds(run, reports):
    """Four lines, exit code 0; a second run says that there is nothing to do."""
    done = run()
    assert done.exit_code == 0
    assert done.stdout.split() == [f"reports/{name}.html" for name in NAMES]
    again = run()
    assert (again.exit_code, again.stdout.strip()) == (
        0,
        "Nothing to do: every closed week has a report.",
    )


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ({"2026-W45": PreflightError("A gap.")}, 3),
        ({"2026-W45": PreflightError("A gap."), "2026-W46": ReportError("No space.")}, 1),
    ],
)
def test_the_exit_code_is_that_of_the_worst_week(run, reports, errors, code):
    """Stopped by a check is 3; a failure is worse, and is 1."""
    reports[1].update(errors)
    done = run()
    assert done.exit_code == code
    assert "2026-W45: A gap." in done.stderr
    assert len(done.stdout.split()) == 4 - len(errors)


def test_the_json_output_has_every_week(run, reports):
    """One object on stdout, with one result per week; messages for people are on stderr."""
    reports[1]["2026-W45"] = PreflightError("A gap.")
    done = run("--json")
    said = json.loads(done.stdout)
    assert (said["status"], said["exit_code"]) == ("stopped", 3)
    assert "2026-W45" in said["error"]
    assert [(one["week"], one["status"]) for one in said["reports"]] == [
        ("2026-W44", "done"),
        ("2026-W45", "stopped"),
        ("2026-W46", "done"),
        ("2026-W47", "done"),
    ]
    assert said["reports"][1]["error"] == "A gap."
    assert said["reports"][0]["paths"]["page"].endswith("2026-W44.html")
    assert "reports/2026-W44.html" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["2026-W47", "--all-missing"], ["--since", "2026-W40"]], ids=["both", "alone"]
)
def test_contradictory_options_are_a_usage_error(tmp_path, monkeypatch, arguments):
    """A single week together with all missing ones, or a start without all missing ones."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.main, ["report", "--source", "sample", *arguments])
    assert done.exit_code == 2
    assert "--all-missing" in done.stderr
