"""The body of an e-mail: the numbers of the page, in a form that mail programs can show."""

import base64
import email
import email.policy
import re
from html.parser import HTMLParser

import pytest
from report_pages import (
    HOSTILE,
    bar_chart,
    card,
    cell,
    chart_output,
    line_chart,
    notebook,
    page_notebooks,
    shown,
    text,
    weekly,
)

from ccanalytics.report.page import build_page
from ccanalytics.report.report_email import email_about
from ccanalytics.words import unbroken

REFUSED_BY_MAIL_PROGRAMS = ("script", "link", "svg", "form", "iframe", "video", "object", "base")
WIDTH = "document.documentElement.scrollWidth"


def notebooks(**changed):
    """A tested and a described headline, a chart of each, and the data quality section."""
    people = card(metric="active_actors", label="Weekly active people", value="96", tested=False)
    cost = card(**({"tested": True} | changed))
    facts = shown(
        "table",
        title="Read this first",
        columns=[{"label": "about", "align": "left"}, {"label": "what is known", "align": "left"}],
        rows=[["Days", "84 of 84 stored"]],
    )
    note = shown("note", kind="warn", text="One day is missing.")
    return [
        notebook(
            text("# Trust"), cell("t", facts, tags=["trust"]), cell("n", note, tags=["trust"])
        ),
        notebook(
            text("# Cost"),
            cell("c", shown("cards", cards=[people, cost]), tags=["headlines"]),
            cell("b", chart_output(bar_chart(weekly()))),
            cell("l", chart_output(line_chart(weekly()))),
        ),
    ]


def made(*books, **options):
    """The e-mail for these notebooks."""
    said = {"title": "Claude Code in week 47", "file": "2026-W47.html", "subtitle": "16 November"}
    return email_about(books or notebooks(), **(said | options))


class Parts(HTMLParser):
    """The tags of an e-mail with their attributes, and its words."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data


LIMIT = 100_000
"""Bytes of HTML; Gmail cuts a message off after 102 KB."""


def parts_of(mail):
    """The plain text, the HTML and the pictures of the message."""
    message = email.message_from_string(mail, policy=email.policy.default)
    plain, rich = message.iter_parts()
    html, *pictures = rich.iter_parts() if rich.is_multipart() else [rich]
    return plain, html, pictures


def html_of(mail):
    return parts_of(mail)[1].get_content()


def text_of(mail):
    return parts_of(mail)[0].get_content()


def titles(mail):
    """The texts above the pictures."""
    return re.findall(r"<h2[^>]*>([^<]*)</h2>", html_of(mail))


def test_the_numbers_are_those_of_the_cards_on_the_page():
    """Value, interval and verdict are identical in both."""
    books = notebooks()
    page, mail = build_page(books, title="Week 47"), made(*books)
    for key in ("label", "value", "interval"):
        for said in (page, html_of(mail), text_of(mail)):
            assert unbroken(card()[key]) in said
    assert "No detectable change" in html_of(mail)


def test_warnings_are_in_both_text_and_html():
    """The warning, and the restated numbers."""
    mail = made(restated=["Week 45: cost $1,018, restated by +1.8 %."])
    for said in (html_of(mail), text_of(mail)):
        assert "One day is missing." in said and "Caution." in said
        assert "restated by +1.8" in said


def test_it_needs_nothing_that_mail_programs_remove():
    """No script, no vector drawing, no link, nothing loaded, no grid and no variables."""
    html = html_of(made())
    tags = Parts(html).tags
    assert not {tag for tag, _ in tags} & set(REFUSED_BY_MAIL_PROGRAMS)
    assert not [a for _, a in tags if "href" in a or any(name.startswith("on") for name in a)]
    assert all(a["src"].startswith("cid:") for tag, a in tags if tag == "img")
    assert not re.search(r"var\(|display:\s*(flex|grid)|url\(|@import|position:", html)
    assert 'id="ccanalytics-issue"' not in html


def test_it_links_to_the_page_if_that_is_served():
    """In text and HTML, and only then; a team's name in it is quoted."""
    mail = made(file="2026-W47 R&D.html", served_at="https://x.example/reports/")
    (link,) = [a["href"] for tag, a in Parts(html_of(mail)).tags if tag == "a"]
    assert link == "https://x.example/reports/2026-W47%20R%26D.html"
    assert link in text_of(mail)
    assert "2026-W47.html, not part of this e-mail" in text_of(made())


