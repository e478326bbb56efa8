"""Power of an experiment: the units that a difference needs, and the difference that the units can detect."""

import math
from collections.abc import Callable

Boundary = Callable[[float], float]
"""Function from the number of units to the number of standard errors at which a difference counts."""
MOST_UNITS = 1e15


def fixed_boundary(alpha: float) -> Boundary:
    """The boundary of one look: the normal quantile, the same for any number of units."""
    from scipy.stats import norm

    quantile = float(norm.isf(alpha / 2))
    return lambda units: quantile


def smallest_effect(spread: float, units: float, boundary: Boundary, *, power: float = 0.8) -> float:
    """Compute the difference that is detected with this power: ``(boundary + z_power) spread / sqrt(units)``.

    Args:
        spread: present standard error of the difference, times the square root of all units.
        units: units in all, at the present shares of the variants.
        boundary: boundary of the deciding test.
        power: probability of detecting the difference.

    Source: the normal power function, Cohen 1988, chapter 2.
    """
    from scipy.stats import norm

    return (boundary(units) + float(norm.ppf(power))) * spread / math.sqrt(units)


def units_needed(spread: float, effect: float, boundary: Boundary, *, power: float = 0.8) -> int | None:
    """Compute the units for which `smallest_effect` is at most ``effect``; None beyond `MOST_UNITS`.

    Args:
        spread: as in `smallest_effect`.
        effect: the difference that matters, above 0.
        boundary: boundary of the deciding test.
        power: probability of detecting the difference.
    """
    if spread == 0:
        return 1
    low, high = 1.0, 2.0
    while smallest_effect(spread, high, boundary, power=power) > effect:
        low, high = high, high * 2
        if high > MOST_UNITS:
            return None
    while high - low > max(0.5, high * 1e-9):
        middle = (low + high) / 2
        if smallest_effect(spread, middle, boundary, power=power) > effect:
            low = middle
        else:
            high = middle
    return math.ceil(high)
