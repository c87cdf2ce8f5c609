"""A chart shows one metric frame: its unit, its definition, its gaps, and nothing it computed."""

import pickle

import altair as alt
import pandas as pd
import pytest
from builders import dataset, record
from metric_results import result_of

import ccanalytics as cca
from ccanalytics import charts
from ccanalytics.charts.shown_chart import MIME
from ccanalytics.charts.theme import CATEGORIES, GRID, INK, MUTED
from ccanalytics.charts.week_charts import by_week_chart
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.report.colours import DARK

FRAMES = [
    name
    for name, metric in METRICS.items()
    if metric.numerator or metric.chart or name.endswith("_drivers") or name == "month_forecast"
]
"""Every metric that has a chart, apart from those of session logs, which have their own tests."""

FRAMES = [
    name
    for name in FRAMES
    if not METRICS[name].chart.startswith("logs.") and name != "activation_rate"
]


def weeks(hostile="ann@x.example"):
    """Three weeks of six people; nothing happens in the second."""
    usage = {"claude-sonnet-5": {"input": 5, "output": 5, "cache_read": 90, "cents": 250}}
    tools = {"edit_tool": (7, 3)}
    people = [hostile, *(f"p{n}@x.example" for n in range(5))]
    records = [
        record(day, who, commits=5 + n, added=9, tools=tools, models=usage)
        for day in ("2026-11-03", "2026-11-17")
        for n, who in enumerate(people)
    ]
    keys = [record(day, api_key="k", models=usage) for day in ("2026-11-03", "2026-11-17")]
    return dataset([*records, *keys], "2026-11-02", "2026-11-22")


def draw(name, data):
    return cca.chart(result_of(data, name)).to_dict()


def texts(spec):
    """Every text of a specification."""
    if isinstance(spec, dict):
        return [text for value in spec.values() for text in texts(value)]
    if isinstance(spec, list):
        return [text for value in spec for text in texts(value)]
    return [spec] if isinstance(spec, str) else []


@pytest.mark.parametrize("name", FRAMES)
def test_a_chart_says_what_it_shows(name):
    """Title, description, unit and definition come from the metric's own entry."""
    spec, metric = draw(name, weeks()), METRICS[name]
    assert spec["title"]["text"] == metric.name
    assert spec["description"].startswith(metric.name)
    assert spec["usermeta"]["ccanalytics"]["metric"] == name
    assert isinstance(spec["width"], int)  # "container" hangs JupyterLab
    assert any(metric.formula in text for text in texts(spec["transform"]))


def test_the_newest_values_are_in_the_words_for_those_who_cannot_see():
    """15 dollars over 45 commits in both weeks that have a value: 33 cents."""
    description = draw("cost_per_commit", weeks())["description"]
    assert description.endswith("Week of 16 Nov 2026: $0.33; 2 weeks from $0.33 to $0.33")


@pytest.mark.parametrize("name", FRAMES)
def test_every_axis_has_a_unit(name):
    """No axis is without a title; what has no value has no axis either."""
    spec = draw(name, weeks())
    about = spec["usermeta"]["ccanalytics"]
    encodings = [layer.get("encoding", {}) for layer in spec.get("layer", [spec])]
    assert any(encodings) != bool(about["missing"])
    for encoding in encodings:
        for axis in ("x", "y"):
            if axis in encoding:
                assert encoding[axis]["title"]


@pytest.mark.parametrize("name", FRAMES)
def test_a_chart_of_nothing_is_a_chart(name):
    """Without a record there is a chart without axes that says so, not an exception."""
    spec = draw(name, dataset([], "2026-11-02", "2026-11-22"))
    values = [row.get("value") for rows in spec["datasets"].values() for row in rows]
    if not any(value is not None for value in values):
        assert "Nothing to show" in spec["description"]
        assert "encoding" not in spec and "layer" not in spec


USAGE_CHARTS = [name for name in FRAMES if "cost" in name or "cache" in name or "mix" in name]


