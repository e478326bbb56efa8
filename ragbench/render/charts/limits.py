"""A gate's rules: each value with its interval and its limit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragbench.comparison.gate.counts import COUNTED
from ragbench.comparison.gate.result import DIFFERENCES, Decided
from ragbench.render.charts._frames import layout, row_place, rows_figure
from ragbench.render.charts.chart import Chart, Spec, known, look, quantitative, records, rows_of
from ragbench.render.gate import WithRules, bound, room, value_with_interval

if TYPE_CHECKING:
    import pandas as pd

OUTCOMES = ("pass", "fail", "inconclusive", "", "skipped")
"""Decisions by position; each value takes the look of the decision at its position."""
SCALES = {
    "differences": "difference to the baseline",
    "scores": "score or share",
    "latency": "milliseconds a query",
    "ratios": "times the baseline's",
    "cost": "cost of a query",
    "counts": "queries",
}
"""Kinds of figures that share an axis, and the title of the axis."""
COLUMNS = (
    "scale", "row", "value", "low", "high", "bound", "at_least", "outcome", "said", "asked", "room", "n", "reason",
)  # fmt: skip


def limits_frame(gate: WithRules) -> "pd.DataFrame":
    """Return one row per rule, or slice of a rule, in the order of the gate.

    Columns: ``scale``, a name of `SCALES`; ``row``, the rule's name with its slice; ``value``, ``low``, ``high``,
    ``bound`` (NaN where there is none); ``at_least``, whether the bound is below; ``outcome``; ``said``, ``asked``,
    ``room``: value, bound and what is left to it, as text; ``n`` queries; ``reason``.
    """
    import pandas as pd

    found = []
    for one in gate.decided:
        name = f"{one.name}, {one.slice}" if one.slice and one.slice not in one.name else one.name
        found.append(
            (_scale(one), name, one.value, one.low, one.high, one.bound, one.at_least, one.outcome,
             _said(one), bound(one), room(one), one.n, one.reason)
        )  # fmt: skip
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(("value", "low", "high", "bound"), float))


def gate_charts(gate: WithRules) -> list[Chart]:
    """Build one chart for each kind of figure in the rules."""
    frame = limits_frame(gate)
    return [limits(frame[frame["scale"] == name], name) for name in SCALES if (frame["scale"] == name).any()]


def limits(frame: "pd.DataFrame", scale: str) -> Chart:
    """Draw dots with intervals, and each limit with an arrow to the side that passes.

    Args:
        frame: columns of `limits_frame`, of one scale.
        scale: a name of `SCALES`.
    """
    listed = "; ".join(f"{row.row}: {row.said}, asked {row.asked}: {row.outcome}" for row in rows_of(frame))
    description = f"Rules of the gate, each value against its limit ({SCALES[scale]}): {listed}."
    hover = (("row", "rule"), ("said", "value"), ("asked", "asked"), ("room", "room"), ("outcome", "outcome"))
    names = _unique(frame["row"].tolist())
    spec = rows_figure(
        description,
        records(frame.assign(row=names)),
        [SCALES[scale], "the upright line is the limit; its arrow points to what passes"],
        look=look([str(value) for value in frame["outcome"]], "outcome", OUTCOMES),
        hover=(*hover, ("n", "queries"), ("reason", "why")),
        scale={"zero": scale == "differences"},
        below=_limit_layers(layout(names).dot),
        format="+.3~f" if scale == "differences" else ",~r",
    )
    rows = tuple(
        (str(row.row), str(row.outcome), str(row.said), str(row.asked), str(row.room), str(row.reason))
        for row in rows_of(frame)
    )
    head = ("rule", "outcome", "value", "asked", "room", "why")
    return Chart(f"gate-{scale}", f"Gate: {SCALES[scale]}", description, spec, head, rows)


def _limit_layers(lower: int) -> list[Spec]:
    """Draw a vertical line at each limit, and an arrow to the side that passes."""
    encoding: Spec = {"x": quantitative("bound"), "y": row_place()}
    line: Spec = {"type": "tick", "orient": "vertical", "thickness": 2.5, "size": 22, "style": "limit"}
    layers: list[Spec] = [
        {"transform": known("bound"), "mark": {**line, "yOffset": lower, "aria": False}, "encoding": encoding}
    ]
    for side, dx, text in (("true", 9, "▶"), ("false", -9, "◀")):
        arrow: Spec = {"type": "text", "text": text, "dx": dx, "yOffset": lower, "fontSize": 11, "aria": False}
        passes = {"filter": f"datum.at_least === {side}"}
        layers.append({"transform": [*known("bound"), passes], "mark": arrow, "encoding": encoding})
    return layers


def _scale(one: Decided) -> str:
    if one.unit:
        return {"ms": "latency", "x": "ratios", "a query": "cost", COUNTED: "counts"}[one.unit]
    return "differences" if one.kind in DIFFERENCES else "scores"


def _said(one: Decided) -> str:
    return one.outcome if one.value is None else value_with_interval(one)


def _unique(names: Sequence[str]) -> list[str]:
    """Make the names of rows unique by numbering repeated ones."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found
