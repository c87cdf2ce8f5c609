"""Executed notebooks become one self-contained page that treats all input as untrusted."""

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import altair as alt
import nbformat.v4 as v4
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_pages import (
    HOSTILE,
    HOSTILE_KEY,
    bar_chart,
    card,
    cell,
    chart_output,
    definition,
    line_chart,
    notebook,
    page_notebooks,
    shown,
    spec,
    text,
    weekly,
)

from ccanalytics.errors import ReportError
from ccanalytics.report import bundle, chart_drawing
from ccanalytics.report.cells import parameters
from ccanalytics.report.chart_drawing import inline_svg
from ccanalytics.report.figures import Charts
from ccanalytics.report.page import build_page, embedded_json, failure_page

DEFINITIONS = {"cost_per_commit": definition(), "commits": definition(name="Commits")}


def page(*notebooks, **options):
    """The page of these notebooks."""
    return build_page(notebooks, **({"title": "Week 47", "definitions": DEFINITIONS} | options))


class Outline(HTMLParser):
    """The start tags, text by tag, and ids of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.words, self._open = [], [], {}, [""]
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        while len(self._open) > 1 and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        self.words[self._open[-1]] = self.words.get(self._open[-1], "") + data


def packed(html, name):
    """The text packed under this id in a page."""
    content = re.search(rf'id="{name}">([^<]*)<', html)[1]
    return gzip.decompress(base64.b64decode(content)).decode()


def test_a_page_of_notebooks_has_one_section_each_and_links_to_them():
    """The first heading of a notebook names its section; lower headings are questions in it."""
    adoption = notebook(text("# Adoption\n\nWho.\n\n## Is it growing?\n\nYes."))
    html = page(adoption, notebook(text("# Cost")))
    outline = Outline(html)
    assert outline.words["h2"] == "AdoptionCostAppendix"
    assert outline.words["h3"] == "Is it growing?"
    links = [a["href"] for tag, a in outline.attributes if tag == "a"]
    assert links == ["#main", "#adoption", "#cost", "#appendix"]
    ids = [a["id"] for _, a in outline.attributes if "id" in a]
    assert {link[1:] for link in links} <= set(ids)
    assert len(ids) == len(set(ids))


def test_two_notebooks_of_the_same_title_have_different_anchors():
    """Every id is unique in a page."""
    twice = notebook(text("# Cost\n\n## Why?\n\n## Why?"))
    html = page(twice, twice, notebook(text("# Charts")), notebook(text("# \u4f60\u597d")))
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_cards_tagged_headlines_are_shown_once_at_the_top():
    """A card that two notebooks share is shown once, before the first section."""
    cards = cell("cards()", shown("cards", cards=[card()]), tags=["headlines"])
    html = page(notebook(text("# A"), cards), notebook(text("# B"), cards))
    assert html.count('<article class="card') == 1
    assert html.index('<article class="card') < html.index('<h2 id="a">')
    assert "no detectable change" in html and "90 % interval $1.20 to $1.52" in html


@pytest.mark.parametrize("tag", ["widgets", "lab-only", "parameters", "injected-parameters"])
def test_cells_for_the_notebook_only_are_left_out(tag):
    """Neither their code nor their output is on the page."""
    output = shown("note", kind="info", text="for Lab")
    html = page(notebook(cell("secret = 1", output, tags=[tag])))
    assert "for Lab" not in html
    assert '<pre class="code">' not in html


def test_the_parameters_shown_are_those_the_notebook_ran_with():
    """Injected values override defaults; help comments are dropped."""
    ran = notebook(
        cell('source = "sample"\nweeks = 12  # closed weeks', tags=["parameters"]),
        cell("weeks = 8", tags=["injected-parameters"]),
    )
    assert parameters(ran) == {"source": "'sample'", "weeks": "8"}
    assert "weeks = 8" in page(ran)


def test_a_chart_is_drawn_described_and_has_its_table():
    """Static SVG, a text alternative, the rows behind it, its definition."""
    html = page(notebook(cell("c", chart_output(line_chart(weekly(("Data",)), "By team")))))
    assert 'viewBox="0 0 520' in html
    assert 'role="img" aria-label="By team, by week, from 31 August' in html
    assert '<th scope="row">31 Aug 2026</th><td>Data</td>' in html
    assert '<td class="r">$1.10</td>' in html
    assert 'href="#def-cost_per_commit"' in html and 'id="def-cost_per_commit"' in html
    assert 'id="def-commits"' not in html


def test_rows_shared_by_charts_are_stored_once_without_unused_columns():
    """Two charts of one frame refer to the same rows; a column no chart draws is not in them."""
    frame = weekly().assign(secret="not drawn")
    charts = Charts(chart_drawing.variables())
    charts.add(spec(line_chart(frame)))
    charts.add(spec(line_chart(frame, "again")))
    assert len(charts.rows) == 1
    assert "not drawn" not in charts.as_json()
    assert len(json.loads(charts.as_json())["charts"]) == 2


def test_colours_of_the_theme_follow_light_and_dark():
    """Known hex values become CSS variables in the drawing and in the live chart."""
    charts = Charts(chart_drawing.variables())
    figure = charts.add(spec(bar_chart(weekly())))
    assert 'fill="var(--k1,#2b5fb8)"' in figure["svg"]
    assert '"var(--k1,#2b5fb8)"' in charts.as_json()
    assert "#2b5fb8" not in figure["svg"].replace("var(--k1,#2b5fb8)", "")


def test_every_colour_of_charts_has_a_value_in_every_mode():
    """Light, dark by preference, dark by choice, and print."""
    styles = re.search("<style>(.*?)</style>", page(), re.DOTALL)[1]
    for number, colour in enumerate(chart_drawing.COLOURS, 1):
        light, dark, chosen, printed = re.findall(f"--k{number}: (#[0-9a-f]{{6}});", styles)
        assert light == printed == chart_drawing.LIGHT.get(colour, colour)
        assert dark == chosen


def test_every_value_from_data_is_text():
    """An e-mail and a key name with script tags in headings, cells, charts and cards."""
    hostile = notebook(
        text(f"# {HOSTILE}\n\n{HOSTILE} [a](javascript:alert(1)) ![b](https://x.example/b.png)"),
        cell(HOSTILE, chart_output(line_chart(weekly((HOSTILE, HOSTILE_KEY)), HOSTILE))),
        cell("", shown("cards", cards=[card(label=HOSTILE, value=HOSTILE, tone=HOSTILE)])),
        cell("", shown("note", kind="warn", text=HOSTILE)),
        cell("", v4.new_output("display_data", {"text/html": HOSTILE, "text/plain": HOSTILE})),
        cell("", v4.new_output("stream", text=HOSTILE_KEY)),
    )
    html = page(
        *(hostile, *page_notebooks()),
        title=HOSTILE,
        subtitle=HOSTILE,
        banner=HOSTILE_KEY,
        meta=[(HOSTILE, HOSTILE_KEY)],
        issue={"week": HOSTILE_KEY},
        definitions={"cost_per_commit": definition(name=HOSTILE, caveats=(HOSTILE,))},
    )
    outline = Outline(html)
    assert outline.tags.count("script") == 4  # the issue, the runtime, the charts, the page's own
    assert "<script>alert" not in html
    assert not any(str(a.get("href", "")).startswith("javascript") for _, a in outline.attributes)
    assert "img" not in outline.tags
    issue = re.search(r'id="ccanalytics-issue">(.*?)</script>', html)[1]
    assert json.loads(issue)["week"] == HOSTILE_KEY


@given(st.text())
def test_json_in_a_page_is_never_markup(text):
    """No tag can open or close inside it, and it can be parsed again."""
    written = embedded_json({"name": text})
    assert not set("<>&") & set(written)
    assert json.loads(written) == {"name": text}


def test_html_of_a_notebook_is_never_in_the_page():
    """A frame's own HTML is replaced by its plain text."""
    output = v4.new_output("display_data", {"text/html": "<b id='x'>1</b>", "text/plain": "a  1"})
    html = page(notebook(cell("frame", output)))
    assert '<pre class="text">a  1</pre>' in html
    assert "<b id='x'>" not in html


