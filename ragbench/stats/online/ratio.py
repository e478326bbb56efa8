"""Ratios of two totals (revenue per session, clicks per event) whose units have several events each."""

import numpy as np
import numpy.typing as npt

from ragbench.stats.online.sample import Sample


def ratio(numerators: npt.NDArray[np.float64], denominators: npt.NDArray[np.float64]) -> Sample | None:
    """Compute ``sum(y) / sum(x)`` of one variant, with its delta-method variance; None if ``sum(x)`` is 0.

    The variance per unit is ``sum((y - R x)^2) / (n - 1) / mean(x)^2``. Only units must be independent; the events of a
    unit may depend on each other.

    Args:
        numerators: (n,) total of each unit.
        denominators: (n,) total of each unit, none below 0.

    Source: Deng, Knoblich and Lu 2018.
    """
    pieces = linearised(numerators, denominators)
    if pieces is None:
        return None
    estimate, values = pieces
    n = len(values)
    variance = float(np.square(values - estimate).sum()) / (n - 1) if n > 1 else 0.0
    # A ratio that is the same in every unit has variance 0, without rounding errors.
    flat = variance <= (1e-12 * abs(estimate)) ** 2
    return Sample(n, estimate, 0.0 if flat else variance)


def linearised(
    numerators: npt.NDArray[np.float64], denominators: npt.NDArray[np.float64]
) -> tuple[float, npt.NDArray[np.float64]] | None:
    """Return the ratio R, and (n,) values ``R + (y - R x) / mean(x)`` with mean R and the variance of the ratio.

    Source: Budylin, Drutsa, Katsev and Tsoy 2018.
    """
    total = float(denominators.sum())
    if total <= 0:
        return None
    estimate = float(numerators.sum()) / total
    values: npt.NDArray[np.float64] = (numerators - estimate * denominators) * (len(denominators) / total)
    values += estimate
    return estimate, values
