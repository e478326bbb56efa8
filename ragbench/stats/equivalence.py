"""Non-inferiority and equivalence: is a candidate not worse by a margin, or the same within it?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.bounds import mean_bounds
from ragbench.stats.checks import check_share, check_values
from ragbench.stats.clusters import ClusteredMeans, clustered_means
from ragbench.stats.repeats import RunErrors, with_runs


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
    """Test whether the mean difference is above ``-margin``, by a one-sided bound.

    The bounds are those of `ragbench.stats.bounds.MeanBounds`: t for varied differences, and wider where losses are
    rare or where nothing differs. p < alpha is equivalent to low > -margin.

    20 queries that do not differ rule out a mean loss of .14 or more at .05, and not less. A margin of .02 takes 149
    such queries.

    Args:
        differences: (n,) candidate minus baseline, where higher is better; NaN where undefined.
        clusters: (n,) cluster of each row.
        margin: the accepted loss, at least 0; 0 tests for superiority.
        alpha: one-sided error rate.

    Raises:
        InputError: there is more than one dimension, a difference is infinite, or the cluster numbers have gaps.
        SettingError: the margin is negative, or alpha is outside of (0, 1).

    Source: Piaggio et al. 2012; Bell and McCaffrey 2002 for clusters.

    Examples:
        Twenty queries without a difference.

        >>> non_inferior(np.zeros(20), np.arange(20), 0.02).decision
        'undecided'
        >>> non_inferior(np.zeros(200), np.arange(200), 0.02).decision
        'non-inferior'
    """
    if not margin >= 0 or np.isinf(margin):
        raise SettingError(f"the margin must be at least 0, not {margin}: it is the accepted loss")
    found = _means(differences, clusters, alpha)
    groups = int(found.clusters[0])
    if groups < 2:
        mean = float(found.means[0]) if groups else None
        return NonInferiority(mean, None, None, margin, 1.0, "undecided", groups)
    bounds = mean_bounds(found)
    low, high = bounds.lower(alpha), bounds.upper(alpha, unseen=False)
    decision: Literal["non-inferior", "inferior", "undecided"] = "undecided"
    if low > -margin:
        decision = "non-inferior"
    elif high < -margin:
        decision = "inferior"
    return NonInferiority(bounds.mean, low, high, margin, bounds.p_above(-margin), decision, groups)


def tost(
    differences: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], margin: float, *, alpha: float = 0.05,
    below: float | None = None, runs: RunErrors | None = None,
) -> Equivalence:  # fmt: skip
    """Test whether the mean difference is between ``-margin`` and ``margin``, by two one-sided tests (TOST).

    Each test is as in `non_inferior`, one against each end. The candidate is equivalent if both reject, that is, if the
    1 - 2 alpha interval is within the margins.

    Args:
        differences: (n,) candidate minus baseline, NaN where undefined.
        clusters: (n,) cluster of each row.
        margin: largest difference that does not matter, above 0.
        alpha: error rate of each of the two tests.
        below: largest loss that does not matter, if it is not ``margin``; infinite if no loss matters.
        runs: how the difference varies from run to run, if the values are means over several runs.

    Raises:
        InputError: there is more than one dimension, a difference is infinite, or the cluster numbers have gaps.
        SettingError: the margin is not above 0, or alpha is outside of (0, 1).

    Source: Schuirmann 1987; Bell and McCaffrey 2002 for clusters.
    """
    if not margin > 0 or np.isinf(margin):
        raise SettingError(f"the margin must be above 0, not {margin}: it is the difference that does not matter")
    found = _means(differences, clusters, alpha)
    if runs is not None:
        found = with_runs(found, runs)
    groups = int(found.clusters[0])
    if groups < 2:
        mean = float(found.means[0]) if groups else None
        return Equivalence(mean, None, None, margin, 1.0, "undecided", groups)
    bounds = mean_bounds(found)
    low, high = bounds.lower(alpha), bounds.upper(alpha)
    decision: Literal["equivalent", "different", "undecided"] = "undecided"
    loss = margin if below is None else below
    if -loss < low and high < margin:
        decision = "equivalent"
    elif high < -loss or low > margin:
        decision = "different"
    p = max(bounds.p_above(-loss) if np.isfinite(loss) else 0.0, bounds.p_below(margin))
    return Equivalence(bounds.mean, low, high, margin, p, decision, groups)


def _means(differences: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], alpha: float) -> ClusteredMeans:
    if differences.ndim != 1:
        raise InputError(f"differences must be one list, not an array of {differences.ndim} dimensions")
    check_values(differences[:, None], clusters, what="difference")
    check_share(alpha, "alpha")
    return clustered_means(differences[:, None], clusters)
