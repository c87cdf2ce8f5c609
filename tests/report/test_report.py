"""The report as a user makes it: the real command, the real notebooks, one page."""

import email
import email.policy
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from builders import record
from command import command
from notebook_runs import run_notebooks

from ccanalytics.errors import ParameterError
from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.issue.memory import REMEMBERED
from ccanalytics.report.archive import read_issue
from ccanalytics.report.engine import NotebookRun
from ccanalytics.report.parameters import checked_parameters
from ccanalytics.report.run import notebook_folder, report_notebooks
from ccanalytics.sources.sample.organisation import SampleOrganisation
from ccanalytics.sources.sample.staff import DOMAIN

KEY = "sk-ant-admin01-do-not-print-me"
HOSTILE = "</script><script>alert(1)</script>"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def bytes_written(folder):
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def report_of_service(folder, environment, faults=None):
    """A report of two weeks of the sample organisation, served as by the Admin API."""
    service = FakeService(SampleOrganisation().records, now=lambda: NOW, faults=faults)
    roster = folder / "people.csv"
    roster.write_text(SampleOrganisation().roster_csv(), encoding="utf-8")
    with serve(service) as server:
        done = command(
            *("report", "2026-W47", "--source", "api", "--weeks", "2", "--roster", roster),
            *("--json", "--email"),
            folder=folder,
            environment=environment,
            ANTHROPIC_BASE_URL=server.url,
            ANTHROPIC_ADMIN_KEY=KEY,
        )
    assert done.returncode == 0, done.stderr
    return done, folder / "reports", [dict(asked.url.params) for asked in service.asked]


@pytest.fixture(scope="session")
def over_http(once, clean_environment):
    """The same week in the real wire format over real HTTP."""
    return once("api", lambda folder: report_of_service(folder, clean_environment))


def test_the_command_prints_what_it_wrote(sample):
    """Two paths on stdout, both exist, one page under 1 MB."""
    done, reports = sample
    page, index = (Path(line) for line in done.stdout.split())
    assert (page.name, index.name) == ("2026-W47.html", "index.html")
    assert (reports / page.name).stat().st_size < 1_000_000
    assert "2026-W47.html" in (reports / index.name).read_text(encoding="utf-8")


def test_every_notebook_cell_with_a_chart_is_on_the_page(sample):
    """The page has as many charts as the executed notebooks."""
    _, reports = sample
    notebooks = [nbformat.read(p, as_version=4) for p in sorted(reports.glob("2026-W47/*.ipynb"))]
    outputs = [o for nb in notebooks for c in nb.cells for o in c.get("outputs", [])]
    drawn = [o for o in outputs if any("vegalite" in mime for mime in o.get("data", {}))]
    page = (reports / "2026-W47.html").read_text(encoding="utf-8")
    assert len(notebooks) == len(report_notebooks())
    assert len(drawn) > 12
    assert page.count('<figure class="chart"') == len(drawn)
    # Viewers that draw no Vega-Lite show the picture.
    assert all(one.data["image/svg+xml"].count("<text") > 3 for one in drawn)


@pytest.mark.slow
def test_the_first_notebook_runs_to_its_end(sample, tmp_path, clean_environment):
    """Every cell of start_here on the sample, including the SQL."""
    notebooks = [notebook_folder() / "start_here.ipynb"]
    environment = {**clean_environment, "CCANALYTICS_STORE": str(sample[1].parent / "store")}
    (done,) = run_notebooks(
        [NotebookRun(source, {}) for source in notebooks],
        environment=environment,
        timeout=60,
    )
    sql = [cell for cell in done.cells if cell.cell_type == "code"]
    (sql,) = [cell for cell in sql if "cca.connect" in cell.source]
    assert "vscode" in sql.outputs[0]["data"]["text/plain"]


def test_the_sample_is_labelled_as_a_sample(sample):
    """A banner on the page, and a mark in the index."""
    issue = read_issue(sample[1] / "2026-W47.html")
    assert issue.source == "sample"
    assert "invented organisation" in (sample[1] / "2026-W47.html").read_text(encoding="utf-8")


