"""A folder of reports lists itself."""

import json
import logging
import os
import threading

import pytest
from report_pages import HOSTILE, card, cell, notebook, shown

from ccanalytics.errors import ReportError
from ccanalytics.report.archive import issues, read_issue, write_issue
from ccanalytics.report.page import build_page, failure_page
from ccanalytics.report.site import write_site


def issue_page(week="2026-W47", source="api", **changed):
    """A page with one card."""
    cards = cell("c", shown("cards", cards=[card(**changed)]), tags=["headlines"])
    about = {"week": week, "source": source}
    return build_page([notebook(cards)], title=f"Week {week[-2:]}", issue=about)


def test_an_issue_can_be_read_back(tmp_path):
    """Week, source, headline values and the sample mark are read from the page."""
    path = write_issue(tmp_path / "reports", "2026-W47", issue_page(source="sample"))
    issue = read_issue(path)
    assert path == tmp_path / "reports" / "2026-W47.html"
    assert (issue.week, issue.source) == ("2026-W47", "sample")
    assert not issue.failed
    assert issue.headlines == {"Cost per commit": "$1.35"}


def test_the_index_lists_the_newest_week_first(tmp_path):
    """Each issue with a link, its values and, on sample data, the mark."""
    write_issue(tmp_path, "2026-W46", issue_page("2026-W46", "sample", value="$9.99"))
    write_issue(tmp_path, "2026-W47", issue_page("2026-W47"))
    html = write_site(tmp_path).read_text()
    assert html.index('href="2026-W47.html"') < html.index('href="2026-W46.html"')
    assert "$9.99" in html and html.count("sample data") == 1


def test_a_failed_run_is_marked_in_the_index(tmp_path):
    """It has no values and says that it was not made."""
    about = {"week": "2026-W48", "source": "api"}
    write_issue(tmp_path, "2026-W48", failure_page(title="W48", reason="No.", issue=about))
    assert issues(tmp_path)[0].failed
    assert "not made" in write_site(tmp_path).read_text()


def test_foreign_and_broken_files_are_ignored(tmp_path, caplog):
    """Other HTML is ignored silently, a broken block with a warning; neither is touched."""
    (tmp_path / "notes.html").write_text("<p>mine</p>")
    block = '<script type="application/json" id="ccanalytics-issue">{}</script>'
    (tmp_path / "broken.html").write_text(block.format("{"))
    (tmp_path / "list.html").write_text(block.format("[1]"))
    (tmp_path / "folder.html").mkdir()
    write_issue(tmp_path, "2026-W47", issue_page())
    with caplog.at_level(logging.WARNING):
        assert [issue.file for issue in issues(tmp_path)] == ["2026-W47.html"]
    warned = sorted(record.args[0].name for record in caplog.records)
    assert warned == ["broken.html", "folder.html", "list.html"]
    assert (tmp_path / "notes.html").read_text() == "<p>mine</p>"


def test_an_empty_folder_has_an_index_that_says_so(tmp_path):
    """An empty folder is not an error."""
    assert "No report has been written" in write_site(tmp_path / "new").read_text()


def test_names_in_the_index_are_text(tmp_path):
    """Title, week and card of an issue are escaped."""
    page = issue_page(HOSTILE, label=HOSTILE)
    write_issue(tmp_path, "2026-W47", page)
    html = write_site(tmp_path).read_text()
    assert "<script>alert" not in html and "&lt;script&gt;alert" in html


def test_a_report_is_written_completely_or_not_at_all(tmp_path, monkeypatch):
    """If the last step fails, the old file stays and no other file is left."""
    write_issue(tmp_path, "2026-W47", "old")

    def refuse(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ReportError, match="No space left"):
        write_issue(tmp_path, "2026-W47", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "2026-W47.html"]
    assert (tmp_path / "2026-W47.html").read_text() == "old"


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b"])
def test_a_report_stays_in_its_folder(tmp_path, name):
    """A name has only letters, digits, dots and dashes, so it cannot lead elsewhere."""
    with pytest.raises(ValueError, match="report file"):
        write_issue(tmp_path, name, "page")


def test_concurrent_runs_leave_an_index_of_all_issues(tmp_path):
    """Eight writers, one issue each: the last index has all eight."""
    summary = json.dumps({"status": "complete"})
    page = f'<script type="application/json" id="ccanalytics-issue">{summary}</script>'

    def publish(number):
        write_issue(tmp_path, f"2026-W{number}", page)
        write_site(tmp_path)

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(40, 48)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    html = (tmp_path / "index.html").read_text()
    assert all(f"2026-W{number}.html" in html for number in range(40, 48))
