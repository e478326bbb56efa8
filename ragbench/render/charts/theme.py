"""Colours, shapes and type of every chart, for light and dark pages.

The colours of a theme differ from each other by at least .1 in OKLab, for normal sight and for red, green and blue
colour blindness, and from the page by a contrast of at least 3 to 1 (WCAG 2.2, 1.4.11). There are
six; shapes, and dashes of lines, tell the systems apart beyond them and where there is no colour.
"""

from typing import Any, Literal

Theme = Literal["light", "dark"]

SYSTEMS = 12
"""Number of systems that have a look of their own."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
BACKGROUND: dict[Theme, str] = {"light": "#ffffff", "dark": "#15181d"}
"""Pages that the colours are made for."""
COLOURS: dict[Theme, tuple[str, ...]] = {
    "light": ("#3451ca", "#a73301", "#31a092", "#bb7e17", "#754274", "#352e30"),
    "dark": ("#4e71ec", "#d54507", "#61f7e3", "#f9da49", "#a0649a", "#a79fa1"),
}
SHAPES = (
    "circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left",
    "M0,-1L.87,-.5L.87,.5L0,1L-.87,.5L-.87,-.5Z",
    "M0,-1.1L.3,-.4L1,-.35L.5,.15L.65,.9L0,.5L-.65,.9L-.5,.15L-1,-.35L-.3,-.4Z",
    "M-1,-.6L-.6,-1L0,-.4L.6,-1L1,-.6L.4,0L1,.6L.6,1L0,.4L-.6,1L-1,.6L-.4,0Z",
    "M-.9,-1L.9,-1L-.9,1L.9,1Z",
)  # fmt: skip
"""A shape for each system; the last ones are a hexagon, a star, an X and an hourglass."""
DASHES = ((1, 0), (6, 3))
"""Dashes of lines: solid for the first six systems, then dashed."""
TEXT: dict[Theme, tuple[str, str, str]] = {
    "light": ("#1b1f24", "#57606a", "#d7dce2"),
    "dark": ("#e8eaed", "#a3abb5", "#333a43"),
}
"""Colours of text, muted text and the grid."""
DECISIONS = (
    "better", "worse", "different", "equivalent", "no difference shown", "not comparable", "depends on the wording",
)  # fmt: skip
DECISION_SHAPES = ("triangle-up", "triangle-down", "diamond", "square", "circle", "stroke", "cross")
_DECISION_COLOURS: dict[Theme, tuple[int, ...]] = {"light": (0, 1, 3, 2, 5, 5, 4), "dark": (0, 1, 3, 2, 5, 5, 4)}


def config(theme: Theme) -> dict[str, Any]:
    """Return the theme as a Vega-Lite config: colours, type and grid, on the background of the page."""
    text, quiet, grid = TEXT[theme]
    colours = COLOURS[theme]
    axis = {"labelColor": quiet, "titleColor": text, "gridColor": grid, "domainColor": quiet, "tickColor": quiet}
    return {
        "background": "transparent",
        "font": FONT,
        "range": {
            "category": [colours[i % len(colours)] for i in range(SYSTEMS)],
            "ordinal": [colours[i] for i in _DECISION_COLOURS[theme]],
            "symbol": list(SHAPES),
        },
        "axis": {**axis, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 8},
        "legend": {
            "labelColor": text, "titleColor": text, "labelFontSize": 12, "titleFontSize": 12,
            "titleFontWeight": "normal", "symbolSize": 80, "symbolStrokeWidth": 2, "symbolOpacity": 1,
            "labelLimit": 320,
        },
        "title": {"color": text, "subtitleColor": quiet, "fontSize": 15, "subtitleFontSize": 12, "anchor": "start"},
        "text": {"color": text, "fontSize": 12},
        "rule": {"color": quiet},
        "style": {
            "quiet": {"color": quiet, "fontSize": 12},
            "strong": {"color": text, "fontSize": 13, "fontWeight": 600},
            "limit": {"color": text},
            "halo": {"fill": BACKGROUND[theme], "stroke": BACKGROUND[theme], "strokeWidth": 5, "strokeJoin": "round"},
            "zero": {"color": text, "strokeWidth": 1.5},
            "margin": {"color": quiet, "fillOpacity": 0.15},
            "front": {"color": quiet, "strokeWidth": 1.5, "strokeDash": [4, 3]},
        },
        "view": {"stroke": None},
    }  # fmt: skip
