"""Rows with a dot and an interval: name above on the left, figures above on the right."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ragbench.report.charts._pieces import TICKS, Spec, beside_zero, figure, haloed, known, quantitative, tooltip

FIGURES = 190
"""Pixels that the figures on the right may take."""
LONG = 20
"""Letters of a name from which on the figures stand below it, so that a phone shows all of it."""


class Layout(NamedTuple):
    """Pixels of a row: its height, and how far from its middle name, figures and dot stand."""

    height: int
    name: int
    figures: int
    dot: int


BESIDE = Layout(46, -10, -10, 9)
BELOW = Layout(62, -20, -4, 15)


def layout(names: Iterable[str]) -> Layout:
    """The layout for rows of these names."""
    return BELOW if any(len(name) > LONG for name in names) else BESIDE


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
    aside: bool = False,
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
        aside: there is a line at 0, and names at the left edge step aside.
    """
    x = quantitative("value", title, axis=_axis(format), scale={"padding": 14, "nice": False, **(scale or {})})
    y = row_place()
    shown = {"tooltip": tooltip(*hover)}
    dots = {key: part for key, part in look.items() if key != "shape"}
    rows = layout(str(value["row"]) for value in values)
    layers = [
        *below,
        {
            "transform": known("low", "high"),
            "mark": {"type": "rule", "strokeWidth": 2.5, "yOffset": rows.dot, "strokeCap": "round", "aria": False},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, **dots, **shown},
        },
        {
            "transform": known("value"),
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 110, "yOffset": rows.dot},
            "encoding": {"x": x, "y": y, **look, **shown},
        },
        *_texts(rows, beside_zero([row["row"] for row in values], 0 if rows is BELOW else FIGURES) if aside else 0),
    ]
    return figure(description, values, rows.height * len(values), layers)


def _texts(rows: Layout, dx: Any) -> list[Spec]:
    """The name of each row, and its figures; before each of them a halo, for lines of the plot end at the letters."""
    left: Spec = {"type": "text", "align": "left", "baseline": "middle", "aria": False}
    name = {**left, "dx": dx, "dy": rows.name, "style": "strong", "limit": {"expr": "width"}}
    figures = {**left, "dy": rows.figures, "style": "quiet", "limit": {"expr": "width"}}
    at: Spec = {"value": 0}
    if rows is BESIDE:
        name["limit"] = {"expr": f"max(80, width - {FIGURES})"}
        figures |= {"align": "right", "limit": FIGURES}
        at = {"value": "width"}
    else:
        figures["dx"] = dx
    return [
        {
            "mark": mark if front else haloed(mark),
            "encoding": {"x": x, "y": row_place(), "text": {"field": field, "type": "nominal"}},
        }
        for field, mark, x in (("row", name, {"value": 0}), ("said", figures, at))
        for front in (False, True)
    ]


def row_place() -> Spec:
    """The channel of the rows, for layers that a chart adds."""
    return {"field": "row", "type": "nominal", "sort": None, "axis": None, "scale": {"padding": 0}}


def _axis(format: str) -> Spec:
    return {
        "format": format,
        "tickCount": TICKS,
        "labelFlush": True,
        "labelBound": True,
        "labelExpr": "datum.value === 0 ? '0' : datum.label",
    }
