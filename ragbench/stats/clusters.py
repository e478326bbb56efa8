"""Clusters of rows: totals, standard errors and effective sizes.

Queries of one document share its difficulty. With 100 documents, 5 queries each and an intraclass correlation of .3, a
t-test that treats the queries as independent has 19.8% false positives at .05. A clustered one has 5.7% (simulated for
this project).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_values


def cluster_index(units: Sequence[str]) -> npt.NDArray[np.int64]:
    """(n,) Number the cluster of each row, 0 to c - 1, in order of first appearance.

    Examples:
        >>> cluster_index(["document 1", "document 1", "document 2"])
        array([0, 0, 1])
    """
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(unit, len(seen)) for unit in units], dtype=np.int64)


def cluster_totals(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Compute sums and numbers of defined values per cluster.

    Args:
        values: (n, m) values, NaN where undefined.
        clusters: (n,) cluster of each row, 0 to c - 1.

    Returns:
        (c, m) sums and (c, m) counts.
    """
    c = int(clusters.max(initial=-1)) + 1
    defined = ~np.isnan(values)
    sums = np.zeros((c, values.shape[1]))
    counts = np.zeros((c, values.shape[1]))
    np.add.at(sums, clusters, np.where(defined, values, 0.0))
    np.add.at(counts, clusters, defined)
    return sums, counts


CONSTANT = 1e-12
"""A standard error below this share of the largest value is a rounding error: all values are the same."""


def standard_errors(values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(m,) Clustered standard errors of the column means.

    ``se^2 = c / (c - 1) * sum over clusters g of (sum over i in g of (x_i - mean))^2 / n^2``

    With one row per cluster this is ``s / sqrt(n)``. A column with values in fewer than two clusters gives NaN. A
    column whose clusters all have the same mean gives exactly 0.

    Args:
        values: (n, m) values, NaN where undefined.
        clusters: (n,) cluster of each row (`cluster_index`).

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


def effective_size(values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> float:
    """Effective sample size: ``m (1 - m) / se^2`` with the clustered error, at least 1 and at most the number of items.

    If all values are the same, the similarity within clusters is unknown, and each cluster counts as one item.

    Args:
        values: (n,) values in 0 to 1, NaN where undefined; at least one is defined.
        clusters: (n,) cluster of each row.

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.

    Source: Kish 1965; Korn and Graubard 1998.
    """
    check_values(values[:, None], clusters)
    means, errors, groups = means_and_errors(values[:, None], clusters)
    number = float((~np.isnan(values)).sum())
    mean, error = float(means[0]), float(errors[0])
    if np.isnan(error) or error == 0:
        return float(groups[0])
    return float(np.clip(mean * (1 - mean) / error**2, 1.0, number))
