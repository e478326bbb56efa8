"""Lines of systems over an ordered axis, with their intervals as bands."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragbench.report.charts._pieces import (
    CHOSEN,
    Spec,
    colour,
    dash,
    figure,
    known,
    legend_choice,
    only_chosen,
    quantitative,
    records,
    shape,
    tooltip,
)
from ragbench.report.charts.theme import COLOURS, DASHES

if TYPE_CHECKING:
    import pandas as pd

HEIGHT = 300
BANDS = 3
"""Up to so many systems every band is drawn; of more, those that are chosen in the legend."""


def lines_figure(
    description: str,
    frame: "pd.DataFrame",
    y_title: str,
    x: Spec,
    systems: Sequence[str],
    hover: Sequence[tuple[str, str]],
) -> Spec:
    """The picture.

    Args:
        description: of what is seen.
        frame: ``system``, ``value``, ``low``, ``high``, the field of ``x``, and what ``hover`` names.
        y_title: of the upright axis.
        x: channel of the lower axis.
        systems: all systems of the report, in the order of their looks.
        hover: fields and titles of the tooltip.
    """
    y = quantitative("value", y_title, scale={"zero": False, "nice": True}, axis={"format": ".2~f", "tickCount": 6})
    drawn = [name for name in systems if name in set(frame["system"])]
    few = len(drawn) <= BANDS
    look = {"color": colour(systems, drawn)}
    # Not filtered, so that the axis has room for every interval.
    seen = {"condition": {"param": CHOSEN, "empty": few, "value": 0.16}, "value": 0}
    layers: list[Spec] = [
        {
            "transform": known("low", "high"),
            "mark": {"type": "area", "aria": False},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, **look, "opacity": seen},
        },
        {
            "transform": [only_chosen()],
            "mark": {"type": "line", "strokeWidth": 2, "aria": False},
            "encoding": {"x": x, "y": y, **look, "strokeDash": dash()},
        },
        {
            "params": legend_choice(),
            "transform": [only_chosen(), *known("value")],
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 80},
            "encoding": {"x": x, "y": y, **look, "shape": shape(systems, drawn), "tooltip": tooltip(*hover)},
        },
    ]
    pattern = {name: str(i // len(COLOURS["light"]) % len(DASHES)) for i, name in enumerate(systems)}
    values = records(frame.assign(line=[pattern[name] for name in frame["system"]]))
    return figure(description, values, HEIGHT, layers)
