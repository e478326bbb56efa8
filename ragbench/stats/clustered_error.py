"""Standard errors of means whose rows come in clusters."""

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_values
from ragbench.stats.clusters import cluster_totals

CONSTANT = 1e-12
"""A standard error below this share of the largest value is rounding: the values are all the same."""


def standard_errors(values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(m,) standard errors of the column means, rows of one cluster taken together.

    ``se^2 = c / (c - 1) * sum over clusters g of (sum over i in g of (x_i - mean))^2 / n^2``

    With one row per cluster this is ``s / sqrt(n)``. A column with values in
    fewer than two clusters gives NaN; one whose clusters all have the same mean
    gives exactly 0.

    Args:
        values: (n, m), NaN where undefined.
        clusters: (n,) cluster of each row (`ragbench.stats.clusters.cluster_index`).

    Raises:
        InputError: an infinite value, or clusters with gaps.

    Source: Liang and Zeger 1986; the factor c / (c - 1) is that of CR1, as in
    statsmodels' ``cov_type="cluster"``.
    """
    check_values(values, clusters)
    return means_and_errors(values, clusters)[1]


def means_and_errors(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """(m,) means, clustered standard errors, and numbers of clusters with a value; unchecked.

    A column without values has the mean NaN, and the error NaN.
    """
    sums, counts = cluster_totals(values, clusters)
    n, groups = counts.sum(axis=0), (counts > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: npt.NDArray[np.float64] = sums.sum(axis=0) / n
        residuals = sums - counts * means
        errors = np.sqrt(groups / (groups - 1.0) * (residuals**2).sum(axis=0)) / n
    errors[groups < 2] = np.nan
    largest = np.abs(np.nan_to_num(values)).max(axis=0, initial=0.0)
    errors[errors <= CONSTANT * largest] = 0.0
    return means, errors, groups
