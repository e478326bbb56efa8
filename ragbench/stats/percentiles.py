"""Percentiles of latencies with intervals, for samples that are large enough."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ROUNDING = 1e-9


@dataclass(frozen=True)
class Percentile:
    """One percentile of n values.

    Attributes:
        value: smallest value that at least this share of the values does not exceed.
        low: lower bound: the true percentile is lower with probability at most 2.5%; None if n is too small.
        high: upper bound, with the same error rate; None if n is too small.
        known: whether the value was measured; otherwise it is a lower limit.
        high_known: the same for ``high``.
    """

    value: float
    low: float | None
    high: float | None
    known: bool = True
    high_known: bool = True


def percentile(values: npt.NDArray[np.float64], share: float, *, censored: int = 0) -> Percentile | None:
    """Compute a percentile by nearest rank, with a 95% interval that assumes no distribution.

    The ends are values of the sample, at ranks from the binomial distribution. They assume independent values.
    Latencies of a busy service are not independent, because requests wait in one queue together; the interval is then
    too narrow.

    Args:
        values: (n,) values in ascending order. The last ``censored`` of them are lower limits.
        share: ``.99`` for p99.
        censored: number of values that are lower limits.

    Returns:
        The percentile. It is None without values, and if no value lies above a percentile above the median, because
        that would be the maximum (p95 of fewer than 20 values, p99 of fewer than 100).

    Source: Conover 1999, Practical Nonparametric Statistics, 3.2.
    """
    n = len(values)
    rank = max(math.ceil(share * n - ROUNDING), 1)
    if not n or (rank >= n and share > 0.5):
        return None
    from scipy.special import bdtr

    chances = bdtr(np.arange(n + 1), n, share)
    below = int(np.searchsorted(chances, 0.025))
    above = int(np.searchsorted(chances, 0.975)) + 1
    return Percentile(
        float(values[rank - 1]),
        float(values[below - 1]) if below >= 1 else None,
        float(values[above - 1]) if above <= n else None,
        rank <= n - censored,
        above <= n - censored or above > n,
    )


def enough_for(share: float) -> int:
    """Return how many values a percentile above the median needs for an upper bound: 72 for p95, 368 for p99."""
    return math.ceil(math.log(0.025) / math.log(share))
