"""A modified frame displays its current contents."""

import json

import pandas as pd
import pytest
from builders import dataset, record

import ccanalytics as cca
from ccanalytics.dataset.titled_frame import titled


def costs():
    """Two weeks of six people in one team."""
    usage = {"claude-sonnet-5": {"input": 5, "cents": 100}}
    roster = "email,team,start\n" + "".join(f"p{n}@x.example,red,2026-01-01\n" for n in range(6))
    records = [
        record(day, f"p{n}@x.example", models=usage)
        for day in ("2026-11-10", "2026-11-17")
        for n in range(6)
    ]
    return cca.by_week(dataset(records, "2026-11-09", "2026-11-22", roster=roster), "cost", "team")


def table_of(frame):
    bundle = frame._repr_mimebundle_()
    return json.loads(json.dumps(bundle["application/vnd.ccanalytics.table+json"]))


def test_a_table_has_column_and_row_headers():
    """A screen reader reads each number with its team; a number is never a row header."""
    frame = titled(pd.DataFrame({"team": ["red"], "cost": [12]}), "Costs")
    html = frame._repr_mimebundle_()["text/html"]
    assert (html.count('scope="col"'), html.count('scope="row"')) == (2, 1)
    assert html.count(">red</th>") == html.count(">12</td>") == html.count(">Costs</caption>") == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.groupby("team").sum(numeric_only=True),
        lambda frame: frame.groupby("team")[["value", "n_actors"]].sum(),
        lambda frame: frame.set_index("team"),
    ],
)
def test_an_index_with_a_name_is_shown(change):
    """After a group-by, the groups are in the index; pandas shows such a frame."""
    shown = change(costs())._repr_mimebundle_()
    assert "<th>red</th>" in shown["text/html"] and "<th>team</th>" in shown["text/html"]
    assert "team" in shown["text/plain"]


def test_the_row_number_is_not_shown():
    """After a filter it has no meaning to a reader."""
    frame = costs()
    table = table_of(frame[frame["week"] == frame["week"].max()])
    assert [column["label"] for column in table["columns"][:2]] == ["week", "team"]


def test_a_transposed_frame_is_shown():
    """Its columns are numbers."""
    html = costs().head(2).T._repr_mimebundle_()["text/html"]
    assert "<th>0</th>" in html and "<th>team</th>" in html