def test_nobody_is_named_in_any_file(sample):
    """No address, name, key or domain of the roster in the page, the notebooks or the index."""
    written = bytes_written(sample[1]).decode("utf-8", "replace")
    names = {line.split(",")[4] for line in SampleOrganisation().roster_csv().splitlines()[1:]}
    assert DOMAIN not in written
    assert "ci-review-bot" not in written
    assert not [name for name in names if name and name in written]
    assert not re.search(r"[\w.]+@[\w.]+\.example", written)


def test_a_headline_is_the_last_point_of_its_chart(sample):
    """The number on a card is the number in the table behind the chart."""
    page = (sample[1] / "2026-W47.html").read_text(encoding="utf-8")
    cards = dict(read_issue(sample[1] / "2026-W47.html").headlines)
    notebook = nbformat.read(sample[1] / "2026-W47/cost_per_commit.ipynb", as_version=4)
    specs = [
        value
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for mime, value in output.get("data", {}).items()
        if "vegalite" in mime and value["usermeta"]["ccanalytics"]["metric"] == "cost_per_commit"
    ]
    (rows,) = specs[0]["datasets"].values()
    assert cards["Cost per commit"] == f"${rows[-1]['value']:.2f}"
    assert cards["Cost per commit"] in page


@pytest.mark.slow
def test_the_admin_api_gives_the_same_week(sample, over_http):
    """Over HTTP or directly, the numbers of the week are the same."""
    one = dict(read_issue(sample[1] / "2026-W47.html").headlines)
    two = dict(read_issue(over_http[1] / "2026-W47.html").headlines)
    assert one == two
    assert len(one) == 5


@pytest.mark.slow
def test_the_json_output_matches_the_page(over_http):
    """One object on stdout: the numbers of the cards, the checks, and files that exist."""
    done, reports, _ = over_http
    said = json.loads(done.stdout)
    assert (said["status"], said["exit_code"], said["error"]) == ("done", 0, None)
    assert (said["week"], said["source"], said["identity"]) == ("2026-W47", "api", "aggregate")
    texts = {one["label"]: one["text"] for one in said["headlines"]}
    assert texts == dict(read_issue(reports / "2026-W47.html").headlines)
    (cost,) = [one for one in said["headlines"] if one["id"] == "cost_per_commit"]
    assert (cost["low"], cost["high"]) == (None, None)  # two weeks are too few for an interval
    assert cost["text"] == f"${cost['value']:.2f}"
    assert cost["value"] - cost["previous"] == pytest.approx(cost["change"], abs=2e-6)
    assert {one["level"] for one in said["checks"]} <= {"passed", "warning"}
    assert {"page", "index", "notebooks", "email"} == set(said["paths"])
    assert all(Path(path).exists() for path in said["paths"].values())


@pytest.mark.slow
def test_the_mail_has_the_numbers_of_the_page_and_no_name(over_http):
    """Three of the headlines and one chart, limited in size, with no names."""
    _, reports, _ = over_http
    text = (reports / "2026-W47.eml").read_text(encoding="utf-8")
    message = email.message_from_string(text, policy=email.policy.default)
    html = message.get_body(("html",)).get_content()
    shown = re.findall(r"<td class=\"part\".*?<p[^>]*>([^<]*)</p><p[^>]*>([^<]*)</p>", html)
    assert len(shown) == 3
    assert set(shown) <= set(read_issue(reports / "2026-W47.html").headlines.items())
    assert len(html.encode()) < 100_000
    assert html.count("<img") == 1
    assert DOMAIN not in html + text


@pytest.mark.slow
def test_every_headline_is_stored_in_the_issue(over_http):
    """So that each has a line in the index once there are two issues."""
    issue = read_issue(over_http[1] / "2026-W47.html")
    assert {card.metric for card in issue.cards} <= set(issue.definitions)
    assert {card.metric for card in issue.cards} <= set(REMEMBERED)


@pytest.mark.slow
def test_faults_change_no_number(over_http, tmp_path, clean_environment):
    """Requests fail in every temporary way, and the report is the same."""
    faults = {1: "500", 4: "truncated", 6: "429-after", 9: "drop", 11: "html"}.get
    _, reports, asked = report_of_service(tmp_path, clean_environment, faults)
    issues = [read_issue(folder / "2026-W47.html") for folder in (over_http[1], reports)]
    assert len(asked) == 14 + 5
    assert issues[0].headlines == issues[1].headlines


