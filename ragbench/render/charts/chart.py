"""A chart, which is a Vega-Lite specification with a description and a table, and the parts that charts share."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbench.core.evaluations import Estimate
from ragbench.core.foreign import in_lines
from ragbench.render.charts.theme import COLOURS, DASHES, DECISION_SHAPES, DECISIONS, SHAPES
from ragbench.render.numbers import fraction, with_interval

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""Version of the language. Nothing is fetched from this address."""


@dataclass(frozen=True, eq=False)
class Chart:
    """A chart.

    Attributes:
        name: unique among the charts of a report; a file name (``by-cut-ndcg``).
        title: short title.
        description: text with the figures, for readers who cannot see the chart.
        spec: Vega-Lite, without title, theme and background: `ragbench.render.charts.theme.config` has the theme.
            It is as wide as its container. The same input gives the same specification.
        head: columns of the data as a table; the first one has text.
        rows: formatted cells, one row per mark.
        hint: one sentence about what a reader can do with the chart, or empty.
    """

    name: str
    title: str
    description: str
    spec: dict[str, Any]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    hint: str = ""

    def __post_init__(self) -> None:
        # Names of systems, types and metrics are text of others, wherever they stand in the specification.
        for name in ("title", "description", "spec"):
            object.__setattr__(self, name, _seen(getattr(self, name)))


def _seen(value: Any) -> Any:
    if isinstance(value, str):
        return in_lines(value)
    if isinstance(value, Mapping):
        return {key: _seen(part) for key, part in value.items()}
    return [_seen(part) for part in value] if isinstance(value, list | tuple) else value


LEGEND_HINT = "Click a system in the legend to see it alone; hold shift to add others."
BANDS_HINT = "Click a system in the legend to see it alone, with its interval; hold shift to add others."


Spec = dict[str, Any]
CHOSEN = "chosen"
"""Name of the selection by a click on the legend."""
LETTER = 7
"""Generous width of a letter in a legend, in pixels."""
TICKS: Spec = {"expr": "width < 600 ? 4 : 8"}
"""Number of ticks of a numeric axis."""
DIGITS = 6
"""Significant digits in a specification, more than a reader can see."""


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Convert a frame to rows of a specification: rounded, and null for missing values."""
    import pandas as pd

    columns = [str(name) for name in frame.columns]
    return [
        {name: _plain(value) for name, value in zip(columns, row, strict=True) if not pd.isna(value)}
        for row in frame.itertuples(index=False, name=None)
    ]


def rows_of(frame: "pd.DataFrame") -> Iterator[Any]:
    """Iterate over the rows, with the columns as attributes."""
    return iter(frame.itertuples())


def figure(description: str, values: Sequence[Mapping[str, Any]], height: int, layers: Sequence[Spec]) -> Spec:
    """Combine layers over one table, as wide as their container."""
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
    """Draw a vertical line for no difference or for a limit."""
    return {
        "data": {"values": [{"at": value}]},
        "mark": {"type": "rule", "style": "zero", "aria": False},
        "encoding": {"x": {"field": "at", "type": "quantitative"}},
    }


def beside_zero(names: Sequence[str], room: int = 0) -> Spec:
    """Return by how many pixels texts at the left edge move to the right of the line at 0, if they have room there.

    Args:
        names: texts at the left edge.
        room: width that is taken at the right, in pixels.
    """
    longest = LETTER * max(map(len, names), default=0) + 8
    return {"expr": f"scale('x', 0) < {longest} && scale('x', 0) + {longest + room} < width ? scale('x', 0) + 6 : 0"}


def haloed(text: Spec) -> Spec:
    """Draw a halo in the colour of the page behind a text, so that no line crosses its letters."""
    return {**text, "style": [text["style"], "halo"]}


def file_part(name: str) -> str:
    """Convert the name of a metric to a part of a file name: ``recall-level-2-10``."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")


def known(*fields: str) -> list[Spec]:
    """Keep the rows that have these columns."""
    return [{"filter": " && ".join(f"isValid(datum[{name!r}])" for name in fields)}]


def quantitative(field: str, title: str | list[str] | None = None, **more: Any) -> Spec:
    """Return a channel of numbers; without a title, it takes the title of the other layers."""
    return {"field": field, "type": "quantitative", **({} if title is None else {"title": title}), **more}


def tooltip(*shown: tuple[str, str]) -> list[Spec]:
    """Show these fields with their titles on hover."""
    return [{"field": field, "type": "nominal", "title": title} for field, title in shown]


def legend_choice() -> list[Spec]:
    """Let a click on a system in the legend show it alone; with shift, it is added."""
    return [{"name": CHOSEN, "select": {"type": "point", "fields": ["system"]}, "bind": "legend"}]


def only_chosen() -> Spec:
    """Return the filter for `legend_choice`."""
    return {"filter": {"param": CHOSEN}}


def colour(systems: Sequence[str], drawn: Sequence[str] | None = None) -> Spec:
    """Return the channel of each system's colour; the theme has the colours.

    Args:
        systems: all systems of the report; the order decides the colour.
        drawn: systems of this chart, for the legend; None draws no legend.
    """
    return _system(systems, drawn)


def shape(systems: Sequence[str], drawn: Sequence[str] | None = None) -> Spec:
    """Return the channel of each system's shape; the arguments are as in `colour`."""
    return _system(systems, drawn, range=[SHAPES[i % len(SHAPES)] for i in range(len(systems))])


def dash() -> Spec:
    """Return the channel of the dashes, by the field ``line``: the index of the system's dash in `DASHES`."""
    places = [str(i) for i in range(len(DASHES))]
    scale = {"domain": places, "range": [list(pattern) for pattern in DASHES]}
    return {"field": "line", "type": "nominal", "scale": scale, "legend": None}


def legend_below(names: Sequence[str]) -> Spec:
    """Return a legend in as many columns as fit the width."""
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
"""With more systems than this, only the bands of systems that are chosen in the legend are drawn."""


def lines_figure(
    description: str,
    frame: "pd.DataFrame",
    y_title: str,
    x: Spec,
    systems: Sequence[str],
    hover: Sequence[tuple[str, str]],
) -> Spec:
    """Build the specification.

    Args:
        description: text that describes the chart.
        frame: ``system``, ``value``, ``low``, ``high``, the field of ``x``, and what ``hover`` names.
        y_title: title of the vertical axis.
        x: channel of the horizontal axis.
        systems: all systems of the report; the order decides colour and shape.
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
    """Return the value, or None for NaN."""
    return None if value is None or math.isnan(value) else float(value)


def share(value: float | None, *, signed: bool = False) -> str:
    """Format a value as ``.676``, and a missing one as ``-``."""
    return fraction(number(value), signed=signed)


def estimate_text(mean: float | None, low: float | None, high: float | None, *, signed: bool = False) -> str:
    """Format an estimate as `ragbench.render.numbers.with_interval` does."""
    return with_interval(Estimate(number(mean), number(low), number(high), 0), signed=signed)


def look(present: Sequence[str], field: str = "decision", names: Sequence[str] = DECISIONS) -> Spec:
    """Return channels of colour and shape, with a legend of the values that occur.

    Args:
        present: decisions in the chart.
        field: field with the decisions.
        names: all possible values, in the order of `DECISIONS`, whose looks they take; an empty one is skipped.
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
