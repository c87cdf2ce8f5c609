"""A folder of reports is a static site: sparklines over the issues, and links between them."""

import http.server
import re
import threading
from datetime import date, timedelta
from functools import partial

import pytest
from report_pages import (
    HOSTILE,
    READY,
    card,
    cell,
    chart_output,
    line_chart,
    notebook,
    shown,
    text,
    weekly,
)

from ccanalytics.report.archive import issues, one_a_week, write_issue
from ccanalytics.report.page import build_page, failure_page
from ccanalytics.report.site import groups, write_site
from ccanalytics.weeks import week_name

NEWEST = date(2026, 11, 16)


def about(monday, source="api", team="", identity="aggregate", version=1, value=1.0, **more):
    """The stored value of one metric in an issue's own week; None is no number."""
    numbers = {} if value is None else {"cost_per_commit": {monday.isoformat(): value}}
    return {
        "week": week_name(monday),
        "source": source,
        "numbers": numbers,
        "definitions": {"cost_per_commit": version},
        "parameters": {"source": source, "team": team, "identity": identity},
        **more,
    }


def put_issue(folder, weeks_ago=0, name="", charts=(), **facts):
    """One issue with the card of one metric; `value` is its number."""
    monday = NEWEST - timedelta(weeks=weeks_ago)
    issue = about(monday, **facts)
    value = facts.get("value", 1.0)
    said = "n/a" if value is None else f"${value:.2f}"
    cards = shown("cards", cards=[card(value=said, unit="US dollars")])
    book = notebook(text("# Cost"), cell("c", cards, tags=["headlines"]), *charts)
    page = build_page([book], title=f"Week {monday.isocalendar().week}", issue=issue)
    return write_issue(folder, name or issue["week"], page)


def three(folder, **facts):
    """Three issues in a row, $1, $3 and $2, and their site."""
    for weeks_ago, value in enumerate([2.0, 3.0, 1.0]):
        put_issue(folder, weeks_ago, value=value, **facts)
    return write_site(folder)


def spark(folder):
    """The only sparkline of the only scope in `folder`."""
    (group,) = groups(issues(folder))
    (line,) = group.sparks
    return line


def links(path):
    """The links of a page to other issues, by their relation."""
    nav = re.search(r'<nav class="others".*?</nav>', path.read_text(encoding="utf-8"), re.DOTALL)
    return dict(re.findall(r'rel="(\w+)" href="([^"]+)"', nav[0]))


def test_a_headline_has_a_labelled_sparkline_over_the_issues(tmp_path):
    """$1, $3, $2: the lowest and the highest are said, the newest is next to the line."""
    html = three(tmp_path).read_text(encoding="utf-8")
    line = spark(tmp_path)
    assert (line.label, line.value, line.unit) == ("Cost per commit", "$2.00", "US dollars")
    assert line.words == "3 reports from $1.00 to $3.00"
    (drawn,) = line.line["lines"]
    downs = [float(point.split(",")[1]) for point in drawn.split()]
    assert downs == pytest.approx([5 + 40 * 2 / 3, 5, 5 + 40 / 3], abs=0.1)  # from zero
    assert (line.line["dots"], line.line["last"]) == ([], [drawn.split()[-1]])
    assert f'aria-label="Cost per commit, US dollars, by week. Newest: $2.00; {line.words}"' in html


def test_a_missing_number_leaves_a_gap(tmp_path):
    """Five weeks: one has no issue, one has no number; neither gap is bridged."""
    for weeks_ago, value in [(5, 1.0), (4, 2.0), (2, None), (1, 2.0), (0, 3.0)]:
        put_issue(tmp_path, weeks_ago, value=value)
    line = spark(tmp_path)
    assert [len(one.split()) for one in line.line["lines"]] == [2, 2]
    assert line.words.endswith("1 report without a comparable number")


def test_a_single_number_between_gaps_is_a_dot(tmp_path):
    """It has no neighbour to connect to."""
    put_issue(tmp_path, 4, value=1.0)
    put_issue(tmp_path, 0, value=3.0)
    line = spark(tmp_path).line
    assert (line["lines"], len(line["dots"])) == ([], 2)


