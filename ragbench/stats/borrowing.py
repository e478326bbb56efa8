"""A mean difference on few queries that borrows strength from a proxy: many queries of another kind.

The proxy's difference is not the wanted one. How far the two are apart was learned where both are known, and this makes
the proxy a prior. The few queries are the data.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_values
from ragbench.stats.clusters import clustered_means, effective_clusters
from ragbench.stats.distributions import t_quantile
from ragbench.stats.posterior import PosteriorDifference, TPrior, chance_of_data, t_posterior
from ragbench.stats.repeats import RunErrors, with_runs

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Proxy:
    """A difference on queries of another kind, in several groups.

    Attributes:
        mean: mean of the group means.
        variance: variance of a single query's difference within its group, averaged over the groups.
    """

    mean: float
    variance: float

    @classmethod
    def of(cls, differences: Array, groups: npt.NDArray[np.int64]) -> "Proxy":
        """Summarise the differences of single queries.

        Args:
            differences: (n,) difference of each query.
            groups: (n,) group of each query, 0 to g - 1; each has at least two.

        Examples:
            >>> Proxy.of(np.array([0.0, 0.2, 0.3, 0.3]), np.array([0, 0, 1, 1]))
            Proxy(mean=0.2, variance=0.01)
        """
        parts = [differences[groups == group] for group in range(int(groups.max()) + 1)]
        means, variances = [part.mean() for part in parts], [part.var(ddof=1) for part in parts]
        return cls(round(float(np.mean(means)), 12), round(float(np.mean(variances)), 12))


@dataclass(frozen=True)
class Transfer:
    """How a proxy's difference carries over to the wanted one. The figures have no unit.

    Attributes:
        slope: wanted difference per difference of the proxy.
        slope_variance: variance of that slope from case to case.
        spread: variance of the wanted difference around its prediction, per variance of a single query's difference.
        df: degrees of freedom of the prior's t.
        variance_ratio: variance of a single query's wanted difference per that of the proxy.
        variance_df: how many degrees of freedom that prediction of the variance is worth.
    """

    slope: float
    slope_variance: float
    spread: float
    df: float
    variance_ratio: float
    variance_df: float

    def prior(self, proxy: Proxy) -> TPrior:
        """The prior of the wanted difference."""
        variance = self.spread * proxy.variance + self.slope_variance * proxy.mean**2
        return TPrior(self.slope * proxy.mean, float(np.sqrt(variance)), self.df)


@dataclass(frozen=True)
class BorrowedDifference:
    """A mean difference by few queries and a proxy.

    Attributes:
        posterior: the posterior of the mean difference.
        prior: the prior that the proxy gives.
        mean, error, df: mean of the few queries, with its standard error and degrees of freedom.
        effective: number of such queries that would give an interval as narrow without the proxy.
    """

    posterior: PosteriorDifference
    prior: TPrior
    mean: float
    error: float
    df: float
    effective: float

    @property
    def agreement(self) -> float:
        """p-value of the queries' mean if the prior were right (Box 1980, JRSS A 143:383)."""
        return chance_of_data(self.mean, self.error, self.df, self.prior)

    def limit(self, chance: float) -> float:
        """The value that the true difference is below with this probability, in (0, 1)."""
        ends = t_posterior(self.mean, self.error, self.df, self.prior, confidence=abs(1 - 2 * chance))
        return ends.low if chance < 0.5 else ends.high


def borrowed_difference(
    differences: Array,
    clusters: npt.NDArray[np.int64],
    proxy: Proxy,
    transfer: Transfer,
    *,
    rope: float = 0.0,
    confidence: float = 0.95,
    runs: RunErrors | None = None,
) -> BorrowedDifference | None:
    """Compute the posterior of a mean difference from few queries, with a proxy as the prior.

    The prior is t around ``slope * proxy.mean``, with the squared scale ``spread * proxy.variance + slope_variance *
    proxy.mean^2``. It has few degrees of freedom, so it gives way where the queries contradict it. The likelihood is t,
    and its squared error is

    ``(df * se^2 + variance_df * variance_ratio * proxy.variance / c) / (df + variance_df)``

    with the clustered error (CR2) and its degrees of freedom, and c effective clusters: the proxy also predicts how
    much single queries vary, which a few queries hardly show. The degrees of freedom are the sum ``df + variance_df``.

    Args:
        differences: (n,) candidate minus baseline for each query.
        clusters: (n,) cluster of each query.
        proxy: the difference on queries of the other kind.
        transfer: how it carries over.
        rope: half width of the region of practical equivalence.
        confidence: probability of the credible interval.
        runs: how the difference varies from run to run, if the values are means over several runs.

    Returns:
        None if neither the queries nor the proxy show any difference.

    Raises:
        InputError: a difference is undefined or infinite, the cluster numbers have gaps, or there is one cluster only.

    Source: Schmidli et al. 2014, Biometrics 70:1023, for robust priors from other studies.

    Examples:
        Twelve queries show a gain of .1, and the proxy one of .06.

        >>> few = np.array([0.3, 0.0, 0.2, 0.0, -0.2, 0.3, 0.1, 0.0, 0.4, 0.1, -0.1, 0.1])
        >>> learned = Transfer(1.0, 0.2, 0.02, 4.0, 0.6, 5.0)
        >>> found = borrowed_difference(few, np.arange(12), Proxy(0.06, 0.04), learned)
        >>> round(found.posterior.median, 3), round(found.posterior.above, 3), round(found.effective)
        (0.076, 0.99, 29)
    """
    check_values(differences[:, None], clusters, what="difference")
    found = clustered_means(differences[:, None], clusters)
    if runs is not None:
        found = with_runs(found, runs)
    mean, error, df = float(found.means[0]), float(found.errors[0]), float(found.df[0])
    if np.isnan(error) or np.isnan(mean):
        raise InputError(
            "the queries of one document do not show how differences vary; at least two documents are needed"
        )
    expected = transfer.variance_ratio * proxy.variance / effective_clusters(clusters)
    degrees = df + transfer.variance_df
    error = float(np.sqrt((df * error**2 + transfer.variance_df * expected) / degrees))
    prior = transfer.prior(proxy)
    if not (error > 0 and prior.scale > 0):
        return None
    posterior = t_posterior(mean, error, degrees, prior, rope=rope, confidence=confidence)
    alone = 2 * float(t_quantile((1 + confidence) / 2, degrees)) * error
    return BorrowedDifference(
        posterior, prior, mean, error, degrees,
        effective=len(differences) * (alone / (posterior.high - posterior.low)) ** 2,
    )  # fmt: skip
