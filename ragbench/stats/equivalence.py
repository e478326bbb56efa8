"""Non-inferiority and equivalence: is a candidate not worse by a margin, or the same within it?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.checks import check_share, check_values
from ragbench.stats.clusters import means_and_errors
from ragbench.stats.distributions import t_above, t_quantile


@dataclass(frozen=True)
class NonInferiority:
    """A one-sided test against a margin, decided by its bounds.

    Attributes:
        mean: mean difference, candidate minus baseline; None without a value.
        low: one-sided lower bound at 1 - alpha; None if the data give none.
        high: one-sided upper bound at 1 - alpha; None together with ``low``.
        margin: the accepted loss, at least 0.
        p: p-value of the hypothesis that the candidate is worse by the margin or more, in (0, 1].
        decision: ``"non-inferior"`` if low > -margin, ``"inferior"`` if high < -margin, else ``"undecided"``.
        clusters: number of clusters with a value.
    """

    mean: float | None
    low: float | None
    high: float | None
    margin: float
    p: float
    decision: Literal["non-inferior", "inferior", "undecided"]
    clusters: int


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests against a margin, decided by the bounds.

    Attributes:
        mean: mean difference, candidate minus baseline; None without a value.
        low, high: ends of the 1 - 2 alpha interval; None if the data give none.
        margin: largest difference that does not matter, above 0.
        p: the larger p-value of the two tests, in (0, 1].
        decision: ``"equivalent"`` if -margin < low and high < margin, ``"different"`` if the interval is entirely
            outside of the margins, else ``"undecided"``.
        clusters: number of clusters with a value.
    """

    mean: float | None
    low: float | None
    high: float | None
    margin: float
    p: float
    decision: Literal["equivalent", "different", "undecided"]
    clusters: int


def non_inferior(
    differences: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], margin: float, *, alpha: float = 0.05
) -> NonInferiority:
    """Test whether the mean difference is above ``-margin``, by the clustered t.

    ``t = (mean + margin) / se`` has c - 1 degrees of freedom. The bounds are ``mean -+ t_{1-alpha} * se``, so p < alpha
    is equivalent to low > -margin.

    If the differences do not vary, there is no t. The bounds then equal the mean if the one-sided sign-flip test of
    that many clusters can reach alpha (``1 / 2^c <= alpha``, five clusters at .05); otherwise there are none. Such
    bounds say that the candidate did the same on these queries. They do not rule out rare losses: 20 queries miss a
    loss on one query in ten with probability .9^20, about one in eight.

    Args:
        differences: (n,) candidate minus baseline, where higher is better; NaN where undefined.
        clusters: (n,) cluster of each row.
        margin: the accepted loss, at least 0; 0 tests for superiority.
        alpha: one-sided error rate.

    Raises:
        InputError: there is more than one dimension, a difference is infinite, or the cluster numbers have gaps.
        SettingError: the margin is negative, or alpha is outside of (0, 1).

    Source: Piaggio et al. 2012; Liang and Zeger 1986 for clusters.
    """
    if not margin >= 0 or np.isinf(margin):
        raise SettingError(f"the margin must be at least 0, not {margin}: it is the accepted loss")
    mean, low, high, p_above, _, groups = _one_sided(differences, clusters, -margin, alpha)
    decision: Literal["non-inferior", "inferior", "undecided"] = "undecided"
    if low is not None and low > -margin:
        decision = "non-inferior"
    elif high is not None and high < -margin:
        decision = "inferior"
    return NonInferiority(mean, low, high, margin, p_above, decision, groups)


def tost(
    differences: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], margin: float, *, alpha: float = 0.05
) -> Equivalence:
    """Test whether the mean difference is between ``-margin`` and ``margin``, by two one-sided tests (TOST).

    Each test is as in `non_inferior`, one against each end. The candidate is equivalent if both reject, that is, if the
    1 - 2 alpha interval is within the margins.

    Args:
        differences: (n,) candidate minus baseline, NaN where undefined.
        clusters: (n,) cluster of each row.
        margin: largest difference that does not matter, above 0.
        alpha: error rate of each of the two tests.

    Raises:
        InputError: there is more than one dimension, a difference is infinite, or the cluster numbers have gaps.
        SettingError: the margin is not above 0, or alpha is outside of (0, 1).

    Source: Schuirmann 1987; Liang and Zeger 1986 for clusters.
    """
    if not margin > 0 or np.isinf(margin):
        raise SettingError(f"the margin must be above 0, not {margin}: it is the difference that does not matter")
    mean, low, high, p_above, _, groups = _one_sided(differences, clusters, -margin, alpha)
    *_, p_below, _ = _one_sided(differences, clusters, margin, alpha)
    decision: Literal["equivalent", "different", "undecided"] = "undecided"
    if low is not None and high is not None:
        if -margin < low and high < margin:
            decision = "equivalent"
        elif high < -margin or low > margin:
            decision = "different"
    return Equivalence(mean, low, high, margin, max(p_above, p_below), decision, groups)


def _one_sided(
    differences: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], bar: float, alpha: float
) -> tuple[float | None, float | None, float | None, float, float, int]:
    """Return the mean, its bounds, p of "the mean is at most bar", p of "it is at least bar", and the number of
    clusters.
    """
    if differences.ndim != 1:
        raise InputError(f"differences must be one list, not an array of {differences.ndim} dimensions")
    check_values(differences[:, None], clusters, what="difference")
    check_share(alpha, "alpha")
    means, errors, counted = means_and_errors(differences[:, None], clusters)
    mean, error, groups = float(means[0]), float(errors[0]), int(counted[0])
    if groups < 2:
        return (mean if groups else None), None, None, 1.0, 1.0, groups
    if error == 0:
        least = 2.0 ** -min(groups, 1000)
        above, below = (least if mean > bar else 1.0), (least if mean < bar else 1.0)
        return mean, *((mean, mean) if least <= alpha else (None, None)), above, below, groups
    reach = float(t_quantile(1 - alpha, groups - 1)) * error
    tiny = float(np.finfo(np.float64).tiny)
    t = (mean - bar) / error
    above, below = float(t_above(t, groups - 1)), float(t_above(-t, groups - 1))
    return mean, mean - reach, mean + reach, max(above, tiny), max(below, tiny), groups
