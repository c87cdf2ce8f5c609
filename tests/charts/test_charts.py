"""A chart shows one metric frame: its unit, its definition and its gaps; it computes nothing."""

import json
import pickle
from dataclasses import replace
from functools import cache

import altair as alt
import pandas as pd
import pytest
import vl_convert
from builders import dataset, record
from metric_results import result_of

import ccanalytics as cca
from ccanalytics import charts
from ccanalytics.analyses.change_parts import Drivers
from ccanalytics.charts.shown_chart import MIME, VERSION
from ccanalytics.charts.theme import CATEGORIES, GRID, INK, MUTED
from ccanalytics.metrics.by_week import MetricFrame
from ccanalytics.metrics.change import Comparison
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.people.calendars import Calendars
from ccanalytics.report.chart_drawing import COLOURS

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


@cache
def drawn(name):
    """The chart of a metric for `weeks()`, drawn once for all tests that only look at it."""
    return draw(name, weeks())


def texts(spec):
    """Every text in a specification."""
    if isinstance(spec, dict):
        return [text for value in spec.values() for text in texts(value)]
    if isinstance(spec, list):
        return [text for value in spec for text in texts(value)]
    return [spec] if isinstance(spec, str) else []


@pytest.mark.parametrize("name", FRAMES)
def test_a_chart_says_what_it_shows(name):
    """Its title says more than the metric's name; the page finds the definition by the id."""
    spec, metric = drawn(name), METRICS[name]
    about = spec["usermeta"]["ccanalytics"]
    assert about["metric"] == name
    title = " ".join(spec["title"]["text"])
    assert spec["description"].startswith(title)
    assert (title == metric.name) == bool(about["missing"])
    assert isinstance(spec["width"], int)  # "container" hangs JupyterLab


@pytest.mark.parametrize("name", FRAMES)
def test_every_column_behind_a_chart_has_its_own_header(name):
    """The people of a share of people are its denominator, and not a second column "people"."""
    heads = [head for _, head, _ in drawn(name)["usermeta"]["ccanalytics"]["columns"]]
    assert len(heads) == len({*heads})


def test_the_text_alternative_has_the_newest_values():
    """15 dollars for 45 commits in both weeks that have a value: 33 cents."""
    description = drawn("cost_per_commit")["description"]
    assert description.endswith("Week of 16 Nov 2026: $0.33; 2 weeks from $0.33 to $0.33")


@pytest.mark.parametrize("name", FRAMES)
def test_every_chart_has_its_unit_under_its_title(name):
    """A chart without a value has no axis, and says why instead."""
    spec = drawn(name)
    missing = spec["usermeta"]["ccanalytics"]["missing"]
    encodings = [layer.get("encoding", {}) for layer in spec.get("layer", [spec])]
    assert any(encodings) != bool(missing)
    assert spec["title"]["subtitle"][0]


def test_every_axis_of_shares_ends_at_100_percent():
    """Acceptance of 70 % is drawn between 0 and 100 %; a tenth never fills the axis."""
    for name in ("acceptance_rate", "cache_read_share", "active_day_bands", "landing_share"):
        spec = drawn(name)
        scales = [
            layer["encoding"]["y"]["scale"]["domain"]
            for layer in spec.get("layer", [spec])
            if layer.get("encoding", {}).get("y", {}).get("scale")
        ]
        assert scales, name
        assert all(domain == [0, 1] for domain in scales)


@pytest.mark.parametrize("name", FRAMES)
def test_a_chart_without_records_is_still_a_chart(name):
    """It has no axes and says so, and raises nothing."""
    spec = draw(name, dataset([], "2026-11-02", "2026-11-22"))
    values = [row.get("value") for rows in spec["datasets"].values() for row in rows]
    if not any(value is not None for value in values):
        assert spec["usermeta"]["ccanalytics"]["missing"]
        assert "encoding" not in spec and "layer" not in spec


