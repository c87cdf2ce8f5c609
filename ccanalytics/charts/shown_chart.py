"""Charts that show themselves: interactive where that works, and everywhere else as a picture.

JupyterLab and VS Code draw the Vega-Lite in an output with what they bring along, offline. Plain
nbconvert, GitHub, nbviewer, Quarto and Colab show the SVG in the same output. Only charts of this
kit do so; the session's own Altair is left alone.
"""

import json
from typing import Any

import altair as alt
import vl_convert

MIME = "application/vnd.vegalite.v5+json"
"""What JupyterLab and VS Code draw themselves; Vega-Lite 6 is drawn as version 5 is."""

VERSION = "6.1"
"""The version of Vega-Lite that makes the pictures."""


class _ShowsItself:
    """The bundle of a finished chart, and its configuration."""

    def to_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        spec: dict[str, Any] = super().to_dict(*args, **kwargs)  # type: ignore[misc]
        context = kwargs.get("context") or {}
        if context.get("top_level", True):
            # A chart that is put into another one takes the configuration of that one.
            spec["config"] = {**spec.get("config", {}), **_CONFIGS[type(self).__name__]}
        return spec

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        spec = self.to_dict()
        return {
            MIME: spec,
            "image/svg+xml": picture(spec),
            "text/plain": str(spec.get("description", "chart")),
        }


class ShownChart(_ShowsItself, alt.Chart):
    """An `alt.Chart` that shows itself."""


class ShownLayers(_ShowsItself, alt.LayerChart):
    """An `alt.LayerChart` that shows itself."""


_CONFIGS: dict[str, dict[str, Any]] = {}


def shows_itself(chart: Any, config: dict[str, Any]) -> Any:
    """`chart` as one that shows itself, with this configuration."""
    kinds: dict[type, type] = {alt.Chart: ShownChart, alt.LayerChart: ShownLayers}
    made = chart.copy(deep=False)
    kind = kinds.get(type(chart), type(chart))
    object.__setattr__(made, "__class__", kind)  # Altair's own would make it a property
    _CONFIGS[kind.__name__] = config
    return made


def picture(spec: dict[str, Any]) -> str:
    """The chart as SVG, on a white ground, as nobody knows the colour of the page."""
    plain = {**spec, "config": {**spec.get("config", {}), "background": "white"}}
    svg: str = vl_convert.vegalite_to_svg(json.dumps(plain), vl_version=VERSION)
    return svg
