"""Corrections for several comparisons: Holm, Benjamini-Hochberg, and all pairs of systems at once (Tukey)."""

import itertools

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_resampling, check_values
from ragbench.stats.clusters import cluster_totals


def holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Holm's adjusted p-values, which control the probability of any false positive (for confirmation).

    ``max over the smaller ones of (k - rank + 1) * p``, at most 1. They are valid for any dependence between the tests.

    Args:
        p: (k,) p-values.

    Raises:
        InputError: a value outside of [0, 1], or NaN.

    Source: Holm 1979.

    Examples:
        >>> holm(np.array([0.01, 0.04, 0.03]))
        array([0.03, 0.06, 0.06])
    """
    p, order = _sorted(p)
    raised = np.maximum.accumulate(np.arange(len(p), 0, -1) * p)
    return _as_given(raised, order)


def benjamini_hochberg(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Benjamini and Hochberg's adjusted p-values, which control the false discovery rate (for exploration).

    ``min over the larger ones of k / rank * p``. They are valid for independent and for positively dependent tests.

    Args:
        p: (k,) p-values.

    Raises:
        InputError: a value outside of [0, 1], or NaN.

    Source: Benjamini and Hochberg 1995.

    Examples:
        >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03]))
        array([0.03, 0.04, 0.04])
    """
    p, order = _sorted(p)
    ranks = np.arange(1, len(p) + 1)
    raised = np.minimum.accumulate((len(p) / ranks * p)[::-1])[::-1]
    return _as_given(raised, order)


def _sorted(p: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Sort p-values, and return their former positions."""
    p = np.asarray(p, dtype=np.float64)
    if p.ndim != 1:
        raise InputError(f"p-values must be one list, not an array of {p.ndim} dimensions")
    odd = np.flatnonzero(~((p >= 0) & (p <= 1)))
    if len(odd):
        raise InputError(f"p-value {odd[0]} is {p[odd[0]]:g}, outside of 0 to 1")
    order = np.argsort(p, kind="stable")
    return p[order], order


def _as_given(p: npt.NDArray[np.float64], order: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    found = np.empty(len(p))
    found[order] = np.minimum(p, 1.0)
    return found


FEW = 6
"""The most systems for which a table holds all orders of labels (720)."""
BLOCK_ROWS = 1 << 14
BLOCK_CELLS = 1 << 22


def randomised_tukey(
    values: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
) -> npt.NDArray[np.float64]:
    """(s, s) Test whether each pair of systems is the same, with the error rate controlled over all pairs.

    Under the null hypothesis that all systems are the same, their labels may be permuted within a query; here all
    queries of a cluster are permuted in the same way. The p of a pair is ``(b + 1) / (resamples + 1)``, where the
    largest difference of any two means reaches that of the pair in b resamples. It is never 0, and it is 1 on the
    diagonal.

    Args:
        values: (n, s) value per query and system. A row with a NaN is skipped.
        clusters: (n,) cluster of each row.
        rng: random generator.
        resamples: number of assignments of labels to draw.

    Raises:
        InputError: a value is infinite, there are fewer than two systems, or the cluster numbers have gaps.
        SettingError: ``resamples`` is below 1.

    Memory: about 100 MiB.

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
    # Sums in another order differ in the last bits. Sums that are mathematically equal must count as reached.
    slack = 1e-12 * np.abs(sums).sum()
    reached = np.zeros((systems, systems))
    draw, rows = (_few_systems, BLOCK_ROWS) if systems <= FEW else (_many_systems, BLOCK_CELLS // max(sums.size, 1))
    for start in range(0, resamples, max(rows, 1)):
        block = min(max(rows, 1), resamples - start)
        ranges = np.sort(np.ptp(draw(sums, rng, block), axis=1))
        reached += block - np.searchsorted(ranges, distances - slack, side="left")
    return np.where(np.eye(systems, dtype=bool), 1.0, (reached + 1) / (resamples + 1))


def _few_systems(sums: npt.NDArray[np.float64], rng: np.random.Generator, block: int) -> npt.NDArray[np.float64]:
    """(block, s) Totals. A table holds the sums of a cluster in every order, and a random number selects an order."""
    orders = np.array(list(itertools.permutations(range(sums.shape[1]))))
    totals = np.zeros((block, sums.shape[1]))
    for row in sums:
        totals += np.take(row[orders], rng.integers(0, len(orders), size=block, dtype=np.uint16), axis=0)
    return totals


def _many_systems(sums: npt.NDArray[np.float64], rng: np.random.Generator, block: int) -> npt.NDArray[np.float64]:
    """(block, s) Totals. The order of random numbers gives an order of labels."""
    labels = rng.random((block, *sums.shape)).argsort(axis=2)
    totals: npt.NDArray[np.float64] = np.take_along_axis(sums[None], labels, axis=2).sum(axis=1)
    return totals
