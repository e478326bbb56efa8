"""Paired t-test, by cluster."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_values
from ragbench.stats.clustered_error import means_and_errors
from ragbench.stats.distributions import t_above, t_quantile


@dataclass(frozen=True)
class PairedT:
    """A paired t-test of each of m columns; no entry is ever NaN or infinite.

    Attributes:
        t: (m,) the mean difference over its clustered standard error.
        df: (m,) degrees of freedom: clusters - 1, or 0 where there are fewer than two.
        p: (m,) two-sided p-values in (0, 1].
        constant: (m,) whether the differences do not vary (see `paired_t`).
    """

    t: npt.NDArray[np.float64]
    df: npt.NDArray[np.int64]
    p: npt.NDArray[np.float64]
    constant: npt.NDArray[np.bool_]


def paired_t(differences: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> PairedT:
    """Two-sided test of "the mean paired difference is 0", rows of one cluster taken together.

    ``t = mean / se`` with the error of `standard_errors` and c - 1 degrees of
    freedom; with one row per cluster, the usual paired t-test.

    Where t is no number, the columns are marked ``constant`` and p is:

    - 1 where every difference is 0, or fewer than two clusters have a value;
    - ``2 / 2^c`` where all c clusters have the same difference other than 0: the
      exact sign-flip test of such data. t is then the one that belongs to this p.

    Args:
        differences: (n, m) candidate minus baseline, NaN where undefined.
        clusters: (n,) cluster of each row.

    Raises:
        InputError: an infinite difference, or clusters with gaps.

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
