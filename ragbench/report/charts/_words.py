"""Figures in the words of a chart; NaN and None are both "there is none"."""

import math

from ragbench.report.tables import fraction


def number(value: float | None) -> float | None:
    """None for NaN."""
    return None if value is None or math.isnan(value) else float(value)


def share(value: float | None, *, signed: bool = False) -> str:
    """``.676``; ``-`` where there is none."""
    return fraction(number(value), signed=signed)


def estimate_text(mean: float | None, low: float | None, high: float | None, *, signed: bool = False) -> str:
    """``.676 [.631, .719]``; without brackets where there is no interval."""
    said = share(mean, signed=signed)
    if number(mean) is None or number(low) is None or number(high) is None:
        return said
    return f"{said} [{share(low, signed=signed)}, {share(high, signed=signed)}]"
