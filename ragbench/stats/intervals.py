"""Intervals of means, shares and percentiles, and the choice between them."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.core.evaluations import Estimate, estimate
from ragbench.core.scores import Scores
from ragbench.stats.bootstrap import bootstrap_means
from ragbench.stats.bounds import mean_bounds
from ragbench.stats.checks import check_resampling, check_share, check_values
from ragbench.stats.clusters import ClusteredMeans, cluster_averages, clustered_means
from ragbench.stats.distributions import t_quantile
from ragbench.stats.repeats import RunErrors, repeats_by_cluster, run_errors, with_runs

Ends = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
ENOUGH_CLUSTERS = 100
"""Effective number of clusters from which `mean_interval` uses the bootstrap. Both kinds of interval agree there, and
the bootstrap does not assume symmetry."""


def t_interval(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], *, confidence: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Interval ``mean +- t * se`` of each column, with the clustered error and its degrees of freedom.

    Error and degrees of freedom are CR2 and Bell-McCaffrey (`ragbench.stats.clusters.clustered_means`). If all clusters
    have the same mean, the interval is that of `ragbench.stats.bounds.MeanBounds`, which has a width.

    Args:
        values: (n, m) values, NaN where undefined.
        clusters: (n,) cluster of each row.
        confidence: coverage, in (0, 1).

    Returns:
        Lower and upper ends, each (m,); NaN for a column with values in fewer than two clusters.

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.
        SettingError: the confidence is outside of (0, 1).

    Source: Student 1908; Bell and McCaffrey 2002 for clusters.
    """
    check_values(values, clusters)
    check_share(confidence, "confidence")
    return _t_ends(clustered_means(values, clusters), confidence)


def _t_ends(found: ClusteredMeans, confidence: float) -> Ends:
    reach = t_quantile((1 + confidence) / 2, found.df) * found.errors
    low, high = found.means - reach, found.means + reach
    for column in np.flatnonzero(found.errors == 0).tolist():
        bounds = mean_bounds(found, column)
        low[column], high[column] = bounds.lower((1 - confidence) / 2), bounds.upper((1 - confidence) / 2)
    return low, high