@pytest.mark.parametrize("name", USAGE_CHARTS)
def test_what_the_source_does_not_tell_is_not_drawn(name):
    """No axis, and so no 0 on it: only the words that it is not known."""
    records = [record("2026-11-17", f"p{n}@x.example", commits=30) for n in range(12)]
    spec = draw(name, dataset(records, "2026-11-09", "2026-11-22", source="enterprise"))
    assert spec["title"]["subtitle"] == ["Not known from this source"]
    assert "encoding" not in spec
    assert "layer" not in spec


def test_a_week_without_a_value_is_a_gap_not_a_zero():
    """The silent week is in the data of the chart, without a value."""
    spec = draw("cost_per_commit", weeks())
    (rows,) = spec["datasets"].values()
    assert [row["value"] for row in rows] == [pytest.approx(15 / 45), None, pytest.approx(15 / 45)]


def test_bars_begin_at_zero():
    """A bar that does not begin at zero lies."""
    assert draw("cost", weeks())["encoding"]["y"]["scale"]["zero"] is True


def test_a_team_is_shown_with_its_last_week_and_the_weeks_before():
    """Each team is a row; the dot is of the last week only."""
    roster = "email,team,start\n" + "\n".join(f"p{n}@x.example,Red," for n in range(5))
    data = dataset(
        [record("2026-11-17", f"p{n}@x.example", commits=9) for n in range(5)],
        "2026-11-02",
        "2026-11-22",
        roster=roster,
    )
    frame = cca.by_week(data, "cost_per_commit", by="team")
    spec = cca.chart(frame, last_week=True).to_dict()
    moment = spec["layer"][2]["transform"][0]["filter"]["equal"]
    assert (moment["year"], moment["month"], moment["date"]) == (2026, 11, 16)
    assert spec["layer"][0]["encoding"]["y"]["field"] == "team"


def test_a_hostile_name_is_only_data():
    """A name full of markup gets into no title, expression or field; its label is text."""
    frame = pd.DataFrame(
        {
            "week": pd.to_datetime(["2026-11-16"]),
            "tool": ["</script><script>alert(1)</script>"],
            "value": [0.5],
        }
    )
    spec = charts.ratio_by_group(frame, "acceptance_rate", "tool", subtitle="by tool").to_dict()
    del spec["datasets"], spec["description"]
    assert not any("script>" in text for text in texts(spec))


def test_every_colour_of_the_theme_has_a_dark_twin():
    """A colour the report does not know would stay as it is in dark mode."""
    assert {*CATEGORIES, INK, MUTED, GRID} <= set(DARK)


def grouped(count):
    """A frame by week of `count` terminals, group n with n people."""
    return pd.DataFrame(
        {
            "week": pd.to_datetime(["2026-11-16"] * count),
            "terminal": [f"t{n:02}" for n in range(count)],
            "value": 1.0,
            "low": 0.5,
            "high": 1.5,
            "n_actors": [float(n) for n in range(count)],
        }
    )


def marks(spec):
    return [layer["mark"]["type"] for layer in spec.get("layer", [spec])]


def test_any_ratio_is_a_band_any_total_are_bars_and_totals_of_groups_are_stacked():
    """Distinct people of groups are lines: somebody in two of them would be stacked twice."""
    data = weeks()
    draws = {
        ("cost_per_commit", None): ["area", "line"],
        ("cost", None): ["bar"],
        ("cost", "terminal"): ["bar"],
        ("cost_per_commit", "terminal"): ["line"],
        ("active_actors", "terminal"): ["line"],
    }
    for (name, by), expected in draws.items():
        chart = cca.chart(cca.by_week(data, name, by))
        assert marks(chart.to_dict()) == expected


def test_more_groups_than_colours_are_listed_and_not_all_of_very_many():
    """Nine are all there; of thirty the twenty of the most people, and it is said."""
    nine = by_week_chart(grouped(9), "cost_per_commit", "terminal").to_dict()
    assert marks(nine) == ["tick", "rule", "point"]
    thirty = by_week_chart(grouped(30), "cost_per_commit", "terminal").to_dict()
    (rows,) = thirty["datasets"].values()
    assert {row["terminal"] for row in rows} == {f"t{n:02}" for n in range(10, 30)}
    assert "the 20 of the most people out of 30" in thirty["description"]


