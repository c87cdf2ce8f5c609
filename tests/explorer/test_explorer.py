"""Controls select a view and the view updates; a report shows it without the controls."""

import base64
from datetime import date
from threading import Event, Thread

import pandas as pd
import pytest
import vl_convert
from builders import dataset
from explorer_data import TEAMS, people_of, roster, three_weeks

import ccanalytics as cca
from ccanalytics.charts.shown_chart import MIME, VERSION
from ccanalytics.errors import StoreError
from ccanalytics.explorer import controls as explorer
from ccanalytics.explorer.controls import explore
from ccanalytics.explorer.drawing import zoomable
from ccanalytics.explorer.question import LoadedData, Question, View, answer
from ccanalytics.metrics.by_week import MetricFrame
from ccanalytics.metrics.definitions import METRICS

NAMES = ("Red", "=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>")


@pytest.fixture(autouse=True)
def sources(monkeypatch):
    """Three weeks for source api, one for sample, and none for local; nothing cached."""

    def load(*_, source, **__):
        if source == "local":
            raise StoreError("There is nothing in the local source yet.")
        if source == "sample":
            records = people_of("2026-10-06")
            return dataset(records, "2026-10-05", "2026-10-11", roster=roster(TEAMS))
        return three_weeks(names=NAMES)

    monkeypatch.setattr(explorer, "LoadedData", lambda: LoadedData(load))
    monkeypatch.setattr(explorer, "_remembered", {})


def explored(**how):
    """An explorer with its controls built."""
    made = explore(**{"source": "api", "weeks": 2, **how})
    made.panel()
    made.offer_files()
    return made


def drawn(made):
    """The specification of the chart shown; None if there is none."""
    return made.chart.outputs[0]["data"].get(MIME)


def words(made):
    """The text shown in place of the chart, and below it."""
    outputs = [*made.chart.outputs, *made.words.outputs]
    return " ".join(output["data"].get("text/plain", "") for output in outputs).strip()


def test_a_changed_control_shows_another_chart():
    """Another metric is drawn, with its table and its definition."""
    made = explored()
    before = drawn(made)
    made.controls["metric_id"].value = "commits"
    assert drawn(made) != before
    assert "Commits made through Claude Code." in words(made)
    assert len(made.table.outputs) == 1


def test_the_controls_start_with_the_parameters():
    """The two newest weeks, of everybody, by week."""
    made = explored()
    values = {name: control.value for name, control in made.controls.items()}
    assert (values["since"], values["until"]) == (date(2026, 11, 9), date(2026, 11, 22))
    assert (values["teams"], values["by"], values["period"]) == ((), "", "week")


def test_rerunning_the_cell_keeps_the_controls():
    """With other parameters it starts from those."""
    made = explored()
    made.controls["by"].value = "team"
    made.controls["since"].value = date(2026, 11, 16)
    again = explored()
    assert again.controls["by"].value == "team"
    assert again.controls["since"].value == date(2026, 11, 16)
    assert explored(weeks=3).controls["by"].value == ""


def test_one_change_is_one_update(monkeypatch):
    """Another source also sets dates and teams, in a single update."""
    made = explored()
    asked = []
    answer = explorer.answer
    monkeypatch.setattr(explorer, "answer", lambda *a: asked.append(a[0].source) or answer(*a))
    made.controls["teams"].value = ("Red",)
    made.controls["source"].value = "sample"
    assert asked == ["api", "sample"]
    assert made.controls["since"].value == date(2026, 9, 28)
    assert made.controls["teams"].value == ("Red",)
    assert len(made.view.frame) == 1


def change_both(one, other, begun, go_on):
    """Change two controls, each in a thread: the other while the first one is answered."""
    first, second = (
        Thread(target=setattr, args=(control, "value", value)) for control, value in (one, other)
    )
    first.start()
    begun.wait(60)
    second.start()
    second.join(0.2)  # it waits for the first, unless updates overtake each other
    go_on.set()
    first.join()
    second.join()


def test_a_change_made_during_an_update_is_shown(monkeypatch):
    """JupyterLab runs each change in a thread; the last to finish need not be the newest."""
    made = explored()
    first_asked, go_on = Event(), Event()

    def slow_at_first(question, loaded):
        if not first_asked.is_set():
            first_asked.set()
            go_on.wait(60)
        return answer(question, loaded)

    monkeypatch.setattr(explorer, "answer", slow_at_first)
    metric, split = made.controls["metric_id"], made.controls["by"]
    change_both((metric, "commits"), (split, "tool"), first_asked, go_on)
    assert (made.view.question.metric_id, made.view.question.by) == ("commits", "tool")
    assert made.view.chart is None


def test_a_change_made_while_another_source_is_read_is_answered_too(monkeypatch):
    """Reading takes seconds, and then the range of the new source is filled in, nothing else."""
    made = explored()
    reading, go_on, read = Event(), Event(), made.loaded.newest

    def slow(*asked, **how):
        reading.set()
        go_on.wait(60)
        return read(*asked, **how)

    monkeypatch.setattr(made.loaded, "newest", slow)
    source, metric = made.controls["source"], made.controls["metric_id"]
    change_both((source, "sample"), (metric, "commits"), reading, go_on)
    asked = made.view.question
    assert (asked.source, asked.since, asked.metric_id) == ("sample", date(2026, 9, 28), "commits")
    assert metric.value == "commits"


def test_reset_goes_back_to_the_first_view():
    """Whatever was set, in one update."""
    made = explored()
    first = made.view.question
    made.controls["by"].value = "team"
    made.controls["since"].value = date(2026, 11, 16)
    made.reset_button.click()
    assert made.view.question == first
    assert made.controls["by"].value == ""


