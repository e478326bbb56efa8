"""One-sided confidence bounds of a mean, below and above, each with its own error rate."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, log, log1p

import numpy as np
import numpy.typing as npt

from ragbench.comparison.wordings import further_wording
from ragbench.core.verdicts import PREDICTED
from ragbench.stats.bounds import LARGEST, mean_bounds
from ragbench.stats.checks import check_values
from ragbench.stats.clusters import clustered_means
from ragbench.stats.distributions import t_quantile
from ragbench.stats.repeats import RunErrors, with_runs

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
        effective: effective number of units of a difference, which limits what its lower bound can rule out; None for
            other values.
        by_wording: whether an end is that of a further wording (`over_wordings`).
        shared: the part of the squared error that all queries of a run share, which no number of queries reduces.
    """

    mean: float | None
    low: float | None
    high: float | None
    error: float | None
    n: int
    clusters: int
    method: str
    effective: float | None = None
    by_wording: bool = False
    shared: float = 0.0


def share_bounds(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], *, below: float, above: float,
    runs: RunErrors | None = None,
) -> Bounds:  # fmt: skip
    """Compute bounds of the mean of values from 0 to 1, such as shares. They are also right near 0 and 1.

    These are the bounds of Clopper and Pearson, with an effective number of queries instead of the number: ``n* = mean
    (1 - mean) / se^2 * n / (n - 1) * (t_{n-1} / t_df)^2``, where se and df are the clustered error and its degrees of
    freedom (`ragbench.stats.clusters.clustered_means`). If the values do not vary, it is the effective number of
    clusters. For zeros and ones that are each their own cluster, the bounds are exactly those of Clopper and Pearson. A
    t interval is [1, 1] if every query is right, even for few queries. Wilson's upper end is too low if the mean is
    near 1, which causes false alarms (100 queries, 4 wrong, floor .99: it fails at 1%, though chance does that in 1.8%
    of runs).

    Args:
        values: (n,) values from 0 to 1, without NaN.
        clusters: (n,) cluster of each value.
        below: error rate of the lower bound, in (0, 0.5).
        above: error rate of the upper bound.
        runs: how the mean varies from run to run, if the values are means over several runs.

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.

    Source: Korn and Graubard 1998, Survey Methodology 24:193; Clopper and Pearson 1934.
    """
    check_values(values[:, None], clusters)
    from scipy.special import betaincinv

    n = len(values)
    found = clustered_means(values[:, None], clusters)
    if runs is not None:
        found = with_runs(found, runs)
    groups = int(found.clusters[0])
    if groups < FEWEST_CLUSTERS:
        return _without_bounds(values, groups)
    # Rounding must not raise a mean of ones above 1.
    mean, error = float(np.clip(found.means[0], 0, 1)), float(found.errors[0])
    df, effective = float(found.df[0]), float(found.effective[0])
    low_n, high_n = (_effective(mean, error, n, df, effective, chance) for chance in (below, above))
    low = float(betaincinv(mean * low_n, (1 - mean) * low_n + 1, below)) if mean > 0 else 0.0
    high = float(betaincinv(mean * high_n + 1, (1 - mean) * high_n, 1 - above)) if mean < 1 else 1.0
    method = "Clopper-Pearson" + _clustered(n, groups)
    return Bounds(mean, low, high, error, n, groups, method, shared=_shared(runs))


def difference_bounds(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], *, below: float, above: float,
    runs: RunErrors | None = None, largest: float = LARGEST,
) -> Bounds:  # fmt: skip
    """Compute bounds of the mean of differences (`ragbench.stats.bounds.MeanBounds`).

    They are t bounds where the differences vary, and wider where losses are rare. The lower bound also allows for
    losses that no query of this sample shows, because it is the one that lets a candidate pass.

    Args:
        values: (n,) without NaN.
        clusters: (n,) cluster of each value.
        below: error rate of the lower bound, in (0, 0.5).
        above: error rate of the upper bound.
        runs: how the mean varies from run to run, if the values are means over several runs.
        largest: the most that one query can lose.

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.
    """
    check_values(values[:, None], clusters)
    n = len(values)
    found = clustered_means(values[:, None], clusters)
    if runs is not None:
        found = with_runs(found, runs)
    groups = int(found.clusters[0]) if n else 0
    if groups < FEWEST_CLUSTERS:
        return _without_bounds(values, groups)
    bounds = mean_bounds(found)
    bounds = replace(bounds, largest=max(bounds.largest, largest))
    low, high = bounds.lower(below), bounds.upper(above, unseen=False)
    method = "t for rare losses" + _clustered(n, groups)
    return Bounds(bounds.mean, low, high, bounds.error, n, groups, method, bounds.effective, shared=_shared(runs))


PRECISION = 1e-7
"""Precision of an end of a ratio."""
STEPS = 60
MOST_RATIO = 1000.0
"""An upper end of a ratio beyond this is not known."""


