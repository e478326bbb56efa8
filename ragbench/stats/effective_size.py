"""How many independent items a clustered sample of yes and no is worth."""

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_values
from ragbench.stats.clustered_error import means_and_errors


def effective_size(values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64]) -> float:
    """``m (1 - m) / se^2`` with the clustered error, at least 1 and at most the number of items.

    Where all values are the same nothing is known of how alike clusters are: each of them counts as one.

    Args:
        values: (n,) in 0 to 1, NaN where undefined; at least one defined.
        clusters: (n,) cluster of each row.

    Raises:
        InputError: an infinite value, or clusters with gaps.

    Source: Kish 1965; Korn and Graubard 1998.
    """
    check_values(values[:, None], clusters)
    means, errors, groups = means_and_errors(values[:, None], clusters)
    number = float((~np.isnan(values)).sum())
    mean, error = float(means[0]), float(errors[0])
    if np.isnan(error) or error == 0:
        return float(groups[0])
    return float(np.clip(mean * (1 - mean) / error**2, 1.0, number))
