"""The colours of charts on the page.

Charts name colours by hex value. The page replaces each known value by a CSS variable,
so one drawing serves light, dark and print; the light value is the fallback.
"""

DARK = {
    "#2b5fb8": "#7fabf5",  # blue
    "#c05f0c": "#f0a35e",  # orange
    "#12806a": "#57c7ad",  # green
    "#a83f7c": "#e48bbd",  # purple red
    "#7a6a00": "#d3bf4f",  # olive
    "#5a5fc7": "#a5a9f5",  # violet
    "#0c7a99": "#5cc3e0",  # cyan
    "#8a8f98": "#8d94a0",  # grey, for what is not the point
    "#6b7482": "#e7e9ee",  # ink
    "#737b87": "#a4acb9",  # muted text
    "#87909b": "#8d94a0",  # grid lines, drawn faintly
}
"""The dark value of each colour of a chart."""

LIGHT = {"#6b7482": "#1b2330", "#737b87": "#59626f", "#87909b": "#9a9a90"}
"""The light value, where the chart's own is a compromise for both modes."""


def variables() -> dict[str, str]:
    """`var(--k1,#2b5fb8)` for "#2b5fb8", and so on."""
    return {value: f"var(--k{n},{LIGHT.get(value, value)})" for n, value in enumerate(DARK, 1)}


def stylesheet() -> str:
    """The variables for light, dark by preference, dark by choice, and print."""
    light = "".join(f"--k{n}:{LIGHT.get(value, value)};" for n, value in enumerate(DARK, 1))
    dark = "".join(f"--k{n}:{value};" for n, value in enumerate(DARK.values(), 1))
    return (
        f":root{{{light}}}"
        f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{dark}}}}}'
        f':root[data-theme="dark"]{{{dark}}}'
        f"@media print{{:root,:root:not([data-theme=light]),:root[data-theme]{{{light}}}}}\n"
    )
