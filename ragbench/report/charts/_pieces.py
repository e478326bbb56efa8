"""Parts of Vega-Lite specifications that several charts have."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ragbench.report.charts.chart import SCHEMA
from ragbench.report.charts.theme import DASHES, SHAPES

if TYPE_CHECKING:
    import pandas as pd

Spec = dict[str, Any]
CHOSEN = "chosen"
"""Name of the selection that a click on the legend makes."""
LETTER = 7
"""Pixels of a letter of a legend, on the wide side."""
TICKS: Spec = {"expr": "width < 600 ? 4 : 8"}
"""How many ticks an axis of numbers has."""
DIGITS = 6
"""Of figures in a specification: more than can be seen."""


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """The rows of a frame for a specification: rounded, and null for what is not there."""
    import pandas as pd

    columns = [str(name) for name in frame.columns]
    return [
        {name: _plain(value) for name, value in zip(columns, row, strict=True) if not pd.isna(value)}
        for row in frame.itertuples(index=False, name=None)
    ]


def rows_of(frame: "pd.DataFrame") -> Iterator[Any]:
    """The rows, with the columns as attributes."""
    return iter(frame.itertuples())


def figure(description: str, values: Sequence[Mapping[str, Any]], height: int, layers: Sequence[Spec]) -> Spec:
    """Layers over one table, as wide as their container."""
    return {
        "$schema": SCHEMA,
        "description": description,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": list(values)},
        "layer": list(layers),
    }


def rule_at(value: float) -> Spec:
    """A vertical line: of no difference, or of a limit."""
    return {
        "data": {"values": [{"at": value}]},
        "mark": {"type": "rule", "style": "zero", "aria": False},
        "encoding": {"x": {"field": "at", "type": "quantitative"}},
    }


def beside_zero(names: Sequence[str], room: int = 0) -> Spec:
    """How far texts at the left edge move, in pixels: to the right of the line at 0, where that leaves them room.

    Args:
        names: the texts.
        room: pixels at the right that are taken.
    """
    longest = LETTER * max(map(len, names), default=0) + 8
    return {"expr": f"scale('x', 0) < {longest} && scale('x', 0) + {longest + room} < width ? scale('x', 0) + 6 : 0"}


def haloed(text: Spec) -> Spec:
    """What lies behind a text, in the colour of the page, so that no line runs through its letters."""
    return {**text, "style": [text["style"], "halo"]}


def file_part(name: str) -> str:
    """A metric's name as part of a file name: ``recall-level-2-10``."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")


def known(*fields: str) -> list[Spec]:
    """A filter for the rows that have these."""
    return [{"filter": " && ".join(f"isValid(datum[{name!r}])" for name in fields)}]


def quantitative(field: str, title: str | list[str] | None = None, **more: Any) -> Spec:
    """A channel of numbers; without a title, that of the other layers."""
    return {"field": field, "type": "quantitative", **({} if title is None else {"title": title}), **more}


def tooltip(*shown: tuple[str, str]) -> list[Spec]:
    """Fields with their titles, shown on hover."""
    return [{"field": field, "type": "nominal", "title": title} for field, title in shown]


def legend_choice() -> list[Spec]:
    """A click on a system in the legend shows it alone; with shift, beside the others."""
    return [{"name": CHOSEN, "select": {"type": "point", "fields": ["system"]}, "bind": "legend"}]


def only_chosen() -> Spec:
    """The filter that goes with `legend_choice`."""
    return {"filter": {"param": CHOSEN}}


def colour(systems: Sequence[str], drawn: Sequence[str] | None = None) -> Spec:
    """The colour of each system; the theme has the colours.

    Args:
        systems: all of the report, in the order of their looks.
        drawn: those of this chart, for the legend; without a legend by default.
    """
    return _system(systems, drawn)


def shape(systems: Sequence[str], drawn: Sequence[str] | None = None) -> Spec:
    """The shape of each system; arguments as `colour`."""
    return _system(systems, drawn, range=[SHAPES[i % len(SHAPES)] for i in range(len(systems))])


def dash() -> Spec:
    """The dashes of lines, by the field ``line``, the place of the system's dash in `DASHES`."""
    places = [str(i) for i in range(len(DASHES))]
    scale = {"domain": places, "range": [list(pattern) for pattern in DASHES]}
    return {"field": "line", "type": "nominal", "scale": scale, "legend": None}


def legend_below(names: Sequence[str]) -> Spec:
    """A legend of these, in as many columns as fit the width."""
    widest = 34 + LETTER * max(map(len, names), default=0)
    # The container's width does not change while the chart is laid out, as its own does; a picture has no container.
    room = "(isFinite(containerSize()[0]) ? containerSize()[0] : 800) - 80 + 0 * width"
    columns = {"expr": f"max(1, floor(({room}) / {widest}))"}
    return {"orient": "bottom", "title": None, "values": list(names), "columns": columns, "columnPadding": 14}


def _system(systems: Sequence[str], drawn: Sequence[str] | None, **scale: Any) -> Spec:
    return {
        "field": "system",
        "type": "nominal",
        "scale": {"domain": list(systems), **scale},
        "legend": None if drawn is None else legend_below(drawn),
    }


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    return round(value, DIGITS) if isinstance(value, float) else value
