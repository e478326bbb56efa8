"""Charts of evaluations and comparisons, as Vega-Lite."""

from ragbench.report.charts.chart import Chart
from ragbench.report.charts.every import all_charts

__all__ = ["Chart", "all_charts"]
