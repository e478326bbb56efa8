"""AP correlation of two rankings of the same systems, where agreement at the top counts most."""

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.agreement import DIGITS, Agreement, interval_of
from ragbench.stats.checks import check_pairs, check_resampling, check_values


def tau_ap(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Symmetric AP correlation: 1 for the same order, -1 for the reverse, 0 for chance.

    ``tau_ap(x | y) = 2 / (m - 1) * sum over ranks i > 1 of x of C(i) / (i - 1) - 1``,
    where C(i) is the number of systems above rank i in x that are above that system in y too. The result is the mean of
    ``tau_ap(x | y)`` and ``tau_ap(y | x)``.

    Tied systems have every order with equal probability, and the result is the expected value. Lists that tie
    throughout give 0.

    Args:
        first: (m,) score per system; higher is better.
        second: (m,) other score per system.

    Raises:
        InputError: shapes differ, there are fewer than two systems, or a score is not a finite number.

    Source: Yilmaz, Aslam and Robertson 2008; ties as the expectation over
    their orders: Urbano and Marrero 2017.
    """
    check_pairs(first, second)
    _check_systems(first[None], second[None])
    return float(tau_ap_rows(first[None], second[None])[0])


def tau_ap_rows(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(r,) `tau_ap` of each row of two (r, m) arrays, m > 1, without checks. Memory: about 50 x r x m^2 bytes."""
    signs = [np.sign(np.round(side[:, None, :] - side[:, :, None], DIGITS)) for side in (first, second)]
    found: npt.NDArray[np.float64] = (_one_way(signs[0], signs[1]) + _one_way(signs[1], signs[0])) / 2
    return found


def tau_ap_interval(
    first: npt.NDArray[np.float64],
    second: npt.NDArray[np.float64],
    clusters: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Agreement:
    """`tau_ap` between the rankings of m systems by their means on two sets of queries, with a percentile interval.

    Args:
        first: (n, m) value per query and system, without NaN.
        second: (p, m) the same for the other set of queries.
        clusters: (n,) and (p,) the resampling unit of each row.
        rng: random generator.
        resamples: number of resamples.
        confidence: coverage, in (0, 1).

    Raises:
        InputError: as in `tau_ap`, or the cluster numbers have gaps.

    Source: as `tau_ap`; the interval as in `ragbench.stats.agreement.kendall_interval`.
    """
    for values, groups in zip((first, second), clusters, strict=True):
        check_values(values, groups)
    check_resampling(resamples, confidence)
    _check_systems(first, second)
    return interval_of(tau_ap_rows, first, second, clusters, rng, resamples, confidence)


def _check_systems(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> None:
    if first.shape[1] != second.shape[1] or first.shape[1] < 2:
        raise InputError(f"two rankings of {first.shape[1]} and {second.shape[1]} systems cannot be compared")
    for values in (first, second):
        rows = np.flatnonzero(np.isnan(values).any(axis=1))
        if len(rows):
            raise InputError(f"row {rows[0]} has an undefined value: every system needs one to be ranked")


def _one_way(ranked: npt.NDArray[np.float64], by: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(r,) AP correlation from (r, i, j) signs of score j minus score i, for the ranks of the first."""
    m = ranked.shape[1]
    right = (by + 1) / 2
    above = (ranked > 0).sum(axis=2)
    tied = (ranked == 0).sum(axis=2)
    right_above = np.where(ranked > 0, right, 0.0).sum(axis=2)
    right_tied = np.where(ranked == 0, right, 0.0).sum(axis=2) - 0.5  # without the system itself
    # A system with `above` better and `tied` equal ones (itself included) has k systems above it, where k is uniform
    # from above to above + tied - 1. Of these, k - above are drawn from the tied - 1 others.
    harmonic = np.concatenate(([0.0], np.cumsum(1 / np.arange(1, m + 1))))
    inverse = harmonic[above + tied - 1] - harmonic[np.maximum(above - 1, 0)]  # the sum of 1 / k, k > 0
    ranks = tied - (above == 0)  # how many k > 0
    among = (ranks - above * inverse) / np.maximum(tied - 1, 1)
    expected = (right_above * inverse + right_tied * among) / tied
    found: npt.NDArray[np.float64] = 2 / (m - 1) * expected.sum(axis=1) - 1
    return found