@pytest.mark.slow
def test_the_key_is_in_no_written_file(over_http):
    """Not in the page, the notebooks, the store or the output."""
    done, reports, _ = over_http
    assert KEY.encode() not in bytes_written(reports.parent)
    assert KEY not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_second_run_fetches_only_days_that_may_still_change(over_http, clean_environment):
    """Final days are not fetched again: of 14 only those fetched within 48 hours of their end."""
    _, reports, asked = over_http
    fetched = {one["starting_at"] for one in asked}
    assert len(fetched) == 14
    again = FakeService(SampleOrganisation().records, now=lambda: NOW)
    with serve(again) as server:
        done = command(
            *("sync", "--since", "2026-11-09", "--until", "2026-11-22"),
            folder=reports.parent,
            environment=clean_environment,
            ANTHROPIC_BASE_URL=server.url,
            ANTHROPIC_ADMIN_KEY=KEY,
        )
    assert done.returncode == 0, done.stderr
    assert len(again.asked) <= 3


@pytest.mark.slow
def test_hostile_names_are_shown_as_text(tmp_path, clean_environment):
    """A team, an address and a key full of markup are escaped."""
    strangers = [f"<script>alert({n})</script>@x.example" for n in range(6)]
    members = [f"p{n}@x.example" for n in range(6)]
    usage = {"claude-sonnet-5": {"input": 9, "output": 9, "cents": 300}}

    def of_day(day):
        used = [record(str(day), who, commits=9, models=usage) for who in strangers + members]
        return [*used, record(str(day), api_key=HOSTILE, models=usage, terminal=HOSTILE)]

    roster = tmp_path / "people.csv"
    lines = [f"{who},{HOSTILE}," for who in members]
    roster.write_text("\n".join(["email,team,start", *lines]), encoding="utf-8")
    with serve(FakeService(of_day, now=lambda: NOW)) as server:
        done = command(
            *("report", "2026-W47", "--source", "api", "--weeks", "2", "--roster", roster),
            *("--identity", "named"),
            folder=tmp_path,
            environment=clean_environment,
            ANTHROPIC_BASE_URL=server.url,
            ANTHROPIC_ADMIN_KEY=KEY,
        )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "reports/2026-W47.html").read_text(encoding="utf-8")
    assert "alert(1)" in page
    assert "<script>alert" not in page


def failing_notebooks(folder):
    """The real notebooks, one of which has a failing cell."""
    folder.mkdir()
    for path in report_notebooks():
        notebook = nbformat.read(path, as_version=4)
        if path.stem == "productivity":
            notebook.cells[4]["source"] = "1 / 0"
            notebook.cells[4]["cell_type"] = "code"
            notebook.cells[4].update(outputs=[], execution_count=None)
        nbformat.write(notebook, folder / path.name)
    return folder


@pytest.mark.slow
def test_a_failing_cell_is_named_and_no_partial_report_is_left(sample, tmp_path, clean_environment):
    """Exit 1, the notebook, the error, and a failure page in place of the issue."""
    notebooks = failing_notebooks(tmp_path / "broken")
    done = command(
        *("report", "--source", "sample", "--notebooks", notebooks, "--json"),
        folder=tmp_path,
        environment=clean_environment,
    )
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["headlines"]) == ("failed", [])
    assert "ZeroDivisionError" in answer["error"]
    assert answer["paths"]["page"] == str(tmp_path / "reports/2026-W47.html")
    page = (tmp_path / "reports/2026-W47.html").read_text(encoding="utf-8")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for said in (done.stderr, page):
        assert "productivity" in said
        assert "ZeroDivisionError" in said
    assert read_issue(tmp_path / "reports/2026-W47.html").failed
    assert "<figure" not in page


@pytest.mark.slow
def test_a_failure_leaves_an_earlier_complete_issue_alone(sample, tmp_path, clean_environment):
    """The good page of the week stays; the failure is next to it."""
    reports = tmp_path / "reports"
    reports.mkdir()
    good = (sample[1] / "2026-W47.html").read_bytes()
    (reports / "2026-W47.html").write_bytes(good)
    notebooks = failing_notebooks(tmp_path / "broken")
    done = command(
        *("report", "--source", "sample", "--notebooks", notebooks),
        folder=tmp_path,
        environment=clean_environment,
    )
    assert done.returncode == 1
    assert (reports / "2026-W47.html").read_bytes() == good
    assert read_issue(reports / "2026-W47-failed.html").failed


