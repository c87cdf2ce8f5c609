"""Controls over the metrics: what `explore.ipynb` shows.

The controls make a `Question`, `answer` answers it, and the answer is put beneath them. In
a report there are no controls: then only the first answer is shown, as any cell shows a result.
"""

import base64
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from html import escape
from importlib.resources import files
from typing import Any

import ipywidgets as widgets
from altair.utils.schemapi import debug_mode
from IPython.core.formatters import format_display_data
from IPython.display import display

from ccanalytics.display.csv_text import safe_csv
from ccanalytics.errors import CCAnalyticsError
from ccanalytics.explorer.answer import View, answer
from ccanalytics.explorer.loaded import LoadedData, first_question
from ccanalytics.explorer.question import CHOICES, COLUMNS, OWN_RATIO, Question
from ccanalytics.metrics.actor_weeks import SPLITS
from ccanalytics.metrics.definitions import METRICS
from ccanalytics.sources.registry import source_names

SPLIT_WORDS = {"is_remote": "remote or not"}

_STYLE = "<style>" + (files("ccanalytics.explorer") / "explorer.css").read_text() + "</style>"

CHART_WIDTH = 530
"""The width of a chart in pixels, so that the notes fit next to it."""

_remembered: dict[tuple[str, str, int, str, str], Question] = {}
"""What was last asked, by the arguments of `explore`: a cell run again goes on from there."""


def explore(
    source: str = "sample",
    week: str = "",
    weeks: int = 12,
    team: str = "",
    identity: str = "aggregate",
) -> "Explorer":
    """Controls for source, range, team, actors, metric, split and comparison, and their answer.

    It begins with `weeks` closed weeks ending with `week`. Run again with the same arguments, it
    keeps what the controls were set to, and reads the store again.
    """
    if source not in source_names():
        raise ValueError(f"There is no source {source!r}; there is: {', '.join(source_names())}.")
    loaded = LoadedData(identity)
    asked = source, week, weeks, team, identity
    question = _remembered.get(asked) or first_question(loaded, source, week, weeks, team)
    return Explorer(question, loaded, asked)