def test_the_newest_issue_without_a_number_says_so(tmp_path):
    """The value of an older issue is not shown as the newest."""
    put_issue(tmp_path, 1, value=1.0)
    put_issue(tmp_path, 0, value=None)
    line = spark(tmp_path)
    assert (line.value, line.line["last"]) == ("n/a", [])


def test_a_line_is_of_one_definition(tmp_path):
    """Numbers of an older version are not in it, and are counted."""
    for weeks_ago, version in enumerate([2, 2, 1, 1]):
        put_issue(tmp_path, weeks_ago, version=version, value=1.0 + weeks_ago)
    line = spark(tmp_path)
    assert [len(one.split()) for one in line.line["lines"]] == [2]
    assert line.words == "2 reports from $1.00 to $2.00; 2 reports without a comparable number"


@pytest.mark.parametrize("other", [{"source": "local"}, {"team": "Data"}, {"identity": "named"}])
def test_other_scopes_have_another_line(tmp_path, other):
    """Issues of another source, team or policy are in a separate group."""
    three(tmp_path)
    put_issue(tmp_path, 3, value=9.0, name="other", **other)
    found = groups(issues(tmp_path))
    assert [len(group.issues) for group in found] == [3, 1]
    assert "9" not in found[0].sparks[0].words


def test_points_are_the_numbers_stored_in_the_issues(tmp_path):
    """The newest issue also has restated earlier weeks; each point is the number published then."""
    put_issue(tmp_path, 1, value=3.0)
    path = put_issue(tmp_path, 0, value=2.0)
    restated = path.read_text().replace('{"2026-11-16":2.0}', '{"2026-11-09":9.0,"2026-11-16":2.0}')
    path.write_text(restated)
    assert "9.0" in restated
    assert spark(tmp_path).words == "2 reports from $2.00 to $3.00"


def test_an_issue_is_listed_with_its_title(tmp_path):
    """Its headline is next to its dates."""
    html = three(tmp_path).read_text(encoding="utf-8")
    assert re.search(r"16 Nov to 22 Nov 2026</span></th>\s*<td class=\"title\">Week 47<", html)


def test_an_issue_with_restated_numbers_is_marked(tmp_path):
    """Week 46 was published as $3, the newest issue has $4; week 45 is unchanged."""
    for weeks_ago, value in [(2, 1.0), (1, 3.0), (0, 2.0)]:
        path = put_issue(tmp_path, weeks_ago, value=value)
    now = '{"2026-11-02":1.0,"2026-11-09":4.0,"2026-11-16":2.0}'
    path.write_text(path.read_text().replace('{"2026-11-16":2.0}', now))
    (group,) = groups(issues(tmp_path))
    assert [group.restated(one) for one in group.issues] == ["", "1 figure restated since", ""]
    assert write_site(tmp_path).read_text(encoding="utf-8").count("restated since") == 1


def test_an_issue_is_linked_with_the_one_before_and_the_one_after(tmp_path):
    """The middle one has both; a failed week between two is skipped, but has links itself."""
    put_issue(tmp_path, 2)
    put_issue(tmp_path, 0)
    week = about(NEWEST - timedelta(weeks=1))
    write_issue(tmp_path, week["week"], failure_page(title="W46", reason="No.", issue=week))
    write_site(tmp_path)
    assert links(tmp_path / "2026-W47.html") == {"prev": "2026-W45.html"}
    assert links(tmp_path / "2026-W45.html") == {"next": "2026-W47.html"}
    assert links(tmp_path / "2026-W46.html") == {"prev": "2026-W45.html", "next": "2026-W47.html"}


def test_links_lead_to_issues_of_the_same_team(tmp_path):
    """The issue of a team links to that team's previous one."""
    three(tmp_path)
    put_issue(tmp_path, 2, team="Data", name="2026-W45-data")
    put_issue(tmp_path, 0, team="Data", name="2026-W47-data")
    write_site(tmp_path)
    assert links(tmp_path / "2026-W47-data.html") == {"prev": "2026-W45-data.html"}
    assert links(tmp_path / "2026-W46.html") == {"prev": "2026-W45.html", "next": "2026-W47.html"}