@pytest.mark.parametrize(
    ("parameters", "words"), [({"wek": "2026-W47"}, "week"), ({"weeks": "a dozen"}, "weeks")]
)
def test_a_wrong_parameter_is_an_error_before_a_worker_starts(parameters, words):
    """An unknown name, or a value of the wrong type, with a suggestion."""
    with pytest.raises(ParameterError, match=words):
        checked_parameters(report_notebooks(), {}, parameters)


def log_line(uuid, stamp, kind, **fields):
    common = {"type": kind, "uuid": uuid, "timestamp": stamp, "sessionId": "s-1", "cwd": "/home/x"}
    return json.dumps(common | {"version": "2.1.100", "entrypoint": "cli"} | fields)


@pytest.mark.slow
def test_local_logs_become_a_report(tmp_path, clean_environment):
    """One person's cost by project: nothing about teams or people."""
    usage = {"input_tokens": 10, "output_tokens": 20, "cache_read_input_tokens": 900}
    message = {"id": "m1", "role": "assistant", "model": "claude-sonnet-5", "stop_reason": "end"}
    lines = [
        log_line("u1", "2026-11-17T10:00:00Z", "user", message={"role": "user", "content": "hi"}),
        log_line(
            "u2",
            "2026-11-17T10:00:05Z",
            "assistant",
            requestId="r1",
            message=message | {"usage": usage, "content": []},
        ),
    ]
    folder = tmp_path / "claude" / "projects" / "-home-x"
    folder.mkdir(parents=True)
    (folder / "s-1.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = command(
        *("report", "--source", "local", "--logs", tmp_path / "claude"),
        folder=tmp_path,
        environment=clean_environment,
    )
    assert done.returncode == 0, done.stderr
    (page,) = (tmp_path / "reports").glob("20*.html")
    assert read_issue(page).title.startswith("You spent about $0.00 in the week of 16 November")
    assert dict(read_issue(page).headlines)["Spent, an estimate"] == "$0.00"


@pytest.mark.slow
def test_an_installed_wheel_reports_in_an_empty_folder(tmp_path, clean_environment, wheel):
    """The wheel contains the notebooks; nothing of the checkout is needed."""
    assert (wheel / "ccanalytics" / "_notebooks" / "adoption.ipynb").is_file()
    empty = tmp_path / "empty"
    empty.mkdir()
    done = command(
        *("report", "--source", "sample"),
        folder=empty,
        environment=clean_environment,
        PYTHONPATH=str(wheel),
    )
    assert done.returncode == 0, done.stderr
    assert (empty / "reports" / "2026-W47.html").is_file()


def in_dollars(wire):
    """A record with amounts a hundred times too high."""
    for usage in wire["model_breakdown"]:
        usage["estimated_cost"]["amount"] *= 100
    return wire


@pytest.mark.slow
def test_a_check_can_stop_the_report_and_force_overrides_it(tmp_path, clean_environment):
    """Exit 3 and a page with the reason; with --force the page has the warning at its top."""
    records = SampleOrganisation().records
    service = FakeService(records, now=lambda: NOW, shape=in_dollars)
    asked = ("report", "2026-W47", "--source", "api", "--weeks", "1")
    with serve(service) as server:
        own = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_ADMIN_KEY": KEY}
        stopped = command(*asked, "--json", folder=tmp_path, environment=clean_environment, **own)
        why = (tmp_path / "reports/2026-W47.html").read_text(encoding="utf-8")
        forced = command(*asked, "--force", folder=tmp_path, environment=clean_environment, **own)
    page = (tmp_path / "reports/2026-W47.html").read_text(encoding="utf-8")
    assert stopped.returncode == 3
    answer = json.loads(stopped.stdout)
    assert (answer["status"], answer["week"]) == ("stopped", "2026-W47")
    (found,) = [one["found"] for one in answer["checks"] if one["level"] == "stop"]
    assert "100.00 times the list price" in found
    assert "100.00 times the list price" in stopped.stderr
    assert "100.00 times the list price" in why
    assert forced.returncode == 0, forced.stderr
    assert "a check would have stopped it" in page
