"""The charts of the page in their places: large ones, tabs of one chart, and those behind a fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from ragbench.render.charts import Chart

if TYPE_CHECKING:
    from ragbench.render.html.decisions import DecisionShown


Numbered = tuple[int, Chart]
"""A chart and its position among all charts of the page."""
IN_TABLE = ("leaderboard",)
"""Charts that a table of the page draws already."""
TABS = "by-cut-"
FOLDED = ("overlap", "rank-changes")


@dataclass(frozen=True)
class Arranged:
    """The charts of a page.

    Attributes:
        every: all charts in the order of their positions.
        large: differences, and quality against latency and cost.
        tabs: the metrics by cutoff.
        folded: charts for a closer look.
        decisions: charts of each gate and experiment.
    """

    every: tuple[Chart, ...]
    large: tuple[Numbered, ...]
    tabs: tuple[Numbered, ...]
    folded: tuple[Numbered, ...]
    decisions: "tuple[tuple[DecisionShown, tuple[Numbered, ...]], ...]"


def arrange(charts: Sequence[Chart], decisions: "Sequence[DecisionShown]") -> Arranged:
    """Place the charts of the systems and of the decisions.

    Args:
        charts: as `ragbench.render.charts.all_charts` returns them.
        decisions: gates and experiments.
    """
    own = [chart for chart in charts if chart.name not in IN_TABLE]
    every = [*own, *(chart for one in decisions for chart in one.charts)]
    numbered = enumerate(every)
    places: dict[str, list[Numbered]] = {"large": [], "tabs": [], "folded": []}
    for number, chart in islice(numbered, len(own)):
        place = "tabs" if chart.name.startswith(TABS) else "folded" if chart.name.startswith(FOLDED) else "large"
        places[place].append((number, chart))
    return Arranged(
        tuple(every), tuple(places["large"]), tuple(places["tabs"]), tuple(places["folded"]),
        tuple((one, tuple(islice(numbered, len(one.charts)))) for one in decisions),
    )  # fmt: skip
