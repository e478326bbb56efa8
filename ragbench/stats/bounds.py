"""One-sided confidence bounds of the mean of a difference, which are never of zero width.

A t bound trusts the spread that it has seen. If 20 queries do not differ, that spread is 0, and a t bound rules out
every loss. A loss of everything on 2% of the queries is invisible in 20 queries with probability .67.
"""

from dataclasses import dataclass

import numpy as np

from ragbench.stats.clusters import ClusteredMeans
from ragbench.stats.distributions import t_above, t_quantile

LARGEST = 1.0
"""The largest difference of one query, unless the values show a larger one: most metrics lie in 0 to 1."""
STEPS = 60
"""Bisections of a p-value, on a logarithmic scale; enough for 12 digits."""


@dataclass(frozen=True)
class MeanBounds:
    """Bounds of the mean of differences, at any error rate. One query can lose at most 1, or the largest value seen.

    The lower bound at alpha is the smaller one of two bounds. Write c for the effective number of clusters, and t for
    the 1 - alpha quantile of Student's t with the degrees of freedom of the error.

    - A score-type bound, ``mean - t^2 k / 2 - t sqrt(se^2 + (t / 2c)^2)``. ``k`` is the third central moment of the
      mean divided by ``-se^2``, between 0 and 1 / c. For losses of 1 and nothing else it is Wilson's bound of a rare
      event. For many varied differences it is the t bound.
    - A bound for losses that did not happen in the sample: ``mean - u (1 + mean)`` with ``u = 1 - alpha^(1/c)``. If a
      share of more than u of the clusters lost everything, a sample without such a loss would have a probability below
      alpha. This is exact for differences that are all 0.

    The upper bound mirrors it. If a true loss equals the margin and all of it comes from 2 to 10% of the queries, a
    bound at .05 lies above it in at most .06 of samples of 20 to 200 queries, where t does in up to .69
    (`benchmarks/unequal.py`).

    Attributes:
        mean: mean difference.
        error: its clustered standard error.
        df: degrees of freedom of the error.
        effective: effective number of clusters.
        skew: third central moment of the mean.
        largest: largest difference that one query can have.

    Source: Wilson 1927 for the score bound of a rate; Johnson 1978 for the skewness of a mean; Clopper and Pearson 1934
    for the bound without an event. The combination is ours, and simulated.
    """

    mean: float
    error: float
    df: float
    effective: float
    skew: float
    largest: float = LARGEST

    def lower(self, alpha: float, *, unseen: bool = True) -> float:
        """Lower bound: the true mean is lower with probability at most ``alpha``.

        Args:
            alpha: error rate, in (0, 0.5].
            unseen: whether losses that are rare or did not happen in the sample count. They do where the bound shows
                that little was lost. They do not where it shows that something was gained: the bound is then t, with
                the skewness.
        """
        return self.mean - self._reach(alpha, -1.0, unseen)

    def upper(self, alpha: float, *, unseen: bool = True) -> float:
        """Upper bound: the true mean is higher with probability at most ``alpha``. See `lower`."""
        return self.mean + self._reach(alpha, 1.0, unseen)

    def p_above(self, bar: float) -> float:
        """P-value of "the mean is at most ``bar``": the smallest alpha whose lower bound exceeds it."""
        return self._p(self.mean - bar, -1.0)

    def p_below(self, bar: float) -> float:
        """P-value of "the mean is at least ``bar``"."""
        return self._p(bar - self.mean, 1.0)

    def _reach(self, alpha: float, side: float, unseen: bool = True) -> float:
        one = self.largest / self.effective
        skew = min(max(side * self.skew / self.error**2, 0.0), one) if self.error > 0 else 0.0
        t = float(t_quantile(1 - alpha, self.df))
        rare = t / 2 * one if unseen or self.error == 0 else 0.0
        score = t * t / 2 * skew + t * np.hypot(self.error, rare)
        share = -np.expm1(np.log(alpha) / self.effective) if unseen else 0.0
        return float(max(score, share * (self.largest - side * self.mean)))

    def _p(self, distance: float, side: float) -> float:
        if distance <= self._reach(0.5, side):
            shown = distance / self.error if self.error > 0 else -np.inf if distance < 0 else 0.0
            return max(0.5, float(t_above(shown, self.df)))
        low, high = np.log(np.finfo(np.float64).tiny), np.log(0.5)
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (low, middle) if distance > self._reach(float(np.exp(middle)), side) else (middle, high)
        return float(np.exp(high))


def mean_bounds(found: ClusteredMeans, column: int = 0) -> MeanBounds:
    """Make the bounds of one column with values in at least two clusters."""
    return MeanBounds(
        float(found.means[column]),
        float(found.errors[column]),
        float(found.df[column]),
        float(found.effective[column]),
        float(found.skews[column]),
        max(LARGEST, float(found.largest[column])),
    )
