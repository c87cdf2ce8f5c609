"""Controls over the metrics: what `explore.ipynb` shows.

The controls make a `Question`, `answer` answers it, and the answer is shown next to them. In a
report there are no controls: only the first answer is shown, like any result.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files
from threading import RLock
from typing import Any

import ipywidgets as widgets
from IPython.core.formatters import format_display_data
from IPython.display import display

from ccanalytics.charts.shown_chart import MIME
from ccanalytics.explorer.drawing import links, zoomable
from ccanalytics.explorer.question import (
    CHOICES,
    COLUMNS,
    OWN_RATIO,
    LoadedData,
    Question,
    View,
    answer,
)
from ccanalytics.metrics.actor_weeks import SPLITS
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.sources.registry import source_names

_STYLE = "<style>" + (files("ccanalytics.explorer") / "explorer.css").read_text() + "</style>"

_SPLITS = {"nothing": ""} | {
    "remote or not" if name == "is_remote" else name.replace("_", " "): name
    for name in ("team", "model", "family", "tool", "kind", *SPLITS)
}

_remembered: dict[tuple[str, int], Question] = {}
"""The last question with an answer by arguments: a cell that is run again continues there."""


class Explorer:
    """Controls and the answer to their question; `view` is the one shown."""

    view: View

    def __init__(self, source: str, weeks: int) -> None:
        self._asked = source, weeks
        self._filling = False
        # JupyterLab may hand over a change in another thread while one is being answered: the
        # answer finished last would be shown, whatever was asked last.
        self._one_at_a_time = RLock()
        self.loaded = LoadedData()

    def _ipython_display_(self) -> None:
        if os.environ.get("CCANALYTICS_REPORT"):
            view = answer(self._first(), self.loaded)
            for part in filter(None, (view.chart, *view.notes)):
                display(part)  # type: ignore[no-untyped-call]
            return
        wait = f"<p class='cca-wait'>Reading the stored days of source {self._asked[0]} …</p>"
        place = widgets.VBox([widgets.HTML(wait)])
        display(place)  # type: ignore[no-untyped-call]
        place.children = (self.panel(),)
        self.offer_files()

    def panel(self) -> widgets.Box:
        """The controls and the answer, as one widget."""
        self.controls = _controls()
        self.chart, self.words, self.table, self.code = (
            _named(name, widgets.Output()) for name in ("chart", "words", "table", "code")
        )
        self.links = widgets.HTML()
        self.code_button = widgets.ToggleButton(description="Code")
        self.reset_button = widgets.Button(description="Reset")
        question = _remembered.get(self._asked) or self._first()
        self._show(self.loaded.still_there(question, self._asked[1]), self.controls)
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self.code_button.observe(lambda _: self._show_code(), "value")
        self.reset_button.on_click(lambda _: self.reset())
        buttons = _box("buttons", self.reset_button, self.code_button, self.links)
        answered = _box("answer", self.chart, buttons, self.code, self.words, self.table)
        controls = _box("controls", *self.controls.values())
        return _box("explore", widgets.HTML(_STYLE), controls, answered)

    def reset(self) -> None:
        """Back to the first question."""
        with self._one_at_a_time:
            self._show(self._first(), self.controls)
            self.offer_files()

    def offer_files(self) -> None:
        """Links to files of the view: after it, as drawing a picture takes as long as all else."""
        with self._one_at_a_time:
            self.links.value = links(self.view)

    def _first(self) -> Question:
        source, weeks = self._asked
        return Question(source, *self.loaded.newest(source, weeks))

    def _changed(self, change: dict[str, Any]) -> None:
        """Answer what the controls ask now; one change by the reader is one answer."""
        with self._one_at_a_time:
            if self._filling:
                return
            question = Question(**{name: one.value for name, one in self.controls.items()})
            filled: tuple[str, ...] = ()
            if change["owner"] is self.controls["source"]:  # its own newest weeks, its own teams
                question = replace(question, since=None, until=None)
                question = self.loaded.still_there(question, self._asked[1])
                # Another control may have been changed since, which is answered next.
                filled = ("teams", "since", "until")
            self._show(question, filled)
            self.offer_files()

    def _show(self, question: Question, filled: Iterable[str]) -> None:
        """Set some controls to a question and show its view, each part in one step."""
        self._filling = True
        try:
            if "teams" in filled:  # the answer names one that is missing
                known = [*self.loaded.teams(question.source), *question.teams]
                self.controls["teams"].options = list(dict.fromkeys(known))
            for name in filled:
                self.controls[name].value = getattr(question, name)
        finally:
            self._filling = False
        for name in ("top", "bottom"):
            is_own = question.metric_id == OWN_RATIO
            self.controls[name].layout.display = None if is_own else "none"
        self.view = view = answer(question, self.loaded)
        if view.frame is not None:
            _remembered[self._asked] = question
        self.links.value = ""
        self.chart.outputs = _outputs({MIME: zoomable(view)} if view.chart else view.notes[0])
        self.words.outputs = _outputs(*view.notes[not view.chart :])
        self.table.outputs = _outputs(view.frame) if view.chart else ()
        self._show_code()

    def _show_code(self) -> None:
        stream = {"output_type": "stream", "name": "stdout", "text": self.view.code}
        self.code.outputs = (stream,) if self.code_button.value else ()


def explore(source: str = "sample", weeks: int = 12) -> Explorer:
    """Controls for metric, period, split, teams, actors, range and source, with their answer.

    It starts with the newest so many closed weeks. Run again with the same arguments, it
    keeps the controls, as far as the store still has their data, and reads the data again.
    """
    if source not in source_names():
        raise ValueError(f"There is no source {source!r}. Sources: {', '.join(source_names())}.")
    return Explorer(source, weeks)


def _controls() -> dict[str, Any]:
    metrics = [*((METRICS[name].name, name) for name in CHOICES), ("Your own", OWN_RATIO)]
    actors = {"people": "user", "API keys": "api_key"}
    controls = {
        "metric_id": widgets.Dropdown(options=metrics, description="Metric"),
        "top": widgets.Dropdown(options=COLUMNS, description="Sum of"),
        "bottom": widgets.Dropdown(options=COLUMNS, description="divided by the sum of"),
        "period": widgets.Dropdown(options=["month", "week", "day"], description="Each"),
        "by": widgets.Dropdown(options=_SPLITS, description="Split by"),
        "teams": widgets.SelectMultiple(rows=4, description="Teams (none: everybody)"),
        "actor_kind": widgets.Dropdown(options=actors, description="Who"),
        "since": widgets.DatePicker(description="From (UTC day)"),
        "until": widgets.DatePicker(description="Until, inclusive"),
        "source": widgets.Dropdown(options=source_names(), description="Source"),
    }
    return {name: _named(name.replace("_", "-"), made) for name, made in controls.items()}


def _named(name: str, widget: Any) -> Any:
    """The widget, with a class for its style."""
    widget.add_class(f"cca-{name}")
    return widget


def _box(name: str, *children: widgets.Widget) -> Any:
    return _named(name, widgets.Box(children))


def _outputs(*results: Any) -> tuple[dict[str, Any], ...]:
    """Results, or MIME bundles, as the outputs of a cell."""
    bundles = (
        one if isinstance(one, dict) else format_display_data(one)[0]  # type: ignore[no-untyped-call]
        for one in results
    )
    return tuple({"output_type": "display_data", "data": one, "metadata": {}} for one in bundles)