USAGE_CHARTS = [name for name in FRAMES if "cost" in name or "cache" in name or "mix" in name]


@pytest.mark.parametrize("name", USAGE_CHARTS)
def test_a_measure_the_source_does_not_have_is_not_drawn(name):
    """There is no axis, and so no 0 on it: only text saying that it is unknown."""
    records = [record("2026-11-17", f"p{n}@x.example", commits=30) for n in range(12)]
    spec = draw(name, dataset(records, "2026-11-09", "2026-11-22", source="enterprise"))
    assert spec["title"]["subtitle"] == ["Not known from this source"]
    assert "encoding" not in spec
    assert "layer" not in spec


def test_a_week_without_a_value_is_a_gap_not_a_zero():
    """The empty week is in the data of the chart, without a value."""
    spec = drawn("cost_per_commit")
    (rows,) = spec["datasets"].values()
    assert [row["value"] for row in rows] == [pytest.approx(15 / 45), None, pytest.approx(15 / 45)]


@pytest.mark.parametrize("name", ["cost", "cost_per_commit", "model_mix"])
def test_a_week_with_a_missing_day_keeps_its_place(name):
    """The axis names all three Mondays, and nothing is drawn at the middle one."""
    data = weeks()
    lost = data.days["date"] == "2026-11-12"
    data = replace(data, days=data.days.assign(stored=~lost, closed=~lost, final=~lost))
    assert len(data.weeks) == 2
    spec = draw(name, data)
    picture = vl_convert.vegalite_to_svg(json.dumps(spec), vl_version=VERSION)
    assert [day in picture for day in ("2 Nov", "9 Nov", "16 Nov")] == [True] * 3
    (rows,) = spec["datasets"].values()
    assert {row["value"] for row in rows if row["week"].startswith("2026-11-09")} == {None}


def test_bars_start_at_zero():
    """A bar that does not start at zero is misleading."""
    bars = drawn("cost")["layer"][0]
    assert (bars["mark"]["type"], bars["encoding"]["y"]["scale"]["zero"]) == ("bar", True)


def by_terminal(frame, name):
    """The chart of a frame split by terminal."""
    return cca.chart(MetricFrame.of(frame, METRICS[name], "terminal"))


def rows_of(spec):
    (rows,) = spec["datasets"].values()
    return rows


def test_the_last_value_is_written_at_the_end_of_its_line():
    """For each group, in the last week that has a value."""
    frame = pd.concat([grouped(2), grouped(2).assign(week=pd.Timestamp("2026-11-23"))])
    frame["value"] = [1.0, 2.0, 3.0, None]
    rows = rows_of(by_terminal(frame, "cost_per_commit").to_dict())
    assert [row["end"] for row in rows] == [None, "$2.00", "$3.00", None]


def test_a_group_without_a_value_is_named_and_not_drawn():
    """A withheld team has no empty axis."""
    frame = grouped(3).assign(value=[1.0, None, 2.0])
    spec = by_terminal(frame, "cost_per_commit").to_dict()
    assert {row["terminal"] for row in rows_of(spec)} == {"t00", "t02"}
    assert "not shown: t01" in " ".join(spec["title"]["subtitle"])
    nobody = by_terminal(frame.replace("t01", "no team"), "cost_per_commit").to_dict()
    assert "not shown: people without a team" in " ".join(nobody["title"]["subtitle"])


