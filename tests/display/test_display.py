"""Notebook outputs other than charts: data of our own type, HTML for Lab, plain text."""

import json
import math

import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics as cca
from ccanalytics.dataset.titled_frame import Column, titled
from ccanalytics.display.bundles import MIME
from ccanalytics.display.cards import card, headline_bundle, headlines_bundle
from ccanalytics.metrics.change import Comparison, Headline
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.showing import Note, Sentence, WarningNote

HOSTILE = "<script>alert(1)</script>@x"
WEEK = pd.Timestamp("2026-11-16")


RECENT = Comparison(1, 11, 1.35, 1.24, 0.09, -0.04, 0.23, 0.21, 0.3, verdict="no detectable change")


def cost_per_commit(**changed):
    """A headline of cost per commit: $1.35 after $1.24, for 421 commits of 96 people."""
    fields = {
        "value": 1.35,
        "low": 1.2,
        "high": 1.5,
        "denominator": 421,
        "n_actors": 96,
        "previous": 1.25,
        "change": 0.1,
        "recent": RECENT,
    }
    return Headline(METRICS["cost_per_commit"], WEEK, **(fields | changed))


def test_a_card_says_value_interval_basis_and_change_in_words():
    """All fields are already text, in the metric's own format."""
    made = card(cost_per_commit())
    assert made["value"] == "$1.35"
    assert made["interval"] == "90 % interval $1.20 to $1.50"
    assert made["n"] == "421 commits, 96 people"
    assert made["before"] == "+$0.10 (+8 %) on the week before"
    assert "21 %" in made["change"]
    assert (made["verdict"], made["tone"]) == ("no change found", "neutral")


def test_the_line_of_a_card_starts_at_zero_and_breaks_at_a_missing_value():
    """For $2, nothing, $1 and $2, the line of the last two rises from half height to the top."""
    weeks = pd.date_range(end=WEEK, periods=4, freq="7D")
    made = card(cost_per_commit(line=tuple(zip(weeks, [2.0, math.nan, 1.0, 2.0], strict=True))))
    assert made["line"] == {
        "lines": ["158.3,25.0 235.0,5.0"],
        "dots": ["5.0,5.0"],
        "last": ["235.0,5.0"],
    }
    assert made["weeks"] == "3 weeks from $1.00 to $2.00"
    assert "<svg" in headline_bundle(cost_per_commit())["text/html"]


def test_a_card_without_value_says_why_and_draws_nothing():
    """A week with too few commits has no value, no change and no line."""
    made = card(Headline(METRICS["cost_per_commit"], WEEK, denominator=3, n_actors=9))
    assert (made["value"], made["before"], made["line"]["lines"]) == ("n/a", "", [])
    assert "Cost per commit" in made["detail"]


def test_a_total_has_no_interval_of_its_own():
    """Commits are counted, so the card has none."""
    made = card(Headline(METRICS["commits"], WEEK, value=421, n_actors=1))
    assert (made["interval"], made["unit"]) == ("", "commits")
    assert (made["n"], made["verdict"]) == ("1 person", "")


def test_cards_come_as_data_html_and_text():
    """A report reads the data, Lab the HTML, a terminal the text."""
    bundle = headline_bundle(cost_per_commit())
    assert bundle[MIME.format("cards")] == {"cards": [card(cost_per_commit())]}
    assert "$1.35" in bundle["text/html"]
    assert bundle["text/plain"] == "Cost per commit: $1.35 (no change found)"


def test_a_table_formats_its_cells_and_keeps_the_order_of_labels():
    """Dates, counts, format specs, functions and missing values."""
    frame = pd.DataFrame(
        {"week": [WEEK, WEEK], "n": [1200, 3], "cost": [1.5, None], "rate": [0.25, 0.5]}
    )
    made = titled(
        frame,
        "Teams",
        {
            "week": Column("week of"),
            "cost": Column("cost", ",.2f"),
            "n": Column("sessions"),
            "rate": Column("rate", lambda value: f"{value:.0%}"),
        },
    )
    content = made._repr_mimebundle_()[MIME.format("table")]
    labels, sides = zip(*(column.values() for column in content["columns"]), strict=True)
    assert labels == ("week of", "cost", "sessions", "rate")
    assert sides == ("left", "right", "right", "right")
    assert content["rows"] == [
        ["16 Nov 2026", "1.50", "1,200", "25%"],
        ["16 Nov 2026", "n/a", "3", "50%"],
    ]