def test_it_is_small_however_many_charts_there_are():
    """The HTML stays under 100 KB, with three numbers and one picture."""
    mail = made(*page_notebooks(20))
    assert len(html_of(mail).encode()) < LIMIT
    assert (html_of(mail).count('<td class="part"'), len(parts_of(mail)[2])) == (3, 1)


def test_its_subject_and_its_picture_are_those_of_the_first_finding():
    """Not of the first chart of the page, nor of an unchanged figure."""
    finding = {"kind": "change", "title": "Payments: cost up", "text": "$2 instead of $1."}
    book = notebook(
        text("# What changed?"),
        cell("b", chart_output(bar_chart(weekly()))),
        cell("f", shown("findings", findings=[finding]), tags=["headlines"]),
        cell("c", chart_output(line_chart(weekly())), tags=["headlines"]),
    )
    mail = made(book)
    assert email.message_from_string(mail)["Subject"] == "Payments: cost up"
    assert titles(mail) == ["Cost per commit by team"]


def test_without_a_finding_the_picture_is_of_a_tested_figure():
    """Two headlines with a chart each, one of them only described."""
    assert titles(made()) == ["Cost per commit by team"]


def test_without_pictures_the_text_says_what_they_show():
    """The alternative text of a chart is its description, and numbers are table cells."""
    tags = Parts(html_of(made())).tags
    (alt,) = [a["alt"] for tag, a in tags if tag == "img"]
    assert alt.startswith("Chart: Cost per commit by team, by week")
    assert [a["width"] for tag, a in tags if tag == "td" and "width" in a] == ["50%", "50%"]


def test_hostile_text_is_escaped():
    """A label, a note and the banner are escaped; a line break does not become a header."""
    mail = made(
        *notebooks(label=HOSTILE, value=HOSTILE),
        title=f"A\nBcc: b@x.example {HOSTILE}",
        banner=HOSTILE,
        restated=[HOSTILE],
    )
    assert "<script>alert" not in html_of(mail)
    assert HOSTILE in Parts(html_of(mail)).words
    message = email.message_from_string(mail, policy=email.policy.default)
    assert message["Bcc"] is None
    assert message["Subject"].startswith("A Bcc: b@x.example")


def test_the_message_has_plain_text_html_and_pictures():
    """multipart/alternative, with pictures that the HTML refers to by cid, ready to send."""
    message = email.message_from_string(made(), policy=email.policy.default)
    assert message.get_content_type() == "multipart/alternative"
    assert message["X-Unsent"] == "1"
    plain, rich = message.iter_parts()
    html, picture = rich.iter_parts()
    assert "Cost per commit: $1.35" in plain.get_content()
    assert picture["Content-ID"] == "<cost-per-commit@ccanalytics>"
    assert 'src="cid:cost-per-commit@ccanalytics"' in html.get_content()
    assert "data:" not in html.get_content()
    assert picture.get_content().startswith(b"\x89PNG")
    assert len(html.get_content().encode()) < LIMIT


def test_the_same_notebooks_give_the_same_bytes():
    """There is no date and no random boundary."""
    assert html_of(made()) == html_of(made())
    assert made() == made()


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_is_readable_in_dark_mode(browser, tmp_path, width, scheme):
    """No sideways scrolling, no missing picture, text with enough contrast."""
    from contrast import CONTRAST

    path = tmp_path / "mail.html"
    mail = made(banner="Sample data")
    html = html_of(mail)
    for picture in parts_of(mail)[2]:
        packed = base64.b64encode(picture.get_content()).decode()
        address = picture["Content-ID"].strip("<>")
        html = html.replace(f"cid:{address}", f"data:image/png;base64,{packed}")
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.evaluate(WIDTH) == width
    assert page.locator("img").evaluate("e => e.complete && e.naturalWidth") == 1120
    assert page.evaluate(CONTRAST) == []
    context.close()


def test_a_picture_is_a_real_png_of_few_colours():
    """It can be decoded, and is a quarter of the size of the drawing."""
    (picture,) = parts_of(made())[2]
    assert picture.get_content().startswith(b"\x89PNG")
    assert len(picture.get_content()) < 30_000
