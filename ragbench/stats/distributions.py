"""Student's t and the binomial of a fair coin.

They use ``scipy.special``. Importing ``scipy.stats``, which gives the same numbers, takes longer than comparing
thousands of queries.
"""

import numpy as np
import numpy.typing as npt


def t_quantile(
    share: float | npt.NDArray[np.float64], df: float | npt.NDArray[np.int64] | npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The quantile of t at the probability ``share``, in (0, 1), with ``df`` degrees of freedom."""
    from scipy.special import stdtrit

    found: npt.NDArray[np.float64] = stdtrit(df, share)
    return found


def t_above(t: float | npt.NDArray[np.float64], df: float | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The probability of a value above ``t`` with ``df`` degrees of freedom."""
    from scipy.special import stdtr

    found: npt.NDArray[np.float64] = stdtr(df, -np.asarray(t))
    return found


def coin_p(heads: int, tosses: int) -> float:
    """Two-sided exact p-value of the hypothesis that heads and tails are equally likely, in (0, 1]; 1 without a
    toss.
    """
    from scipy.special import bdtr

    if not tosses:
        return 1.0
    # The distribution is symmetric, so both tails are equal.
    p = 2 * float(bdtr(min(heads, tosses - heads), tosses, 0.5))
    return min(1.0, max(p, float(np.finfo(np.float64).tiny)))


def coin_mid_p(heads: int, tosses: int) -> float:
    """Two-sided mid-p of the hypothesis that heads and tails are equally likely, in (0, 1]; 1 without a toss.

    Source: Lancaster 1961.
    """
    from scipy.special import bdtr

    if not tosses:
        return 1.0
    fewer = min(heads, tosses - heads)
    below = float(bdtr(fewer - 1, tosses, 0.5)) if fewer else 0.0
    return min(1.0, max(below + float(bdtr(fewer, tosses, 0.5)), float(np.finfo(np.float64).tiny)))
