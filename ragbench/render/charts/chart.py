"""A chart: a Vega-Lite specification with the same content in words and as a table, and the parts charts share."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbench.core.evaluations import Estimate
from ragbench.render.charts.theme import COLOURS, DASHES, DECISION_SHAPES, DECISIONS, SHAPES
from ragbench.render.numbers import fraction, with_interval

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""Names the version of the language; nothing is fetched from it."""


@dataclass(frozen=True, eq=False)
class Chart:
    """One picture.

    Attributes:
        name: unique among the charts of a report; a file name (``by-cut-ndcg``).
        title: what it shows, a few words.
        description: what is seen, with the figures, for a reader who does not see it.
        spec: Vega-Lite, without title, theme and background: `ragbench.render.charts.theme.config` has the theme.
            Its width is its container's. The same input gives the same specification.
        head: columns of the same data as a table, the first of text.
        rows: cells as a reader wants them, one row per thing shown.
        hint: what a reader can do with it, one sentence, or empty.
    """

    name: str
    title: str
    description: str
    spec: dict[str, Any]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    hint: str = ""


LEGEND_HINT = "Click a system in the legend to see it alone; hold shift to add others."
BANDS_HINT = "Click a system in the legend to see it alone, with its interval; hold shift to add others."


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


def number(value: float | None) -> float | None:
    """None for NaN."""
    return None if value is None or math.isnan(value) else float(value)


def share(value: float | None, *, signed: bool = False) -> str:
    """``.676``; ``-`` where there is none."""
    return fraction(number(value), signed=signed)


def estimate_text(mean: float | None, low: float | None, high: float | None, *, signed: bool = False) -> str:
    """As `ragbench.render.numbers.with_interval`."""
    return with_interval(Estimate(number(mean), number(low), number(high), 0), signed=signed)


def look(present: Sequence[str], field: str = "decision", names: Sequence[str] = DECISIONS) -> Spec:
    """Channels of colour and shape, with a legend of those that occur.

    Args:
        present: the decisions of the chart.
        field: that holds them.
        names: all there are, in the places of `DECISIONS`, whose looks they get; empty where there is none.
    """
    legend = legend_below([name for name in names if name and name in present])
    part = {"field": field, "legend": legend}
    domain = list(names)
    return {
        "color": {**part, "type": "ordinal", "scale": {"domain": domain}},
        "shape": {
            **part,
            "type": "nominal",
            "scale": {"domain": domain, "range": list(DECISION_SHAPES[: len(domain)])},
        },
    }
