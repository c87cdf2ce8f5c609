"""The live page in a real browser: the figures update while it is read, and nothing else
changes."""

import pytest
from contrast import CONTRAST
from live_pages import BROKEN, answer, append, dashboard, log_of, write_notebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

WAIT = 120_000  # milliseconds

HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture
def opened(browser):
    """Open the page of a dashboard; nothing may be thrown, logged, or requested from elsewhere."""
    complaints, contexts = [], []

    def open_page(served, width=1280, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 700}, reduced_motion="reduce", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda asked: asked.url.startswith(served.origin) or complaints.append(asked.url),
        )
        page.goto(served.url)
        expect(state(page, "live")).to_be_visible(timeout=WAIT)
        page.evaluate("window.sameDocument = true")
        return page

    yield open_page
    for context in contexts:
        context.close()
    refused = ("ERR_CONNECTION_REFUSED", "status of 403")
    assert [one for one in complaints if not any(words in one for words in refused)] == []


def state(page, name):
    return page.locator(f"#live[data-state={name}]")


def shows(page, text):
    """The status at the top of the page says `text`, in the document that was opened."""
    expect(page.locator(".trust")).to_contain_text(text, timeout=WAIT)
    assert page.evaluate("window.sameDocument") is True


@pytest.fixture(scope="module")
def own(tmp_path_factory, _isolated_session):
    """The real notebook on two million tokens."""
    folder = tmp_path_factory.mktemp("own")
    append(log_of(folder), answer(1), answer(2))
    with dashboard(folder) as served:
        yield served


@pytest.fixture(scope="module")
def _numbers(tmp_path_factory, _isolated_session):
    folder = tmp_path_factory.mktemp("numbers")
    with dashboard(folder, "--notebooks", write_notebook(folder / "notebooks")) as served:
        yield served


@pytest.fixture
def numbers(_numbers):
    """A notebook of this test on rows of numbers: 3 and 4."""
    log_of(_numbers.folder).unlink(missing_ok=True)
    append(log_of(_numbers.folder), {"team": "Data", "value": 3}, {"team": "Web", "value": 4})
    return _numbers


def test_a_line_in_a_log_changes_the_page(own, opened):
    """Two million tokens become seven, in every browser, without a reload."""
    first, second = opened(own), opened(own)
    expect(first.locator("main")).to_contain_text("2.0 million tokens", timeout=WAIT)
    append(log_of(own.folder), answer(3, output=5_000_000))
    for page in (first, second):
        expect(page.locator("main")).to_contain_text("7.0 million tokens", timeout=WAIT)
    expect(first.locator("#live [role=status]")).to_contain_text("watched")


def test_hostile_names_are_text(own, opened):
    """A project and a model with tags in their names arrive while the page is open."""
    page = opened(own)
    append(log_of(own.folder), answer(4, output=1000, model=HOSTILE))
    append(log_of(own.folder, "s2"), answer(5, session="s2", name=HOSTILE))
    for chart in ("project", "model"):
        figure = page.locator(".panel", has_text=f"at list prices, by {chart}").first
        expect(figure.locator("tbody :is(th, td)", has_text=HOSTILE).first).to_be_attached(
            timeout=WAIT
        )
    expect(page.locator(".live text", has_text="</script>").first).to_be_attached(timeout=WAIT)
    assert page.locator("script", has_text="alert(1)").count() == 0


def test_the_menu_on_a_phone_stays_closed_after_an_update(numbers, opened):
    """The HTML has it open; on a narrow screen it is closed."""
    page = opened(numbers, 390)
    shows(page, "7 in all")
    append(log_of(numbers.folder), {"team": "Web", "value": 5})
    shows(page, "12 in all")
    assert page.locator("#menu").get_attribute("open") is None
    assert page.locator(".sections [aria-current]").count() == 1


def test_the_state_set_by_the_reader_survives_an_update(numbers, opened):
    """Scroll position, an open table, theme, code, a chart selection, and the focus."""
    page = opened(numbers, color_scheme="light")
    shows(page, "7 in all")
    page.locator("#theme").click()
    page.locator("#code").click()
    page.locator("main summary").first.click()
    choice = page.locator(".controls select")
    choice.select_option("Web")
    choice.focus()
    bars = page.locator(".live .mark-rect path")
    expect(bars).to_have_count(1)
    page.evaluate("scrollTo(0, 900)")
    before = page.evaluate("scrollY")
    append(log_of(numbers.folder), {"team": "Web", "value": 5})
    shows(page, "12 in all")
    expect(page.locator(".behind td", has_text="5")).to_have_count(1)
    assert page.evaluate("scrollY") == before > 0
    assert page.locator("main details").first.get_attribute("open") is not None
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("pre.code").first.is_visible()
    expect(bars).to_have_count(1)
    assert choice.evaluate("e => e.selectedOptions[0].text") == "Web"
    assert choice.evaluate("e => e === document.activeElement")


