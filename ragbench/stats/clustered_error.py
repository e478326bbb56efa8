"""Clustered standard errors of means."""

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_values
from ragbench.stats.clusters import cluster_totals

CONSTANT = 1e-12
"""A standard error below this share of the largest value is a rounding error: all values are the same."""


def standard_errors(values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(m,) Clustered standard errors of the column means.

    ``se^2 = c / (c - 1) * sum over clusters g of (sum over i in g of (x_i - mean))^2 / n^2``

    With one row per cluster this is ``s / sqrt(n)``. A column with values in fewer than two clusters gives NaN. A
    column whose clusters all have the same mean gives exactly 0.

    Args:
        values: (n, m) values, NaN where undefined.
        clusters: (n,) cluster of each row (`ragbench.stats.clusters.cluster_index`).

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.

    Source: Liang and Zeger 1986; the factor c / (c - 1) is that of CR1, as in
    statsmodels' ``cov_type="cluster"``.
    """
    check_values(values, clusters)
    return means_and_errors(values, clusters)[1]


def means_and_errors(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """(m,) Means, clustered standard errors, and numbers of clusters with a value, without checks.

    Mean and error of a column without values are NaN.
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
