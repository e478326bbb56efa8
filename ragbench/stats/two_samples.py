"""Do two samples come from the same distribution? Permutation of whole clusters, for several statistics together.

Queries of one session resemble each other, so a permutation moves whole sessions. Each statistic is the difference of
two means of feature vectors, so thousands of permutations are a few products of matrices.

The statistics see the same permutations. The smallest of their p-values is compared with the smallest p-value of each
permutation (Westfall and Young 1993), so the common p-value holds its level, however the statistics depend on each
other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats, Floats], Floats]
"""(b,) values from the (b, d) means of the first and of the second sample; larger means more different."""
BLOCK = 250
"""Permutations at a time."""
FREQUENCIES = 512
PAIRS = 2_000
"""Rows from which the median distance is taken."""
DIGITS = 9
"""Digits by which two values of a statistic differ if they are not the same."""


class Features(NamedTuple):
    """What a statistic compares.

    Attributes:
        sums: (c, d) sums of the feature vectors of each cluster, as an array or a matrix of scipy.sparse.
        statistic: the difference of two means.
    """

    sums: Any
    statistic: Statistic


@dataclass(frozen=True, eq=False)
class Permuted:
    """Statistics of two samples beside those of permutations.

    Attributes:
        observed: (t,) value of each statistic.
        null: (permutations, t) values of the permutations.
        p: (t,) p-value of each statistic alone. It is never 0.
        p_adjusted: (t,) p-values that are corrected for t statistics.
        p_overall: the corrected p-value of the hypothesis that the samples do not differ in any way.
    """

    observed: Floats
    null: Floats
    p: Floats
    p_adjusted: Floats
    p_overall: float

    def adjusted(self, p: float) -> float:
        """Correct a p-value of one statistic, such as that of a part of it, for all statistics."""
        smallest = _least(np.vstack((self.observed, self.null)))
        return float((smallest <= p + 1e-12).mean())


def permute_clusters(
    features: Sequence[Features],
    sizes: Floats,
    first: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    permutations: int = 1_999,
) -> Permuted:
    """Compare two samples of clusters. Each permutation keeps the numbers of clusters.

    It is exact if the clusters of both samples are drawn from the same distribution.

    Args:
        features: what is compared.
        sizes: (c,) rows of each cluster, above 0.
        first: (c,) whether each cluster is of the first sample.
        rng: random generator.
        permutations: number of permutations.

    Raises:
        InputError: a sample has no cluster.

    Memory: 250 permutations of the widest feature vectors at a time.

    Source: Westfall and Young 1993, Resampling-based multiple testing, for the smallest p-value.
    """
    c, n = len(first), int(first.sum())
    if not 0 < n < c:
        raise InputError("a sample has no cluster, so there is nothing to compare")
    blocks = [_values(features, sizes, first[None, :])]
    for start in range(0, permutations, BLOCK):
        order = rng.random((min(BLOCK, permutations - start), c), dtype=np.float32)
        drawn = np.zeros(order.shape, dtype=bool)
        np.put_along_axis(drawn, np.argpartition(order, n - 1, axis=1)[:, :n], True, axis=1)
        blocks.append(_values(features, sizes, drawn))
    values = np.concatenate(blocks)
    smallest = _least(values)
    alone = _p_values(values)[0]
    adjusted = (smallest[None, :] <= alone[:, None] + 1e-12).mean(axis=1)
    return Permuted(values[0], values[1:], alone, adjusted, float(adjusted.min()))


def _values(features: Sequence[Features], sizes: Floats, drawn: npt.NDArray[np.bool_]) -> Floats:
    """(b, t) Statistics when the drawn clusters are the first sample."""
    # Double precision, so that the rounding below hides the order in which a library adds up.
    chosen = drawn.astype(np.float64)
    rows = chosen @ sizes
    found = []
    for sums, statistic in features:
        one = np.asarray((sums.T @ chosen.T).T)  # a sparse matrix must stand on the left
        total = np.asarray(sums.sum(axis=0), dtype=np.float64).reshape(1, -1)
        found.append(statistic(one / rows[:, None], (total - one) / (sizes.sum() - rows)[:, None]))
    return np.asarray(np.round(np.stack(found, axis=1), DIGITS), dtype=np.float64)


def _p_values(values: Floats) -> Floats:
    """(b, t) Share of the rows whose value is at least as large, the row itself included."""
    found = np.empty_like(values)
    for column, own in enumerate(values.T):
        ordered = np.sort(own)
        found[:, column] = (len(own) - np.searchsorted(ordered, own, side="left")) / len(own)
    return found


def _least(values: Floats) -> Floats:
    smallest: Floats = _p_values(values).min(axis=1)
    return smallest


def total_variation(one: Floats, other: Floats) -> Floats:
    """(b,) Half of the sum of the absolute differences of shares: the share that would have to change its class."""
    return np.asarray(np.abs(one - other).sum(axis=1) / 2, dtype=np.float64)


def earth_mover(one: Floats, other: Floats) -> Floats:
    """(b,) Mean distance by which one distribution over 0, 1, 2, ... must be moved to become the other."""
    return np.asarray(np.abs(np.cumsum(one - other, axis=1)).sum(axis=1), dtype=np.float64)


def jensen_shannon(one: Floats, other: Floats) -> Floats:
    """(b,) Jensen-Shannon divergence in bits: 0 for the same distribution, 1 for two that have nothing in common. The
    rows need not add up to 1.

    Source: Lin 1991, IEEE Transactions on Information Theory 37:145.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.nan_to_num(one / one.sum(axis=1, keepdims=True))
        q = np.nan_to_num(other / other.sum(axis=1, keepdims=True))
        middle = (p + q) / 2
        parts = [np.where(x > 0, x * np.log2(x / middle), 0.0).sum(axis=1) / 2 for x in (p, q)]
    return np.asarray(np.clip(parts[0] + parts[1], 0.0, 1.0), dtype=np.float64)


def mean_distance(one: Floats, other: Floats) -> Floats:
    """(b,) Euclidean distance of two means. Of random features, it is the maximum mean discrepancy (MMD).

    Source: Gretton et al. 2012, Journal of Machine Learning Research 13:723.
    """
    return np.asarray(np.sqrt(((one - other) ** 2).sum(axis=1)), dtype=np.float64)


def random_features(
    vectors: npt.NDArray[np.float32], rng: np.random.Generator, *, frequencies: int = FREQUENCIES
) -> Floats:
    """(n, 2 * frequencies) Features whose inner products approximate a Gaussian kernel.

    The width of the kernel is the median distance of two different rows (of at most 2,000).

    Args:
        vectors: (n, d).
        rng: random generator.
        frequencies: number of random frequencies.

    Source: Rahimi and Recht 2007; the median heuristic of Gretton et al. 2012.
    """
    rows = vectors.astype(np.float64)
    some = rows[rng.choice(len(rows), PAIRS, replace=False)] if len(rows) > PAIRS else rows
    squares = (some**2).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * some @ some.T
    apart = distances[np.triu_indices(len(some), 1)]
    apart = apart[apart > 1e-6]
    width = float(np.sqrt(np.median(apart))) if len(apart) else 1.0
    waves = rows @ (rng.normal(size=(rows.shape[1], frequencies)) / width)
    features: Floats = np.concatenate((np.cos(waves), np.sin(waves)), axis=1) / np.sqrt(frequencies)
    return features
