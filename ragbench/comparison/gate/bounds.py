"""One-sided confidence bounds of a mean, below and above, each with its own error rate."""

from dataclasses import dataclass
from math import ceil, log

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_values
from ragbench.stats.clusters import means_and_errors
from ragbench.stats.equivalence import non_inferior

FEWEST_CLUSTERS = 5
"""With fewer independent units, no bound is computed."""


@dataclass(frozen=True)
class Bounds:
    """A mean with its confidence bounds.

    Attributes:
        mean: the mean; None without values.
        low: lower bound: the true mean is lower with probability at most ``below``; None if the data give no bound.
        high: upper bound: the true mean is higher with probability at most ``above``; None together with ``low``.
        error: clustered standard error; None if the data give none.
        n: number of values.
        clusters: number of independent units.
        method: name of the method.
    """

    mean: float | None
    low: float | None
    high: float | None
    error: float | None
    n: int
    clusters: int
    method: str


def share_bounds(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], *, below: float, above: float
) -> Bounds:
    """Compute bounds of the mean of values from 0 to 1, such as shares. They are also right near 0 and 1.

    These are the bounds of Clopper and Pearson, with the effective number of queries instead of the number: ``n* = mean
        (1 - mean) / se^2 * n / (n - 1) * (t_{n-1} / t_{c-1})^2``,
    where se is the clustered error. If the values do not vary, it is the number of clusters. For zeros and ones that
    are each their own cluster, the bounds are exactly those of Clopper and Pearson. A t interval is [1, 1] if every
    query is right, even for few queries. Wilson's upper end is too low if the mean is near 1, which causes false alarms
    (100 queries, 4 wrong, floor .99: it fails at 1%, though chance does that in 1.8% of runs).

    Args:
        values: (n,) values from 0 to 1, without NaN.
        clusters: (n,) cluster of each value.
        below: error rate of the lower bound, in (0, 0.5).
        above: error rate of the upper bound.

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.

    Source: Korn and Graubard 1998, Survey Methodology 24:193; Clopper and Pearson 1934.
    """
    check_values(values[:, None], clusters)
    from scipy.stats import beta

    n = len(values)
    means, errors, counted = means_and_errors(values[:, None], clusters)
    groups = int(counted[0])
    if groups < FEWEST_CLUSTERS:
        return _without_bounds(values, groups)
    # Rounding must not raise a mean of ones above 1.
    mean, error = float(np.clip(means[0], 0, 1)), float(errors[0])
    low_n, high_n = (_effective(mean, error, n, groups, chance) for chance in (below, above))
    low = float(beta.ppf(below, mean * low_n, (1 - mean) * low_n + 1)) if mean > 0 else 0.0
    high = float(beta.ppf(1 - above, mean * high_n + 1, (1 - mean) * high_n)) if mean < 1 else 1.0
    return Bounds(mean, low, high, error, n, groups, "Clopper-Pearson" + _clustered(n, groups))


def difference_bounds(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], *, below: float, above: float
) -> Bounds:
    """Compute bounds of the mean of any values by the clustered t (`ragbench.stats.equivalence.non_inferior`).

    With a few large losses among many ties, t is too confident: if the true loss equals the margin and 3% of 170
        documents cause all of it, a lower bound of 5% is wrong in 9% of runs (`benchmarks/gate.py`).

    Args:
        values: (n,) without NaN.
        clusters: (n,) cluster of each value.
        below: error rate of the lower bound, in (0, 0.5).
        above: error rate of the upper bound.

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.
    """
    lower = non_inferior(values, clusters, 0.0, alpha=below)
    upper = non_inferior(values, clusters, 0.0, alpha=above)
    groups = lower.clusters
    if groups < FEWEST_CLUSTERS or lower.low is None or upper.high is None:
        return _without_bounds(values, groups)
    error = float(means_and_errors(values[:, None], clusters)[1][0])
    method = "t" + _clustered(len(values), groups)
    return Bounds(lower.mean, lower.low, upper.high, error, len(values), groups, method)


def _effective(mean: float, error: float, n: int, groups: int, chance: float) -> float:
    from scipy.stats import t as student

    if error == 0:
        return float(groups)
    shrink = float(student.ppf(chance, n - 1) / student.ppf(chance, groups - 1)) ** 2
    return mean * (1 - mean) / error**2 * n / (n - 1) * shrink


def _without_bounds(values: npt.NDArray[np.float64], groups: int) -> Bounds:
    return Bounds(float(values.mean()) if len(values) else None, None, None, None, len(values), groups, "none")


def _clustered(n: int, groups: int) -> str:
    return f", clustered in {groups}" if groups < n else ""


POWER = 0.8
"""Power of the number of queries in `more_queries`, if the value stays as measured."""
HOPELESS = 100
"""`more_queries` gives no number beyond this multiple of the queries."""


def more_queries(bounds: Bounds, bound: float, below: float, above: float) -> int | None:
    """Estimate how many more queries, with the same number per document, separate the interval from the bound.

    ``n' = n ((z_{1-a} + z_power) se / |mean - bound|)^2``, on the side of the mean. If all values are 1, it is the
    number of units that would be unlikely to be all 1 below the floor.

    Args:
        bounds: the present bounds.
        bound: the bound of the rule.
        below: error rate of the lower bound.
        above: error rate of the upper bound.

    Returns:
        The number of queries, or None if the mean is too close to the bound or nothing is known.

    Source: the sample size of a one-sided test, as in Cohen 1988.
    """
    if bounds.mean is None or bounds.error is None:
        return None
    gap = abs(bounds.mean - bound)
    if bounds.error == 0:
        needed = _all_alike(bounds.mean, bound, below, above)
        return None if needed is None else max(1, ceil((needed - bounds.clusters) * bounds.n / bounds.clusters))
    if gap == 0:
        return None
    from scipy.stats import norm

    chance = below if bounds.mean > bound else above
    reach = float(norm.isf(chance) + norm.ppf(POWER)) * bounds.error
    times = (reach / gap) ** 2
    return max(1, ceil((times - 1) * bounds.n)) if times <= HOPELESS else None


def _all_alike(mean: float, bound: float, below: float, above: float) -> int | None:
    if mean == 1 and 0 < bound < 1:
        return ceil(log(below) / log(bound))
    if mean == 0 and 0 < bound < 1:
        return ceil(log(above) / log(1 - bound))
    return None
