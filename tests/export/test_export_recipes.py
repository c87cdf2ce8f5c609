"""The recipes for Grafana and Power BI: every query runs and agrees with the metric frames."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from export_stores import MONDAY, NOW, TEAMS, awkward, export, query, roster

from ccanalytics import cli
from ccanalytics.dataset.loading import load
from ccanalytics.metrics.by_week import OTHER_TEAMS, by_week

SHOWN = (datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
"""The range of time that is looked at."""


def recipe(tool):
    return CliRunner().invoke(cli.main, ["recipe", tool]).output


DASHBOARD = json.loads(recipe("grafana"))
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if "targets" in panel}
VARIABLES = {one["name"]: one for one in DASHBOARD["templating"]["list"]}

MEASURES = {
    "Active people": "active_actors",
    "Commits": "commits",
    "Pull requests": "pull_requests",
    "Acceptance rate": "acceptance_rate",
    "Cost": "cost",
    "Cost per commit": "cost_per_commit",
    "Share of cost not followed by a commit": "unconverted_share",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return awkward(tmp_path_factory.mktemp("awkward"))


@pytest.fixture(scope="module")
def data(store):
    last = MONDAY + timedelta(27)
    return load(MONDAY, last, source="api", store=store, roster=roster(), now=NOW)


@pytest.fixture(scope="module")
def database(store, new_database):
    url = new_database()
    export(store, url, roster=roster())
    return url


def as_grafana_sends(sql, teams=(*TEAMS, "no team"), shown=SHOWN, source="api"):
    """`sql` with Grafana's macros and variables filled in, as its PostgreSQL data source does."""
    first, last = (f"'{moment:%Y-%m-%dT%H:%M:%SZ}'" for moment in shown)
    sql = sql.replace("${source:sqlstring}", _quoted(source))
    sql = sql.replace("${team:sqlstring}", ",".join(map(_quoted, teams)))
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN {first} AND {last}", sql)
    sql = re.sub(r"\$__time\(([^)]+)\)", r'\1 AS "time"', sql)
    assert "$" not in sql
    return sql


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"


def ask(database, panel, **more):
    return query(database, as_grafana_sends(PANELS[panel]["targets"][0]["rawSql"], **more))


def wanted(data, metric_id, by=None):
    """The values of a metric frame, in its order, null as None."""
    frame = by_week(data, metric_id, by)
    return [None if value != value else value for value in frame["value"]]


@pytest.mark.database
@pytest.mark.parametrize("title", PANELS)
def test_every_query_of_the_dashboard_runs(database, title):
    """For all teams, for one with a quote in its name, and for a range without data."""
    assert ask(database, title)
    ask(database, title, teams=["robert'); drop table x;--"])
    never = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC))
    assert ask(database, title, shown=never) == []


@pytest.mark.database
@pytest.mark.parametrize(
    ("title", "metrics"),
    [
        ("Commits, pull requests and sessions", ["commits", "pull_requests"]),
        (
            "Cost per commit, and the share of cost that no commit followed",
            ["cost_per_commit", "unconverted_share"],
        ),
    ],
)
def test_a_line_of_the_dashboard_is_the_metric(database, data, title, metrics):
    """One point per closed week, at its Monday; the week of one person is empty."""
    rows = ask(database, title)
    assert [row[0] for row in rows] == [week.to_pydatetime() for week in data.weeks]
    for column, metric_id in enumerate(metrics, start=1):
        assert [row[column] for row in rows] == pytest.approx(wanted(data, metric_id), nan_ok=True)
        assert rows[-1][column] is None


@pytest.mark.database
def test_a_line_per_team_is_the_metric_by_team(database, data):
    """Withheld teams are empty in both."""
    seen = {(at, team): value for at, team, value in ask(database, "Cost per commit by team")}
    frame = by_week(data, "cost_per_commit", "team")
    frame = frame[frame["team"] != OTHER_TEAMS]
    for row in frame.itertuples():
        value = seen.get((row.week.to_pydatetime(), row.team))
        assert (value is None) == (row.value != row.value)
        assert value is None or value == pytest.approx(row.value)


@pytest.mark.database
def test_the_headline_is_the_newest_week(database, data):
    """The week of one person is the newest: nothing is shown, rather than an older number."""
    assert ask(database, "Cost per commit") == [(None,)]
    before = (SHOWN[0], datetime(2026, 11, 10, tzinfo=UTC))
    (value,) = ask(database, "Cost per commit", shown=before)[0]
    assert value == pytest.approx(wanted(data, "cost_per_commit")[1])


@pytest.mark.database
def test_the_variables_list_sources_and_teams(database):
    """The choices are those in the data; a team too small is listed but stays empty."""
    assert query(database, VARIABLES["source"]["query"]) == [("api",)]
    teams = query(database, as_grafana_sends(VARIABLES["team"]["query"]))
    assert {team for (team,) in teams} == {*TEAMS, "no team"}
    assert VARIABLES["team"]["multi"]
    assert VARIABLES["team"]["includeAll"]


@pytest.mark.database
def test_the_same_dashboard_reads_an_aggregate_export(store, new_database, data):
    """Its tables have the names of the views."""
    url = new_database()
    export(store, url, roster=roster(), identity="aggregate")
    costs = [cost for _, cost in ask(url, "Cost by week")]
    assert costs == pytest.approx(wanted(data, "cost"))
    for title in PANELS:
        ask(url, title)


def test_panels_do_not_overlap_and_use_the_chosen_source():
    """Overlapping panels and queries that only work on one machine are mistakes."""
    for name in ("id", "title"):
        names = [panel[name] for panel in DASHBOARD["panels"]]
        assert len(set(names)) == len(names)
    for one, other in combinations([panel["gridPos"] for panel in DASHBOARD["panels"]], 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart or above
    for panel in PANELS.values():
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"][0]["datasource"] == panel["datasource"]
        assert panel["description"]


def measures():
    """The SQL next to each measure of the Power BI recipe."""
    sections = re.split(r"^### ", recipe("power-bi"), flags=re.M)[1:]
    found = {}
    for section in sections:
        title, text = section.split("\n", 1)
        found[title] = re.findall(r"```sql\n(.*?)```", text, flags=re.S)
        assert "```dax" in text
    return {title: sql[0] for title, sql in found.items() if sql}


def test_every_measure_has_its_sql():
    """A measure without SQL to check it against cannot be tested."""
    assert set(measures()) == set(MEASURES)


@pytest.fixture(scope="module")
def folder(store, tmp_path_factory):
    """DuckDB on a Parquet folder, with the view of the recipe."""
    target = tmp_path_factory.mktemp("power-bi") / "out"
    export(store, target, roster=roster())
    (view,) = re.findall(r"```sql\n(create view in_scope.*?)```", recipe("power-bi"), flags=re.S)
    connection = duckdb.connect()
    connection.execute(view.replace("'folder/", f"'{Path(target)}/"))
    yield connection
    connection.close()


@pytest.mark.parametrize("title", MEASURES)
def test_a_measure_of_power_bi_is_the_metric(folder, data, title):
    """The SQL next to the DAX gives the value of the metric frame in each closed week."""
    rows = sorted(folder.execute(measures()[title]).fetchall())
    assert [week for week, _ in rows] == [week.date() for week in data.weeks]
    values = [None if value is None else float(value) for _, value in rows]
    assert values == pytest.approx(wanted(data, MEASURES[title]))
