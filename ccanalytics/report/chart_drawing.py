"""A Vega-Lite chart of a notebook -> its drawing, small and safe: only shapes and text."""

import copy
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from html import escape
from textwrap import wrap
from typing import Any

import vl_convert
from markupsafe import Markup
from nbformat import NotebookNode

from ccanalytics.errors import ReportError
from ccanalytics.showing import PICTURE

VEGA_LITE = "6.4"
WIDTH, WIDE = 520, 680
BETWEEN = 68
"""Pixels between small charts: the value at a line's end, and a gap."""

Spec = dict[str, Any]

_SHAPES = {"svg", "g", "path", "rect", "line", "circle", "text", "tspan"}
_DRAWN = _SHAPES | {"defs", "clipPath", "linearGradient", "radialGradient", "stop"}
_STYLES = {"class", "role", "pointer-events", "stroke-miterlimit", "font-family", "version"}
_DROPPED = _STYLES | {"width", "height", "xmlns"}
_INHERITED = ("fill", "stroke", "stroke-width", "font-size", "font-weight", "text-anchor")
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_GEOMETRY = frozenset(("d", "transform", "x", "y", "x1", "x2", "y1", "y2"))
_NO_PATHS = ("", "M0,0h0v0h0Z")


@lru_cache(maxsize=256)
def vega_of(chart: str) -> Spec:
    """A chart (its JSON) compiled to Vega, in the width of the page and without its text."""
    spec = json.loads(chart)
    spec = sized(spec, WIDE if about(spec).get("wide") else WIDTH)
    with named_errors():
        return vl_convert.vegalite_to_vega(spec, vl_version=VEGA_LITE)


@lru_cache(maxsize=256)
def svg_of(chart: str) -> str:
    """Its SVG: the slowest step."""
    with named_errors():
        return vl_convert.vega_to_svg(vega_of(chart))


def start_drawing() -> None:
    """Start what draws, which takes half a second."""
    svg_of('{"data": {"values": [{}]}, "mark": "point"}')


def draw_ahead(notebook: NotebookNode) -> None:
    """Draw all charts of a notebook while others still run."""
    for _, chart in _charts(notebook):
        with suppress(ReportError):  # said when it is to be shown
            svg_of(json.dumps(chart))


def add_pictures(notebook: NotebookNode) -> None:
    """Add its drawing to each chart, for viewers of notebooks that know no Vega-Lite."""
    for number, (output, chart) in enumerate(list(_charts(notebook)), 1):
        output.setdefault(PICTURE, _picture(chart, f"chart-{number}"))


