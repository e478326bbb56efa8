"""Paired sign-flip permutation test, by cluster."""

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_resampling, check_values
from ragbench.stats.clusters import cluster_totals

EXACT_CLUSTERS = 14
BLOCK_CELLS = 1 << 22


def sign_flip_test(
    differences: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
) -> npt.NDArray[np.float64]:
    """Two-sided p-values of "the mean paired difference is 0", for each column.

    Under the null a cluster's differences may change sign together. Up to
    `EXACT_CLUSTERS` clusters with a difference, every assignment of signs is
    counted; above, ``(b + 1) / (resamples + 1)`` where b resamples are at least
    as extreme, so that p is never 0. All differences 0: p is 1.

    Args:
        differences: (n, m) candidate minus baseline, NaN where undefined.
        clusters: (n,) cluster of each row.
        rng: the generator.
        resamples: how many sign assignments are drawn, at least 1.

    Returns:
        (m,) p-values in (0, 1].

    Raises:
        InputError: an infinite difference, or clusters with gaps.
        SettingError: fewer than one resample.

    Source: Fisher 1935; Smucker et al. 2007 for retrieval; Phipson and Smyth
    2010 for the +1.
    """
    check_values(differences, clusters, what="difference")
    check_resampling(resamples)
    sums, _ = cluster_totals(differences, clusters)
    sums = sums[(sums != 0).any(axis=1)]
    c = len(sums)
    observed = np.abs(sums.sum(axis=0))
    # Sums in another order differ in the last bits; what is equal on paper must count as extreme.
    bar = observed - 1e-12 * np.maximum(np.abs(sums).sum(axis=0), 1e-300)
    if c == 0:
        return np.ones(differences.shape[1])
    if c <= EXACT_CLUSTERS:
        signs = 1.0 - 2.0 * ((np.arange(1 << c)[:, None] >> np.arange(c)) & 1)
        p: npt.NDArray[np.float64] = (np.abs(signs @ sums) >= bar).mean(axis=0)
        return p
    extreme = np.zeros(differences.shape[1])
    rows = max(1, BLOCK_CELLS // c)
    for start in range(0, resamples, rows):
        block = min(rows, resamples - start)
        signs = 1.0 - 2.0 * rng.integers(0, 2, size=(block, c), dtype=np.int8)
        extreme += (np.abs(signs @ sums) >= bar).sum(axis=0)
    drawn: npt.NDArray[np.float64] = (extreme + 1) / (resamples + 1)
    return drawn
