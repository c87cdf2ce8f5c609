"""The report of the sample, measured: short, complete and accessible."""

import pytest
from page_measures import CHARTS, CUT, CUT_ON_PAPER, CUT_WORDS, faults, screens, words
from report_pages import READY

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(browser, sample):
    """Open the report of the sample at this width."""
    pages = []

    def open_page(width=1440, **options):
        page = browser.new_page(
            viewport={"width": width, "height": 900}, reduced_motion="reduce", **options
        )
        pages.append(page)
        page.goto((sample[1] / "2026-W47.html").as_uri())
        page.locator(READY).wait_for()
        return page

    yield open_page
    for page in pages:
        page.close()


def test_it_fits_in_twelve_screens(opened):
    """At most 12 screens of 900 pixels and 2,500 words before anything is opened."""
    page = opened()
    print(f"{screens(page):.1f} screens, {words(page)} words")
    assert screens(page) <= 12
    assert words(page) <= 2500


def test_the_first_screen_says_and_shows_what_changed(opened):
    """Title, findings, five cards with a sparkline each and the first chart, in 900 pixels."""
    page = opened()
    assert page.locator("h1").inner_text().startswith("Payments: cost up")
    shown = page.locator(".findings li, .headlines .card .spark, main > .panel figure")
    assert page.locator(".headlines .card .spark").count() == 5
    for box in (one.bounding_box() for one in shown.all()):
        assert box["y"] + box["height"] <= 900
    for verdict in page.locator(".headlines .verdict").all_inner_texts():
        assert len(verdict.split()) <= 4


def test_a_phone_begins_with_the_findings(opened):
    """All of them, and the first cards, in 844 pixels."""
    page = opened(390)
    box = page.locator(".headlines .value").first.bounding_box()
    assert box["y"] + box["height"] <= 844


def test_a_finding_leads_to_the_chart_it_is_about(opened):
    """To that of the same metric and split."""
    page = opened()
    finding = page.get_by_role("link", name="Payments: cost per commit up")
    title = finding.inner_text()
    finding.click()
    chart = page.locator("figure.chart:target")
    assert chart.is_visible() and title in chart.locator("h4").inner_text().replace("\n", " ")


def test_a_tap_shows_the_week_in_four_short_lines(opened):
    """Anywhere above or below the line of a week, in a chart as wide as a phone."""
    page = opened(390, has_touch=True)
    drawing = page.locator(".chart", has_text="Weekly active people:").locator(".live svg")
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    page.evaluate("new Promise(done => setTimeout(done, 100))")  # scrolling hides a tooltip
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = page.locator("#tip")
    tip.wait_for()
    assert 2 <= tip.locator("b").count() <= 4
    assert tip.locator("b").nth(1).inner_text().isdigit()


def test_a_section_shows_three_charts_at_most(opened):
    """The others are behind "more", and are drawn when it is opened."""
    page = opened()
    seen = page.evaluate(CHARTS)
    assert max(seen) <= 3
    page.eval_on_selector_all("details", "all => all.forEach(e => { e.open = true; })")
    assert sum(page.evaluate(CHARTS)) == page.locator(".chapter .chart").count() > sum(seen)


@pytest.mark.parametrize("width", [320, 390, 720, 820, 1440])
def test_nothing_is_cut(opened, width):
    """No part of the page is wider than the window, folded or open; 720 is 1440 at 200 %."""
    page = opened(width)
    for opening in (False, True):
        if opening:
            page.eval_on_selector_all("details", "all => all.forEach(e => { e.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(CUT) == []
        assert page.evaluate(CUT_WORDS) == []


def test_no_word_of_a_drawing_is_cut_on_paper(opened):
    """The names at an axis may need more room in the reader's fonts than in the drawing's."""
    page = opened(1440)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 695, "height": 1000})  # A4 without its margins
    assert page.locator(".static text").count() > 500
    assert page.evaluate(CUT_ON_PAPER) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_is_accessible(opened, width, scheme):
    """axe-core finds nothing serious, folded or open."""
    page = opened(width, color_scheme=scheme, bypass_csp=True)
    assert faults(page) == []
    page.eval_on_selector_all("details", "all => all.forEach(e => { e.open = true; })")
    assert faults(page) == []


def test_the_index_is_accessible(opened):
    """The page of all issues, without scripts."""
    page = opened(390, bypass_csp=True)
    page.goto(page.url.replace("2026-W47.html", "index.html"))
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_contents_mark_the_section_in_view(opened):
    """At the side of a wide screen: the last heading scrolled past."""
    page = opened()
    marked = page.locator(".sections [aria-current]")
    assert marked.inner_text() == "This week"
    page.locator(".sections a", has_text="What comes of it?").click()
    page.locator(".sections [aria-current]", has_text="What comes of it?").wait_for()
    assert marked.count() == 1


def test_a_phone_has_a_menu(opened):
    """Closed at first; choosing an entry jumps there and closes it."""
    page = opened(390)
    link = page.locator(".sections a", has_text="What will it cost?")
    assert not link.is_visible()
    page.locator("#menu summary").click()
    link.click()
    assert not link.is_visible()
    assert page.evaluate("location.hash") == "#what-will-it-cost"


def test_a_definition_opens_next_to_its_chart(opened):
    """Escape closes it and returns the focus."""
    page = opened()
    link = page.locator(".panel", has_text="Weekly active people:").locator(".behind a").first
    link.focus()
    page.keyboard.press("Enter")
    box = page.locator("#definition")
    assert box.is_visible()
    assert box.locator("h3").inner_text() == "Weekly active people"
    page.keyboard.press("Escape")
    assert not box.is_visible()
    assert page.evaluate("document.activeElement.hash") == "#def-active_actors"


def test_a_table_that_fits_is_not_a_tab_stop(opened):
    """Only a table wider than its space scrolls, and so can be reached with the keyboard."""
    page = opened()
    page.eval_on_selector_all("details", "all => all.forEach(e => { e.open = true; })")
    assert page.locator(".scroll table caption").count() > 20
    assert page.locator(".scroll[tabindex]").count() == 0
