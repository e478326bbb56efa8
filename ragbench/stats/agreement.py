"""Agreement of two rankings of the same systems: Kendall's tau, its interval, and the ceiling by split halves."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.stats.bootstrap import resampled_means
from ragbench.stats.clusters import cluster_totals

DIGITS = 12
"""Digits of means in comparisons. Rounding makes two systems with equal values tie, whatever the order of the sum."""


@dataclass(frozen=True)
class Agreement:
    """A rank correlation (``tau``) with its interval, at 95% by default."""

    tau: float
    low: float
    high: float


def kendall_rows(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(r,) Tau-b of each row of two (r, m) arrays; NaN for a row with only one value on one side.

    Pairs of systems that tie in one list do not count, and the denominator shrinks by the ties of each list. It gives
    the numbers of ``scipy.stats.kendalltau`` for thousands of resamples at once. Memory: r x m^2 bytes.

    Args:
        first: (r, m) scores of m systems.
        second: (r, m) other scores of the same systems.

    Source: Kendall 1945.
    """
    signs = [np.sign(np.round(side[:, :, None] - side[:, None, :], DIGITS)) for side in (first, second)]
    agreeing = (signs[0] * signs[1]).sum(axis=(1, 2))
    pairs = [np.abs(sign).sum(axis=(1, 2)) for sign in signs]
    with np.errstate(invalid="ignore", divide="ignore"):
        taus: npt.NDArray[np.float64] = agreeing / np.sqrt(pairs[0] * pairs[1])
    return taus


def kendall_interval(
    first: npt.NDArray[np.float64],
    second: npt.NDArray[np.float64],
    clusters: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Agreement:
    """Tau between the rankings of m systems by their means on two sets of queries, with a percentile interval.

    Both sets are resampled by cluster. Resampling adds noise to both rankings, so the interval extends further below
    tau than above it, and tau may be near its upper end.

    Args:
        first: (n, m) value per query and system, without NaN.
        second: (p, m) the same for the other set of queries.
        clusters: (n,) and (p,) the resampling unit of each row (`ragbench.stats.clusters.cluster_index`).
        rng: random generator.
        resamples: number of resamples.
        confidence: coverage, in (0, 1).

    Source: Efron and Tibshirani 1993, chapter 13.
    """
    sides = list(zip((first, second), clusters, strict=True))
    drawn = [resampled_means(values, groups, rng, resamples) for values, groups in sides]
    found = kendall_rows(drawn[0], drawn[1])
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(found, [tail, 1 - tail]) if not np.isnan(found).all() else (np.nan, np.nan)
    value = kendall_rows(first.mean(axis=0)[None], second.mean(axis=0)[None])[0]
    return Agreement(float(value), float(low), float(high))


def split_halves(
    values: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    splits: int = 1000,
) -> npt.NDArray[np.float64]:
    """(splits,) Tau between the rankings by two random halves of the queries, without splitting clusters.

    The mean measures how well the queries agree with similar queries, which is the most to expect from another set.
    With fewer than two clusters, all values are NaN.

    Args:
        values: (n, m) value per query and system, without NaN.
        clusters: (n,) cluster of each row.
        rng: random generator.
        splits: number of random splits.
    """
    sums, counts = cluster_totals(values, clusters)
    c = len(sums)
    if c < 2:
        return np.full(splits, np.nan)
    half = np.zeros((splits, c))
    for row in half:
        row[rng.permutation(c)[: c // 2]] = 1.0
    other = 1.0 - half
    return kendall_rows((half @ sums) / (half @ counts), (other @ sums) / (other @ counts))