def test_the_same_issues_give_the_same_bytes_in_any_order(tmp_path):
    """Newest first or oldest first, the folders are equal; writing again changes nothing."""
    for name, order in (("a", (0, 1, 2)), ("b", (2, 1, 0))):
        for weeks_ago in order:
            put_issue(tmp_path / name, weeks_ago, value=1.0 + weeks_ago)
            write_site(tmp_path / name)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in "ab")
    assert one == two
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("a/2026*.html")}
    write_site(tmp_path / "a")
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_an_older_page_without_a_place_for_links_is_unchanged(tmp_path):
    """It is listed but not modified."""
    path = put_issue(tmp_path)
    old = path.read_text().replace("<!--other issues--><!--/other issues-->", "")
    path.write_text(old)
    put_issue(tmp_path, 1)
    write_site(tmp_path)
    assert path.read_text() == old
    assert links(tmp_path / "2026-W46.html") == {"next": "2026-W47.html"}


def test_hostile_issues_are_text_in_index_and_links(tmp_path):
    """Markup, control characters and invalid weeks; half a surrogate pair or wrong types are
    none of ours."""
    three(tmp_path)
    block = '<script type="application/json" id="ccanalytics-issue">{}</script>'
    hostile = HOSTILE.replace("<", "\\u003c")
    for number, week in enumerate(["2026-W44", "9999-W52", hostile, "\\ud800", "0001-W01", 3]):
        said = (
            f'{{"status":"complete","week":"{week}","title":"{hostile}\\u0000",'
            f'"numbers":{{"m":{{"2026-10-26":{1 if number < 5 else "[]"}}}}},'
            f'"headlines":[{{"metric":"m","label":"{hostile}","value":"1"}}]}}'
        )
        (tmp_path / f"a{number}<b>.html").write_text(block.format(said))
    html = write_site(tmp_path).read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert len(one_a_week(issues(tmp_path))) == 5


@pytest.fixture
def site(tmp_path):
    """Three issues with a chart each, served under a prefix by a minimal server."""
    folder = tmp_path / "some" / "prefix"
    for weeks_ago in range(3):
        chart = cell("c", chart_output(line_chart(weekly())))
        put_issue(folder, weeks_ago, value=1.0 + weeks_ago, charts=[chart])
    write_site(folder)
    (folder.parent / "index.html").write_text("not this one")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}/some/prefix/"
        server.shutdown()
        thread.join()


@pytest.mark.browser
@pytest.mark.parametrize("hosted", [True, False], ids=["hosted", "from disk"])
def test_a_reader_navigates_the_site(browser, site, hosted):
    """Index, issue, the previous one, index; no external request, no console error."""
    folder, served = site
    base = served if hosted else f"{folder.as_uri()}/"
    context = browser.new_context(viewport={"width": 390, "height": 800})
    complaints = []

    def only_here(route):
        if route.request.url.startswith(base):
            route.continue_()
        elif not route.request.url.endswith("/favicon.ico"):  # requested by Chromium itself
            complaints.append(route.request.url)
            route.abort()
        else:
            route.fulfill(status=204)

    context.route("**/*", only_here)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{base}index.html")
    assert page.get_by_role("img", name="3 reports from $1.00 to $3.00").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("table a", has_text="2026-W47").click()
    page.locator(READY).wait_for()
    assert page.locator(".chart.drawn").count() == 1
    page.locator("a[rel=prev]").click()
    assert page.url == f"{base}2026-W46.html"
    assert page.locator("a[rel=next]").inner_text().strip().endswith("2026-W47 →")
    page.get_by_role("link", name="All weeks").click()
    assert page.url == f"{base}index.html"
    context.close()
    assert complaints == []


@pytest.mark.browser
def test_links_that_cannot_work_are_removed(browser, site):
    """A mail program opens an attachment as a blob, which has no folder around it."""
    folder, served = site
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served}2026-W47.html")
    assert page.locator(".others").count() == 1
    text = (folder / "2026-W47.html").read_text(encoding="utf-8")
    with context.expect_page() as opened:  # its blob lives as long as the page that made it
        page.evaluate(
            "html => { open(URL.createObjectURL(new Blob([html], {type: 'text/html'}))); }", text
        )
    attachment = opened.value
    attachment.locator(READY).wait_for()
    assert attachment.locator("h1").inner_text() == "Week 47"
    assert attachment.locator(".others").count() == 0
    context.close()
