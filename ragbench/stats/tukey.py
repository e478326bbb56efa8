"""Randomised Tukey test: all pairs of several systems at once."""

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_resampling, check_values
from ragbench.stats.clusters import cluster_totals

BLOCK_CELLS = 1 << 22


def randomised_tukey(
    values: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
) -> npt.NDArray[np.float64]:
    """(s, s) p-values of "these two systems are the same", held over all pairs together.

    Under the null that all systems are the same, their labels may be permuted
    within a query; here within a cluster, all its queries alike. A pair's p is
    ``(b + 1) / (resamples + 1)``, where in b resamples the largest difference
    of any two means reaches that of the pair. It is never 0, and 1 on the diagonal.

    Args:
        values: (n, s) a value per query and system. A row with a NaN takes no part.
        clusters: (n,) cluster of each row.
        rng: the generator.
        resamples: how many assignments of labels are drawn.

    Raises:
        InputError: an infinite value, fewer than two systems, or clusters with gaps.
        SettingError: fewer than one resample.

    Memory: some 100 MiB.

    Source: Carterette 2012, "Multiple testing in statistical analysis of
    systems-based information retrieval experiments"; Sakai 2018.
    """
    check_values(values, clusters)
    check_resampling(resamples)
    systems = values.shape[1]
    if systems < 2:
        raise InputError(f"{systems} system: there is no pair to compare")
    whole = ~np.isnan(values).any(axis=1)
    sums, _ = cluster_totals(values[whole], clusters[whole])
    sums = sums[(np.ptp(sums, axis=1) > 0)] if len(sums) else sums
    totals = sums.sum(axis=0)
    distances = np.abs(totals[:, None] - totals[None, :])
    # Sums in another order differ in the last bits; what is equal on paper must count as reached.
    slack = 1e-12 * np.abs(sums).sum()
    reached = np.zeros((systems, systems))
    rows = max(1, BLOCK_CELLS // max(sums.size, 1))
    for start in range(0, resamples, rows):
        block = min(rows, resamples - start)
        labels = rng.random((block, *sums.shape)).argsort(axis=2)
        means = np.take_along_axis(sums[None], labels, axis=2).sum(axis=1)
        ranges = np.sort(np.ptp(means, axis=1))
        reached += block - np.searchsorted(ranges, distances - slack, side="left")
    return np.where(np.eye(systems, dtype=bool), 1.0, (reached + 1) / (resamples + 1))
