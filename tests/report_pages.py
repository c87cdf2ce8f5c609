"""Notebooks and a page for the tests of the report: real charts, made-up numbers."""

from types import SimpleNamespace

import altair as alt
import nbformat.v4 as v4
import pandas as pd

from ccanalytics.charts.theme import GRID, INK, MUTED

HOSTILE = "<script>alert(1)</script>@x"
HOSTILE_KEY = "key</script><script>alert(2)</script>"

READY = "html[data-ready=yes]"
"""What a page is once its script has done all. A function to wait for would be text that has to be
evaluated again and again, which the policy of the page forbids."""

WEEKS = pd.date_range("2026-08-31", periods=12, freq="7D")
TEAMS = ("Data", "Mobile", "Platform", "Web")


def definition(**changed):
    """The fields of a metric that a page needs."""
    fields = {
        "name": "Cost per commit",
        "unit": "usd",
        "formula": "Estimated cost of everybody, divided by commits made through Claude Code.",
        "caveats": ("An estimate at list prices.", "Null below 20 commits."),
        "grade": "medium",
        "source": "monitoring guide",
        "version": 1,
    }
    return SimpleNamespace(**(fields | changed))


def spec(chart):
    """The Vega-Lite spec of an Altair chart, as a notebook output holds it."""
    return chart.to_dict()


def bundle_output(data):
    """A display output with these MIME types."""
    return v4.new_output("display_data", {"text/plain": "shown", **data})


def chart_output(chart):
    """A display output with a chart."""
    return bundle_output({"application/vnd.vegalite.v5+json": spec(chart)})


def cell(source="", *outputs, tags=()):
    """A code cell that has run."""
    return v4.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def text(source, tags=()):
    """A Markdown cell."""
    return v4.new_markdown_cell(source, metadata={"tags": list(tags)})


def notebook(*cells):
    """A notebook of these cells."""
    return v4.new_notebook(cells=list(cells))


def card(**changed):
    """One headline card."""
    fields = {
        "metric": "cost_per_commit",
        "label": "Cost per commit",
        "value": "$1.35",
        "interval": "90 % interval $1.20 to $1.52",
        "change": "+$0.11 (+9 %) on $1.24 the week before; 90 % interval -$0.04 to +$0.26",
        "verdict": "no detectable change",
        "n": "96 people",
        "detail": "",
        "before": "about usual next to $1.30, the median of the 4 weeks before",
        "grade": "coverage complete, reliability medium",
        "tone": "neutral",
        "unit": "US dollars per commit",
        "line": {"lines": ["5.0,30.0 120.0,20.0 235.0,5.0"], "dots": [], "last": ["235.0,5.0"]},
        "weeks": "3 weeks from $1.20 to $1.35",
    }
    return fields | changed