def test_the_changed_group_is_named_and_comes_first():
    """Payments doubled in the last four of twelve weeks, and three other teams did not."""
    roster = "email,team\n" + "".join(
        f"p{n}@x.example,{team}\n" for n in range(40) for team in [TEAMS[n % 4]]
    )
    usage = [{"claude-sonnet-5": {"input": 5, "output": 5, "cents": 1000 * k}} for k in (1, 2)]
    mondays = pd.date_range("2026-08-31", periods=12, freq="7D")
    records = [
        record(
            f"{monday + pd.Timedelta(days=n % 5):%Y-%m-%d}",
            f"p{n}@x.example",
            commits=3,
            models=usage[int(at >= 8 and n % 4 == 2)],
        )
        for at, monday in enumerate(mondays)
        for n in range(40)
        if (at + n) % 7
    ]
    events = pd.DataFrame({"date": [mondays[8]], "what": ["new tool"], "team": ["Payments"]})
    data = dataset(records, "2026-08-31", "2026-11-22", roster=roster)
    data = replace(data, calendars=Calendars(events=events))
    spec = cca.chart(cca.by_week(data, "cost", by="team"), cca.findings(data)).to_dict()
    assert spec["title"]["text"][0].startswith("Payments: cost up")
    assert "no change found in any other team" in " ".join(spec["title"]["text"])
    rows = rows_of(spec)
    assert {row["team"] for row in rows if row["moved"]} == {"Payments"}
    assert {row["team"] for row in rows if row["place"] == 0} == {"Payments"}
    noted = [(row["team"], row["week"][:10]) for row in rows if row["event"]]
    assert noted == [("Payments", "2026-10-26")]


@cache
def sample_data(store):
    """The sample organisation, loaded once for all its charts."""
    return cca.load(source="sample", store=store)


@pytest.mark.parametrize(
    "metric",
    ["cost", "cost_per_commit", "model_mix", "api_key_cost", "bill", "billed_cost_per_commit"],
)
def test_every_chart_of_cost_by_week_marks_an_event_once(metric, sample_days):
    """The sample's: in the week of 2 November, also where a bar has parts."""
    rows = rows_of(cca.chart(cca.by_week(sample_data(sample_days), metric)).to_dict())
    noted = [(row["event"], row["week"][:10]) for row in rows if row["event"]]
    assert noted == [("Whole repository in the context", "2026-11-02")]


def test_drivers_without_a_figure_are_not_in_the_title():
    """If a change is unknown, as for a small group, no driver can be the largest."""
    frame = pd.DataFrame({"step": ["price", "total"], "kind": ["driver", "total"], "value": None})
    frame = frame.assign(low=None, high=None, start=None, end=None).astype({"value": "float64"})
    spec = cca.chart(Drivers(METRICS["cost"], frame, Comparison(4, 8))).to_dict()
    assert spec["usermeta"]["ccanalytics"]["missing"]


TEAMS = ("Data", "Mobile", "Payments", "Web")


@pytest.mark.parametrize("name", FRAMES)
def test_a_tooltip_has_four_short_lines_at_most(name):
    """For every mark of every chart."""
    spec = drawn(name)
    for layer in spec.get("layer", [spec]):
        assert len(layer.get("encoding", {}).get("tooltip", [])) <= 4


def test_a_hostile_name_is_only_data():
    """A name full of markup appears in no title, expression or field; its label is text."""
    frame = pd.DataFrame(
        {
            "week": pd.to_datetime(["2026-11-16"]),
            "tool": ["</script><script>alert(1)</script>"],
            "value": [0.5],
        }
    )
    spec = charts.small_multiples(frame, "acceptance_rate", "tool", subtitle="by tool").to_dict()
    del spec["datasets"], spec["description"]
    assert not any("script>" in text for text in texts(spec))


def test_every_colour_of_the_theme_has_a_dark_counterpart():
    """A colour the report does not know would stay unchanged in dark mode."""
    assert {*CATEGORIES, INK, MUTED, GRID} <= set(COLOURS)


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
    layers = spec.get("spec", spec).get("layer", [spec])
    return {layer["mark"]["type"] for layer in layers} - {"text", "rect", "rule"}


def test_any_ratio_is_a_band_any_total_are_bars_and_groups_are_small_lines():
    """Distinct people of groups are lines: a person in two groups would be stacked twice."""
    data = weeks()
    draws = {
        ("cost_per_commit", None): {"area", "line"},
        ("cost", None): {"bar"},
        ("cost", "terminal"): {"line"},
        ("cost_per_commit", "terminal"): {"line"},
        ("active_actors", "terminal"): {"line"},
    }
    for (name, by), expected in draws.items():
        chart = cca.chart(cca.by_week(data, name, by))
        assert marks(chart.to_dict()) == expected


