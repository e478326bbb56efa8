"""Paired t-test by cluster."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_values
from ragbench.stats.clustered_error import means_and_errors
from ragbench.stats.distributions import t_above, t_quantile


@dataclass(frozen=True)
class PairedT:
    """Paired t-tests of m columns. No entry is NaN or infinite.

    Attributes:
        t: (m,) mean difference divided by its clustered standard error.
        df: (m,) degrees of freedom: clusters - 1, or 0 with fewer than two.
        p: (m,) two-sided p-values in (0, 1].
        constant: (m,) whether the differences do not vary (see `paired_t`).
    """

    t: npt.NDArray[np.float64]
    df: npt.NDArray[np.int64]
    p: npt.NDArray[np.float64]
    constant: npt.NDArray[np.bool_]


def paired_t(differences: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> PairedT:
    """Test whether the mean paired difference is 0 (two-sided), with rows grouped by cluster.

    ``t = mean / se`` with the error of `standard_errors` has c - 1 degrees of freedom. With one row per cluster, it is
    the usual paired t-test.

    If t is not a number, the column is marked ``constant``, and p is:

    - 1 if every difference is 0, or fewer than two clusters have a value;
    - ``2 / 2^c`` if all c clusters have the same nonzero difference, as in the exact sign-flip test. t is then the
    value that belongs to this p.

    Args:
        differences: (n, m) candidate minus baseline, NaN where undefined.
        clusters: (n,) cluster of each row.

    Raises:
        InputError: a difference is infinite, or the cluster numbers have gaps.

    Source: Student 1908; Liang and Zeger 1986 for clusters.
    """
    check_values(differences, clusters, what="difference")
    means, errors, groups = means_and_errors(differences, clusters)
    df = np.maximum(groups - 1, 0)
    varies = np.nan_to_num(errors) > 0
    shifted = (groups > 1) & ~varies & (np.nan_to_num(means) != 0)
    t, p = np.zeros(len(means)), np.ones(len(means))
    t[varies] = means[varies] / errors[varies]
    p[varies] = 2 * t_above(np.abs(t[varies]), df[varies])
    p[shifted] = 2.0 ** (1.0 - np.minimum(groups[shifted], 1000))
    t[shifted] = np.sign(means[shifted]) * -t_quantile(p[shifted] / 2, df[shifted])
    return PairedT(t, df, np.maximum(p, np.finfo(np.float64).tiny), ~varies)