def ratio_ends(at: Callable[[float], Bounds], ratio: float, value: float) -> tuple[float | None, float | None]:
    """Find the ends of the interval of a ratio of two means: the ratios that its test does not refuse.

    The test of a ratio r is that of the mean of ``candidate - r baseline`` against 0, so the interval is that of
    Fieller with the bounds of the gate. An end lies on the side of ``ratio`` that the test of ``ratio`` itself gives.

    Args:
        at: the bounds of the mean of ``candidate - r baseline``.
        ratio: the ratio that the rule asks for.
        value: the measured ratio.

    Returns:
        The ends; an upper end of None is beyond any ratio.

    Source: Fieller 1954, Journal of the Royal Statistical Society B 16:175.
    """

    def low_of(r: float) -> float:
        low = at(r).low
        return -1.0 if low is None else low

    def high_of(r: float) -> float:
        high = at(r).high
        return 1.0 if high is None else high

    above = low_of(ratio) >= 0
    low = _root(low_of, ratio, value) if above else _root(low_of, 0.0, min(ratio, value))
    if high_of(ratio) < 0:
        return low, _root(high_of, value, ratio)
    start = end = max(ratio, value)
    while end < MOST_RATIO and high_of(end) >= 0:
        end = 2 * end + 1
    return low, _root(high_of, start, end) if end < MOST_RATIO else None


def _root(of: Callable[[float], float], low: float, high: float) -> float:
    """Find where a falling function changes its sign; ``low`` if it is below 0 there already.

    Source: the Illinois method, Dowell and Jarratt 1971, BIT 11:168.
    """
    at_low, at_high = of(low), of(high)
    if at_low < 0 or at_high >= 0:
        return low if at_low < 0 else high
    side = 0
    for _ in range(STEPS):
        middle = low + (high - low) * at_low / (at_low - at_high)
        found = of(middle)
        if high - low < PRECISION or abs(found) < PRECISION**2:
            return middle
        if found >= 0:
            low, at_low = middle, found
            at_high = at_high / 2 if side > 0 else at_high
            side = 1
        else:
            high, at_high = middle, found
            at_low = at_low / 2 if side < 0 else at_low
            side = -1
    return low


def over_wordings(bounds: Bounds, values: npt.NDArray[np.float64], wordings: npt.NDArray[np.str_]) -> Bounds:
    """Widen the bounds of a difference to the 80% prediction interval of a further wording, if that reaches further.

    Each end then has at most the given error rate for the wordings of the set, and holds in a further wording with a
    chance of 90%. Bounds of queries in fewer than three wordings stay as they are.

    Args:
        bounds: bounds of the mean of ``values``.
        values: (n,) without NaN.
        wordings: (n,) wording of each value.
    """
    further = further_wording(values, wordings)
    if further is None or bounds.low is None or bounds.high is None:
        return bounds
    low, high = further.interval(PREDICTED)
    if low >= bounds.low and high <= bounds.high:
        return bounds
    method = f"{bounds.method}; a further wording"
    return replace(bounds, low=min(low, bounds.low), high=max(high, bounds.high), method=method, by_wording=True)


def _effective(mean: float, error: float, n: int, df: float, effective: float, chance: float) -> float:
    if error == 0:
        return effective
    shrink = float(t_quantile(chance, n - 1) / t_quantile(chance, df)) ** 2
    return mean * (1 - mean) / error**2 * n / (n - 1) * shrink


def _without_bounds(values: npt.NDArray[np.float64], groups: int) -> Bounds:
    return Bounds(float(values.mean()) if len(values) else None, None, None, None, len(values), groups, "none")


def _shared(runs: RunErrors | None) -> float:
    return 0.0 if runs is None else float(runs.shared[0])


def _clustered(n: int, groups: int) -> str:
    return f", clustered in {groups}" if groups < n else ""


POWER = 0.8
"""Power of the number of queries in `more_queries`, if the value stays as measured."""
HOPELESS = 100
"""`more_queries` gives no number beyond this multiple of the queries."""


def more_queries(bounds: Bounds, bound: float, below: float, above: float) -> int | None:
    """Estimate how many more queries, with the same number per document, separate the interval from the bound.

    ``n' = n z^2 (se^2 - shared) / ((mean - bound)^2 - z^2 shared)`` with ``z = z_{1-a} + z_power``, on the side of the
    mean. What the queries of a run share stays, however many they are. For a difference above its bound, it is at least
    the number that rules out losses that the sample does not show. If all values are 1, it is the number of units that
    would be unlikely to be all 1 below the floor.

    Args:
        bounds: the present bounds.
        bound: the bound of the rule.
        below: error rate of the lower bound.
        above: error rate of the upper bound.

    Returns:
        The number of queries, or None if the mean is too close to the bound for any number, or nothing is known.

    Source: the sample size of a one-sided test, as in Cohen 1988.
    """
    if bounds.mean is None or bounds.error is None:
        return None
    gap = abs(bounds.mean - bound)
    if bounds.error == 0 and bounds.effective is None:
        needed = _all_alike(bounds.mean, bound, below, above)
        return None if needed is None else max(1, ceil((needed - bounds.clusters) * bounds.n / bounds.clusters))
    if gap == 0:
        return None
    from scipy.special import ndtri

    chance = below if bounds.mean > bound else above
    reach = float(ndtri(1 - chance) + ndtri(POWER)) ** 2
    left = gap**2 - reach * bounds.shared
    if left <= 0:
        return None
    times = reach * (bounds.error**2 - bounds.shared) / left
    if bounds.effective is not None and bounds.mean > bound:
        # Losses that this sample does not show are ruled out by the number of queries alone.
        share = min(gap / (1 + bounds.mean), 1 - below)
        times = max(times, log(below) / log1p(-share) / bounds.effective)
    return max(1, ceil((times - 1) * bounds.n)) if times <= HOPELESS else None


def _all_alike(mean: float, bound: float, below: float, above: float) -> int | None:
    if mean == 1 and 0 < bound < 1:
        return ceil(log(below) / log(bound))
    if mean == 0 and 0 < bound < 1:
        return ceil(log(above) / log(1 - bound))
    return None