def test_a_table_without_rows_keeps_its_columns():
    """An empty frame is a table with a head and no rows."""
    empty = titled(pd.DataFrame({"team": pd.Series([], dtype="str")}), "Teams")
    content = empty._repr_mimebundle_()[MIME.format("table")]
    assert (content["columns"], content["rows"]) == ([{"label": "team", "align": "left"}], [])


def test_names_with_markup_stay_text_in_the_html():
    """Cells, column names, titles and notes are escaped."""
    frame = pd.DataFrame({HOSTILE: [HOSTILE]})
    for made in (titled(frame, HOSTILE), Note(HOSTILE), Sentence(HOSTILE)):
        html = made._repr_mimebundle_()["text/html"]
        assert "<script>" not in html
        assert "&lt;script&gt;" in html


def test_a_sentence_is_text_whatever_characters_it_contains():
    """Neither Markdown nor markup in a value has an effect."""
    value = "*a* [b](javascript:x) `c` <i>d</i> $1\n\n# e | f"
    made = Sentence(value)._repr_mimebundle_()
    assert (
        "<p>*a* [b](javascript:x) `c` &lt;i&gt;d&lt;/i&gt; $1\n\n# e | f</p>" in made["text/html"]
    )
    assert made["text/plain"] == made[MIME.format("sentence")]["text"] == value


@pytest.mark.parametrize(("kind", "tone"), [(Note, "info"), (WarningNote, "warn")])
def test_a_note_is_information_or_a_warning(kind, tone):
    """The page colours it by kind."""
    content = kind("x")._repr_mimebundle_()[MIME.format("note")]
    assert content == {"kind": tone, "text": "x"}


def test_an_empty_frame_shows_its_message_for_no_rows():
    """A sentence instead of a header without rows."""
    empty = titled(pd.DataFrame({"team": []}), "Teams", empty_text="No team.")
    assert empty._repr_mimebundle_()[MIME.format("note")]["text"] == "No team."


def test_a_filtered_frame_keeps_its_title():
    """So a table of selected rows needs no second call."""
    frame = titled(pd.DataFrame({"n": [1, 2]}), "Teams", {"n": Column("sessions")})
    content = frame[frame["n"] > 1]._repr_mimebundle_()[MIME.format("table")]
    assert (content["title"], content["rows"]) == ("Teams", [["2"]])


def test_a_table_of_headlines_says_what_is_withheld():
    """Twelve weeks of three people: more weeks would not help."""
    mondays = pd.date_range("2026-08-31", periods=12, freq="7D").strftime("%Y-%m-%d")
    records = [record(day, f"p{n}@x.example", commits=9) for day in mondays for n in range(3)]
    data = dataset(records, "2026-08-31", "2026-11-22", minimum_group=5)
    metrics = ["active_actors", "commits_per_active_day", *["commits"] * 4]
    rows = headlines_bundle(cca.headlines(data, metrics))[MIME.format("table")]["rows"]
    assert [row[3:] for row in rows[:2]] == [["withheld for privacy"] * 2] * 2


def test_headlines_side_by_side_have_their_comparisons_in_json(sample_days):
    """Programs get the numbers of both comparisons, and nothing else of them."""
    data = cca.load(source="sample", store=sample_days)
    bundle = headlines_bundle(cca.headlines(data, ["cost", "commits"]))
    cost, commits = json.loads(json.dumps(bundle[MIME.format("cards")]))["cards"]
    assert list(cost["figures"]["sustained"]) == [
        *("weeks", "weeks_before", "value", "previous", "change", "low", "high"),
        *("detectable", "p_value", "verdict"),
    ]
    assert cost["figures"]["sustained"]["verdict"] == "up"
    assert commits["figures"]["sustained"] is None  # described only
