"""JupyterLab, opened by the command, in a real browser: controls change and charts follow."""

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tenacity import retry, stop_after_delay, wait_fixed

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 120_000
"""Milliseconds until a condition that never comes true is given up; nothing waits this long."""

EXPLORE = "/lab/tree/explore.ipynb"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def lab(folder, environment, *, python=sys.executable, cwd=None):
    """The addresses of a Lab that `ccanalytics lab` opened on `folder`, by path; it is ended at
    the end."""
    port, token = free_port(), secrets.token_hex(16)
    command = [
        *(python, "-m", "ccanalytics", "lab", folder, "--no-browser"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={token}", "--ServerApp.allow_root=True"),
    ]
    log = (Path(folder).parent / "lab.log").open("w+", encoding="utf-8")
    process = subprocess.Popen(
        [str(part) for part in command],
        env=environment,
        cwd=cwd,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api?token={token}", process, log)
        yield lambda path: f"http://127.0.0.1:{port}{path}?token={token}&reset"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # Lab ends its kernels
        process.wait()
        log.close()


@retry(stop=stop_after_delay(180), wait=wait_fixed(0.2), reraise=True)
def _wait_for(address, process, log):
    if process.poll() is not None:
        log.seek(0)
        pytest.fail(f"Lab ended: {log.read()}")
    assert httpx.get(address).status_code == 200


@pytest.fixture(scope="module")
def running_lab(tmp_path_factory, clean_environment):
    """A Lab with its own notebooks, an empty store and no settings."""
    folder = tmp_path_factory.mktemp("lab")
    environment = {**clean_environment, "CCANALYTICS_STORE": str(folder / "store")}
    with lab(folder / "mine", environment) as address:
        yield address


@pytest.fixture
def address(running_lab):
    """The addresses of the Lab, with no kernel left over from another test."""
    for session in httpx.get(running_lab("/api/sessions"), timeout=60).json():
        path = f"/api/sessions/{session['id']}"
        httpx.delete(running_lab(path), timeout=60).raise_for_status()
    return running_lab


@pytest.fixture
def opened(browser):
    """Open an address; at the end, no error was logged and only this machine was contacted."""
    complaints, contexts = [], []

    def open_page(address):
        context = browser.new_context(viewport={"width": 1400, "height": 1100})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: m.type == "error" and complaints.append(f"error: {m.text}"))
        page.on("pageerror", lambda error: complaints.append(f"thrown: {error}"))
        page.on("request", lambda asked: local(asked.url) or complaints.append(asked.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def local(address):
    """Whether the URL stays on this machine, or is not a network address."""
    return re.match(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|(data|blob):", address)


def ready(page):
    """Wait until the notebook is open and its kernel is there."""
    page.locator(".jp-Notebook .jp-RenderedMarkdown h1").first.wait_for()
    page.locator("#jp-main-statusbar").get_by_text("Python 3 (ipykernel) | Idle").wait_for()


def run_all(page):
    """Run every cell of the open notebook."""
    ready(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()


def explore(page):
    """The notebook, opened, with its one cell run and its first chart drawn."""
    ready(page)
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    drawn(page, "Cost per commit")


def drawn(page, title):
    """Wait until the chart of this metric has marks on a canvas that is not empty."""
    page.wait_for_function(
        """title => {
          const chart = document.querySelector(".cca-chart .vega-embed");
          const canvas = chart?.querySelector("canvas, svg");
          const words = document.querySelector(".cca-words")?.textContent ?? "";
          const table = document.querySelector(".cca-table caption")?.textContent;
          return canvas?.clientWidth > 300 && words.includes(`${title}: `) && table === title;
        }""",
        arg=title,
    )


def picture(page):
    """The drawing, as the bytes of the canvas."""
    return page.locator(".cca-chart canvas").evaluate("canvas => canvas.toDataURL()")


def test_lab_opens_the_start_notebook_without_a_dialog(opened, address):
    """It is ready to run, with no dialog and no question about news, and every cell runs."""
    page = opened(address("/"))
    page.locator(".jp-Notebook h1", has_text="Start here").wait_for()
    run_all(page)
    last = page.locator(".jp-Notebook .jp-CodeCell").last
    last.locator(".jp-OutputArea-output").wait_for()
    assert (
        page.locator(".jp-Notebook [data-mime-type='application/vnd.jupyter.error']").count() == 0
    )
    assert page.locator(".vega-embed canvas").count() == 2
    assert page.locator(".jp-Dialog, .jp-toast-button").count() == 0
    assert page.get_by_text("Jupyter news").count() == 0


def test_a_changed_control_redraws_the_chart(opened, address):
    """Another metric, then teams: chart, notes and table follow. If two choices are made at once,
    the later one counts; if a metric cannot be split, a message appears in place of the chart."""
    page = opened(address(EXPLORE))
    explore(page)
    place = page.locator(".cca-chart canvas").bounding_box()
    assert place["y"] + place["height"] < 900
    before = picture(page)
    page.get_by_label("Metric", exact=True).select_option("Commits")
    drawn(page, "Commits")
    assert picture(page) != before
    page.get_by_label("Teams").select_option(["Web", "Data"])
    page.get_by_role("link", name="CSV (24 rows)").wait_for()
    page.get_by_label("Teams").select_option([])
    page.get_by_label("Split by", exact=True).select_option("tool")
    page.locator(".cca-chart", has_text="commits by 'tool'").wait_for()
    assert page.locator(".cca-chart canvas").count() == 0
    page.get_by_role("button", name="Reset").click()
    drawn(page, "Cost per commit")


def test_a_brush_zooms_and_a_double_click_resets(opened, address):
    """Dragging across half of the strip makes the days of that half fill the chart."""
    page = opened(address(EXPLORE))
    explore(page)
    page.get_by_label("Each", exact=True).select_option("day")
    page.get_by_role("link", name="CSV (84 rows)").wait_for()
    whole = picture(page)
    place = page.locator(".cca-chart canvas").bounding_box()
    middle, strip = place["x"] + place["width"] / 2, place["y"] + place["height"] - 40
    page.mouse.move(middle, strip)
    page.mouse.down()
    page.mouse.move(middle + 150, strip, steps=5)
    page.mouse.up()
    page.wait_for_timeout(500)
    zoomed = picture(page)
    assert zoomed != whole
    page.mouse.move(middle + 300, strip)
    page.mouse.dblclick(middle + 300, strip)
    page.wait_for_timeout(500)
    assert picture(page) != zoomed


def test_the_code_and_the_files_follow_the_view(opened, address):
    """The button shows the code, the links save the frame and the picture, and all follow the
    controls; running the cell again keeps them."""
    page = opened(address(EXPLORE))
    explore(page)
    page.get_by_label("Metric", exact=True).select_option("Acceptance rate")
    drawn(page, "Acceptance rate")
    page.get_by_role("button", name="Code").click()
    page.locator(".cca-code", has_text="cca.by_week(data, 'acceptance_rate')").wait_for()
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV (12 rows)").click()
    text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    assert saved.value.suggested_filename.startswith("acceptance_rate-2026-")
    assert len(text.splitlines()) == 13
    with page.expect_download() as saved:
        page.get_by_role("link", name="PNG").click()
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")
    page.locator(".cca-explore").evaluate("old => { old.dataset.old = 'yes'; }")
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator(".cca-explore:not([data-old])").wait_for()
    drawn(page, "Acceptance rate")