def test_a_chart_of_api_keys_speaks_of_keys():
    """In its title, its words and the tooltip."""
    frame = cca.by_week(weeks(), "cost", actor_kind="api_key")
    spec = cca.chart(frame).to_dict()
    assert spec["title"]["text"] == "Cost, API keys only"
    assert "API keys" in [tip["title"] for tip in spec["encoding"]["tooltip"]]


def test_a_hostile_group_is_only_data():
    """Names of teams and projects get into no expression, whatever the chart."""
    for count in (2, 9):
        frame = grouped(count)
        frame["terminal"] = frame["terminal"] + "</script><script>alert(1)</script>"
        for name in ("cost", "cost_per_commit"):
            spec = by_week_chart(frame, name, "terminal").to_dict()
            del spec["datasets"], spec["description"]
            assert not any("script>" in text for text in texts(spec))


def test_a_chart_is_interactive_and_a_picture_at_once():
    """What draws Vega-Lite draws it; everything else shows the SVG of the same output."""
    bundle = cca.chart(cca.by_week(weeks(), "cost"))._repr_mimebundle_()
    assert bundle[MIME]["usermeta"]["ccanalytics"]["metric"] == "cost"
    assert bundle["image/svg+xml"].startswith("<svg")
    assert len(bundle["image/svg+xml"]) < 60_000
    assert bundle["text/plain"].startswith("Cost")


def test_the_sessions_own_altair_is_left_alone():
    """No theme, no renderer, and a chart of one's own looks as before."""
    before = alt.theme.active, alt.renderers.active
    cca.chart(cca.by_week(weeks(), "cost"))._repr_mimebundle_()
    assert (alt.theme.active, alt.renderers.active) == before
    assert "ccanalytics" not in alt.theme.names()
    own = alt.Chart(pd.DataFrame({"a": [1]})).mark_point().encode(x="a")
    assert "font" not in own.to_dict()["config"]


def test_what_has_no_chart_is_said():
    """A frame of one's own is drawn with altair."""
    with pytest.raises(TypeError, match="altair"):
        cca.chart(pd.DataFrame({"value": [1]}))


def test_a_picture_of_many_groups_is_small():
    """Half a year of eight groups: no label for every mark, no digit nobody sees."""
    weeks = pd.date_range("2026-05-25", periods=26, freq="7D")
    frame = pd.concat([grouped(8).assign(week=week) for week in weeks], ignore_index=True)
    frame["value"] = frame.index / 7
    for name in ("cost", "cost_per_commit"):
        bundle = by_week_chart(frame, name, "terminal")._repr_mimebundle_()
        assert len(bundle["image/svg+xml"]) < 51_000


def test_a_picture_says_what_it_is_to_those_who_cannot_see_it():
    """Its description is the label of the whole."""
    picture = cca.chart(cca.by_week(weeks(), "cost"))._repr_mimebundle_()["image/svg+xml"]
    assert 'role="img" aria-label="Cost.' in picture


def test_what_a_reader_configures_wins_over_the_look_of_this_kit():
    """And the rest of the look stays."""
    chart = cca.chart(cca.by_week(weeks(), "cost")).configure_axis(labelFontSize=20)
    configured = chart.to_dict()["config"]["axis"]
    assert (configured["labelFontSize"], configured["titleFontSize"]) == (20, 11)


def test_charts_put_together_are_valid_and_show_themselves():
    """Side by side, one above the other, and in layers."""
    one, two = (cca.chart(cca.by_week(weeks(), name)) for name in ("cost", "commits"))
    for both in (one | two, one & two, one + two):
        bundle = both._repr_mimebundle_()
        assert bundle["image/svg+xml"].startswith("<svg")
        assert bundle[MIME]["config"]["axis"]["labelFontSize"] == 11


def test_a_chart_survives_a_pickle():
    """As when it comes from another process."""
    chart = pickle.loads(pickle.dumps(cca.chart(cca.by_week(weeks(), "cost"))))
    assert chart.to_dict()["config"]["bar"]["color"] == CATEGORIES[0]
