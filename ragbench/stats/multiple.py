"""Corrections for many tests at once."""

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError


def holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Adjusted p-values that hold the chance of any false positive (for confirmation).

    ``max over the smaller ones of (k - rank + 1) * p``, at most 1; valid however
    the tests depend on each other.

    Args:
        p: (k,) p-values.

    Raises:
        InputError: a value outside of [0, 1], or NaN.

    Source: Holm 1979; computed by ``statsmodels``.
    """
    return _adjusted(p, "holm")


def benjamini_hochberg(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Adjusted p-values that hold the expected share of false ones among the positives (for exploration).

    ``min over the larger ones of k / rank * p``; valid for independent tests and
    those that depend positively.

    Args:
        p: (k,) p-values.

    Raises:
        InputError: a value outside of [0, 1], or NaN.

    Source: Benjamini and Hochberg 1995; computed by ``statsmodels``.
    """
    return _adjusted(p, "fdr_bh")


def _adjusted(p: npt.NDArray[np.float64], method: str) -> npt.NDArray[np.float64]:
    p = np.asarray(p, dtype=np.float64)
    if p.ndim != 1:
        raise InputError(f"p-values must be one list, not an array of {p.ndim} dimensions")
    odd = np.flatnonzero(~((p >= 0) & (p <= 1)))
    if len(odd):
        raise InputError(f"p-value {odd[0]} is {p[odd[0]]:g}, outside of 0 to 1")
    if not len(p):
        return p
    from statsmodels.stats.multitest import multipletests

    adjusted: npt.NDArray[np.float64] = multipletests(p, method=method)[1]
    return adjusted