class Explorer:
    """Controls and the view of what they ask; `view` is the one that is shown."""

    def __init__(
        self, question: Question, loaded: LoadedData, asked: tuple[str, str, int, str, str]
    ) -> None:
        self.loaded = loaded
        self._asked = asked
        self._changing = False
        self.view = answer(question, loaded)

    def _ipython_display_(self) -> None:
        if os.environ.get("CCANALYTICS_REPORT"):
            for part in self.view.shown:
                display(part)  # type: ignore[no-untyped-call]
            return
        display(self.panel())  # type: ignore[no-untyped-call]

    def panel(self) -> widgets.VBox:
        """The controls and the answer, as one widget."""
        self._make_controls(self.view.question)
        self._make_answer()
        self._show()
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self.code_button.observe(self._show_code, "value")
        controls = _box(widgets.Box, "cca-controls", *self.controls.values())
        buttons = _box(widgets.HBox, "cca-buttons", self.code_button, self.download)
        figure = _box(widgets.VBox, "cca-figure", self.chart, self.table)
        answered = _box(widgets.Box, "cca-answer", figure, self.said)
        parts = (widgets.HTML(_STYLE), controls, buttons, self.code, answered)
        return _box(widgets.VBox, "cca-explore", *parts)

    def _make_controls(self, question: Question) -> None:
        splits = {"nothing": "", **{SPLIT_WORDS.get(s, _words(s)): s for s in _SPLITS}}
        self.controls: dict[str, Any] = {
            "metric_id": widgets.Dropdown(
                options=[
                    *((METRICS[name].name, name) for name in CHOICES),
                    ("A ratio of your own", OWN_RATIO),
                ],
                description="Metric",
            ),
            "top": widgets.Dropdown(options=COLUMNS, description="Sum of"),
            "bottom": widgets.Dropdown(options=COLUMNS, description="divided by the sum of"),
            "by": widgets.Dropdown(options=splits, description="Split by"),
            "actor_kind": widgets.Dropdown(
                options={"people": "user", "API keys": "api_key"}, description="Who"
            ),
            "team": widgets.Dropdown(options=self._teams(question), description="Team"),
            "source": widgets.Dropdown(options=source_names(), description="Source"),
            "since": widgets.DatePicker(description="From (UTC day)"),
            "until": widgets.DatePicker(description="Until, inclusive"),
            "compare": widgets.Checkbox(description="Compare with the range before", indent=False),
        }
        for name, control in self.controls.items():
            control.value = getattr(question, name)
            control.add_class(f"cca-{name.replace('_', '-')}")

    def _make_answer(self) -> None:
        self.chart, self.said, self.table, self.code = (widgets.Output() for _ in range(4))
        self.download = widgets.HTML()
        self.code_button = widgets.ToggleButton(
            description="Give me the code", tooltip="The lines that make this view again"
        )
        for name in ("chart", "said", "table", "code"):
            getattr(self, name).add_class(f"cca-{name}")

    def _teams(self, question: Question) -> list[tuple[str, str]]:
        """Everybody and the teams of the roster; the team asked for too, so that it can be said
        that there is none like it, or no data at all."""
        names = set(filter(None, [question.team]))
        with suppress(CCAnalyticsError, ValueError, OSError):
            names |= {*self.loaded.all_of(question.source).roster["team"].dropna().unique()}
        return [("everybody", ""), *((name, name) for name in sorted(names))]

    def _changed(self, change: dict[str, Any]) -> None:
        """Answer what the controls say now; one change of the reader is one answer."""
        if self._changing:
            return
        values = {name: control.value for name, control in self.controls.items()}
        question = replace(self.view.question, **values)
        if change["owner"] is self.controls["source"]:
            question = self._other_source(question)
        _remembered[self._asked] = question
        # Half of an answer is Altair's check of the chart against its schema; the charts of the
        # package are checked by its tests.
        with debug_mode(False):
            self.view = answer(question, self.loaded)
            self._show()

    def _other_source(self, question: Question) -> Question:
        """The same question of another source: its newest weeks, and a team only if it has it."""
        _, _, weeks, _, _ = self._asked
        first = first_question(self.loaded, question.source, weeks=weeks)
        team = (
            question.team if question.team in dict(self._teams(replace(question, team=""))) else ""
        )
        question = replace(question, team=team, since=first.since, until=first.until)
        self._changing = True
        try:
            self.controls["team"].options = self._teams(question)
            for name in ("team", "since", "until"):
                self.controls[name].value = getattr(question, name)
        finally:
            self._changing = False
        return question

    def _show(self) -> None:
        """Put the view beneath the controls, each part in one step, so that nothing flickers."""
        view = self.view
        for name in ("top", "bottom"):
            own = view.question.metric_id == OWN_RATIO
            self.controls[name].layout.display = None if own else "none"
        drawn = [] if view.chart is None else [view.chart.properties(width=CHART_WIDTH)]
        self.chart.outputs = _outputs(drawn)
        self.said.outputs = _outputs(view.notes)
        self.table.outputs = _outputs(view.tables)
        self.download.value = _download(view)
        self._show_code()

    def _show_code(self, _: object = None) -> None:
        text = self.view.code or "# There is nothing to show, so there is no code for it.\n"
        stream = {"output_type": "stream", "name": "stdout", "text": text}
        self.code.outputs = (stream,) if self.code_button.value else ()


_SPLITS = ("team", *SPLITS, "model", "family", "kind", "tool")


def _box(kind: type[widgets.Box], name: str, *children: widgets.Widget) -> widgets.Box:
    box = kind(children)
    box.add_class(name)
    return box


def _outputs(results: Iterable[Any]) -> tuple[dict[str, Any], ...]:
    """What a notebook would show of each result."""
    bundles = (format_display_data(result) for result in results)  # type: ignore[no-untyped-call]
    return tuple(
        {"output_type": "display_data", "data": data, "metadata": metadata}
        for data, metadata in bundles
    )


def _download(view: View) -> str:
    """A link that holds the frame as a CSV file; nothing is asked of a server, nothing written."""
    if view.frame is None:
        return ""
    question = view.question
    name = f"{question.metric_id}-{question.since}-{question.until}.csv"
    packed = base64.b64encode(safe_csv(view.frame).encode("utf-8-sig")).decode()
    address = f"data:text/csv;charset=utf-8;base64,{packed}"
    rows = len(view.frame)
    words = f"Download as CSV ({rows} {'row' if rows == 1 else 'rows'})"
    return f'<a download="{escape(name)}" href="{address}">{words}</a>'


def _words(name: str) -> str:
    return name.replace("_", " ")
