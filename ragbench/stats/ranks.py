"""Paired tests on ranks and signs, which are used only on request."""

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_finite
from ragbench.stats.distributions import coin_p

TIE = 1e-12
"""Differences closer to 0 are ties: rounding errors of sums in another order."""


def wilcoxon(differences: npt.NDArray[np.float64]) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test; 1 if every difference is 0.

    It does not test the mean. It tests whether differences are symmetric around 0, drops ties, and can contradict the
    sign of the mean. It assumes independent rows; for rows in clusters, use `ragbench.stats.signflip.sign_flip_test`.

    Args:
        differences: (n,) candidate minus baseline, NaN where undefined.

    Raises:
        InputError: there is more than one dimension, or a difference is infinite.

    Source: Wilcoxon 1945; computed by ``scipy.stats.wilcoxon``, exactly up to
    50 differences (13 if some are equal), else by the normal approximation.
    """
    left = _differing(differences)
    if not len(left):
        return 1.0
    from scipy.stats import wilcoxon as signed_rank

    # Differences that are mathematically equal must share their rank.
    p = float(signed_rank(np.round(left, 12)).pvalue)
    return min(max(p, float(np.finfo(np.float64).tiny)), 1.0)


def sign_test(differences: npt.NDArray[np.float64]) -> float:
    """Two-sided exact p-value of the sign test, whether wins and losses are equally likely; 1 if there are neither.

    It counts wins and losses and ignores their size. It assumes independent rows; for rows in clusters, use
    `ragbench.stats.signflip.sign_flip_test`.

    Args:
        differences: (n,) candidate minus baseline, NaN where undefined.

    Raises:
        InputError: there is more than one dimension, or a difference is infinite.

    Source: Arbuthnot 1710.
    """
    left = _differing(differences)
    return coin_p(int((left > 0).sum()), len(left))


def _differing(differences: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if differences.ndim != 1:
        raise InputError(f"differences must be one list, not an array of {differences.ndim} dimensions")
    check_finite(differences, what="difference")
    return differences[np.abs(np.nan_to_num(differences)) >= TIE]
