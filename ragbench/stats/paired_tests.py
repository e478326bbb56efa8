"""Tests of the paired differences of two systems.

The t-test and the sign-flip test handle clusters of queries. McNemar's test, Wilcoxon's test and the sign test assume
independent queries; the last two are used only on request.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_finite, check_pairs, check_resampling, check_values
from ragbench.stats.clusters import cluster_totals, clustered_means
from ragbench.stats.distributions import coin_mid_p, coin_p, t_above, t_quantile
from ragbench.stats.repeats import RunErrors, with_runs
from ragbench.stats.sign_flips import EXACT_CLUSTERS, all_signs, random_signs


@dataclass(frozen=True)
class PairedT:
    """Paired t-tests of m columns. No entry is NaN or infinite.

    Attributes:
        t: (m,) mean difference divided by its clustered standard error.
        df: (m,) degrees of freedom: clusters - 1 for clusters of one size, fewer otherwise, 0 with fewer than two.
        p: (m,) two-sided p-values in (0, 1].
        constant: (m,) whether the differences do not vary (see `paired_t`).
    """

    t: npt.NDArray[np.float64]
    df: npt.NDArray[np.float64]
    p: npt.NDArray[np.float64]
    constant: npt.NDArray[np.bool_]


def paired_t(
    differences: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], *, runs: RunErrors | None = None
) -> PairedT:
    """Test whether the mean paired difference is 0 (two-sided), with rows grouped by cluster.

    ``t = mean / se`` has the error and the degrees of freedom of `ragbench.stats.clusters.clustered_means`. With one
    row per cluster, it is the usual paired t-test.

    If t is not a number, the column is marked ``constant``, and p is:

    - 1 if every difference is 0, or fewer than two clusters have a value;
    - ``2 / 2^c`` if all c clusters have the same nonzero difference, as in the exact sign-flip test. t is then the
    value that belongs to this p.

    Args:
        differences: (n, m) candidate minus baseline, NaN where undefined.
        clusters: (n,) cluster of each row.
        runs: how the columns vary from run to run, if the values are means over several runs.

    Raises:
        InputError: a difference is infinite, or the cluster numbers have gaps.

    Source: Student 1908; Bell and McCaffrey 2002 for clusters.
    """
    check_values(differences, clusters, what="difference")
    found = clustered_means(differences, clusters)
    if runs is not None:
        found = with_runs(found, runs)
    means, errors, groups = found.means, found.errors, found.clusters
    df = np.nan_to_num(found.df)
    varies = np.nan_to_num(errors) > 0
    shifted = (groups > 1) & ~varies & (np.nan_to_num(means) != 0)
    t, p = np.zeros(len(means)), np.ones(len(means))
    t[varies] = means[varies] / errors[varies]
    p[varies] = 2 * t_above(np.abs(t[varies]), df[varies])
    p[shifted] = 2.0 ** (1.0 - np.minimum(groups[shifted], 1000))
    t[shifted] = np.sign(means[shifted]) * -t_quantile(p[shifted] / 2, df[shifted])
    return PairedT(t, df, np.maximum(p, np.finfo(np.float64).tiny), ~varies)


def sign_flip_test(
    differences: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
) -> npt.NDArray[np.float64]:
    """Test whether the mean paired difference of each column is 0 (two-sided).

    Under the null hypothesis, the differences of a cluster may change sign together. If at most `EXACT_CLUSTERS`
    clusters of a column have a difference, every assignment of signs is counted. Otherwise p is ``(b + 1) / (resamples
    + 1)``, where b resamples are at least as extreme, so p is never 0. If all differences are 0, p is 1.

    Args:
        differences: (n, m) candidate minus baseline, NaN where undefined.
        clusters: (n,) cluster of each row.
        rng: random generator.
        resamples: number of sign assignments to draw, at least 1.

    Returns:
        (m,) p-values in (0, 1].

    Raises:
        InputError: a difference is infinite, or the cluster numbers have gaps.
        SettingError: ``resamples`` is below 1.

    Memory: about 16 MiB, 4 MiB per column, and 16 bytes per cluster and column.

    Source: Fisher 1935; Smucker et al. 2007 for retrieval; Phipson and Smyth
    2010 for the +1.

    Examples:
        Six queries from six documents; five of them gain.

        >>> differences = np.array([[0.10], [0.20], [0.05], [0.30], [0.15], [-0.05]])
        >>> sign_flip_test(differences, np.arange(6), np.random.default_rng(0))
        array([0.09375])
    """
    check_values(differences, clusters, what="difference")
    check_resampling(resamples)
    sums, _ = cluster_totals(differences, clusters)
    # Sums in another order differ in the last bits. Sums that are mathematically equal must count as extreme.
    bar = np.abs(sums.sum(axis=0)) - 1e-12 * np.abs(sums).sum(axis=0)
    p = np.ones(differences.shape[1])
    differing = (sums != 0).sum(axis=0)
    for column in np.flatnonzero((differing > 0) & (differing <= EXACT_CLUSTERS)):
        totals = np.concatenate(list(all_signs(sums[sums[:, column] != 0, column, None])))
        p[column] = (np.abs(totals) >= bar[column]).mean()
    many = np.flatnonzero(differing > EXACT_CLUSTERS)
    if len(many):
        drawn = sums[(sums[:, many] != 0).any(axis=1)][:, many]
        blocks = random_signs(drawn, rng, resamples)
        extreme = sum((np.abs(totals) >= bar[many]).sum(axis=0) for totals in blocks)
        p[many] = (extreme + 1) / (resamples + 1)
    return p


@dataclass(frozen=True)
class McNemar:
    """McNemar's test.

    Attributes:
        b: queries where the baseline is 1 and the candidate 0.
        c: queries where the candidate is 1 and the baseline 0.
        p: two-sided p-value in (0, 1]; 1 if b and c are 0.
    """

    b: int
    c: int
    p: float


def mcnemar(baseline: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64]) -> McNemar:
    """Test whether two systems have the same rate of ones, on paired 0/1 values, by McNemar's mid-p.

    Only the b + c queries on which they differ count. Under the null hypothesis, each of them favours the candidate
    with probability 1/2, so their number of gains is binomial. The mid-p counts results that are as extreme as the
    observed one by half:

        p = 2 P(X < k) + P(X = k),  X ~ Binomial(b + c, 1/2),  k = min(b, c)

    The exact p counts them in full, and so it rejects less often than its level allows. For equal systems of which 5
    or more queries are expected to differ, the exact test at .05 rejects .009 to .041 of the time, and the mid-p .025
    to .049 (enumerated for 20 to 300 queries).

    The test assumes independent queries. If several come from one document, use `sign_flip_test` with clusters.

    Args:
        baseline: (n,) 0 or 1, NaN where undefined.
        candidate: (n,) values of the candidate. Pairs with a NaN are skipped.

    Raises:
        InputError: shapes differ, or a value is neither 0 nor 1.

    Source: McNemar 1947; Fagerland, Lydersen and Laake 2013 for the mid-p.

    Examples:
        >>> mcnemar(np.array([1.0, 0, 0, 0, 0]), np.array([1.0, 1, 1, 1, 0]))
        McNemar(b=0, c=3, p=0.125)
    """
    check_pairs(baseline, candidate)
    kept = ~(np.isnan(baseline) | np.isnan(candidate))
    for name, values in (("baseline", baseline), ("candidate", candidate)):
        odd = np.flatnonzero(kept & (values != 0) & (values != 1))
        if len(odd):
            raise InputError(
                f"row {odd[0]} of the {name} is {values[odd[0]]:g}: McNemar's test is for metrics that are 0 or 1"
            )
    b = int((kept & (baseline > candidate)).sum())
    c = int((kept & (candidate > baseline)).sum())
    return McNemar(b, c, coin_mid_p(c, b + c))


TIE = 1e-12
"""Differences closer to 0 are ties: rounding errors of sums in another order."""


def wilcoxon(differences: npt.NDArray[np.float64]) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test; 1 if every difference is 0.

    It does not test the mean. It tests whether differences are symmetric around 0, drops ties, and can contradict the
    sign of the mean. It assumes independent rows; for rows in clusters, use `sign_flip_test`.

    Args:
        differences: (n,) candidate minus baseline, NaN where undefined.

    Raises:
        InputError: there is more than one dimension, or a difference is infinite.

    Source: Wilcoxon 1945; computed by ``scipy.stats.wilcoxon``, exactly up to
    50 differences (13 if some are equal), else by the normal approximation.
    """
    left = _differing(differences)
    if not len(left):
        return 1.0
    from scipy.stats import wilcoxon as signed_rank

    # Differences that are mathematically equal must share their rank.
    p = float(signed_rank(np.round(left, 12)).pvalue)
    return min(max(p, float(np.finfo(np.float64).tiny)), 1.0)


def sign_test(differences: npt.NDArray[np.float64]) -> float:
    """Two-sided exact p-value of the sign test, whether wins and losses are equally likely; 1 if there are neither.

    It counts wins and losses and ignores their size. It assumes independent rows; for rows in clusters, use
    `sign_flip_test`.

    Args:
        differences: (n,) candidate minus baseline, NaN where undefined.

    Raises:
        InputError: there is more than one dimension, or a difference is infinite.

    Source: Arbuthnot 1710.
    """
    left = _differing(differences)
    return coin_p(int((left > 0).sum()), len(left))


def _differing(differences: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if differences.ndim != 1:
        raise InputError(f"differences must be one list, not an array of {differences.ndim} dimensions")
    check_finite(differences, what="difference")
    return differences[np.abs(np.nan_to_num(differences)) >= TIE]
