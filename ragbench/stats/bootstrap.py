"""Bootstrap intervals of means by cluster."""

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_resampling, check_values
from ragbench.stats.clusters import cluster_totals

BLOCK_CELLS = 1 << 14
FEWEST_ROWS = 8
"""Cells of the resamples that are computed at a time, and the least number of resamples."""
SLAB = 1024
"""Clusters per product, so that the data fit in the processor's cache."""
COLUMNS = 32
"""Columns per product. OpenBLAS computes products of up to 2^18 terms (`FEWEST_ROWS` x `SLAB` x this) on one thread. On
a busy machine, the threads of a larger product wait for each other and take ten times as long."""


def bootstrap_means(
    values: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Percentile intervals of column means. Whole clusters are drawn with replacement.

    The mean of a resample is the sum of the drawn values divided by their number, so clusters may differ in size. With
    one query per cluster, this is the usual bootstrap. Columns are resampled together.

    Args:
        values: (n, m) values, NaN where a query has none.
        clusters: (n,) cluster of each row (`ragbench.stats.clusters.cluster_index`).
        rng: random generator; the same state gives the same interval.
        resamples: number of resamples.
        confidence: coverage, in (0, 1).

    Returns:
        Lower and upper ends, each (m,). They are NaN for a column with values in fewer than two clusters, whose
        variance is unknown.

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.
        SettingError: ``resamples`` is below 1, or the confidence is outside of (0, 1).

    Memory: 128 bytes per cluster, and 8 x resamples x m bytes.

    Source: Efron and Tibshirani 1993, chapter 13; Davison and Hinkley 1997,
    section 3.8 for clusters.
    """
    check_values(values, clusters)
    check_resampling(resamples, confidence)
    _, counts = cluster_totals(values, clusters)
    means = resampled_means(values, clusters, rng, resamples)
    tail = (1 - confidence) / 2
    low, high = np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    some = np.flatnonzero((counts > 0).sum(axis=0) > 1)
    if len(some):
        low[some], high[some] = np.nanquantile(means[:, some], [tail, 1 - tail], axis=0)
    return low, high


def resampled_means(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], rng: np.random.Generator, resamples: int
) -> npt.NDArray[np.float64]:
    """(resamples, m) Column means of the rows of clusters drawn with replacement.

    Args:
        values: (n, m) values. A NaN is skipped, and a resample without values is NaN.
        clusters: (n,) cluster of each row.
        rng: random generator.
        resamples: how many.
    """
    sums, counts = cluster_totals(values, clusters)
    c, m = sums.shape
    # If all clusters have equally many values, every resample has too.
    fixed = float(c * counts[0, 0]) if counts.size and (counts == counts[0, 0]).all() else None
    if fixed is None:
        # Columns with values in the same rows share one column of counts.
        shared = (counts == counts[:, :1]).all()
        sums = np.hstack((sums, counts[:, :1] if shared else counts))
    means = np.empty((resamples, m))
    rows = max(FEWEST_ROWS, BLOCK_CELLS // max(c, 1))
    for start in range(0, resamples, rows):
        block = min(rows, resamples - start)
        weights = np.empty((block, c))
        for row, drawn in zip(weights, rng.integers(0, c, size=(block, c)), strict=True):
            row[:] = np.bincount(drawn, minlength=c)
        totals = np.zeros((block, sums.shape[1]))
        for slab in range(0, c, SLAB):
            for column in range(0, totals.shape[1], COLUMNS):
                part = np.s_[slab : slab + SLAB, column : column + COLUMNS]
                totals[:, column : column + COLUMNS] += weights[:, slab : slab + SLAB] @ sums[part]
        with np.errstate(invalid="ignore", divide="ignore"):
            means[start : start + block] = totals[:, :m] / (totals[:, m:] if fixed is None else fixed)
    return means
