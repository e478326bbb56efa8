"""The largest difference of the means of several groups, such as the categories of a catalogue."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ragbench.stats.clusters import clustered_covariance, clustered_means
from ragbench.stats.distributions import t_quantile
from ragbench.stats.intervals import score_ends

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GroupGaps:
    """Differences of the means of all pairs of groups.

    Attributes:
        means: (g,) mean of each group.
        pairs: (p, 2) groups of each pair; the first has the higher mean.
        gaps: (p,) differences, at least 0.
        errors: (p,) their clustered standard errors.
        df: (p,) degrees of freedom of the errors.
        effective: (g,) effective number of clusters of each group, and infinite for groups whose values vary.
        correlations: (p,) of the two means of a pair, from clusters with values in both; 0 if a group does not vary.
        sizes: (g,) number of independent values behind each mean, if all values are 0 or 1; else None.
    """

    means: Array
    pairs: npt.NDArray[np.int64]
    gaps: Array
    errors: Array
    df: Array
    effective: Array
    correlations: Array
    sizes: Array | None = None

    @property
    def largest(self) -> int:
        """The pair with the largest difference."""
        return int(np.argmax(self.gaps))

    def upper(self, alpha: float) -> float:
        """Upper bound of the largest true difference: it is larger with probability at most ``alpha``.

        It is the largest bound of any pair. The pair that truly differs most stays below its own bound, so no
        correction is needed (an intersection-union test).

        Source: Berger 1982, Technometrics 24:295.
        """
        return float((self.gaps + self._reach(alpha, up=True)).max())

    def lower(self, alpha: float) -> float:
        """Lower bound of the largest true difference: it is smaller with probability at most ``alpha`` (Bonferroni).

        Differences in both directions count.
        """
        return float(max((self.gaps - self._reach(alpha / (2 * len(self.gaps)), up=False)).max(), 0.0))

    def _reach(self, alpha: float, *, up: bool) -> Array:
        quantile = t_quantile(1 - alpha, self.df)
        if self.sizes is not None:
            return self._reach_of_rates(quantile, up=up)
        # A group whose values are all the same has no error. Other values may be in a share of its clusters that an
        # unlucky sample misses with probability alpha.
        unseen = -np.expm1(np.log(alpha) / self.effective)
        reach: Array = quantile * self.errors + unseen[self.pairs].sum(axis=1)
        return reach

    def _reach_of_rates(self, quantile: Array, *, up: bool) -> Array:
        """From Wilson's intervals of both rates, since a rate near 0 or 1 is skewed (Newcombe 1998; Zou 2008)."""
        assert self.sizes is not None
        rise = np.empty((len(self.pairs), 2))
        fall = np.empty((len(self.pairs), 2))
        for side, group in enumerate(self.pairs.T):
            low, high = score_ends(self.means[group], self.sizes[group], quantile)
            rise[:, side], fall[:, side] = high - self.means[group], self.means[group] - low
        first, second = (rise[:, 0], fall[:, 1]) if up else (fall[:, 0], rise[:, 1])
        reach: Array = np.sqrt(np.maximum(first**2 + second**2 - 2 * self.correlations * first * second, 0.0))
        return reach


def group_gaps(values: Array, groups: npt.NDArray[np.int64], clusters: npt.NDArray[np.int64]) -> GroupGaps:
    """Compare the means of all pairs of groups, with errors that are clustered within and across groups.

    The degrees of freedom of a pair are those of Welch, from those of both groups (Bell and McCaffrey). If all values
    are 0 or 1, the bounds of a difference come from Wilson's intervals of both rates instead of from t.

    Args:
        values: (n,) without NaN.
        groups: (n,) group of each value, from 0 without gaps; at least two groups, each with two clusters or more.
        clusters: (n,) cluster of each value.

    Source: Welch 1947, Biometrika 34:28; Bell and McCaffrey 2002 for the errors; Newcombe 1998, Statistics in Medicine
    17:873 for rates, and Zou 2008, Statistics in Medicine 27:5067 for their correlation.

    Examples:
        >>> found = group_gaps(np.array([1.0, 0.8, 0.6, 0.2, 0.3, 0.1]), np.array([0, 0, 0, 1, 1, 1]), np.arange(6))
        >>> found.gaps.round(3), found.df.round(2)
        (array([0.6]), array([2.94]))
    """
    count = int(groups.max()) + 1
    columns = np.full((len(values), count), np.nan)
    columns[np.arange(len(values)), groups] = values
    found = clustered_means(columns, clusters)
    _, covariance, _ = clustered_covariance(columns, clusters)
    pairs = np.array(list(combinations(range(count), 2)), dtype=np.int64)
    flip = found.means[pairs[:, 0]] < found.means[pairs[:, 1]]
    pairs[flip] = pairs[flip][:, ::-1]
    first, second = pairs.T
    squares = found.errors**2
    sums = squares[first] + squares[second]
    shared = np.maximum(sums - 2 * covariance[first, second], 0.0)
    rates = bool(np.isin(values, (0.0, 1.0)).all())
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = covariance[first, second] / (found.errors[first] * found.errors[second])
        independent = np.where(found.errors > 0, found.means * (1 - found.means) / squares, found.effective)
        df = sums**2 / (squares[first] ** 2 / found.df[first] + squares[second] ** 2 / found.df[second])
    fewest = np.minimum(found.df[first], found.df[second])
    return GroupGaps(
        found.means,
        pairs,
        found.means[first] - found.means[second],
        np.sqrt(shared),
        np.where(sums > 0, df, fewest),
        np.where(found.errors > 0, np.inf, found.effective),
        np.where(squares[first] * squares[second] > 0, correlations, 0.0),
        independent if rates else None,
    )
