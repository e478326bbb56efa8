"""How decisions look: a colour and a shape for each."""

from collections.abc import Sequence

from ragbench.render.charts._drawing import Spec, legend_below
from ragbench.render.charts.theme import DECISION_SHAPES, DECISIONS


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