def test_only_the_groups_with_the_most_people_are_drawn():
    """Twelve of thirty, and the chart says so."""
    thirty = by_terminal(grouped(30), "cost_per_commit").to_dict()
    (rows,) = thirty["datasets"].values()
    assert {row["terminal"] for row in rows} == {f"t{n:02}" for n in range(18, 30)}
    assert "the 12 of the most people out of 30" in thirty["description"]


def test_a_chart_of_api_keys_says_keys():
    """In its title, its text and the tooltip."""
    frame = cca.by_week(weeks(), "cost", actor_kind="api_key")
    spec = cca.chart(frame).to_dict()
    assert spec["title"]["text"][0].startswith("Cost, API keys only")
    assert "API keys" in [tip["title"] for tip in spec["layer"][-1]["encoding"]["tooltip"]]


def test_a_hostile_group_is_only_data():
    """Names of teams and projects appear in no expression of any chart."""
    for count in (7, 13):
        frame = grouped(count)
        frame["terminal"] = frame["terminal"] + "</script><script>alert(1)</script>"
        for name in ("cost", "cost_per_commit"):
            spec = by_terminal(frame, name).to_dict()
            del spec["datasets"], spec["description"]
            assert not any("script>" in text for text in texts(spec))


def test_a_chart_is_interactive_and_a_picture_at_once():
    """Tools that draw Vega-Lite draw it; all others show the SVG of the same output."""
    bundle = cca.chart(cca.by_week(weeks(), "cost"))._repr_mimebundle_()
    assert bundle[MIME]["usermeta"]["ccanalytics"]["metric"] == "cost"
    assert bundle["image/svg+xml"].startswith("<svg")
    assert len(bundle["image/svg+xml"]) < 60_000
    assert bundle["text/plain"].startswith("Cost")


def test_the_altair_settings_of_the_session_are_unchanged():
    """No theme, no renderer; the user's own charts look as before."""
    before = alt.theme.active, alt.renderers.active
    cca.chart(cca.by_week(weeks(), "cost"))._repr_mimebundle_()
    assert (alt.theme.active, alt.renderers.active) == before
    assert "ccanalytics" not in alt.theme.names()
    own = alt.Chart(pd.DataFrame({"a": [1]})).mark_point().encode(x="a")
    assert "font" not in own.to_dict()["config"]


def test_a_frame_without_a_chart_says_so():
    """A frame that is not a metric is drawn with altair directly."""
    with pytest.raises(TypeError, match="altair"):
        cca.chart(pd.DataFrame({"value": [1]}))


def test_a_picture_of_many_groups_is_small():
    """Half a year of eight groups: no label for every mark, no invisible digits."""
    weeks = pd.date_range("2026-05-25", periods=26, freq="7D")
    frame = pd.concat([grouped(8).assign(week=week) for week in weeks], ignore_index=True)
    frame["value"] = frame.index / 7
    for name in ("cost", "cost_per_commit"):
        bundle = by_terminal(frame, name)._repr_mimebundle_()
        assert len(bundle["image/svg+xml"]) < 51_000


def test_a_picture_has_a_text_alternative():
    """Its description is the label of the whole picture."""
    picture = cca.chart(cca.by_week(weeks(), "cost"))._repr_mimebundle_()["image/svg+xml"]
    assert 'role="img" aria-label="Cost: $' in picture


def test_the_users_configuration_overrides_the_theme():
    """The rest of the theme stays."""
    chart = cca.chart(cca.by_week(weeks(), "cost")).configure_axis(labelFontSize=20)
    configured = chart.to_dict()["config"]["axis"]
    assert (configured["labelFontSize"], configured["titleFontSize"]) == (20, 11)


def test_combined_charts_are_valid_and_displayed():
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