def test_a_chart_that_did_not_change_is_left_alone(numbers, opened):
    """Its elements stay in place, so that nothing flickers."""
    page = opened(numbers)
    shows(page, "7 in all")
    same = "window.before === document.querySelector('.live svg')"
    page.evaluate("window.before = document.querySelector('.live svg')")
    write_notebook(numbers.folder / "notebooks", "Note('something else')")
    expect(page.locator("main")).to_contain_text("something else", timeout=WAIT)
    assert page.evaluate(same)
    append(log_of(numbers.folder), {"team": "Web", "value": 1})
    shows(page, "8 in all")
    assert not page.evaluate(same)


def test_a_broken_notebook_shows_an_error_above_the_last_page(numbers, opened):
    """The figures stay, with the error as text above them; once it is fixed, updates continue."""
    page = opened(numbers)
    shows(page, "7 in all")
    write_notebook(numbers.folder / "notebooks", BROKEN)
    expect(state(page, "failed")).to_be_visible(timeout=WAIT)
    trouble = page.locator("#live .trouble")
    expect(trouble).to_contain_text("ValueError: this cell is <b>broken</b>")
    expect(trouble).to_contain_text("my_usage.ipynb, cell ")
    shows(page, "7 in all")
    append(log_of(numbers.folder), {"team": "Data", "value": 10})
    write_notebook(numbers.folder / "notebooks")
    shows(page, "17 in all")
    expect(state(page, "live")).to_be_visible(timeout=WAIT)
    expect(trouble).to_be_hidden()


def test_a_page_opened_before_the_first_session_waits_for_it(tmp_path, opened, browser):
    """The folder does not exist, then has no log, then the page appears."""
    notebooks = write_notebook(tmp_path / "notebooks")
    with dashboard(tmp_path / "logs", "--notebooks", notebooks) as served:
        page = browser.new_page()
        page.goto(served.url)
        expect(state(page, "waiting")).to_be_visible(timeout=WAIT)
        expect(page.locator("#live .trouble")).to_contain_text("There is no session log in")
        append(log_of(tmp_path / "logs"), {"team": "Data", "value": 5})
        expect(page.locator(".trust")).to_contain_text("5 in all", timeout=WAIT)
        expect(page.locator(".chart.drawn")).to_have_count(1)
        page.close()


def test_a_page_says_that_its_server_is_gone(tmp_path, opened):
    """The next server on that port has another token and does not accept this page."""
    append(log_of(tmp_path), {"team": "Data", "value": 3})
    notebooks = write_notebook(tmp_path / "notebooks")
    with dashboard(tmp_path, "--notebooks", notebooks) as served:
        page = opened(served)
        port = served.port
        served.stop()
    expect(state(page, "lost")).to_be_visible(timeout=WAIT)
    with dashboard(tmp_path, "--notebooks", notebooks, "--port", port) as served:
        opened(served)
        expect(state(page, "lost")).to_be_visible(timeout=WAIT)


def test_changed_cards_are_marked_until_the_next_change(own, opened):
    """The cost card is marked, the card of unchanged hours is not."""
    page = opened(own)
    expect(page.locator(".changed")).to_have_count(0)
    append(log_of(own.folder), answer(30, output=1_000_000))
    expect(page.locator(".card.changed", has_text="Spent")).to_be_visible(timeout=WAIT)
    expect(page.locator(".card.changed", has_text="Commits")).to_have_count(0)


def test_a_session_is_chosen_from_the_bar(own, opened):
    """The page shows only that session, and then all sessions again."""
    append(log_of(own.folder, "other"), answer(40, session="other", name="blog", output=40_000))
    page = opened(own)
    sessions = page.locator("#live select[name=session]")
    expect(sessions.locator("option", has_text="blog")).to_be_attached(timeout=WAIT)
    sessions.select_option("other")
    expect(page.locator("h1")).to_contain_text("all of it on blog", timeout=WAIT)
    sessions.select_option("")
    expect(page.locator("h1")).not_to_contain_text("all of it on blog", timeout=WAIT)


def test_a_row_of_a_session_opens_the_session(own, opened):
    """A click opens it, another returns to all sessions; the bar says which one is shown."""
    append(log_of(own.folder, "third"), answer(50, session="third", name="shop", output=60_000))
    page = opened(own)
    row = page.locator("tr.offered[data-value=third]").first
    expect(row).to_be_attached(timeout=WAIT)
    row.click()
    sessions = page.locator("#live select[name=session]")
    expect(sessions).to_have_value("third", timeout=WAIT)
    expect(page.locator("h1")).to_contain_text("all of it on shop", timeout=WAIT)
    page.locator("tr.offered[data-value=third]").first.press("Enter")
    expect(sessions).to_have_value("", timeout=WAIT)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_can_be_read_on_any_screen(own, opened, width, scheme):
    """Nothing is wider than the screen, and all text has contrast."""
    page = opened(own, width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(CONTRAST) == []


def test_a_change_is_announced_to_screen_readers(own, opened):
    """The state is a polite live region, and a failure is an alert."""
    page = opened(own)
    assert page.get_by_role("status").get_attribute("aria-live") == "polite"
    assert page.locator("#live [role=alert]").count() == 1