def test_only_shapes_and_text_of_an_svg_are_kept():
    """Links, scripts, handlers and foreign content are removed; ids get the chart's name."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>alert(1)</script>'
        '<defs><clipPath id="c"><rect width="3" height="3"/></clipPath></defs>'
        '<a href="x"><text>link</text></a><foreignObject/>'
        '<path onclick="x()" d="M0.123,4.567" clip-path="url(#c)"/><text>&lt;i&gt;</text></svg>'
    )
    drawn = inline_svg(svg, "chart-1", {})
    assert not re.search("script|href|foreign|onclick", drawn)
    assert 'id="chart-1-c"' in drawn and 'clip-path="url(#chart-1-c)"' in drawn
    assert 'd="M0.1,4.6"' in drawn and "&lt;i&gt;" in drawn


def test_the_policy_allows_only_the_scripts_of_the_page():
    """Nothing may be loaded; each script is allowed by its hash."""
    html = page(*page_notebooks())
    policy = dict(Outline(html).attributes[3][1])["content"]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert "unsafe-eval" not in policy and "script-src 'sha256-" in policy
    own = re.search(r"<script>(.*?)</script>", html, re.DOTALL)[1]
    assert bundle._hash(own) in policy and bundle._hash(packed(html, "runtime")) in policy
    assert bundle._hash(re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]) in policy


def test_a_page_loads_nothing_from_elsewhere():
    """No src or href points outside the file."""
    addresses = [
        value
        for _, attributes in Outline(page(*page_notebooks())).attributes
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "action", "data")
    ]
    assert addresses and all(address.startswith("#") for address in addresses)


def test_the_runtime_can_be_embedded_in_a_page():
    """It neither closes its element nor evaluates text as code."""
    assert "</script" not in bundle.runtime() and "<!--" not in bundle.runtime()
    assert len(bundle.pack(bundle.runtime())) < 230_000


def test_a_page_of_twenty_charts_is_small_and_reproducible():
    """Under 600 KB, and the same notebooks give the same bytes."""
    notebooks = page_notebooks(20)
    html = page(*notebooks)
    assert len(html.encode()) < 600_000
    assert html == page(*notebooks)


def test_a_page_without_charts_has_no_runtime():
    """Text alone is a small file."""
    html = page(notebook(text("# A")))
    assert 'id="runtime"' not in html and len(html) < 40_000


def test_a_chart_that_cannot_be_drawn_is_an_error():
    """The report stops rather than leave a gap."""
    broken = v4.new_output("display_data", {"application/vnd.vegalite.v5+json": {"mark": 3}})
    with pytest.raises(ReportError, match="chart"):
        page(notebook(cell("c", broken)))


def test_the_table_behind_a_chart_has_the_titles_of_its_tooltips():
    """With their formats, after the place of each mark; without tooltips those of its axes. Missing
    values are n/a."""
    frame = pd.DataFrame({"n": [1234.5, None], "share": [0.25, 1], "who": ["a", "b"], "k": [1, 2]})
    chart = (
        alt.Chart(frame)
        .mark_point()
        .encode(
            x=alt.X("who:N", title="team"),
            y=alt.Y("n:Q", title="dollars", axis=alt.Axis(format="$,.2f")),
            size=alt.Size("k:Q", legend=alt.Legend(format=".2s")),  # which only Vega knows
        )
    )
    [axes] = Charts({}).add(spec(chart))["tables"]
    chart = chart.encode(tooltip=alt.Tooltip("share:Q", title="part", format=".0%"))
    [tooltips] = Charts({}).add(spec(chart))["tables"]
    heads = [[column["label"] for column in table["columns"]] for table in (axes, tooltips)]
    assert heads == [["k", "team", "dollars"], ["team", "part"]]
    assert axes["rows"] == [["1", "a", "$1,234.50"], ["2", "b", "n/a"]]
    assert tooltips["rows"] == [["a", "25 %"], ["b", "100 %"]]


def test_a_failure_page_names_notebook_cell_and_error():
    """The error is escaped, and the page is marked as failed."""
    html = failure_page(
        title="Week 47",
        reason="A cell failed.",
        failed=[("Notebook", "adoption.ipynb"), ("Cell", 7)],
        code="cca.load(week)",
        error=f"KeyError: {HOSTILE}",
        issue={"week": "2026-W47"},
    )
    for words in ("This report was not made", "adoption.ipynb", "<td>7</td>", "cca.load(week)"):
        assert words in html
    assert "<script>alert" not in html and "KeyError: &lt;script&gt;" in html
    assert '"status":"failed"' in html
    assert "script-src 'none'" in html.replace("&#39;", "'")


def test_any_object_with_the_fields_of_a_metric_is_a_definition():
    """The page uses attributes, not a class."""
    html = page(
        notebook(cell("c", shown("cards", cards=[card(metric="x")]))),
        definitions={"x": SimpleNamespace(**vars(definition(name="Own metric")))},
    )
    assert "<h3>Own metric</h3>" in html
