"""The page in a real browser, opened from a file, with the network off."""

from itertools import pairwise

import pytest
from contrast import CONTRAST
from report_pages import HOSTILE, HOSTILE_KEY, READY, definition, page_notebooks

from ccanalytics.report.page import build_page

CHARTS = 6

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """The file address of a page of six charts, with hostile names in data and text."""
    definitions = {
        "cost_per_commit": definition(),
        "active_actors": definition(name="Weekly active people"),
    }
    path = tmp_path_factory.mktemp("page") / "2026-W47.html"
    page = build_page(
        page_notebooks(CHARTS),
        title="Week 47",
        subtitle=HOSTILE,
        banner="Sample data",
        meta=[("Key", HOSTILE_KEY)],
        definitions=definitions,
        issue={"week": "2026-W47", "source": HOSTILE_KEY},
    )
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser, address):
    """Open the page; at the end, nothing was requested, logged or thrown."""
    complaints, contexts = [], []

    def open_page(width=1280, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            offline=True,
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda request: request.url == address or complaints.append(f"asked: {request.url}"),
        )
        page.goto(address)
        if options.get("java_script_enabled", True):
            page.locator(READY).wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def test_every_chart_is_drawn_offline(opened):
    """Every chart becomes interactive, and its marks are really there."""
    page = opened()
    assert page.locator(".chart.drawn").count() == CHARTS
    marks = page.eval_on_selector_all(
        ".live", "all => all.map(e => e.querySelectorAll('path[fill],path[stroke]').length)"
    )
    assert min(marks) > 5
    assert page.locator(".static").first.is_hidden()


def test_names_with_script_tags_are_shown_as_text(opened):
    """In the title, the facts, a table and the legend of a live chart."""
    page = opened()
    assert page.locator(".kicker").inner_text() == HOSTILE
    assert page.locator(".made td", has_text=HOSTILE_KEY).count() == 1
    assert page.locator("tbody :is(th, td)", has_text=HOSTILE).count() > 1
    assert page.locator(".live text", has_text=HOSTILE[:20]).count() == 1


def test_a_tooltip_shows_hostile_names_as_text(opened):
    """Pointing at a mark of the chart with hostile names."""
    page = opened()
    chart = page.locator(".chart", has_text="Cost per commit by team, 2")
    mark = chart.locator(".live .mark-symbol path").nth(16)
    mark.scroll_into_view_if_needed()
    page.evaluate("new Promise(done => setTimeout(done, 100))")  # scrolling hides a tooltip
    mark.hover(force=True)
    tip = page.locator("#tip")
    assert tip.is_visible()
    assert "US dollars per commit" in tip.inner_text()
    assert HOSTILE in tip.inner_text() or HOSTILE_KEY in tip.inner_text()


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_is_wider_than_the_screen(opened, width):
    """The page does not scroll sideways, even with tables open and code shown."""
    page = opened(width)
    page.eval_on_selector_all("details", "all => all.forEach(e => { e.open = true; })")
    page.locator("#code").click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator(".live svg").first.bounding_box()["width"] <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read_in_light_and_dark(opened, scheme):
    """Contrast of at least 4.5 to 1, including the text of charts and open tables."""
    page = opened(color_scheme=scheme)
    page.eval_on_selector_all("details", "all => all.forEach(e => { e.open = true; })")
    assert page.evaluate(CONTRAST) == []


def test_the_theme_button_turns_the_page_dark_and_back(opened):
    """The button overrides the system's preference and shows its state."""
    page = opened(color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.locator("#theme").click()
    assert page.evaluate(background) != light
    assert page.locator("#theme").get_attribute("aria-pressed") == "true"
    page.locator("#theme").click()
    assert page.evaluate(background) == light


def test_code_is_hidden_by_default(opened):
    """One button shows it for the whole page."""
    page = opened()
    assert page.locator("pre.code").first.is_hidden()
    page.locator("#code").click()
    assert page.locator("pre.code").first.is_visible()


def test_without_scripts_the_page_is_still_complete(opened):
    """Drawings, cards and tables are there; buttons that would do nothing are not."""
    page = opened(java_script_enabled=False)
    assert page.locator(".static").count() == CHARTS
    assert page.locator(".static").first.is_visible()
    assert page.locator(".card .value").first.inner_text() == "96"
    assert page.locator("#theme").is_hidden()


def test_print_is_light_and_static(opened):
    """Pictures instead of live charts, no buttons, on white, even from dark mode."""
    page = opened(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(".static").first.is_visible()
    assert page.locator(".live").first.is_hidden()
    assert page.locator("nav").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(CONTRAST) == []


def test_the_keyboard_reaches_content_sections_and_tables(opened):
    """The first tab stop skips to the content; a table opens with Enter."""
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.hash") == "#headlines"
    page.locator("main summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("main details").first.evaluate("e => e.open")


def test_a_screen_reader_gets_a_description_of_each_chart(opened):
    """Every chart is an image with a sentence; heading levels go down one at a time."""
    page = opened()
    assert page.get_by_role("img", name="by week, from 31 August").count() == CHARTS
    levels = page.eval_on_selector_all("h1,h2,h3,h4", "all => all.map(e => +e.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_charts_follow_the_width_of_the_window(opened):
    """A narrower window makes the live chart narrower, not smaller in its text."""
    page = opened(1280)
    wide = page.locator(".live svg").first.bounding_box()["width"]
    page.set_viewport_size({"width": 500, "height": 900})
    page.evaluate(
        """new Promise(done => {
          const look = () => document.querySelector(".live svg").getBoundingClientRect().width < 500
            ? done() : requestAnimationFrame(look);
          look();
        })"""
    )
    assert wide > 900


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "UTC", "Pacific/Auckland"])
def test_weeks_have_the_same_dates_in_every_time_zone(opened, zone):
    """The axis of a live chart begins on Monday 31 August everywhere."""
    page = opened(timezone_id=zone)
    assert page.locator(".live svg text", has_text="31 Aug").count() >= CHARTS