def wilson_interval(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], *, confidence: float = 0.95
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Intervals of the means of columns with values in 0 to 1: rates, and metrics such as MRR and nDCG.

    Wilson's score interval of a rate ``m`` of ``e`` independent values, with

        e = m (1 - m) / se^2

    from the clustered standard error, and t with its degrees of freedom instead of z. It stays within 0 to 1. It does
    not shrink to a point if all values are the same, which is common for few queries and good systems: e is then the
    effective number of clusters, as if every cluster were one yes or no.

    Args:
        values: (n, m) values in [0, 1], NaN where undefined.
        clusters: (n,) cluster of each row.
        confidence: coverage, in (0, 1).

    Returns:
        Lower and upper ends, each (m,); NaN for a column with values in fewer than two clusters.

    Raises:
        InputError: a value is outside of 0 to 1, or the cluster numbers have gaps.
        SettingError: the confidence is outside of (0, 1).

    Source: Wilson 1927; the effective sample size of clusters and its t: Korn
    and Graubard 1998, Dean and Pagano 2015.

    Examples:
        Three hits in four queries.

        >>> low, high = wilson_interval(np.array([[1.0], [1], [0], [1]]), np.arange(4))
        >>> low.round(3), high.round(3)
        (array([0.131]), array([0.984]))
    """
    check_values(values, clusters)
    check_share(confidence, "confidence")
    outside = np.argwhere((values < 0) | (values > 1))
    if len(outside):
        row, column = outside[0]
        raise InputError(f"the value in row {row}, column {column} is {values[row, column]:g}, outside of 0 to 1")
    return _wilson_ends(clustered_means(values, clusters), confidence)


def _wilson_ends(found: ClusteredMeans, confidence: float) -> Ends:
    means, errors = found.means, found.errors
    spread = np.maximum(means * (1 - means), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        effective = np.where(errors > 0, spread / errors**2, found.effective)
        effective[found.clusters < 2] = np.nan
        return score_ends(means, effective, t_quantile((1 + confidence) / 2, found.df))


def score_ends(
    means: npt.NDArray[np.float64], n: npt.NDArray[np.float64], quantile: float | npt.NDArray[np.float64]
) -> Ends:
    """Ends of Wilson's score interval.

    Args:
        means: rates, in [0, 1].
        n: numbers of independent values behind them, above 0.
        quantile: of the normal distribution or of t, such as 1.96.

    Source: Wilson 1927.

    Examples:
        Three hits in four queries.

        >>> low, high = score_ends(np.array([0.75]), np.array([4.0]), 1.96)
        >>> low.round(3), high.round(3)
        (array([0.301]), array([0.954]))
    """
    shrink = 1 + quantile**2 / n
    centre = (means + quantile**2 / (2 * n)) / shrink
    spread = np.maximum(means * (1 - means), 0.0)
    reach = quantile / shrink * np.sqrt(spread / n + quantile**2 / (4 * n**2))
    return np.clip(centre - reach, 0.0, means), np.clip(centre + reach, means, 1.0)


def mean_interval(
    values: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
    levels: bool | npt.NDArray[np.bool_] = False,
    runs: RunErrors | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], tuple[str, ...]]:
    """Choose the interval of each column, by a rule from simulations of this project.

    - Values of a metric in 0 to 1 (``levels=True``): Wilson.
    - Else, means over runs that share an effect (``runs``): t.
    - Else, fewer than `ENOUGH_CLUSTERS` effective clusters, or clusters that all have the same mean: t.
    - Else: percentile bootstrap.

    At 95%, for normal, skewed and mostly tied differences in 5 to 20 clusters, the percentile interval covers 78 to
    96%, BCa 79 to 95%, and t 88 to 100%. For a hit rate of .97 in 20 queries, t and both bootstraps cover 47%, because
    most such samples are all hits; Wilson covers 98%. `benchmarks/significance.py` measures these figures. No interval
    accounts for a rare event that did not happen in the sample, so do not trust any interval of 10 queries.

    Args:
        values: (n, m) values, NaN where undefined.
        clusters: (n,) cluster of each row.
        rng: random generator.
        resamples: number of resamples of the bootstrap.
        confidence: coverage, in (0, 1).
        levels: whether the values (of each column) are metrics rather than differences of metrics. A column with a
            value outside of 0 to 1 is treated as a difference.
        runs: the part of the errors that comes from run to run, if the values are means over several runs.

    Returns:
        Lower and upper ends, each (m,), NaN for a column with values in fewer than two clusters, and the method of each
        column: ``"Wilson"``, ``"t"`` or ``"percentile bootstrap"``.

    Raises:
        InputError: a value is infinite, or the cluster numbers have gaps.
        SettingError: ``resamples`` is below 1, or the confidence is outside of (0, 1).
    """
    check_resampling(resamples, confidence)
    check_values(values, clusters)
    found = clustered_means(values, clusters)
    within = np.full(values.shape[1], levels) & ~((values < 0) | (values > 1)).any(axis=0)
    many = (found.effective >= ENOUGH_CLUSTERS) & (found.errors > 0) & ~within
    if runs is not None:
        found = with_runs(found, runs)
        many &= runs.shared == 0
    low, high = _t_ends(found, confidence)
    if within.any():
        ends = _wilson_ends(found, confidence)
        low[within], high[within] = ends[0][within], ends[1][within]
    if many.any():
        low[many], high[many] = bootstrap_means(
            values[:, many], clusters, rng, resamples=resamples, confidence=confidence
        )
    names = np.where(within, "Wilson", np.where(many, "percentile bootstrap", "t"))
    return low, high, tuple(names.tolist())


ROUNDING = 1e-9


@dataclass(frozen=True)
class Percentile:
    """One percentile of n values.

    Attributes:
        value: smallest value that at least this share of the values does not exceed.
        low: lower bound: the true percentile is lower with probability at most 2.5%; None if n is too small.
        high: upper bound, with the same error rate; None if n is too small.
        known: whether the value was measured; otherwise it is a lower limit.
        high_known: the same for ``high``.
    """

    value: float
    low: float | None
    high: float | None
    known: bool = True
    high_known: bool = True


def percentile(values: npt.NDArray[np.float64], share: float, *, censored: int = 0) -> Percentile | None:
    """Compute a percentile by nearest rank, with a 95% interval that assumes no distribution.

    The ends are values of the sample, at ranks from the binomial distribution. They assume independent values.
    Latencies of a busy service are not independent, because requests wait in one queue together; the interval is then
    too narrow.

    Args:
        values: (n,) values in ascending order. The last ``censored`` of them are lower limits.
        share: ``.99`` for p99.
        censored: number of values that are lower limits.

    Returns:
        The percentile. It is None without values, and if no value lies above a percentile above the median, because
        that would be the maximum (p95 of fewer than 20 values, p99 of fewer than 100).

    Source: Conover 1999, Practical Nonparametric Statistics, 3.2.
    """
    n = len(values)
    rank = max(math.ceil(share * n - ROUNDING), 1)
    if not n or (rank >= n and share > 0.5):
        return None
    from scipy.special import bdtr

    chances = bdtr(np.arange(n + 1), n, share)
    below = int(np.searchsorted(chances, 0.025))
    above = int(np.searchsorted(chances, 0.975)) + 1
    return Percentile(
        float(values[rank - 1]),
        float(values[below - 1]) if below >= 1 else None,
        float(values[above - 1]) if above <= n else None,
        rank <= n - censored,
        above <= n - censored or above > n,
    )


def enough_for(share: float) -> int:
    """Return how many values a percentile above the median needs for an upper bound: 72 for p95, 368 for p99."""
    return math.ceil(math.log(0.025) / math.log(share))


def estimates(
    scores: Scores,
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    resamples: int,
    *,
    by_document: bool = False,
) -> dict[str, Estimate]:
    """Estimate mean and interval of every metric. With repeated runs, the interval includes how the runs vary.

    Args:
        scores: scores of the queries.
        clusters: (q,) document of each query.
        rng: random generator.
        resamples: number of resamples of the bootstrap.
        by_document: whether the queries of each document are averaged first, so that every document counts once. ``n``
            is then the number of documents.
    """
    values, repeats = scores.values, scores.repeats
    if by_document:
        values = cluster_averages(values, clusters)
        repeats = None if repeats is None else repeats_by_cluster(repeats, clusters)
        clusters = np.arange(len(values))
    start, width = _scales(scores)
    runs = None if repeats is None else run_errors((repeats - start) / width, clusters)
    levels = np.array([not scores.geometric(name) for name in scores.metrics], dtype=bool)
    scaled = (values - start) / width
    low, high, _ = mean_interval(scaled, clusters, rng, resamples=resamples, levels=levels, runs=runs)
    low, high = low * width + start, high * width + start
    for column in np.flatnonzero(~levels).tolist():
        # The logarithms of values from 0 to 1 have no mean above 0.
        top = np.inf if (values[:, column] > 0).any() else 0.0
        low[column], high[column] = np.exp(low[column]), np.exp(min(high[column], top))
    defined = (~np.isnan(values)).sum(axis=0)
    means = replace(scores, values=values).means()
    return {name: estimate(means[name], low[i], high[i], int(defined[i])) for i, name in enumerate(scores.metrics)}


def _scales(scores: Scores) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(m,) The lowest value and the width of the scale of each metric. Most have 0 and 1, which change no value."""
    ends = np.array([scores.scales.get(name, (0.0, 1.0)) for name in scores.metrics]).reshape(-1, 2)
    return ends[:, 0], ends[:, 1] - ends[:, 0]
