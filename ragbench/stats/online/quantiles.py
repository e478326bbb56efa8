"""Compare a quantile of paired values, such as the p95 of the latency of two systems on the same queries.

Multiply the control's values by a ratio r. If r is the true ratio of the quantiles, about as many of the challenger's
values lie above the common quantile as of the control's. So the test counts the pairs of which exactly one value lies
above the quantile of all values together, and asks in how many of them it is the challenger's: McNemar's exact test.
The interval has all ratios that two such one-sided tests do not reject. An interval of the difference adds instead of
multiplying.

If the challenger's latency is r times the control's, apart from noise that is alike in both, the values of a pair can
be swapped, and the test is exact for any distribution. If the shapes differ, it is asymptotic. It assumes that pairs
are independent: a machine that was busy during one of the two runs looks like a slower system.

Source: McNemar 1947; Mood 1950 for the test at the pooled quantile; Smucker, Allan and Carterette 2007 for swaps within
queries.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrc

STEPS = 60
SMALLEST = 1e-6
"""Values below this count as this in a ratio."""


@dataclass(frozen=True)
class QuantileChange:
    """How the challenger's quantile differs from the control's.

    Attributes:
        control, challenger: the quantiles, interpolated.
        low: lower limit of the change, with error rate ``alpha``; None if there are too few pairs for it.
        high: upper limit, with the same error rate.
        pairs: number of pairs.
        fewest: number of pairs below which no limit can exist.
    """

    control: float
    challenger: float
    low: float | None
    high: float | None
    pairs: int
    fewest: int


def quantile_change(
    control: npt.NDArray[np.float64],
    challenger: npt.NDArray[np.float64],
    share: float,
    *,
    relative: bool = True,
    alpha: float = 0.05,
) -> QuantileChange:
    """Compute the change of a quantile with an interval.

    Args:
        control: (n,) values of at least 0, n at least 1.
        challenger: (n,) values of the same queries, in the same order.
        share: ``.95`` for p95.
        relative: whether the change is a share of the control's quantile; otherwise it is a difference.
        alpha: error rate of each limit.
    """
    n = len(control)
    # All pairs must point one way to be significant: .5 to the power of their number must not exceed alpha.
    fewest = math.ceil(math.ceil(-math.log2(alpha)) / (2 * min(share, 1 - share)) - 1e-9)
    low = high = None
    if n >= fewest:
        pair = [np.log(np.maximum(values, SMALLEST)) if relative else values for values in (control, challenger)]
        low, other = _limit(pair[0], pair[1], share, alpha), _limit(pair[1], pair[0], share, alpha)
        high = None if other is None else -other
        if relative:
            low, high = (None if end is None else math.expm1(end) for end in (low, high))
    before, after = (float(np.percentile(values, 100 * share)) for values in (control, challenger))
    return QuantileChange(before, after, low, high, n, fewest)


def _limit(
    control: npt.NDArray[np.float64], challenger: npt.NDArray[np.float64], share: float, alpha: float
) -> float | None:
    """Return the largest shift of the control that the test calls too small; None if none is."""
    span = float(max(control.max(), challenger.max()) - min(control.min(), challenger.min())) + 1
    low, high = -span, span
    if _p_smaller(control + low, challenger, share) > alpha:
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        if _p_smaller(control + middle, challenger, share) > alpha:
            high = middle
        else:
            low = middle
    return low


def _p_smaller(control: npt.NDArray[np.float64], challenger: npt.NDArray[np.float64], share: float) -> float:
    """Return the p-value of the hypothesis that the challenger's quantile is at most the control's."""
    both = np.concatenate([control, challenger])
    rank = max(1, math.ceil(share * len(both) - 1e-9))
    level = np.partition(both, rank - 1)[rank - 1]
    ours, theirs = challenger > level, control > level
    wins, losses = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return float(bdtrc(wins - 1, wins + losses, 0.5)) if wins else 1.0