def test_several_weeks_are_zoomed_with_a_strip_below():
    """The strip has the brush, which filters the chart; two weeks need none."""
    assert "vconcat" not in drawn(explored())
    made = explored()
    made.controls["metric_id"].value = "cost"
    made.controls["period"].value = "day"
    above, strip = drawn(made)["vconcat"]
    (brush,) = strip["params"]
    assert {"filter": {"param": brush["name"]}} in above["transform"]
    assert len(above["layer"]) > 1


@pytest.mark.parametrize("by", [None, "team"])
def test_a_zoomed_chart_can_be_drawn(by):
    """Also as small multiples: all its signals exist in Vega."""
    weeks = pd.date_range("2026-10-19", periods=5, freq="7D")
    rows = pd.DataFrame({"week": [*weeks, *weeks], "team": ["Red"] * 5 + ["Blue"] * 5})
    rows = rows.assign(value=range(10), n_actors=9).head(None if by else 5)
    frame = MetricFrame.of(rows, METRICS["cost"], by)
    question, chart = Question("api", date(2026, 10, 19), date(2026, 11, 22)), cca.chart(frame)
    spec = zoomable(View(question, (), frame, chart, chart.to_dict()))
    assert "vconcat" in spec
    assert vl_convert.vegalite_to_svg(spec, vl_version=VERSION).startswith("<svg")


def test_a_source_without_data_shows_a_message():
    """No exception and no old chart; going back to the other source works."""
    made = explored()
    made.controls["source"].value = "local"
    assert drawn(made) is None
    assert words(made) == "There is nothing in the local source yet."
    assert made.links.value == ""
    made.controls["source"].value = "api"
    assert drawn(made) is not None


@pytest.mark.slow
def test_every_setting_of_the_controls_shows_a_chart_or_a_message():
    """Whatever is chosen: never an exception, never an empty view."""
    made = explored()
    for name in ("metric_id", "period", "by", "actor_kind", "teams"):
        control = made.controls[name]
        first = control.value
        for _, value in control._options_full:
            control.value = (value,) if name == "teams" else value
            assert made.chart.outputs
        control.value = first
    made.controls["since"].value = None
    assert words(made) == "Choose a first and a last day."


def test_the_code_button_shows_code_that_follows_the_controls():
    """When pressed, the button shows the code of the current view; when released, none."""
    made = explored()
    assert made.code.outputs == ()
    made.code_button.value = True
    made.controls["metric_id"].value = "commits"
    assert "cca.by_week(data, 'commits')" in made.code.outputs[0]["text"]
    made.code_button.value = False
    assert made.code.outputs == ()


def test_the_download_is_the_frame_and_runs_no_formula():
    """A link that contains the CSV; a team named like a formula gets an apostrophe."""
    made = explored()
    made.controls["by"].value = "team"
    name, address = made.links.value.split("<a ")[2].split('"')[1:4:2]
    text = base64.b64decode(address.split("base64,")[1]).decode("utf-8-sig")
    assert name == "cost_per_commit-2026-11-09-2026-11-22.csv"
    assert text.splitlines()[0].startswith('"week","team","value"')
    assert "\"'=cmd|" in text
    assert '"=cmd|' not in text


def test_the_picture_is_a_png():
    """A link that contains it, next to the link of the table."""
    _, address = explored().links.value.split('"')[1:4:2]
    assert base64.b64decode(address.split("base64,")[1]).startswith(b"\x89PNG")


def test_a_hostile_team_is_escaped():
    """Its name appears in the HTML of the view only escaped."""
    made = explored()
    made.controls["by"].value = "team"
    outputs = [*made.words.outputs, *made.table.outputs]
    html = "".join(output["data"]["text/html"] for output in outputs)
    assert "<img src=x" not in html
    assert "&lt;img src=x" in html


def nothing_stored(*_, **__):
    """Loading from an empty store."""
    raise StoreError("The store is empty.")


def test_rerunning_the_cell_without_its_data_says_so(monkeypatch):
    """The other choices are kept, although the store has no data for them any more."""
    explored().controls["by"].value = "team"
    monkeypatch.setattr(explorer, "LoadedData", lambda: LoadedData(nothing_stored))
    made = explored()
    assert words(made) == "The store is empty."
    assert made.controls["by"].value == "team"


def test_rerunning_the_cell_after_the_first_sync_answers(monkeypatch):
    """Without data there is no range, which is not kept: the next run has the newest weeks."""
    loaded = explorer.LoadedData
    monkeypatch.setattr(explorer, "LoadedData", lambda: LoadedData(nothing_stored))
    assert words(explored()) == "The store is empty."
    monkeypatch.setattr(explorer, "LoadedData", loaded)
    assert explored().view.chart is not None


def test_an_unknown_source_names_the_known_ones():
    """A wrong parameter raises an error."""
    with pytest.raises(ValueError, match=r"no source 'samples'. Sources: api"):
        explore(source="samples")


def displayed(made, monkeypatch):
    """The display output of a cell that ends with the explorer."""
    parts = []
    monkeypatch.setattr(explorer, "display", parts.append)
    made._ipython_display_()
    return parts


def test_in_a_report_there_are_no_controls(monkeypatch):
    """Only the chart and notes of the first view, like the output of any cell."""
    monkeypatch.setenv("CCANALYTICS_REPORT", "1")
    parts = displayed(explore(source="api", weeks=2), monkeypatch)
    kinds = [next(iter(part._repr_mimebundle_(None, None))) for part in parts]
    assert kinds == [MIME, "application/vnd.ccanalytics.sentence+json"]


def test_in_lab_there_is_one_panel(monkeypatch):
    """Outside a report the cell shows the controls, replacing its loading message."""
    (place,) = displayed(explore(source="api", weeks=2), monkeypatch)
    (panel,) = place.children
    assert "cca-explore" in panel._dom_classes
