"""Figures in the words of a chart; NaN and None are both "there is none"."""

import math

from ragbench.harness.results import Estimate
from ragbench.report.tables import fraction, with_interval


def number(value: float | None) -> float | None:
    """None for NaN."""
    return None if value is None or math.isnan(value) else float(value)


def share(value: float | None, *, signed: bool = False) -> str:
    """``.676``; ``-`` where there is none."""
    return fraction(number(value), signed=signed)


def estimate_text(mean: float | None, low: float | None, high: float | None, *, signed: bool = False) -> str:
    """As `ragbench.report.tables.with_interval`."""
    return with_interval(Estimate(number(mean), number(low), number(high), 0), signed=signed)
