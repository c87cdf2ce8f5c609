"""What a notebook shows beside charts: data of our own type, HTML for Lab, plain text."""

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from ccanalytics.display.show import MIME, card, cards, markdown_text, note, prose, table
from ccanalytics.metrics.change import Headline
from ccanalytics.metrics.definitions import METRICS

HOSTILE = "<script>alert(1)</script>@x"
WEEK = pd.Timestamp("2026-11-16")


def cost_per_commit(**changed):
    """A headline of cost per commit: $1.35 after $1.24, with 421 commits of 96 people."""
    fields = {
        "value": 1.35,
        "low": 1.2,
        "high": 1.5,
        "denominator": 421,
        "n_actors": 96,
        "previous": 1.25,
        "change": 0.1,
        "change_low": -0.05,
        "change_high": 0.25,
        "verdict": "no detectable change",
    }
    return Headline(METRICS["cost_per_commit"], WEEK, **(fields | changed))


def test_a_card_says_value_interval_basis_and_change_in_words():
    """Everything is text already, in the metric's own format."""
    made = card(cost_per_commit())
    assert made["value"] == "$1.35"
    assert made["interval"] == "90 % interval $1.20 to $1.50"
    assert made["n"] == "421 commits, 96 people"
    assert made["change"].startswith("+$0.10 (+8 %) on $1.25 the week before")
    assert made["change"].endswith("90 % interval -$0.05 to +$0.25")
    assert (made["verdict"], made["tone"]) == ("no detectable change", "neutral")


def test_the_bar_of_a_card_begins_at_zero_and_keeps_proportions():
    """The largest of value, ends and previous takes 90 % of the axis."""
    assert card(cost_per_commit())["bar"] == {
        "value": 81.0,
        "low": 72.0,
        "high": 90.0,
        "previous": 75.0,
    }


def test_a_card_without_value_says_why_and_draws_nothing():
    """A week with too few commits has no value, no change and no bar."""
    made = card(Headline(METRICS["cost_per_commit"], WEEK, denominator=3, n_actors=9))
    assert (made["value"], made["change"], made["bar"]) == ("n/a", "", None)
    assert "Cost per commit" in made["detail"]


def test_a_total_has_no_interval_of_its_own():
    """Commits are counted, so the card says that instead of an interval."""
    made = card(Headline(METRICS["commits"], WEEK, value=421, n_actors=1))
    assert made["interval"] == "a total, so no interval"
    assert (made["n"], made["verdict"]) == ("1 person", "nothing to compare")


def test_cards_come_as_data_html_and_text():
    """A report reads the data, Lab the HTML, a terminal the text."""
    bundle = cards([cost_per_commit()])._repr_mimebundle_()
    assert bundle[MIME.format("cards")] == {"cards": [card(cost_per_commit())]}
    assert "$1.35" in bundle["text/html"]
    assert bundle["text/plain"] == "Cost per commit: $1.35 (no detectable change)"


def test_a_table_formats_its_cells_and_keeps_the_order_of_labels():
    """Dates, counts, format specs, functions and missing values."""
    frame = pd.DataFrame(
        {"week": [WEEK, WEEK], "n": [1200, 3], "cost": [1.5, None], "rate": [0.25, 0.5]}
    )
    made = table(
        frame,
        "Teams",
        labels={"week": "week of", "cost": "cost", "n": "sessions", "rate": "rate"},
        formats={"cost": ",.2f", "rate": lambda value: f"{value:.0%}"},
    )
    content = made.bundle[MIME.format("table")]
    labels, sides = zip(*(column.values() for column in content["columns"]), strict=True)
    assert labels == ("week of", "cost", "sessions", "rate")
    assert sides == ("left", "right", "right", "right")
    assert content["rows"] == [
        ["16 Nov 2026", "1.50", "1,200", "25%"],
        ["16 Nov 2026", "n/a", "3", "50%"],
    ]


def test_a_table_without_rows_keeps_its_columns():
    """An empty frame is a table with a head and no rows."""
    content = table(pd.DataFrame({"team": pd.Series([], dtype="str")}), "Teams").bundle[
        MIME.format("table")
    ]
    assert (content["columns"], content["rows"]) == ([{"label": "team", "align": "left"}], [])


def test_names_with_markup_stay_text_in_the_html():
    """Cells, column names, titles and notes are escaped."""
    frame = pd.DataFrame({HOSTILE: [HOSTILE]})
    for made in (table(frame, HOSTILE), note(HOSTILE)):
        assert "<script>" not in made.bundle["text/html"]
        assert "&lt;script&gt;" in made.bundle["text/html"]


def test_values_in_prose_are_text_whatever_signs_they_contain():
    """Markdown of a value means nothing; Markdown of the template does."""
    value = "*a* [b](javascript:x) `c` <i>d</i> $1 # e | f"
    made = prose("**Cost** {value}", value=value).bundle
    html = MarkdownIt().render(made["text/markdown"])
    assert html.startswith("<p><strong>Cost</strong> *a* [b](javascript:x) `c` &lt;i&gt;d")
    assert made["text/plain"] == f"**Cost** {value}"


def test_a_value_cannot_start_a_new_paragraph():
    """Line ends of a value become spaces."""
    assert markdown_text("a\n\n# b") == r"a \# b"


def test_a_note_is_information_or_a_warning():
    """Any other kind is an error that shows it."""
    assert note("x", "warn").bundle[MIME.format("note")] == {"kind": "warn", "text": "x"}
    with pytest.raises(ValueError, match="'loud'"):
        note("x", "loud")