def _charts(notebook: NotebookNode) -> Iterator[tuple[dict[str, Any], Spec]]:
    """The outputs that are charts: all forms of each, and the Vega-Lite among them."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    for data in (output.get("data", {}) for output in outputs):
        yield from ((data, data[mime]) for mime in data if "vnd.vegalite." in mime)


def _picture(chart: Spec, name: str) -> str:
    """The drawing of the page on white, under the title, which the page has as text."""
    drawing = inline_svg(svg_of(json.dumps(chart)), name, {}).removeprefix("<svg")
    left, top, width, height = map(float, re.findall(r'viewBox="([^"]+)"', drawing)[0].split())
    title, subtitle = title_of(chart)
    lines = [(line, 600) for line in wrap(title, 64)] + [(line, 400) for line in wrap(subtitle, 76)]
    above = 20 * len(lines) + 12
    said = "".join(
        f'<text x="{left}" y="{top - above + 20 * n}" font-weight="{weight}">{escape(line)}</text>'
        for n, (line, weight) in enumerate(lines, 1)
    )
    outer = f'width="{width + 16}" height="{height + above}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {outer} font-family="sans-serif" font-size="13" '
        f'viewBox="{left - 8} {top - above} {width + 16} {height + above}" role="img" '
        f'aria-label="{escape(str(chart.get("description") or title))}">'
        f'<rect x="{left - 8}" y="{top - above}" {outer} fill="white"/>{said}'
        f'<svg x="{left}" y="{top}" width="{width}" height="{height}"{drawing}</svg>'
    )


def sized(chart: Spec, width: int) -> Spec:
    """The chart at a width in pixels, without the text the page itself has."""
    spec = copy.deepcopy(chart)
    for part in [spec, *spec.get("layer", [])]:
        for said in ("title", "description", "usermeta"):
            part.pop(said, None)
    for part in parts_of(spec):
        _fit(part, spec.get("width"), spec.get("spec", {}).get("width"))
    if "facet" in spec:
        spec["spec"]["width"] = width // spec.get("columns", 4) - BETWEEN
    elif chart.get("width") == "container" or "ccanalytics" in chart.get("usermeta", {}):
        spec["width"] = width
        spec["autosize"] = {"type": "fit-x", "contains": "padding", "resize": True}
    config = spec.setdefault("config", {})
    config.update({"aria": False, "background": "transparent"})
    spec["background"] = "transparent"
    return spec


@contextmanager
def named_errors() -> Iterator[None]:
    """Errors of the converter as `ReportError`."""
    try:
        yield
    except ValueError as error:
        reason = str(error).strip().splitlines()[0]
        raise ReportError(f"A chart could not be drawn: {reason}") from error


def about(chart: Spec) -> dict[str, Any]:
    """The metadata of a chart of this package: its metric, what is missing, its columns."""
    said: dict[str, Any] = chart.get("usermeta", {}).get("ccanalytics", {})
    return said


def parts_of(chart: Spec) -> Iterator[Spec]:
    """A chart and its parts."""
    yield chart
    for key in ("layer", "hconcat", "vconcat", "concat"):
        for part in chart.get(key, []):
            yield from parts_of(part)
    if isinstance(chart.get("spec"), dict):
        yield from parts_of(chart["spec"])


def _fit(part: Spec, width: Any, small: Any) -> None:
    """Fit the columns of a legend, and the name of a small chart, to the page.

    Only here, because such an expression is not valid in combined charts.
    """
    for channel in part.get("encoding", {}).values():
        legend = channel.get("legend") if isinstance(channel, dict) else None
        if legend and "columns" in legend and isinstance(width, int):
            legend["columns"] = {"expr": f"max(1, floor(width * {legend['columns'] / width}))"}
    mark = part.get("mark")
    if small and isinstance(mark, dict) and "limit" in mark:
        mark["limit"] = {"expr": f"child_width + {mark['limit'] - small}"}


def title_of(chart: Spec) -> tuple[str, str]:
    """Title and subtitle of a chart; a layered chart may carry them in a layer."""
    for part in [chart, *chart.get("layer", [])]:
        if title := part.get("title"):
            said = title if isinstance(title, dict) else {"text": title}
            return joined(said.get("text")), joined(said.get("subtitle"))
    return "", ""


def joined(lines: str | list[str] | None) -> str:
    return lines if isinstance(lines, str) else " ".join(lines or ())


def inline_svg(svg: str, prefix: str, colours: Mapping[str, str]) -> Markup:
    """`svg` for the page: only shapes and text, ids under `prefix`, `colours` replaced."""
    root = ET.fromstring(svg)
    _clean(root, prefix, colours)
    root.attrib |= {"class": "static", "id": f"{prefix}-picture", "aria-hidden": "true"}
    return Markup(ET.tostring(root, encoding="unicode"))


def _clean(element: ET.Element, prefix: str, colours: Mapping[str, str]) -> None:
    """Keep what draws something, in as few letters as possible."""
    element.tag = _name(element)
    dropped = _DROPPED - ({"width", "height"} if element.tag in ("rect", "clipPath") else set())
    element.attrib = {
        name: _value(name, value, prefix, colours)
        for name, value in element.attrib.items()
        if name not in dropped
        and not name.startswith(("aria-", "on", "{"))
        and (name, value) not in (("opacity", "1"), ("transform", "translate(0,0)"))
    }
    for child in list(element):
        if _name(child) in _DRAWN and child.get("display") != "none":
            _clean(child, prefix, colours)
            is_shape = child.get("opacity") != "0" and child.get("d") not in _NO_PATHS
            if is_shape and (child.tag != "g" or len(child)):
                continue
        element.remove(child)
    if element.tag == "g":
        _share_attributes(element)


def _name(element: ET.Element) -> str:
    """The tag, without its namespace."""
    return element.tag.rpartition("}")[2]


def _value(name: str, value: str, prefix: str, colours: Mapping[str, str]) -> str:
    if name in _GEOMETRY:
        return _NUMBER.sub(lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), value)
    if name == "id":
        return f"{prefix}-{value}"
    if value.startswith("url(#"):
        return f"url(#{prefix}-{value[5:]}"
    return colours.get(value.lower(), value)


def _share_attributes(group: ET.Element) -> None:
    """Move attributes that all shapes of a group share to the group."""
    children = list(group)
    if len(children) < 2 or any(child.tag == "g" for child in children):
        return
    for name in _INHERITED:
        values = {child.get(name) for child in children}
        if len(values) == 1 and (value := values.pop()) is not None:
            group.set(name, value)
            for child in children:
                del child.attrib[name]


# Charts name colours by hex value. The page replaces each known value by a variable of its style
# sheet, so one drawing serves light, dark and print; the light value is the fallback.

COLOURS = (
    *("#2b5fb8", "#c05f0c", "#12806a", "#a83f7c", "#7a6a00", "#5a5fc7", "#0c7a99"),  # of groups
    *("#8a8f98", "#6b7482", "#737b87", "#87909b"),  # not the point, ink, muted text, grid
)
"""The colours of charts; `page.css` has a light, a dark and a printed value of each."""

LIGHT = {"#6b7482": "#1b2330", "#737b87": "#59626f", "#87909b": "#9a9a90"}
"""The light value, where the chart's own is a compromise for both modes."""


def variables() -> dict[str, str]:
    """`var(--k1,#2b5fb8)` for "#2b5fb8", and so on."""
    return {value: f"var(--k{n},{LIGHT.get(value, value)})" for n, value in enumerate(COLOURS, 1)}
