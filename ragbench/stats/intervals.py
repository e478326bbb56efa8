"""Intervals of means, and which of them to use."""

import numpy as np
import numpy.typing as npt

from ragbench.stats.bootstrap import bootstrap_means
from ragbench.stats.checks import check_share, check_values
from ragbench.stats.clustered_error import means_and_errors

ENOUGH_CLUSTERS = 100


def t_interval(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], *, confidence: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """``mean +- t * se`` of each column, with the clustered error and c - 1 degrees of freedom.

    Args:
        values: (n, m), NaN where undefined.
        clusters: (n,) cluster of each row.
        confidence: coverage, in (0, 1).

    Returns:
        Lower and upper ends, each (m,); NaN for a column with values in fewer than two clusters.

    Raises:
        InputError: an infinite value, or clusters with gaps.
        SettingError: a confidence outside of (0, 1).

    Source: Student 1908; Liang and Zeger 1986 for clusters.
    """
    check_values(values, clusters)
    check_share(confidence, "confidence")
    from scipy.stats import t as student

    means, errors, groups = means_and_errors(values, clusters)
    reach = student.ppf((1 + confidence) / 2, np.maximum(groups - 1, 1)) * errors
    return means - reach, means + reach


def mean_interval(
    values: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], tuple[str, ...]]:
    """The interval that suits each column: t below `ENOUGH_CLUSTERS` clusters, else the percentile bootstrap.

    Args:
        values: (n, m), NaN where undefined.
        clusters: (n,) cluster of each row.
        rng: the generator.
        resamples: how many resamples, where there are any.
        confidence: coverage, in (0, 1).

    Returns:
        Lower and upper ends, each (m,), and the name of the method of each column.
    """
    low, high = t_interval(values, clusters, confidence=confidence)
    _, _, groups = means_and_errors(values, clusters)
    many = groups >= ENOUGH_CLUSTERS
    if many.any():
        low[many], high[many] = bootstrap_means(
            values[:, many], clusters, rng, resamples=resamples, confidence=confidence
        )
    return low, high, tuple("percentile bootstrap" if column else "t" for column in many)
