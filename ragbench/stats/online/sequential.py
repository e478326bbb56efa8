"""Decisions on a running experiment: always-valid p-values and intervals, and the power of a boundary.

Always-valid p-values and intervals hold for any number of looks at an experiment. They are asymptotic confidence
sequences with a normal mixture. After N units, with difference d and standard error s (see
`ragbench.stats.online.difference` for skewed values), let ``x = N rho^2``. The
interval is ``d -+ s c(N)`` with ``c(N)^2 = 2 (1 + 1/x) log(sqrt(1 + x) / alpha)``, and p is the smallest alpha whose
interval excludes 0. The probability that any of the intervals, at any number of looks, misses the true difference is
asymptotically at most alpha.

``rho`` makes the interval tightest after ``horizon`` units,
``rho^2 = (-2 log(alpha) + log(1 - 2 log(alpha))) / horizon``, where it is 1.55 times as wide as the interval of a
single look at .05. Choose the horizon before you see the data. Far from it, the sequence stays valid but is wider: 2.0
times the single look at a tenth of the horizon, and 1.65 times at ten times the horizon.

Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, theorem 2.2 and
appendix on the choice of rho; the mixture sequential test of Robbins 1970 and
Johari, Koomen, Pekelis and Walsh 2022 has the same boundary.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from ragbench.stats.online.difference import Difference

HORIZON = 10_000
"""Default number of units at which the sequence is tightest."""
FEWEST_UNITS = 100
"""Units of each variant before the first decision, because the sequence is asymptotic."""
TUNED_ALPHA = 0.05
"""The level that rho is tuned for. It is fixed, so that p-values at all levels come from one sequence."""


@dataclass(frozen=True)
class AlwaysValid:
    """A confidence sequence at the present number of units.

    Attributes:
        p: p-value, in (0, 1].
        low, high: ends of the interval; None before `FEWEST_UNITS`, without a standard error, or while the difference
            is too skewed.
    """

    p: float
    low: float | None
    high: float | None


def always_valid(
    found: Difference, sizes: tuple[int, int], *, horizon: int = HORIZON, alpha: float = 0.05
) -> AlwaysValid:
    """Compute the always-valid p-value and interval of a difference of two means.

    Args:
        found: challenger minus control.
        sizes: units of control and challenger.
        horizon: number of units at which the sequence is tightest; choose it beforehand.
        alpha: the interval has confidence 1 - alpha.
    """
    if min(sizes) < FEWEST_UNITS or found.error <= 0 or found.too_skewed:
        return AlwaysValid(1.0, None, None)
    x = sum(sizes) * _rho_squared(horizon)
    # The logarithm keeps a tiny p from becoming 0.
    log_p = 0.5 * math.log1p(x) - found.statistic() ** 2 * x / (2 * (1 + x))
    limits = found.limits(boundary(sum(sizes), horizon=horizon, alpha=alpha))
    return AlwaysValid(math.exp(min(0.0, max(log_p, -700.0))), *limits)


def boundary(units: float, *, horizon: int = HORIZON, alpha: float = 0.05) -> float:
    """Return half the width of the interval in standard errors, after this number of units."""
    x = units * _rho_squared(horizon)
    return math.sqrt(2 * (1 + 1 / x) * (0.5 * math.log1p(x) - math.log(alpha)))


def _rho_squared(horizon: int) -> float:
    tuned = -2 * math.log(TUNED_ALPHA)
    return (tuned + math.log1p(tuned)) / horizon


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
