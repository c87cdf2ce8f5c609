"""Tags decide where a cell goes; everything without a value is one line at the end."""

import pytest
from report_pages import bar_chart, card, cell, chart_output, notebook, shown, text, weekly

from ccanalytics.report import chart_drawing
from ccanalytics.report.cells import contents_of
from ccanalytics.report.figures import Charts
from ccanalytics.report.page import build_page


def contents(*notebooks):
    """The input for a page of these notebooks."""
    return contents_of(notebooks, Charts(chart_drawing.variables(), pictures=False))


def chart(title="Cost", missing="", tags=()):
    """A cell with a chart; `missing` is the reason it shows nothing."""
    drawn = bar_chart(weekly(), title)
    drawn.usermeta["ccanalytics"]["missing"] = missing
    return cell("cca.chart(x)", chart_output(drawn), tags=tags)


def kinds(blocks):
    """The kinds of output of each block, without its code."""
    return [[item["kind"] for item in block.items if item["kind"] != "code"] for block in blocks]


def test_a_chart_tagged_more_is_folded():
    """The question keeps its other chart; tagged text is folded with the chart."""
    asked = text("## Is it growing?")
    more = [chart(tags=["more"]), text("*How to read it:* slowly.", ["fold", "more"])]
    (section,) = contents(notebook(text("# Use"), asked, chart(), *more)).sections
    assert kinds(section.blocks) == [["figure"]]
    assert kinds(section.more) == [["figure", "folded"]]
    assert section.more_words == "1 more chart"


def test_a_question_tagged_more_is_folded_with_its_cells():
    """Up to the next heading; if there is no chart, the question is the label."""
    questions = [
        *(text("## Is it growing?"), chart()),
        *(text("## Who stops?", ["more"]), chart(), chart("Again")),
        *(text("## What can this not tell?\n\nMuch.", ["more"]),),
        *(text("## Which team?"), chart()),
    ]
    (section,) = contents(notebook(text("# Use"), *questions)).sections
    assert kinds(section.blocks) == [["figure"], ["figure"]]
    assert kinds(section.more) == [["figure", "figure"], ["prose"]]
    assert section.more_words == "2 more charts · What can this not tell?"


def test_folded_text_opens_from_its_first_words():
    """*How to read it:* is the link; text without such a start is a note."""
    cells = [text("*How to read it:* from **left** to right.", ["fold"]), text("Also.", ["fold"])]
    (section,) = contents(notebook(text("# Use\n\n## Is it?"), *cells)).sections
    first, second = section.blocks[-1].items
    assert (first["summary"], second["summary"]) == ("How to read it", "Note")
    assert "How" not in first["html"] and "<strong>left</strong> to right." in first["html"]


def test_charts_without_a_value_are_one_line_at_the_end():
    """A question without an answer is removed with its text; one with another chart stays."""
    made = contents(
        notebook(
            text("# Use"),
            *(text("## Who stays?\n\nWords."), chart("Retention", "nobody joined")),
            *(text("## Which team?"), chart(), chart("Teams", "nobody joined")),
            *(text("## What of the roster?"), chart("Rate", "no value")),
            cell("s", shown("note", kind="info", text="There is no roster.")),
        )
    )
    (section,) = made.sections
    assert [str(block.heading) for block in section.blocks] == ["Which team?"]
    assert made.not_shown() == [
        "Who stays? · Teams (nobody joined)",
        "What of the roster? (There is no roster)",
    ]


@pytest.mark.parametrize(
    "nothing",
    [
        chart("Bill", "not known"),
        cell("t", shown("table", title="Bill", columns=[{"label": "a", "align": "left"}], rows=[])),
        cell("n", shown("note", kind="missing", text="not known")),
    ],
    ids=["chart", "table", "note"],
)
def test_a_section_without_a_value_is_left_out(nothing):
    """With its heading and its text, and from the contents of the page."""
    bill = notebook(text("# The bill\n\nWords.\n\n## How far apart?"), nothing)
    made = contents(notebook(text("# Use"), chart()), bill)
    assert [section.title for section in made.sections] == ["Use"]
    assert [line.split(" (")[0] for line in made.not_shown()] == ["The bill"]
    assert "Not shown: The bill" in build_page([bill], title="Week 47")


def test_missing_values_at_the_top_are_listed_at_the_end_too():
    """A note for the top of the page that only says what is missing."""
    nothing = cell("n", shown("note", kind="missing", text="No bill is known."), tags=["trust"])
    made = contents(notebook(text("# Use"), nothing, chart()))
    assert (made.trust, made.not_shown()) == ([], ["No bill is known"])


def test_a_parameter_is_shown_once():
    """A parameter that only some notebooks have names them."""
    common = cell("weeks = 12", tags=["parameters"])
    more = cell("weeks = 12\nhistory = 26", tags=["parameters"])
    made = contents(notebook(text("# Use"), common), notebook(text("# Cost"), more))
    assert made.parameters() == ["weeks = 12", "history = 26  # Cost"]


def test_an_unavailable_figure_is_listed_instead_of_a_card():
    """Without a roster there is no share of it; a withheld figure is still a card that says so."""
    cards = [
        card(metric="active_rate", label="Share active", value="n/a", missing="there is no roster"),
        card(value="n/a", verdict="withheld: mostly one person", missing=""),
    ]
    made = contents(notebook(cell("c", shown("cards", cards=cards), tags=["headlines"])))
    assert [one["verdict"] for one in made.cards] == ["withheld: mostly one person"]
    assert made.not_shown() == ["Share active (there is no roster)"]


def test_findings_without_a_tag_are_in_their_section():
    """As in a custom notebook, which shows them without a tag."""
    found = [{"kind": "change", "title": "Cost up", "text": "$2 instead of $1."}]
    own = notebook(text("# Own"), cell("f", shown("findings", findings=found)))
    html = build_page([own], title="Week 47")
    assert html.index('id="own"') < html.index("<li><b>Cost up.</b> $2 instead of $1.</li>")


def test_a_chart_of_the_top_is_in_no_section():
    """It is below the cards, and its section keeps its other content."""
    made = contents(notebook(text("# Cost"), chart(tags=["headlines"]), chart()))
    assert [one["id"] for one in made.lead] == ["chart-1"]
    (section,) = made.sections
    assert kinds(section.blocks) == [["figure"]]
