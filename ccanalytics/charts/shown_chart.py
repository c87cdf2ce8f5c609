"""Finished charts, which show themselves: interactive where possible, else as a picture.

JupyterLab and VS Code draw the Vega-Lite of an output themselves, offline. Plain
nbconvert, GitHub, nbviewer, Quarto and Colab show the SVG in the same output. Only charts of this
package do so, with a configuration of their own; the session's Altair is unchanged.
"""

import json
import re
from collections.abc import Collection, Sequence
from functools import partial
from html import escape
from textwrap import wrap
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
from altair.utils import update_nested

from ccanalytics.charts.theme import CONFIG, HEIGHT, WIDTH, period_of, unit_words
from ccanalytics.metrics.definitions import METRICS, Metric
from ccanalytics.showing import PICTURE
from ccanalytics.words import counted, day_words

MIME = "application/vnd.vegalite.v5+json"
"""The type JupyterLab and VS Code draw; they draw Vega-Lite 6 like version 5."""

MOST_NAMED, MOST_IN_WORDS = 5, 15
"""The most values in a title and in a text alternative; the table behind the chart has all."""

VERSION = "6.1"  # the Vega-Lite version of the pictures


def finished(
    chart: Any,
    metric: Metric | str,
    *,
    title: str = "",
    subtitle: str = "",
    wide: bool = False,
    height: int | alt.Step | None = HEIGHT,
    columns: Sequence[Sequence[str]] = (),
) -> Any:
    """`chart` with its title, its text alternative, and its metric.

    Without a title, it is titled with its newest values. `columns` are those of the table
    behind it, each with header and number format; small charts side by side have no `height`
    together. Without a value nothing is drawn: an empty axis around 0 would read as zero.
    """
    frame: pd.DataFrame = chart.data
    metric = METRICS[metric] if isinstance(metric, str) else metric
    known = frame["value"].dropna()
    interval = ", with its 90 % interval" if has_interval(frame) else ""
    subtitle = subtitle or f"{unit_words(metric)} by {period_of(frame)}{interval}"
    is_empty = known.empty or (not known.any() and not metric.is_ratio)
    missing = "nothing to show in these weeks" if is_empty else ""
    missing = str(frame.attrs.get("unavailable", missing))
    if missing:
        title, subtitle = metric.name, f"{missing[0].upper()}{missing[1:]}"
        chart, height = alt.Chart(frame.iloc[:0]).mark_point(), 1
    title = title or title_of(frame, metric)
    about = {"metric": metric.id, "wide": wide, "missing": missing, "columns": list(columns)}
    # What JupyterLab offers next to a chart: saving it as a picture, and nothing on the internet.
    actions = {"export": True, "source": False, "compiled": False, "editor": False}
    chart = chart.properties(
        title=alt.TitleParams(_wrap(title, 80) or [""], subtitle=_wrap(subtitle, 62)),
        description=f"{title}. {subtitle}{_values_in_words(frame, metric)}",
        usermeta={"ccanalytics": about, "embedOptions": {"actions": actions}},
        **({} if height is None else {"width": WIDTH, "height": height}),
    )
    return shows_itself(chart)


_wrap = partial(wrap, break_long_words=False, break_on_hyphens=False)
"""Lines of at most so many letters; 62 fit a phone."""


