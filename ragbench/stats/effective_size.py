"""Effective sample size of clustered yes-or-no values."""

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_values
from ragbench.stats.clustered_error import means_and_errors


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
