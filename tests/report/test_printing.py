"""An installed browser prints the page; without one, nothing is started."""

import os
import re
import stat

import pypdf
import pytest
from report_pages import cell, chart_output, line_chart, notebook, page_notebooks, text, weekly

from ccanalytics.errors import ReportError
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.issue.weekly import weekly_report
from ccanalytics.report.page import build_page
from ccanalytics.report.printing import BROWSERS, find_browser, print_page
from ccanalytics.settings import Settings


def program(folder, name, script):
    """An executable shell script."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(scope="module")
def printed(browser, tmp_path_factory):
    """The PDF of a page with questions of every length."""
    folder = tmp_path_factory.mktemp("a folder with spaces & signs")
    long = [
        text("# Long"),
        *[
            one
            for n in range(9)
            for one in (
                text(
                    f"## Is it long {n}?\n\n" + "Words that fill the page to some height. " * 9 * n
                ),
                cell("c", chart_output(line_chart(weekly(), f"Chart {n}"))),
            )
        ],
    ]
    long += [
        text("*How to read it:* from left to right.", ["fold"]),
        text("## Is it behind?", ["more"]),
        cell("c", chart_output(line_chart(weekly(), "Chart behind"))),
    ]
    page = folder / "2026-W47.html"
    page.write_text(build_page([*page_notebooks(), notebook(*long)], title="Week 47"), "utf-8")
    find = find_browser(os.environ)
    pdf = print_page(page, folder / "2026-W47.pdf", browser=find, environment=os.environ)
    return page, pypdf.PdfReader(pdf)


@pytest.mark.browser
def test_the_pdf_is_the_page_with_its_pages_numbered(printed):
    """Title, cards and charts on A4, and each page has its number and the total."""
    page, pdf = printed
    assert pdf.metadata.title == "Week 47"
    assert [round(side) for side in pdf.pages[0].mediabox[2:]] == [595, 842]
    words = [one.extract_text() for one in pdf.pages]
    assert "$1.35" in "".join(words)
    assert all(f"{n} / {len(words)}" in one for n, one in enumerate(words, start=1))
    assert sorted(p.name for p in page.parent.glob("[!.]*")) == ["2026-W47.html", "2026-W47.pdf"]


@pytest.mark.browser
def test_two_pages_come_before_the_first_section(printed):
    """The cards, then the first chart of each section; the first section starts on page 3."""
    _, pdf = printed
    cards, charts, first = ("".join(pdf.pages[at].extract_text()) for at in range(3))
    assert "$1.35" in cards
    assert all(title in charts for title in ("Adoption", "Productivity", "Cost", "Long", "Chart 0"))
    assert "Is question 1 getting better?" in first


@pytest.mark.browser
def test_folded_content_is_printed(printed):
    """The table behind a chart, folded text, and the content behind "more"."""
    _, pdf = printed
    words = " ".join("".join(one.extract_text() for one in pdf.pages).split())
    assert re.search(r"31 Aug 2026 Data [^A-Z]*\$1\.10", words)
    assert "From left to right" in words
    assert "Is it behind?" in words and "Chart behind" in words


@pytest.mark.browser
def test_no_heading_is_separated_from_its_content(printed):
    """No page ends with a heading, however long the text before a figure is."""
    page, pdf = printed
    headings = re.findall(r"<h[1-4][^>]*>(?:<a[^>]*>)?([^<]+)<", page.read_text(encoding="utf-8"))
    assert len(headings) > 25
    for one in pdf.pages:
        lines = [line.strip() for line in one.extract_text().splitlines() if line.strip()]
        content = [line for line in lines if not re.fullmatch(r"\d+ / \d+", line)]
        assert content[-1] not in headings


@pytest.mark.browser
def test_a_question_stays_on_the_page_of_its_figure(printed):
    """Each question of the long section is on the page where its chart starts."""
    _, pdf = printed
    words = [one.extract_text() for one in pdf.pages]
    for n in range(9):
        (page,) = [one for one in words if f"Is it long {n}?" in one]
        assert f"Chart {n}" in page


def test_without_a_browser_nothing_is_started(tmp_path):
    """The error names what is missing before the store is filled or a folder is created."""
    options = RunOptions(
        environ={"PATH": str(tmp_path)},
        settings=Settings(store=tmp_path / "store"),
        now=None,
        source="sample",
        out=tmp_path / "reports",
        pdf=True,
    )
    with pytest.raises(ReportError, match="Chromium, Chrome or Edge on the PATH"):
        weekly_report(options, workers=None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", BROWSERS)
def test_any_browser_that_can_print_is_used(tmp_path, name):
    """Under whichever name it is installed."""
    path = program(tmp_path, name, "")
    assert find_browser({"PATH": str(tmp_path)}) == path


def test_a_browser_that_hangs_is_stopped(tmp_path):
    """After the time limit, with its child processes, and it leaves nothing behind."""
    hangs = program(tmp_path, "chromium", "sleep 600 & sleep 600")
    page = tmp_path / "page.html"
    page.write_text("x")
    with pytest.raises(ReportError, match=r"did not finish within 1 s"):
        print_page(page, tmp_path / "page.pdf", browser=hangs, environment={}, timeout=1)
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "chromium", "page.html"}


def test_a_browser_that_fails_is_quoted(tmp_path):
    """The error has its last line, and no invalid PDF is written; an older PDF stays."""
    fails = program(tmp_path, "chromium", "echo first; echo No usable sandbox! >&2; exit 1")
    page, pdf = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text("x")
    pdf.write_text("older")
    with pytest.raises(ReportError, match=r"chromium did not print.*No usable sandbox!"):
        print_page(page, pdf, browser=fails, environment=dict(os.environ))
    assert pdf.read_text() == "older"


def test_the_browser_gets_no_key(tmp_path):
    """Its environment contains none."""
    counts_keys = program(tmp_path, "chromium", "env | grep -c sk-ant")
    environment = {**os.environ, "ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-secret"}
    page = tmp_path / "page.html"
    page.write_text("x")
    with pytest.raises(ReportError, match=r": 0$"):
        print_page(page, tmp_path / "page.pdf", browser=counts_keys, environment=environment)