class _ShowsItself:
    """The configuration of a finished chart, its output forms, and combined charts."""

    def to_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        top_level = (kwargs.get("context") or {}).get("top_level", True)
        if not top_level:
            # Inside another chart that one's configuration applies, and Vega-Lite refuses a
            # `usermeta` there.
            inner = super().to_dict(*args, **kwargs)  # type: ignore[misc]
            return {name: part for name, part in inner.items() if name != "usermeta"}
        whole: Any = self.copy(deep=False)  # type: ignore[attr-defined]
        own = {} if whole.config is alt.Undefined else whole.config
        own = own if isinstance(own, dict) else own.to_dict()
        whole.config = update_nested(CONFIG, own, copy=True)
        spec: dict[str, Any] = super(_ShowsItself, whole).to_dict(*args, **kwargs)  # type: ignore[misc]
        return spec

    def __add__(self, other: Any) -> Any:
        return shows_itself(super().__add__(other))  # type: ignore[misc]

    def __or__(self, other: Any) -> Any:
        return shows_itself(super().__or__(other))  # type: ignore[misc]

    def __and__(self, other: Any) -> Any:
        return shows_itself(super().__and__(other))  # type: ignore[misc]

    def _repr_mimebundle_(
        self, include: object = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        # A report draws its charts itself, once for the notebook and the page, and does not check
        # them again, which takes a tenth of the time of its notebooks.
        in_report = PICTURE in (exclude or ())
        spec = self.to_dict(validate=not in_report)
        shown = {MIME: spec, "text/plain": str(spec.get("description", "chart"))}
        return shown if in_report else shown | {PICTURE: picture(spec)}


class ShownChart(_ShowsItself, alt.Chart):
    """One drawing."""


class ShownLayers(_ShowsItself, alt.LayerChart):
    """Drawings over one another."""


class ShownFacets(_ShowsItself, alt.FacetChart):
    """Small charts side by side."""


class ShownRow(_ShowsItself, alt.HConcatChart):
    """Charts next to one another."""


class ShownColumn(_ShowsItself, alt.VConcatChart):
    """Charts below one another."""


_KINDS: dict[type, type] = {
    kind.__bases__[1]: kind
    for kind in (ShownChart, ShownLayers, ShownFacets, ShownRow, ShownColumn)
}


def shows_itself(chart: Any) -> Any:
    """`chart` as a chart that shows itself."""
    made = chart.copy(deep=False)
    kind = _KINDS.get(type(chart), type(chart))
    object.__setattr__(made, "__class__", kind)  # Altair's own would make it a property
    return made


def picture(spec: dict[str, Any]) -> str:
    """The chart as a small SVG on white, because the colour of the page is unknown."""
    # Without a label for every mark, which would repeat the metric's definition.
    looks = {**spec.get("config", {}), "background": "white", "aria": False}
    # A reader's font may be wider than the measured one.
    if looks.get("padding") == CONFIG["padding"]:
        looks["padding"] = {**CONFIG["padding"], "left": 21}
    svg = vl_convert.vegalite_to_svg(json.dumps({**spec, "config": looks}), vl_version=VERSION)
    svg = svg.replace(' opacity="1"', "")
    svg = re.sub(r"<text[^>]* opacity=\"0\"[^>]*>[^<]*</text>", "", svg)
    svg = re.sub(r"<path[^>]* (opacity=\"0\"|display=\"none\")[^>]*/>", "", svg)
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), svg)
    label = escape(str(spec.get("description", "chart")))
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def title_of(frame: pd.DataFrame, metric: Metric) -> str:
    """The metric and its newest value, or values of a few groups: "Cost per commit: $3.16"."""
    words = newest_words(frame, metric, MOST_NAMED)
    return f"{metric.name}: {words}" if words else metric.name


def newest_words(frame: pd.DataFrame, metric: Metric, most: int) -> str:
    """The newest values of a few groups: "$3.16", or "heavy 46 %, light 11 %"."""
    newest = newest_rows(frame)
    texts = [metric.format(one) for one in newest["value"]]
    if "share" in newest and len(newest) > 1:  # of nobody there is no share
        newest = newest.dropna(subset="share").sort_values("share", ascending=False)
        texts = [f"{100 * one:.0f} %" for one in newest["share"]]
    names = newest.select_dtypes(["object", "str", "category"])
    if len(texts) == 1 and "week" in newest:
        return texts[0]
    if not texts or len(texts) > most or names.empty or not names.iloc[:, 0].is_unique:
        return ""
    return ", ".join(f"{name} {text}" for name, text in zip(names.iloc[:, 0], texts, strict=True))


def newest_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the newest week with a value."""
    known = frame.dropna(subset="value")
    return known[known["week"] == known["week"].max()] if "week" in known else known


def _values_in_words(frame: pd.DataFrame, metric: Metric) -> str:
    """The text alternative: the newest values, and the range of a single line.

    ". Week of 16 Nov 2026: $3.16; 12 weeks from $2.49 to $3.16" or "...: Data $2.38, Web $3.89".
    """
    known, newest, period = frame["value"].dropna(), newest_rows(frame), period_of(frame)
    words = newest_words(frame, metric, MOST_IN_WORDS)
    if words and "week" in newest:
        day = day_words(newest["week"].iloc[0], "%b %Y")
        words = f"{period.capitalize()} of {day}: {words}"
        if len(newest) == 1:
            ends = f"from {metric.format(known.min())} to {metric.format(known.max())}"
            words += f"; {counted(len(known), period)} {ends}"
    return f". {words}" if words else ""


def has_interval(frame: pd.DataFrame) -> bool:
    """Whether a metric has an interval in any row; totals have none."""
    return "low" in frame and bool(frame["low"].notna().any())
