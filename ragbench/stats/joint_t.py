"""Many paired comparisons at once by t, for systems whose whole runs vary: sign flips by document do not see that."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_resampling
from ragbench.stats.clusters import ClusteredMeans, clustered_covariance, clustered_means
from ragbench.stats.distributions import t_above, t_quantile
from ragbench.stats.max_t import AllPairs, MaxT, Steps
from ragbench.stats.repeats import RunErrors, added, stacked, with_runs

Array = npt.NDArray[np.float64]


def joint_t(
    found: ClusteredMeans,
    covariance: Array,
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> MaxT:
    """Test m mean differences together by their t-tests, and give intervals that hold all of them together.

    Each comparison keeps its own t-test, with its error and degrees of freedom. Its p-value is turned into a normal
    quantile, and the quantiles of all comparisons are drawn together as normal values with the correlation of the
    means. A corrected p-value is the share of draws in which the largest of them exceeds the observed one. Comparisons
    are stepped down as in `ragbench.stats.max_t.max_t`. A simultaneous interval is ``mean +- t error``, where t has the
    probability that belongs to the quantile of the largest draw.

    Args:
        found: means with their errors and degrees of freedom, which include the variance between runs
            (`ragbench.stats.repeats.with_runs`).
        covariance: (m, m) covariance of the means.
        rng: random generator.
        resamples: number of draws.
        confidence: probability that all intervals hold their means.

    Raises:
        SettingError: ``resamples`` is below 1, or the confidence is outside of (0, 1).

    Source: Westfall and Young 1993, chapter 2; Hothorn, Bretz and Westfall 2008, Biometrical Journal 50:346. Normal
    draws with t of different degrees of freedom for each margin (a Gaussian copula) are ours, and simulated
    (`benchmarks/repeats.py`).
    """
    from scipy.special import ndtr, ndtri

    check_resampling(resamples, confidence)
    varies = found.errors > 0
    errors = np.where(varies, found.errors, 1.0)
    own = np.where(varies, 2 * t_above(np.abs(found.means) / errors, np.where(varies, found.df, 1.0)), 1.0)
    scale = np.sqrt(np.where(varies, np.diag(covariance), 1.0))
    size, axes = np.linalg.eigh(covariance / scale / scale[:, None])
    drawn = np.abs(rng.standard_normal((resamples, len(size))) @ (axes * np.sqrt(np.maximum(size, 0.0))).T)
    steps = Steps(-ndtri(own / 2))
    largest = steps.add(drawn.T)
    above = max(int(np.ceil((1 - confidence) * (resamples + 1) - 1e-9)) - 1, 0)
    bar = float(np.partition(largest, len(largest) - 1 - above)[len(largest) - 1 - above])
    reach = np.where(varies, t_quantile(ndtr(bar), np.where(varies, found.df, 1.0)) * errors, np.inf)
    return MaxT(np.maximum(steps.p(1), own), found.means - reach, found.means + reach, resamples, exact=False)


def all_pairs_joint(
    values: Array,
    clusters: npt.NDArray[np.int64],
    runs: Sequence[RunErrors | None],
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
) -> AllPairs:
    """Test every pair of systems as `joint_t` does.

    Args:
        values: (n, k) values of k systems, without NaN; means over the runs of a system that ran several times.
        clusters: (n,) cluster of each row.
        runs: how the mean of each system varies from run to run; None for a system that ran once.
        rng: random generator.
        resamples: number of draws.

    Source: as for `joint_t`.
    """
    systems = values.shape[1]
    first, second = np.triu_indices(systems, 1)
    differences = values[:, second] - values[:, first]
    parts = stacked([added(runs[i], runs[j]) for i, j in zip(first.tolist(), second.tolist(), strict=True)])
    found = clustered_means(differences, clusters)
    covariance = clustered_covariance(differences, clusters)[1]
    if parts is not None:
        found = with_runs(found, parts)
        signs = np.zeros((len(first), systems))
        signs[np.arange(len(first)), second] = 1.0
        signs[np.arange(len(first)), first] = -1.0
        covariance = covariance + (signs * shared_variances(runs)) @ signs.T
    groups = [np.arange(len(first)), *(np.flatnonzero((first == i) | (second == i)) for i in range(systems))]
    tested = np.ones((systems + 1, systems, systems))
    for at, group in enumerate(groups):
        p = joint_t(found.select(group), covariance[np.ix_(group, group)], rng, resamples=resamples).p
        tested[at, first[group], second[group]] = tested[at, second[group], first[group]] = p
    each = np.arange(systems)
    return AllPairs(tested[0], tested[1 + each, each])


def shared_variances(runs: Sequence[RunErrors | None]) -> Array:
    """(k,) Variance of the mean of each system by effects that whole runs share; 0 for a system that ran once."""
    return np.array([0.0 if one is None else float(one.shared[0]) for one in runs])