def weekly(teams=TEAMS):
    """Made-up cost per commit of each team and week, with an interval."""
    rows = [
        {"week": week, "team": team, "value": 1.1 + 0.15 * at + 0.3 * ((i * (at + 3)) % 5) / 4}
        for at, team in enumerate(teams)
        for i, week in enumerate(WEEKS)
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(low=frame["value"] * 0.8, high=frame["value"] * 1.25)


def line_chart(frame, title="Cost per commit by team", metric="cost_per_commit", wide=False):
    """Lines with bands, one colour per team."""
    base = alt.Chart(frame).encode(
        x=alt.X("yearmonthdate(week):O", title="week of", axis=alt.Axis(format="%d %b", **_X)),
        color=alt.Color("team:N", title=None, scale=alt.Scale(range=_RANGE)),
    )
    band = base.mark_area(opacity=0.12).encode(y=alt.Y("low:Q", title="US dollars"), y2="high:Q")
    line = base.mark_line(point=True).encode(
        y=alt.Y("value:Q", title="US dollars per commit"),
        tooltip=[
            alt.Tooltip("week:T", title="week of", format="%d %b %Y"),
            alt.Tooltip("team:N", title="team"),
            alt.Tooltip("value:Q", title="US dollars per commit", format="$,.2f"),
        ],
    )
    return _finish(band + line, title, "Band: 90 % interval over people", metric, wide)


def bar_chart(frame, title="Weekly value", metric="active_actors", wide=False):
    """Bars by week."""
    chart = (
        alt.Chart(frame)
        .mark_bar(color=_RANGE[0], cornerRadius=2)
        .encode(
            x=alt.X("yearmonthdate(week):O", title="week of", axis=alt.Axis(format="%d %b", **_X)),
            y=alt.Y("sum(value):Q", title="people"),
            tooltip=[alt.Tooltip("team:N", title="team")],
        )
    )
    return _finish(chart, title, "People active in the week", metric, wide)


def question(number):
    """Heading, chart and explanation of one question; the second chart has hostile names."""
    frame = weekly((HOSTILE, HOSTILE_KEY)) if number == 1 else weekly()
    chart = (
        line_chart(frame, f"Cost per commit by team, {number + 1}")
        if number % 2
        else bar_chart(frame, f"Weekly active people, {number + 1}", wide=number == 0)
    )
    return [
        text(f"## Is question {number + 1} getting better?\n\nEstimated cost over commits."),
        cell("chart(cost)", chart_output(chart)),
        text("A high week usually means *few commits*, not much spending: look at both columns."),
    ]


def page_notebooks(charts=6):
    """Three notebooks with cards, `charts` charts, a table, a note and hostile names."""
    questions = [[c for n in range(at, charts, 3) for c in question(n)] for at in range(3)]
    people = card(
        metric="active_actors",
        label="Weekly active people",
        value="96",
        interval="",
        verdict="up",
        change="+8 (+9 %) on 88 the week before; 90 % interval +1 to +15",
        unit="people",
    )
    commits = card(metric="commits", label="Commits", value="421", interval="", unit="commits")
    accepted = card(metric="acceptance_rate", label="Acceptance rate", value="77 %")
    return [
        notebook(
            text("# Adoption\n\nWho uses Claude Code, how often, and who stopped."),
            cell('source = "sample"\nweeks = 12  # closed weeks', tags=["parameters"]),
            cell("weeks = 8", tags=["injected-parameters"]),
            cell(
                "note(...)", shown("note", kind="info", text="All days are here."), tags=["trust"]
            ),
            cell("cards(...)", shown("cards", cards=[people, card()]), tags=["headlines"]),
            *questions[0],
        ),
        notebook(
            text("# Productivity"),
            cell("cards(...)", shown("cards", cards=[commits, accepted]), tags=["headlines"]),
            *questions[1],
        ),
        notebook(
            text("# Cost"),
            *questions[2],
            cell("table(...)", shown("table", title="Teams", columns=COLUMNS, rows=ROWS)),
        ),
    ]


def shown(kind, /, **content):
    """A display output of one of the package's own types."""
    return bundle_output({f"application/vnd.ccanalytics.{kind}+json": content})


COLUMNS = [{"label": "team", "align": "left"}, {"label": "cost", "align": "right"}]
ROWS = [["Data", "$1,204"], [HOSTILE, "$12"]]

_X = {"labelAngle": 0, "labelOverlap": True, "labelSeparation": 8}
_RANGE = ["#2b5fb8", "#c05f0c", "#12806a", "#a83f7c"]
_CONFIG = {
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "gridColor": GRID,
        "gridOpacity": 0.3,
        "domain": False,
        "ticks": False,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelPadding": 6,
        "titlePadding": 10,
    },
    "axisX": {"grid": False},
    "legend": {"labelColor": INK, "orient": "top", "symbolOpacity": 1, "labelFontSize": 12},
    "view": {"stroke": None},
}


def _finish(chart, title, subtitle, metric, wide):
    described = f"{title}, by week, from 31 August to 16 November 2026."
    return chart.properties(
        width="container",
        height=260,
        title=alt.TitleParams(title, subtitle=subtitle),
        description=described,
        usermeta={"ccanalytics": {"metric": metric, "wide": wide}},
    ).configure(**_CONFIG)
