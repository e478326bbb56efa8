"""Checks of arrays and settings that every test and interval makes before it computes anything."""

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, SettingError


def check_values(values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], *, what: str = "value") -> None:
    """Refuse arrays that have no statistic.

    Args:
        values: (n, m) values; NaN is allowed and means undefined.
        clusters: (n,) cluster of each row.
        what: name of a cell in messages.

    Raises:
        InputError: there are not two dimensions, a value is infinite, or the clusters are not the numbers 0 to c - 1
            for n rows.
    """
    if values.ndim != 2:
        raise InputError(f"{what}s must be an array of rows and columns, not of {values.ndim} dimensions")
    check_finite(values, what=what)
    check_clusters(clusters, len(values))


def check_finite(values: npt.NDArray[np.float64], *, what: str = "value") -> None:
    """Refuse infinite values; the message names the first one.

    Raises:
        InputError: a value is infinite.
    """
    infinite = np.isinf(values)
    if infinite.any():
        row, *column = np.argwhere(infinite)[0]
        place = f"row {row}" + (f", column {column[0]}" if column else "")
        raise InputError(f"the {what} in {place} is infinite; correct it, or make it undefined (NaN)")


def check_list(values: npt.NDArray[np.float64], what: str) -> None:
    """Refuse values that are not one list, or of which one is undefined or infinite.

    Raises:
        InputError: with the kind of value and its row.
    """
    if values.ndim != 1:
        raise InputError(f"{what}s must be one list, not an array of {values.ndim} dimensions")
    check_finite(values, what=what)
    undefined = np.flatnonzero(np.isnan(values))
    if len(undefined):
        raise InputError(f"the {what} in row {undefined[0]} is undefined; remove the row")


def check_clusters(clusters: npt.NDArray[np.int64], n: int) -> None:
    """Refuse clusters other than the numbers 0 to c - 1, all of them used, one for each of n rows.

    Raises:
        InputError: their number is wrong, one is a fraction or negative, or there is a gap.
    """
    if clusters.shape != (n,):
        raise InputError(f"there are {n} rows, but clusters for {'x'.join(map(str, clusters.shape))}")
    if not np.issubdtype(clusters.dtype, np.integer):
        raise InputError("clusters must be whole numbers, as cluster_index gives them")
    if not n:
        return
    negative = np.flatnonzero(clusters < 0)
    if len(negative):
        raise InputError(f"row {negative[0]} has the cluster {clusters[negative[0]]}; they count from 0")
    if int(clusters.max()) >= n:
        row = int(clusters.argmax())
        raise InputError(
            f"row {row} of {n} has the cluster {clusters[row]}: there are gaps; number the clusters with cluster_index"
        )
    empty = np.flatnonzero(np.bincount(clusters) == 0)
    if len(empty):
        raise InputError(f"no row has the cluster {empty[0]}: there are gaps; number the clusters with cluster_index")


def check_pairs(baseline: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64]) -> None:
    """Refuse two lists that cannot be the values of the same queries.

    Raises:
        InputError: a list does not have one dimension, the lengths differ, or a value is infinite.
    """
    if baseline.ndim != 1 or baseline.shape != candidate.shape:
        raise InputError(
            f"two lists of the same queries are compared, but their shapes are {baseline.shape} and {candidate.shape}"
        )
    check_finite(baseline, what="baseline's value")
    check_finite(candidate, what="candidate's value")


def check_resampling(resamples: int, confidence: float = 0.95) -> None:
    """Refuse resampling settings that give no number.

    Raises:
        SettingError: ``resamples`` is below 1, or the confidence is outside of (0, 1).
    """
    if resamples < 1:
        raise SettingError(f"resamples must be at least 1, not {resamples}")
    check_share(confidence, "confidence")


def check_share(share: float, name: str) -> None:
    """Refuse a confidence or an error rate outside of (0, 1).

    Raises:
        SettingError: it is outside.
    """
    if not 0 < share < 1:
        raise SettingError(f"{name} must lie between 0 and 1, not at {share}")
