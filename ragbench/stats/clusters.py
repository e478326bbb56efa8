"""Clusters of rows: totals, standard errors, degrees of freedom and effective sizes.

Queries of one document share its difficulty. With 100 documents, 5 queries each and an intraclass correlation of .3, a
t-test that treats the queries as independent has 19.8% false positives at .05. A clustered one has 5.7% (simulated for
this project).

Clusters are rarely of one size. If one of 30 documents holds half of the queries, the usual clustered error (CR1) with
c - 1 degrees of freedom gives 95% intervals that cover .67 to .80. So errors are CR2, with the degrees of freedom of
Bell and McCaffrey. Both have a closed form for a mean. For clusters of one size they equal CR1 and c - 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

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


def cluster_averages(values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(c, m) Mean of the defined values of each cluster; NaN where there is none."""
    sums, counts = cluster_totals(values, clusters)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


CONSTANT = 1e-12
"""A standard error below this share of the largest value is a rounding error: all values are the same."""


class ClusteredMeans(NamedTuple):
    """Means of columns with what their intervals need, (m,) each. A column without values has NaN.

    Attributes:
        means: means of the defined values.
        errors: CR2 standard errors; NaN with fewer than two clusters, exactly 0 if all clusters have the same mean.
        df: degrees of freedom of Bell and McCaffrey, at most c - 1; NaN with fewer than two clusters.
        clusters: numbers of clusters with a value.
        effective: effective numbers of clusters (`effective_clusters`).
        skews: third central moments of the means, the sums of the cubed terms whose squares add up to the squared
            error; divided by the cubed error they are the skewnesses of the means.
        largest: largest absolute values.
    """

    means: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64]
    df: npt.NDArray[np.float64]
    clusters: npt.NDArray[np.int64]
    effective: npt.NDArray[np.float64]
    skews: npt.NDArray[np.float64]
    largest: npt.NDArray[np.float64]

    def select(self, columns: npt.NDArray[np.int64]) -> "ClusteredMeans":
        """Select columns."""
        return ClusteredMeans(
            self.means[columns], self.errors[columns], self.df[columns], self.clusters[columns],
            self.effective[columns], self.skews[columns], self.largest[columns],
        )  # fmt: skip


def standard_errors(values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(m,) Clustered standard errors (CR2) of the column means.

    With n rows, and w_g the share of the rows that belong to cluster g,

    ``se^2 = sum over clusters g of (sum over i in g of (x_i - mean))^2 / (1 - w_g) / n^2``

    With one row per cluster this is ``s / sqrt(n)``, and with clusters of one size it is CR1. A column with values in
    fewer than two clusters gives NaN. A column whose clusters all have the same mean gives exactly 0.

    Args:
        values: (n, m) values, NaN where undefined.
        clusters: (n,) cluster of each row (`cluster_index`).

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.

    Source: Bell and McCaffrey 2002, Survey Methodology 28:169; Pustejovsky and Tipton 2018. The working model has
    independent rows, so the adjustment of a cluster is ``1 / sqrt(1 - w_g)``.
    """
    check_values(values, clusters)
    return clustered_means(values, clusters).errors


def clustered_means(values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> ClusteredMeans:
    """Compute means with their clustered errors and degrees of freedom, without checks.

    The degrees of freedom are those of Bell and McCaffrey (Satterthwaite) under independent rows. With the shares w_g,
    they are ``1 / (sum w_g^2 + sum over g != h of w_g^2 w_h^2 / ((1 - w_g) (1 - w_h)))``. They are c - 1 for c clusters
    of one size, and 3.7 for 30 clusters one of which holds half of the rows.

    Args:
        values: (n, m) finite values, NaN where undefined.
        clusters: (n,) cluster of each row.
    """
    sums, counts = cluster_totals(values, clusters)
    n, groups = counts.sum(axis=0), (counts > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: npt.NDArray[np.float64] = sums.sum(axis=0) / n
        shares = counts / n
        adjusted = (sums - counts * means) / n / np.sqrt(1 - shares)
        errors = np.sqrt((adjusted**2).sum(axis=0))
        squares = shares**2
        leverages = squares / (1 - shares)
        same = squares.sum(axis=0)
        df = 1 / (same + leverages.sum(axis=0) ** 2 - (leverages**2).sum(axis=0))
        effective = 1 / same
    errors[groups < 2] = df[groups < 2] = np.nan
    largest = np.abs(np.nan_to_num(values)).max(axis=0, initial=0.0)
    errors[errors <= CONSTANT * largest] = 0.0
    return ClusteredMeans(means, errors, df, groups, effective, (adjusted**3).sum(axis=0), largest)


def clustered_covariance(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """Compute means, their clustered covariance (CR2) and its degrees of freedom, without checks.

    Args:
        values: (n, m) finite values, NaN where undefined.
        clusters: (n,) cluster of each row.

    Returns:
        (m,) means, (m, m) covariance of the means, and the degrees of freedom of the first column, which are NaN with
        one cluster.

    Source: as for `clustered_means`, whose squared errors are the diagonal.
    """
    found = clustered_means(values, clusters)
    sums, counts = cluster_totals(values, clusters)
    n = counts.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        adjusted = (sums - counts * found.means) / n / np.sqrt(1 - counts / n)
    return found.means, adjusted.T @ adjusted, float(found.df[0])


def effective_clusters(clusters: npt.NDArray[np.int64]) -> float:
    """Effective number of clusters, ``n^2 / sum of the squared cluster sizes``; 0 without rows.

    It is c for c clusters of one size. It is 3.9 for 30 documents one of which holds half of the queries: a mean over
    these queries is about as uncertain as one over 4 documents.

    Args:
        clusters: (n,) cluster of each row.

    Source: Kish 1965.

    Examples:
        Four queries from one document, and one from each of two others.

        >>> effective_clusters(np.array([0, 0, 0, 0, 1, 2]))
        2.0
    """
    sizes = np.bincount(clusters).astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(clusters) else 0.0


def effective_size(values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> float:
    """Effective sample size: ``m (1 - m) / se^2`` with the clustered error, at least 1 and at most the number of items.

    If all values are the same, the similarity within clusters is unknown. The size is then the effective number of
    clusters.

    Args:
        values: (n,) values in 0 to 1, NaN where undefined; at least one is defined.
        clusters: (n,) cluster of each row.

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.

    Source: Kish 1965; Korn and Graubard 1998.
    """
    check_values(values[:, None], clusters)
    found = clustered_means(values[:, None], clusters)
    number = float((~np.isnan(values)).sum())
    mean, error = float(found.means[0]), float(found.errors[0])
    if np.isnan(error) or error == 0:
        return float(found.effective[0])
    return float(np.clip(mean * (1 - mean) / error**2, 1.0, number))
