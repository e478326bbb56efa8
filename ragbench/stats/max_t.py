"""Many paired comparisons at once: the largest |t| under sign flips gives corrected p-values and intervals."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_resampling, check_values
from ragbench.stats.clusters import CONSTANT, cluster_totals
from ragbench.stats.sign_flips import BLOCK_CELLS, EXACT_CLUSTERS, all_signs, random_signs

MOST_CELLS = 1 << 23
"""The most totals (assignments x columns and their residuals) for which every assignment of signs is counted."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MaxT:
    """Tests and intervals of m comparisons, with their errors controlled together.

    Attributes:
        p: (m,) corrected two-sided p-values in (0, 1].
        low, high: (m,) simultaneous intervals of the mean differences; infinite where there is none.
        assignments: number of assignments of signs.
        exact: whether these are all assignments.
    """

    p: Array
    low: Array
    high: Array
    assignments: int
    exact: bool


def max_t(
    differences: Array,
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> MaxT:
    """Test m mean paired differences together, and give intervals that hold all of them together.

    The statistic of a column is ``|sum over clusters of D_g| / sqrt(sum of D_g^2)``, where D_g is the sum of the
    differences of cluster g. It is t with the clustered standard error under the hypothesis of no difference. Then the
    differences of a cluster may change sign together. One sign per cluster is used for all columns, so the dependence
    between them is kept.

    p-values are stepped down: a column is compared with the largest statistic of the columns that are not larger than
    it. The probability of any false positive is then at most the level, whichever columns differ.

    An interval holds the means that the test does not reject: ``|sum of (D_g - n_g mean)| <= q sqrt(sum of (D_g - n_g
    mean)^2)``. q is the quantile of the largest statistic over all columns, without steps, of the differences and of
    their residuals (the larger of both). An interval that excludes 0 always has a p below ``1 - confidence``. There is
    none if the differences do not vary, if a few clusters hold nearly all rows, or if there are too few clusters for
    any p below ``1 - confidence``.

    Args:
        differences: (n, m) candidate minus baseline, NaN where undefined.
        clusters: (n,) cluster of each row.
        rng: random generator. It is not used if few clusters have a difference (at most `EXACT_CLUSTERS`, fewer with
            many columns): every assignment is then counted.
        resamples: number of assignments of signs to draw.
        confidence: probability that all intervals hold their means.

    Raises:
        InputError: a difference is infinite, or the cluster numbers have gaps.
        SettingError: ``resamples`` is below 1, or the confidence is outside of (0, 1).

    Memory: about 100 MiB, and 32 bytes per cluster and column.

    Source: Westfall and Young 1993; Romano and Wolf 2005; Cameron, Gelbach and Miller 2008 for signs by cluster.

    Examples:
        Two candidates on six queries. Each p would be 2 / 2^6 and 1 alone.

        >>> differences = np.array([[0.1, 0.1], [0.2, -0.1], [0.1, 0.2], [0.3, -0.2], [0.1, 0.1], [0.2, -0.1]])
        >>> max_t(differences, np.arange(6), np.random.default_rng(0)).p
        array([0.0625, 1.    ])
    """
    check_values(differences, clusters, what="difference")
    check_resampling(resamples, confidence)
    columns = differences.shape[1]
    sums, sizes = cluster_totals(differences, clusters)
    with np.errstate(invalid="ignore"):
        residuals = sums - sizes * (sums.sum(axis=0) / sizes.sum(axis=0))
    residuals[np.abs(residuals) <= CONSTANT * np.abs(sums).max(axis=0, initial=0.0)] = 0.0
    moving = (sums != 0).any(axis=1) | (np.nan_to_num(residuals) != 0).any(axis=1)
    both = np.column_stack((_scaled(sums), _scaled(np.nan_to_num(residuals))))[moving]
    count = int(moving.sum())
    exact = count <= EXACT_CLUSTERS and 2 * columns * 2 ** max(count - 1, 0) <= MOST_CELLS
    steps, largest = _steps(both[:, :columns]), list[Array]()
    for totals in all_signs(both) if exact else random_signs(both, rng, resamples):
        np.abs(totals, out=totals)
        top = steps.add(totals[:, :columns].T)
        largest.append(np.column_stack((top, totals[:, columns:].max(axis=1, initial=0.0))))
    drawn = np.concatenate(largest) if columns else np.zeros((1, 2))
    extra = 0 if exact else 1
    p = steps.p(extra)
    low, high = _intervals(sums, sizes, _quantile(drawn, 1 - confidence, extra))
    constant = ~(np.nan_to_num(residuals) != 0).any(axis=0)
    low[constant], high[constant] = -np.inf, np.inf
    return MaxT(p, low, high, len(drawn), exact)


@dataclass(frozen=True)
class AllPairs:
    """Tests of every pair of k systems.

    Attributes:
        p: (k, k) two-sided p-values in (0, 1], corrected for all pairs; 1 on the diagonal.
        p_of_each: (k, k) row i has the p-values of system i against each other one, corrected for these k - 1 pairs.
    """

    p: Array
    p_of_each: Array


def all_pairs(
    values: Array, clusters: npt.NDArray[np.int64], rng: np.random.Generator, *, resamples: int = 10_000
) -> AllPairs:
    """Test every pair of systems as `max_t` does.

    The sum of a pair is the difference of two sums of systems under the same signs. So the signs are drawn for k
    systems and not for k (k - 1) / 2 pairs, which is several times faster. With the same random generator, p is that
    of `max_t`.

    Args:
        values: (n, k) values of k systems, without NaN.
        clusters: (n,) cluster of each row.
        rng: random generator; not used with few clusters, as in `max_t`.
        resamples: number of assignments of signs to draw.

    Raises:
        InputError: a value is undefined or infinite, or the cluster numbers have gaps.
        SettingError: ``resamples`` is below 1.

    Source: as for `max_t`.

    Examples:
        The third system differs from both others on each of eight queries.

        >>> values = np.column_stack((np.tile([0.5, 0.4], 4), np.tile([0.4, 0.5], 4), np.linspace(0.7, 0.9, 8)))
        >>> all_pairs(values, np.arange(8), np.random.default_rng(0)).p.round(3)
        array([[1.   , 1.   , 0.016],
               [1.   , 1.   , 0.016],
               [0.016, 0.016, 1.   ]])
    """
    check_values(values, clusters)
    check_resampling(resamples)
    if np.isnan(values).any():
        raise InputError("a value is undefined; test only rows with a value of each system")
    systems = values.shape[1]
    first, second = np.triu_indices(systems, 1)
    # The mean of a row cancels in each difference. Without it, the sums are small and their differences precise.
    sums, sizes = cluster_totals(values - values.mean(axis=1, keepdims=True), clusters)
    pairs = sums[:, second] - sums[:, first]
    pairs[np.abs(pairs) <= CONSTANT * np.abs(values).max(initial=0.0) * sizes[:, :1]] = 0.0
    norms = np.sqrt((pairs**2).sum(axis=0))
    scale = np.where(norms > 0, norms, np.inf)
    # As in `max_t`, a cluster without a difference counts only if it moves a mean.
    moving = (pairs != 0).any(axis=1) | (pairs.sum(axis=0) != 0).any()
    sums, pairs = sums[moving], pairs[moving] / scale
    count, columns = int(moving.sum()), len(first)
    exact = count <= EXACT_CLUSTERS and 2 * columns * 2 ** max(count - 1, 0) <= MOST_CELLS
    # All pairs, and the pairs of each system.
    groups = [np.arange(columns), *(np.flatnonzero((first == i) | (second == i)) for i in range(systems))]
    steps = [_steps(pairs[:, group]) for group in groups]
    rows = max(1, BLOCK_CELLS // max(columns, 1))
    for totals in all_signs(sums) if exact else random_signs(sums, rng, resamples):
        for start in range(0, len(totals), rows):
            block = np.ascontiguousarray(totals[start : start + rows].T)
            drawn = block[second]
            drawn -= block[first]
            np.abs(drawn, out=drawn)
            drawn /= scale[:, None]
            for group, step in zip(groups, steps, strict=True):
                step.add(drawn, group)
    found = np.ones((systems + 1, systems, systems))
    for at, (group, step) in enumerate(zip(groups, steps, strict=True)):
        found[at, first[group], second[group]] = found[at, second[group], first[group]] = step.p(0 if exact else 1)
    each = np.arange(systems)
    return AllPairs(found[0], found[1 + each, each])


class Steps:
    """p-values that are stepped down: a column is compared with the largest of those that are not larger than it.

    Args:
        observed: (m,) observed statistics, at least 0.
        slack: drawn statistics that are smaller by at most this much count as equal.
    """

    def __init__(self, observed: Array, slack: float = 0.0) -> None:
        self._observed = observed
        self._order = np.argsort(self._observed, kind="stable")
        self._bar = self._observed[self._order] - slack
        self._reached, self._drawn = np.zeros(len(self._order)), 0

    def add(self, drawn: Array, rows: npt.NDArray[np.int64] | None = None) -> Array:
        """Count the (m, r) drawn statistics (of these rows), and return the (r,) largest of each column."""
        largest = drawn[self._order if rows is None else rows[self._order]]
        np.maximum.accumulate(largest, axis=0, out=largest)
        self._reached += np.count_nonzero(largest >= self._bar[:, None], axis=1)
        self._drawn += drawn.shape[1]
        return largest[-1] if len(largest) else np.zeros(drawn.shape[1])

    def p(self, extra: int) -> Array:
        """(m,) The p-values; ``extra`` is 1 if the observed signs are not among the drawn ones."""
        p = np.ones(len(self._order))
        # The largest statistic is the last one, and no later step has a smaller p.
        p[self._order] = np.maximum.accumulate(((self._reached + extra) / (self._drawn + extra))[::-1])[::-1]
        p[self._observed == 0] = 1.0
        return p


def _steps(scaled: Array) -> Steps:
    return Steps(np.abs(scaled.sum(axis=0)), 1e-12 * float(np.abs(scaled).sum()))


def _scaled(sums: Array) -> Array:
    """Divide each column by the root of its sum of squares; a column of zeros stays."""
    norms = np.sqrt((sums**2).sum(axis=0))
    return sums / np.where(norms > 0, norms, 1.0)


def _quantile(drawn: Array, alpha: float, extra: int) -> float:
    """The largest statistic whose p is not below alpha, the larger one of two columns; infinite if every p is."""
    above = int(np.ceil(alpha * (len(drawn) + extra) - 1e-9)) - 1 - extra
    if above < 1:
        return float("inf")
    return float(np.partition(drawn, len(drawn) - 1 - above, axis=0)[len(drawn) - 1 - above].max())


def _intervals(sums: Array, sizes: Array, q: float) -> tuple[Array, Array]:
    """Solve the square of the inequality of `max_t` for the mean."""
    low, high = np.full(sums.shape[1], -np.inf), np.full(sums.shape[1], np.inf)
    if not np.isfinite(q):
        return low, high
    n, total = sizes.sum(axis=0), sums.sum(axis=0)
    a = n**2 - q**2 * (sizes**2).sum(axis=0)
    b = n * total - q**2 * (sizes * sums).sum(axis=0)
    c = total**2 - q**2 * (sums**2).sum(axis=0)
    held = a > CONSTANT * n**2
    reach = np.sqrt(np.maximum(b[held] ** 2 - a[held] * c[held], 0.0))
    low[held], high[held] = (b[held] - reach) / a[held], (b[held] + reach) / a[held]
    return low, high
