"""Parts of Vega-Lite specifications that several charts have."""

from collections.abc import Mapping, Sequence
from typing import Any

from ragbench.report.charts.chart import SCHEMA
from ragbench.report.charts.theme import DASHES, SHAPES

Spec = dict[str, Any]
CHOSEN = "chosen"
"""Name of the selection that a click on the legend makes."""
DIGITS = 6
"""Of figures in a specification: more than can be seen."""


def records(frame: Any) -> list[dict[str, Any]]:
    """The rows of a frame for a specification: rounded, and null for what is not there."""
    import pandas as pd

    columns = [str(name) for name in frame.columns]
    return [
        {name: _plain(value) for name, value in zip(columns, row, strict=True) if not pd.isna(value)}
        for row in frame.itertuples(index=False, name=None)
    ]


def figure(description: str, values: Sequence[Mapping[str, Any]], height: int, layers: Sequence[Spec]) -> Spec:
    """Layers over one table, as wide as their container."""
    return {
        "$schema": SCHEMA,
        "description": description,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": list(values)},
        "layer": list(layers),
    }


def known(*fields: str) -> list[Spec]:
    """A filter for the rows that have these."""
    return [{"filter": " && ".join(f"isValid(datum[{name!r}])" for name in fields)}]


def quantitative(field: str, title: str | None, **more: Any) -> Spec:
    """A channel of numbers; titles are the text as it stands."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def tooltip(*shown: tuple[str, str]) -> list[Spec]:
    """Fields with their titles, shown on hover."""
    return [{"field": field, "type": "nominal", "title": title} for field, title in shown]


def legend_choice() -> list[Spec]:
    """A click on a system in the legend shows it alone; with shift, beside the others."""
    return [{"name": CHOSEN, "select": {"type": "point", "fields": ["system"]}, "bind": "legend"}]


def only_chosen() -> Spec:
    """The filter that goes with `legend_choice`."""
    return {"filter": {"param": CHOSEN}}


def colour(systems: Sequence[str], *, legend: bool = True) -> Spec:
    """The colour of each system; the theme has the colours."""
    return _system(systems, legend)


def shape(systems: Sequence[str], *, legend: bool = True) -> Spec:
    """The shape of each system."""
    return _system(systems, legend, range=list(SHAPES[: len(systems)]))


def dash(systems: Sequence[str]) -> Spec:
    """The dashes of each system's line."""
    return _system(systems, False, range=[list(DASHES[i // 6 % len(DASHES)]) for i in range(len(systems))])


def _system(systems: Sequence[str], legend: bool, **scale: Any) -> Spec:
    # As many columns as fit the width, on a phone as on a wall.
    below = {"orient": "bottom", "title": None, "columns": {"expr": "max(1, floor(width / 190))"}, "columnPadding": 16}
    return {
        "field": "system",
        "type": "nominal",
        "scale": {"domain": list(systems), **scale},
        "legend": below if legend else None,
    }


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    return round(value, DIGITS) if isinstance(value, float) else value
