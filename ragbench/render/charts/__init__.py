"""Charts of evaluations and comparisons, as Vega-Lite."""

from ragbench.render.charts.chart import Chart
from ragbench.render.charts.every import all_charts

__all__ = ["Chart", "all_charts"]
