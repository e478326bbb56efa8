"""A few planned looks at an experiment: boundaries by alpha spending, p-values, intervals, power and futility.

You plan 20,000 units and five looks. A spending function says how much of the error rate each look may use, given the
share of the units that have come. The boundary of a look follows from what was spent before, so looks may come at other
times than planned, as long as their times do not depend on the results.

- ``obf`` (O'Brien-Fleming type) spends almost nothing early: ``4 - 4 Phi(z_(1 - alpha/4) / sqrt(t))``. The last
  boundary is close to that of a single look, and so is the power.
- ``pocock`` (Pocock type) spends evenly: ``alpha log(1 + (e - 1) t)``. It stops earlier, and costs more power.

Boundaries come from recursive numerical integration: after each look, the density of the score ``z sqrt(t)`` among the
experiments that have gone on is a sum over the nodes of a Gauss-Legendre rule. For five equal looks at .05 the
boundaries agree with the published ones (4.877, 3.357, 2.680, 2.290 and 2.031 for ``obf``) to the last digit.

They hold where the estimate at each look is nearly normal. For skewed values, see `ragbench.stats.online.difference`.

Source: Lan and DeMets 1983; Armitage, McPherson and Rowe 1969 for the integration; Jennison and Turnbull 2000 for
repeated confidence intervals and conditional power.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

Spending = Literal["obf", "pocock"]
FEWEST_NODES, MOST_NODES, NODES_PER_SD = 48, 1_000, 6
"""The rule has so many nodes for each standard deviation of a step."""
FARTHEST = 9.0
"""A boundary that is never reached. A look whose share of alpha is too small to compute gets it."""
SMALLEST_P, LARGEST_P = 1e-12, 0.9999
Floats = npt.NDArray[np.float64]


def spent(time: float, alpha: float, spending: Spending = "obf") -> float:
    """Compute the two-sided error rate that may be used up to a look.

    Args:
        time: share of the planned units, above 0; 1 and more spends everything.
        alpha: two-sided error rate of all looks together.
        spending: the spending function.
    """
    if time >= 1:
        return alpha
    if spending == "obf":
        return float(4 * ndtr(ndtri(alpha / 4) / math.sqrt(time)))
    return alpha * math.log1p((math.e - 1) * time)


@dataclass(frozen=True)
class _Going:
    """The score among the experiments that have gone on: nodes, and density times weight."""

    nodes: Floats
    mass: Floats
    time: float

    def beyond(self, boundary: float, time: float, drift: float) -> tuple[float, float]:
        """Return the probabilities that the next score is below and above the boundary."""
        step = time - self.time
        mean, sd, edge = self.nodes + drift * step, math.sqrt(step), boundary * math.sqrt(time)
        return float(self.mass @ ndtr((-edge - mean) / sd)), float(self.mass @ ndtr((mean - edge) / sd))

    def after(self, boundary: float, time: float, drift: float) -> "_Going":
        """Return the score of the experiments that go on after the next look."""
        step = time - self.time
        edge = boundary * math.sqrt(time)
        low, high = max(-edge, drift * time - FARTHEST), min(edge, drift * time + FARTHEST)
        if high <= low:
            return _Going(np.zeros(1), np.zeros(1), time)
        count = math.ceil(NODES_PER_SD * (high - low) / math.sqrt(step))
        points, weights = _rule(min(max(count, FEWEST_NODES), MOST_NODES))
        nodes = (low + high) / 2 + (high - low) / 2 * points
        spread = (nodes[:, None] - self.nodes - drift * step) ** 2 / (2 * step)
        density = np.exp(-spread) @ self.mass / math.sqrt(2 * math.pi * step)
        return _Going(nodes, density * weights * (high - low) / 2, time)


@functools.cache
def _rule(count: int) -> tuple[Floats, Floats]:
    """Nodes and weights on -1 to 1."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return points, weights


START = _Going(np.zeros(1), np.ones(1), 0.0)


def boundaries(
    times: Sequence[float], alpha: float = 0.05, spending: Spending = "obf", *, last: bool = False
) -> tuple[float, ...]:
    """Compute the boundary of every look, in standard errors.

    Args:
        times: share of the planned units at each look, rising. The last one may exceed 1.
        alpha: two-sided error rate of all looks together.
        spending: the spending function.
        last: whether the last of these looks ends the experiment and spends all that is left.

    Examples:
        >>> [round(one, 3) for one in boundaries([0.2, 0.4, 0.6, 0.8, 1.0])]
        [4.877, 3.357, 2.68, 2.29, 2.031]
    """
    going, used, found = START, 0.0, []
    for at, time in enumerate(times, 1):
        left = (alpha if last and at == len(times) else spent(time, alpha, spending)) - used
        low, high = 0.0, FARTHEST
        for _ in range(50):
            middle = (low + high) / 2
            if sum(going.beyond(middle, time, 0.0)) > left:
                low = middle
            else:
                high = middle
        found.append(high)
        used += sum(going.beyond(high, time, 0.0))
        going = going.after(high, time, 0.0)
    return tuple(found)


def stopped(times: Sequence[float], limits: Sequence[float], drift: float) -> tuple[float, ...]:
    """Compute the probability of having found an effect at each look or before.

    Args:
        times: as in `boundaries`.
        limits: boundary of every look.
        drift: expected statistic at the planned number of units, at least 0.
    """
    going, total, found = START, 0.0, []
    for time, limit in zip(times, limits, strict=True):
        total += going.beyond(limit, time, drift)[1]
        found.append(total)
        going = going.after(limit, time, drift)
    return tuple(found)


def drift_for(times: Sequence[float], limits: Sequence[float], power: float) -> float:
    """Compute the drift with which an effect is found with this power by the last look.

    Its square, divided by that of a single look, says how many more units the looks take at most.

    Args:
        times: as in `boundaries`.
        limits: boundary of every look.
        power: in (0, 1).
    """
    low, high = 0.0, 2 * FARTHEST
    for _ in range(40):
        middle = (low + high) / 2
        if stopped(times, limits, middle)[-1] < power:
            low = middle
        else:
            high = middle
    return high


def repeated_p(statistic: float, times: Sequence[float], spending: Spending = "obf", *, last: bool = False) -> float:
    """Compute the p-value of the last look: the smallest alpha with which it crosses its boundary.

    Args:
        statistic: difference in standard errors.
        times: share of the planned units at each look so far.
        spending: the spending function.
        last: as in `boundaries`.

    Source: Jennison and Turnbull 1989.
    """

    def crosses(alpha: float) -> bool:
        return abs(statistic) >= boundaries(times, alpha, spending, last=last)[-1]

    low, high = math.log(SMALLEST_P), math.log(LARGEST_P)
    if not crosses(LARGEST_P):
        return 1.0
    if crosses(SMALLEST_P):
        return SMALLEST_P
    while high - low > 1e-4:
        middle = (low + high) / 2
        if crosses(math.exp(middle)):
            high = middle
        else:
            low = middle
    return math.exp(high)


def conditional_power(statistic: float, time: float, limit: float, drift: float) -> float:
    """Compute the chance that the last look finds an effect, given the data so far.

    It may be used to stop early for futility. This is not binding: the boundaries hold whether you stop or not.

    Args:
        statistic: difference in standard errors, positive in the direction of the effect.
        time: share of the planned units, in (0, 1).
        limit: boundary of the last look.
        drift: expected statistic at the planned number of units if the effect is true.
    """
    left = 1 - time
    return float(ndtr((statistic * math.sqrt(time) + drift * left - limit) / math.sqrt(left)))
