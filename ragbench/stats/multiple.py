"""Corrections of p-values for several comparisons: Holm and Benjamini-Hochberg. `max_t` has one of its own."""

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError


def holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Holm's adjusted p-values, which control the probability of any false positive (for confirmation).

    ``max over the smaller ones of (k - rank + 1) * p``, at most 1. They are valid for any dependence between the tests.

    Args:
        p: (k,) p-values.

    Raises:
        InputError: a value outside of [0, 1], or NaN.

    Source: Holm 1979.

    Examples:
        >>> holm(np.array([0.01, 0.04, 0.03]))
        array([0.03, 0.06, 0.06])
    """
    p, order = _sorted(p)
    raised = np.maximum.accumulate(np.arange(len(p), 0, -1) * p)
    return _as_given(raised, order)


def benjamini_hochberg(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Benjamini and Hochberg's adjusted p-values, which control the false discovery rate (for exploration).

    ``min over the larger ones of k / rank * p``. They are valid for independent and for positively dependent tests.

    Args:
        p: (k,) p-values.

    Raises:
        InputError: a value outside of [0, 1], or NaN.

    Source: Benjamini and Hochberg 1995.

    Examples:
        >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03]))
        array([0.03, 0.04, 0.04])
    """
    p, order = _sorted(p)
    ranks = np.arange(1, len(p) + 1)
    raised = np.minimum.accumulate((len(p) / ranks * p)[::-1])[::-1]
    return _as_given(raised, order)


def _sorted(p: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Sort p-values, and return their former positions."""
    p = np.asarray(p, dtype=np.float64)
    if p.ndim != 1:
        raise InputError(f"p-values must be one list, not an array of {p.ndim} dimensions")
    odd = np.flatnonzero(~((p >= 0) & (p <= 1)))
    if len(odd):
        raise InputError(f"p-value {odd[0]} is {p[odd[0]]:g}, outside of 0 to 1")
    order = np.argsort(p, kind="stable")
    return p[order], order


def _as_given(p: npt.NDArray[np.float64], order: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    found = np.empty(len(p))
    found[order] = np.minimum(p, 1.0)
    return found
