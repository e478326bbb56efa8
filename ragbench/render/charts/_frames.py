"""Estimates of scored runs, and the two layouts that charts share: rows, and groups of rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.context import generator
from ragbench.core.evaluations import Estimate
from ragbench.core.scored import ScoredRun
from ragbench.core.scores import Direction, Scores
from ragbench.render.charts.chart import (
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
from ragbench.stats.clusters import cluster_index
from ragbench.stats.intervals import estimates

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 10_000


def run_estimates(run: ScoredRun, scores: Scores) -> dict[str, Estimate]:
    """Estimate every metric of the scores, resampled by unit, with the seed of the evaluation.

    Args:
        run: run with the queries and settings.
        scores: scores of its queries, in their order.
    """
    seed, resamples = _setting(run, "seed", 0), _setting(run, "resamples", RESAMPLES)
    return estimates(
        scores, cluster_index(run.queries.units), generator(seed, "bootstrap"), resamples,
        by_document=run.average == "documents",
    )  # fmt: skip


def metric_estimate(run: ScoredRun, metric: str, rows: npt.NDArray[np.int64] | None = None) -> Estimate:
    """Estimate one metric of a run.

    Args:
        run: the run.
        metric: one of its metrics.
        rows: rows of the queries to use; None for all.
    """
    if rows is None:
        return run_estimates(run, run.scores.select(metrics=(metric,)))[metric]
    part = replace(run, queries=run.queries.select(rows), run=None)
    return run_estimates(part, run.scores.select(rows, (metric,)))[metric]


def direction_of(runs: Sequence[ScoredRun], metric: str) -> Direction:
    """Say which values of a metric are better, according to the first run that has it."""
    return next((run.scores.direction(metric) for run in runs if metric in run.scores.metrics), "higher")


def _setting(run: ScoredRun, name: str, otherwise: int) -> int:
    settings = run.manifest.get("settings")
    value = settings.get(name) if isinstance(settings, Mapping) else None
    return value if isinstance(value, int) else otherwise


HEADING, LINE, GAP = 24, 15, 8
"""Pixels of a heading, of a system, and between groups."""


def groups_figure(
    description: str,
    frame: "pd.DataFrame",
    title: str | list[str],
    systems: Sequence[str],
    hover: Sequence[tuple[str, str]],
    *,
    zero: bool = False,
    uncounted: Sequence[str] = (),
) -> Spec:
    """Build the specification.

    Args:
        description: text that describes the chart.
        frame: ``slice``, ``queries``, ``system``, ``value``, ``low``, ``high``, and what ``hover`` names.
        title: title of the axis, or its lines.
        systems: all systems of the report; the order decides colour and shape.
        hover: fields and titles of the tooltip.
        zero: whether to draw the line of no difference and to print signs.
        uncounted: slices whose heading has no number of queries.
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
    headings = [
        {"at": start[label] + 11, "said": str(label) if label in uncounted else f"{label} ({queries[str(label)]})"}
        for label in labels
    ]
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


FIGURES = 190
"""Width of the figures on the right, in pixels."""
LONG = 20
"""From this length of a name on, the figures stand below it, so that a phone shows the whole row."""


class Layout(NamedTuple):
    """Height of a row, and the distances of name, figures and dot from its middle, in pixels."""

    height: int
    name: int
    figures: int
    dot: int


BESIDE = Layout(46, -10, -10, 9)
BELOW = Layout(62, -20, -4, 15)


def layout(names: Iterable[str]) -> Layout:
    """Choose the layout for rows with these names."""
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
    """Build the specification.

    Args:
        description: text that describes the chart.
        values: ``row`` (unique), ``said`` (the figures as text), ``value``, ``low``, ``high``.
        title: title of the axis, or its lines.
        look: channels of the dots and intervals besides their position (colour, shape).
        hover: fields and titles of the tooltip.
        scale: scale of the axis.
        below: layers to draw behind the dots.
        format: number format of the axis.
        aside: whether names at the left edge must leave room for the line at 0.
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
    """Draw the name and the figures of each row, each with a halo that keeps lines away from the letters."""
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
    """Return the channel of the rows, for layers that a chart adds."""
    return {"field": "row", "type": "nominal", "sort": None, "axis": None, "scale": {"padding": 0}}


def _axis(format: str) -> Spec:
    return {
        "format": format,
        "tickCount": TICKS,
        "labelFlush": True,
        "labelBound": True,
        "labelExpr": "datum.value === 0 ? '0' : datum.label",
    }
