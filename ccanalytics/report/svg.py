"""A chart's SVG, made small and safe inside the page."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

from markupsafe import Markup

_SHAPES = {"svg", "g", "path", "rect", "line", "circle", "text", "tspan"}
_DRAWN = _SHAPES | {"defs", "clipPath", "linearGradient", "radialGradient", "stop"}
_STYLES = {"class", "role", "pointer-events", "stroke-miterlimit", "font-family", "version"}
_DROPPED = _STYLES | {"width", "height", "xmlns"}
_INHERITED = ("fill", "stroke", "stroke-width", "font-size", "font-weight", "text-anchor")
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_GEOMETRY = frozenset(("d", "transform", "x", "y", "x1", "x2", "y1", "y2"))


def inline_svg(svg: str, prefix: str, colours: Mapping[str, str]) -> Markup:
    """`svg` for the page: only shapes and text, ids under `prefix`, `colours` replaced."""
    root = ET.fromstring(svg)
    _clean(root, prefix, colours)
    root.set("class", "static")
    root.set("id", f"{prefix}-picture")
    root.set("aria-hidden", "true")
    return Markup(ET.tostring(root, encoding="unicode"))


def _clean(element: ET.Element, prefix: str, colours: Mapping[str, str]) -> None:
    element.tag = _local(element.tag)
    for child in list(element):
        if _local(child.tag) not in _DRAWN or child.get("display") == "none":
            element.remove(child)
        else:
            _clean(child, prefix, colours)
            if _is_empty(child):
                element.remove(child)
    keep_size = element.tag in ("rect", "clipPath")
    element.attrib = {
        name: _value(name, value, prefix, colours)
        for name, value in element.attrib.items()
        if (name not in _DROPPED or (keep_size and name in ("width", "height")))
        and not name.startswith(("aria-", "on", "{"))
        and (name, value) not in (("opacity", "1"), ("transform", "translate(0,0)"))
    }
    if element.tag == "g":
        _share_attributes(element)


def _value(name: str, value: str, prefix: str, colours: Mapping[str, str]) -> str:
    if name in _GEOMETRY:
        return _NUMBER.sub(lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), value)
    if name == "id":
        return f"{prefix}-{value}"
    if value.startswith("url(#"):
        return f"url(#{prefix}-{value[5:]}"
    return colours.get(value.lower(), value)


def _is_empty(element: ET.Element) -> bool:
    """Whether it draws nothing: invisible shapes, empty paths, empty groups."""
    if element.get("opacity") == "0":
        return True
    if element.tag == "path":
        return element.get("d", "") in ("", "M0,0h0v0h0Z")
    return element.tag == "g" and not len(element)


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


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
