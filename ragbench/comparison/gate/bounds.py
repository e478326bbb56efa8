"""One-sided bounds of a mean, below and above, each with its own chance of error."""

from dataclasses import dataclass
from math import ceil, log

import numpy as np
import numpy.typing as npt

from ragbench.stats.checks import check_values
from ragbench.stats.clustered_error import means_and_errors
from ragbench.stats.equivalence import non_inferior

FEWEST_CLUSTERS = 5
"""From fewer independent units no bound is worked out."""


@dataclass(frozen=True)
class Bounds:
    """A mean and where it lies.

    Attributes:
        mean: None without a value.
        low: the true mean lies below with the chance ``below`` at most; None where the data give no bound.
        high: it lies above with the chance ``above`` at most; None with ``low``.
        error: clustered standard error; None where the data give none.
        n: values.
        clusters: independent units among them.
        method: how the bounds were made.
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
    """Bounds of the mean of values from 0 to 1, of shares above all; right near the ends too.

    Clopper and Pearson's, with the effective number of queries in place of the
    number: ``n* = mean (1 - mean) / se^2 * n / (n - 1) * (t_{n-1} / t_{c-1})^2``,
    where se is the clustered error; the number of clusters where the values do
    not vary. For 0 and 1, each its own cluster, they are exactly Clopper and
    Pearson's. A t interval is [1, 1] where every query is right, however few; and
    Wilson's upper end lies too low where the mean is near 1, which would be a
    false alarm (100 queries, 4 wrong, floor .99: it fails at 1%, though chance
    does that in 1.8% of runs).

    Args:
        values: (n,) from 0 to 1, without NaN.
        clusters: (n,) cluster of each value.
        below: chance of error of the lower bound, in (0, 0.5).
        above: the same of the upper.

    Raises:
        InputError: an infinite value, or clusters with gaps.

    Source: Korn and Graubard 1998, Survey Methodology 24:193; Clopper and Pearson 1934.
    """
    check_values(values[:, None], clusters)
    from scipy.stats import beta

    n = len(values)
    means, errors, counted = means_and_errors(values[:, None], clusters)
    groups = int(counted[0])
    if groups < FEWEST_CLUSTERS:
        return _without_bounds(values, groups)
    # Rounding must not carry a mean of ones past 1.
    mean, error = float(np.clip(means[0], 0, 1)), float(errors[0])
    low_n, high_n = (_effective(mean, error, n, groups, chance) for chance in (below, above))
    low = float(beta.ppf(below, mean * low_n, (1 - mean) * low_n + 1)) if mean > 0 else 0.0
    high = float(beta.ppf(1 - above, mean * high_n + 1, (1 - mean) * high_n)) if mean < 1 else 1.0
    return Bounds(mean, low, high, error, n, groups, "Clopper-Pearson" + _clustered(n, groups))


def difference_bounds(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], *, below: float, above: float
) -> Bounds:
    """Bounds of the mean of any values, by the clustered t (`ragbench.stats.equivalence.non_inferior`).

    A few large losses among many ties make t too sure: at a true loss of the
    margin, all of it in 3% of 170 documents, a lower bound of 5% errs in 9% of
    runs (`benchmarks/gate.py`).

    Args:
        values: (n,) without NaN.
        clusters: (n,) cluster of each value.
        below: chance of error of the lower bound, in (0, 0.5).
        above: the same of the upper.

    Raises:
        InputError: an infinite value, or clusters with gaps.
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
"""How often so many queries are enough, if the value stays as measured."""
HOPELESS = 100
"""With more than so many times the queries, nothing is promised."""


def more_queries(bounds: Bounds, bound: float, below: float, above: float) -> int | None:
    """Further queries, like these and from as many documents each, until the interval leaves the bound.

    ``n' = n ((z_{1-a} + z_power) se / |mean - bound|)^2``, on the side where the
    mean lies. Where all values are 1, the number of units whose all being 1
    would be unlikely below the floor.

    Args:
        bounds: what is known now.
        bound: what the rule asks.
        below: chance of error of the lower end.
        above: the same of the upper.

    Returns:
        None where the mean lies so near the bound that no number is of use, or nothing is known.

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
