"""Percentiles of latencies, where they may truly lie, and when there are too few."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ROUNDING = 1e-9


@dataclass(frozen=True)
class Percentile:
    """One percentile of n values.

    Attributes:
        value: the smallest value that at least this share of the values do not exceed.
        low: the true percentile lies below with a chance of 2.5% at most; None where n is too small.
        high: it lies above with that chance.
        known: whether the value was measured; otherwise it is only known to be at least so much.
        high_known: the same of ``high``.
    """

    value: float
    low: float | None
    high: float | None
    known: bool = True
    high_known: bool = True


def percentile(values: npt.NDArray[np.float64], share: float, *, censored: int = 0) -> Percentile | None:
    """A percentile by nearest rank, with a 95% interval that assumes no distribution.

    The ends are values of the sample, by the ranks of the binomial distribution;
    they assume independent values. Latencies of a busy service are not: what
    waits in one queue waits together. There the interval is too narrow.

    Args:
        values: (n,) ascending; the last ``censored`` of them are only known to be at least so much.
        share: ``.99`` for p99.
        censored: how many.

    Returns:
        None where nothing lies beyond a percentile above the middle, since that would be the maximum
        (p95 of fewer than 20 values, p99 of fewer than 100), or where there is no value.

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
    """How many values a percentile above the middle needs for an upper end of its interval: 72 for p95, 368 for p99."""
    return math.ceil(math.log(0.025) / math.log(share))
