"""Groups of dots with intervals: a heading for each group, a line for each system in it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragbench.report.charts._pieces import (
    TICKS,
    Spec,
    beside_zero,
    colour,
    figure,
    haloed,
    known,
    legend_choice,
    only_chosen,
    quantitative,
    records,
    rows_of,
    rule_at,
    shape,
    tooltip,
)

if TYPE_CHECKING:
    import pandas as pd

HEADING, LINE, GAP = 24, 15, 8
"""Pixels of a heading, of a system, and between groups."""


def groups_figure(
    description: str,
    frame: "pd.DataFrame",
    title: str,
    systems: Sequence[str],
    hover: Sequence[tuple[str, str]],
    *,
    zero: bool = False,
) -> Spec:
    """The picture.

    Args:
        description: of what is seen.
        frame: ``slice``, ``queries``, ``system``, ``value``, ``low``, ``high``, and what ``hover`` names.
        title: of the axis.
        systems: all systems of the report, in the order of their looks.
        hover: fields and titles of the tooltip.
        zero: draw the line of no difference, and sign the figures.
    """
    frame = frame[frame["value"].notna()]
    labels = list(dict.fromkeys(frame["slice"]))
    present = set(frame["system"])
    drawn = [name for name in systems if name in present]
    tall = HEADING + LINE * len(drawn) + GAP
    start = {label: i * tall for i, label in enumerate(labels)}
    line = {name: HEADING + LINE * i + LINE // 2 for i, name in enumerate(drawn)}
    values = records(frame[frame["system"].isin(drawn)])
    for value in values:
        value["y"] = start[value["slice"]] + line[value["system"]]
    height = tall * len(labels)
    # The places are pixels from the top; every layer has to say so.
    y = quantitative("y", axis=None, scale={"domain": [0, height], "reverse": True, "nice": False, "zero": False})
    axis = {
        "format": "+.2~f" if zero else ".2~f",
        "tickCount": TICKS,
        "labelFlush": True,
        "labelBound": True,
        "labelExpr": "datum.value === 0 ? '0' : datum.label",
    }
    x = quantitative("value", title, axis=axis, scale={"zero": zero, "nice": False, "padding": 14})
    look, shown = {"color": colour(systems, drawn)}, {"tooltip": tooltip(*hover)}
    queries = {str(row.slice): int(row.queries) for row in rows_of(frame)}
    headings = [{"at": start[label] + 11, "said": f"{label} ({queries[str(label)]})"} for label in labels]
    heading: Spec = {"type": "text", "align": "left", "baseline": "middle", "style": "strong", "aria": False,
                     "limit": {"expr": "width"}, "dx": 0}  # fmt: skip
    if zero:
        heading["dx"] = beside_zero([str(one["said"]) for one in headings])
    layers: list[Spec] = [
        *([rule_at(0.0)] if zero else []),
        {
            "transform": [only_chosen(), *known("low", "high")],
            "mark": {"type": "rule", "strokeWidth": 2, "aria": False},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, **look, **shown},
        },
        {
            "params": legend_choice(),
            "transform": [only_chosen(), *known("value")],
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 75},
            "encoding": {"x": x, "y": y, **look, "shape": shape(systems, drawn), **shown},
        },
        *(
            {
                "data": {"values": headings},
                "mark": mark,
                "encoding": {
                    "x": {"value": 0}, "y": {**y, "field": "at"}, "text": {"field": "said", "type": "nominal"},
                },
            }
            for mark in (haloed(heading), heading)
        ),
    ]  # fmt: skip
    return figure(description, values, height, layers)
