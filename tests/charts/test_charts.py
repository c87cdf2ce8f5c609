"""A chart shows one metric frame: its unit, its definition, its gaps, and nothing it computed."""

import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics as cca
from ccanalytics import charts
from ccanalytics.charts.theme import CATEGORIES, GRID, INK, MUTED
from ccanalytics.metrics import METRICS
from ccanalytics.report.colours import DARK

FRAMES = {
    "active_rate": cca.active_rate,
    "cost_curve": cca.cost_curve,
    "retention": cca.retention,
    "returning_share": cca.returning_share,
    "roster_use": cca.roster_use,
    "time_to_first_use": cca.time_to_first_use,
    "active_actors": cca.active_actors,
    "active_actors_by_day": cca.active_actors_by_day,
    "active_day_bands": cca.active_day_bands,
    "actor_flow": cca.actor_flow,
    "stickiness": cca.stickiness,
    "acceptance_rate": cca.acceptance_rate,
    "commits": cca.commits,
    "commits_per_active_day": cca.commits_per_active_day,
    "landing_share": cca.landing_share,
    "lines": cca.lines,
    "pull_requests": cca.pull_requests,
    "api_key_cost": cca.api_key_cost,
    "cache_read_share": cca.cache_read_share,
    "cost": cca.cost,
    "cost_drivers": cca.cost_drivers,
    "cost_per_commit_drivers": cca.cost_per_commit_drivers,
    "cost_per_active_day": cca.cost_per_active_day,
    "cost_per_commit": cca.cost_per_commit,
    "daily_cost": cca.daily_cost,
    "month_forecast": cca.month_forecast,
    "model_mix": cca.model_mix,
    "reconciliation": cca.reconciliation,
    "unconverted_share": cca.unconverted_share,
}
OWN = {"usage_by", "usage_by_day", "usage_by_weekday", "context_growth", "tool_use"}
BY_GROUP = {"intervention_effects", "cost_per_commit_by_team", "enable", "by_week", *OWN}


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
    return dataset(records, "2026-11-02", "2026-11-22")


def draw(name, data):
    return getattr(charts, f"{name}_chart")(FRAMES[name](data)).to_dict()


def texts(spec):
    """Every text of a specification."""
    if isinstance(spec, dict):
        return [text for value in spec.values() for text in texts(value)]
    if isinstance(spec, list):
        return [text for value in spec for text in texts(value)]
    return [spec] if isinstance(spec, str) else []


def test_every_chart_is_tested_here():
    """A new chart must have its frame in the table above."""
    assert set(charts.__all__) == {f"{name}_chart" for name in FRAMES} | {
        f"{name}_chart" if name != "enable" else name for name in BY_GROUP
    }


@pytest.mark.parametrize("name", FRAMES)
def test_a_chart_says_what_it_shows(name):
    """Title, description, unit and definition come from the metric's own entry."""
    spec, metric = draw(name, weeks()), METRICS[name]
    assert spec["title"]["text"] == metric.name
    assert spec["description"].startswith(metric.name)
    assert spec["usermeta"]["ccanalytics"]["metric"] == name
    assert isinstance(spec["width"], int)  # "container" hangs JupyterLab
    assert any(metric.formula in text for text in texts(spec["transform"]))


@pytest.mark.parametrize("name", FRAMES)
def test_every_axis_has_a_unit(name):
    """No axis is without a title."""
    spec = draw(name, weeks())
    encodings = [layer["encoding"] for layer in spec.get("layer", [spec])]
    for encoding in encodings:
        for axis in ("x", "y"):
            if axis in encoding:
                assert encoding[axis]["title"]


@pytest.mark.parametrize("name", FRAMES)
def test_a_chart_of_nothing_is_a_chart(name):
    """Without a record there is an empty chart that says so, not an exception."""
    spec = draw(name, dataset([], "2026-11-02", "2026-11-22"))
    values = [row.get("value") for rows in spec["datasets"].values() for row in rows]
    if not any(value is not None for value in values):
        assert "Nothing to show" in spec["description"]


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
    spec = charts.cost_per_commit_by_team_chart(cca.cost_per_commit(data, by="team")).to_dict()
    moment = spec["layer"][2]["transform"][0]["filter"]["equal"]
    assert (moment["year"], moment["month"], moment["date"]) == (2026, 11, 16)
    assert spec["layer"][0]["encoding"]["y"]["field"] == "team"


def test_a_hostile_name_is_only_data():
    """A name full of markup gets into no title, expression or field."""
    frame = pd.DataFrame(
        {
            "week": pd.to_datetime(["2026-11-16"]),
            "tool": ["</script><script>alert(1)</script>"],
            "value": [0.5],
        }
    )
    spec = charts.acceptance_rate_chart(frame).to_dict()
    del spec["datasets"]
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
        chart = charts.by_week_chart(cca.by_week(data, name, by), name, by)
        assert marks(chart.to_dict()) == expected


def test_more_groups_than_colours_are_listed_and_not_all_of_very_many():
    """Nine are all there; of thirty the twenty of the most people, and it is said."""
    nine = charts.by_week_chart(grouped(9), "cost_per_commit", "terminal").to_dict()
    assert marks(nine) == ["tick", "rule", "point"]
    thirty = charts.by_week_chart(grouped(30), "cost_per_commit", "terminal").to_dict()
    (rows,) = thirty["datasets"].values()
    assert {row["terminal"] for row in rows} == {f"t{n:02}" for n in range(10, 30)}
    assert "the 20 of the most people out of 30" in thirty["description"]


def test_a_chart_of_api_keys_speaks_of_keys():
    """In its title, its words and the tooltip."""
    frame = cca.by_week(weeks(), "cost", actor_kind="api_key")
    spec = charts.by_week_chart(frame, "cost", actor_kind="api_key").to_dict()
    assert spec["title"]["text"] == "Cost, API keys only"
    assert "API keys" in [tip["title"] for tip in spec["encoding"]["tooltip"]]


def test_a_hostile_group_is_only_data():
    """Names of teams and projects get into no expression, whatever the chart."""
    for count in (2, 9):
        frame = grouped(count)
        frame["terminal"] = frame["terminal"] + "</script><script>alert(1)</script>"
        for name in ("cost", "cost_per_commit"):
            spec = charts.by_week_chart(frame, name, "terminal").to_dict()
            del spec["datasets"]
            assert not any("script>" in text for text in texts(spec))
