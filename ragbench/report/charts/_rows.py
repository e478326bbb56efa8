"""Rows with a dot and an interval: name above on the left, figures above on the right."""

from collections.abc import Sequence
from typing import Any

from ragbench.report.charts._pieces import TICKS, Spec, figure, known, quantitative, tooltip

ROW = 46
"""Pixels of a row: a line of text, and the dot with its interval below it."""
FIGURES = 190
"""Pixels that the figures on the right may take."""


def rows_figure(
    description: str,
    values: Sequence[dict[str, Any]],
    title: str | list[str],
    *,
    look: Spec,
    hover: Sequence[tuple[str, str]],
    scale: Spec | None = None,
    below: Sequence[Spec] = (),
    format: str = ".2~f",
) -> Spec:
    """The picture.

    Args:
        description: of what is seen.
        values: ``row`` (unique), ``said`` (the figures as text), ``value``, ``low``, ``high``.
        title: of the axis; its lines, where there are several.
        look: channels of dot and interval beyond their place (colour, shape).
        hover: fields and titles of the tooltip.
        scale: of the axis.
        below: layers behind.
        format: of the axis.
    """
    x = quantitative("value", title, axis=_axis(format), scale={"padding": 14, "nice": False, **(scale or {})})
    y: Spec = {"field": "row", "type": "nominal", "sort": None, "axis": None, "scale": {"padding": 0}}
    shown = {"tooltip": tooltip(*hover)}
    dots = {key: part for key, part in look.items() if key != "shape"}
    place = {"row": {"x": {"value": 0}}, "said": {"x": {"value": "width"}}}
    limit = {"row": {"expr": f"max(80, width - {FIGURES})"}, "said": FIGURES}
    align = {"row": "left", "said": "right"}
    style = {"row": "strong", "said": "quiet"}
    texts = [
        {
            "mark": {"type": "text", "align": align[field], "baseline": "middle", "dy": -10, "limit": limit[field],
                     "style": style[field], "aria": False},
            "encoding": {**place[field], "y": y, "text": {"field": field, "type": "nominal"}},
        }
        for field in ("row", "said")
    ]  # fmt: skip
    layers = [
        *below,
        {
            "transform": known("low", "high"),
            "mark": {"type": "rule", "strokeWidth": 2.5, "yOffset": 9, "strokeCap": "round", "aria": False},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, **dots, **shown},
        },
        {
            "transform": known("value"),
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 110, "yOffset": 9},
            "encoding": {"x": x, "y": y, **look, **shown},
        },
        *texts,
    ]
    return figure(description, values, ROW * len(values), layers)


def _axis(format: str) -> Spec:
    return {
        "format": format,
        "tickCount": TICKS,
        "labelFlush": True,
        "labelExpr": "datum.value === 0 ? '0' : datum.label",
    }
