"""Randomised Tukey test: all pairs of several systems at once."""

import itertools

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_resampling, check_values
from ragbench.stats.clusters import cluster_totals

FEW = 6
"""Up to so many systems all orders of labels (720) are a table."""
BLOCK_ROWS = 1 << 14
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
    draw, rows = (_few_systems, BLOCK_ROWS) if systems <= FEW else (_many_systems, BLOCK_CELLS // max(sums.size, 1))
    for start in range(0, resamples, max(rows, 1)):
        block = min(max(rows, 1), resamples - start)
        ranges = np.sort(np.ptp(draw(sums, rng, block), axis=1))
        reached += block - np.searchsorted(ranges, distances - slack, side="left")
    return np.where(np.eye(systems, dtype=bool), 1.0, (reached + 1) / (resamples + 1))


def _few_systems(sums: npt.NDArray[np.float64], rng: np.random.Generator, block: int) -> npt.NDArray[np.float64]:
    """(block, s) totals; a cluster's sums in every order are a table, and a drawn number is an order."""
    orders = np.array(list(itertools.permutations(range(sums.shape[1]))))
    totals = np.zeros((block, sums.shape[1]))
    for row in sums:
        totals += np.take(row[orders], rng.integers(0, len(orders), size=block, dtype=np.uint16), axis=0)
    return totals


def _many_systems(sums: npt.NDArray[np.float64], rng: np.random.Generator, block: int) -> npt.NDArray[np.float64]:
    """(block, s) totals; an order is that of drawn numbers."""
    labels = rng.random((block, *sums.shape)).argsort(axis=2)
    totals: npt.NDArray[np.float64] = np.take_along_axis(sums[None], labels, axis=2).sum(axis=1)
    return totals
