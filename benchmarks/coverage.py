"""How often 95% intervals hold the true mean, by kind of interval, kind of value and number of clusters."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from benchmarks.figures import Figure
from ragbench.stats.bootstrap import bootstrap_means, resampled_means
from ragbench.stats.clusters import cluster_totals
from ragbench.stats.intervals import mean_interval, t_interval

CLUSTERS = (10, 40, 200)
EACH = 5
"""Queries of a document, where there are several."""
ICC = 0.3
RESAMPLES = 2000
RECIPROCAL_RANKS = (1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 10, 0)
SHARES = (0.6, 0.15, 0.06, 0.04, 0.03, 0.02, 0.1)
Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """Many samples of one kind, each a column, and the mean that they are drawn from."""

    name: str
    values: Array
    clusters: Clusters
    mean: float
    levels: bool


def samples(rng: np.random.Generator, clusters: int, columns: int) -> Iterator[Sample]:
    """Four kinds of values that evaluations give."""
    single, grouped = np.arange(clusters), np.repeat(np.arange(clusters), EACH)
    yield Sample("hit rate .95", (rng.random((clusters, columns)) < 0.95).astype(float), single, 0.95, True)
    shape = (1 - ICC) / ICC
    rates = np.repeat(rng.beta(0.9 * shape, 0.1 * shape, size=(clusters, columns)), EACH, axis=0)
    hits = (rng.random(rates.shape) < rates).astype(float)
    yield Sample("hit rate .9, 5 queries a document", hits, grouped, 0.9, True)
    ranks = rng.choice(RECIPROCAL_RANKS, p=SHARES, size=(clusters, columns))
    yield Sample("reciprocal rank", ranks, single, float(np.dot(RECIPROCAL_RANKS, SHARES)), True)
    tied = rng.random((clusters, columns)) < 0.7
    steps = rng.choice([-1, -0.5, -0.2, 0.2, 0.5, 1], size=tied.shape)
    yield Sample("difference, 70% ties", np.where(tied, 0.0, steps), single, 0.0, False)
    shared = np.repeat(rng.normal(0, np.sqrt(ICC), size=(clusters, columns)), EACH, axis=0)
    own = rng.normal(0, np.sqrt(1 - ICC), size=shared.shape)
    yield Sample("difference, 5 queries a document", shared + own, grouped, 0.0, False)


def intervals(sample: Sample, rng: np.random.Generator) -> Iterator[tuple[str, tuple[Array, Array]]]:
    """Each kind of interval of a sample; the first is the one that ragbench chooses."""
    values, clusters = sample.values, sample.clusters
    low, high, _ = mean_interval(values, clusters, rng, resamples=RESAMPLES, levels=sample.levels)
    yield "Wilson (chosen)" if sample.levels else "as chosen", (low, high)
    yield "t", t_interval(values, clusters)
    kinds: dict[str, Callable[..., tuple[Array, Array]]] = {"percentile": bootstrap_means, "BCa": bca_means}
    for name, kind in kinds.items():
        yield name, kind(values, clusters, rng, resamples=RESAMPLES)


def bca_means(
    values: Array,
    clusters: Clusters,
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> tuple[Array, Array]:
    """Compute bootstrap intervals of the column means of values (n, m), corrected for bias and skew (BCa).

    The ends are the quantiles ``Phi(z0 + (z0 + z) / (1 - a (z0 + z)))`` of the resampled means, where z is the normal
    quantile of each tail. The bias z0 measures how far the share of resamples below the mean is from one half. The
    acceleration a is the skew of the jackknife means (each without one cluster) divided by 6.

    Source: Efron 1987; Efron and Tibshirani 1993, chapter 14.
    """
    sums, counts = cluster_totals(values, clusters)
    means = resampled_means(values, clusters, rng, resamples)
    tails = ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
    low, high = np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    for column in np.flatnonzero((counts > 0).sum(axis=0) > 1):
        some = counts[:, column] > 0
        total, number = sums[some, column], counts[some, column]
        mean = total.sum() / number.sum()
        without = (total.sum() - total) / (number.sum() - number)
        away = without.mean() - without
        drawn = means[~np.isnan(means[:, column]), column]
        # Sums in another order differ in the last bits. Means that are mathematically equal count half.
        slack = 1e-12 * np.abs(drawn).max()
        share = ((drawn < mean - slack).mean() + (drawn <= mean + slack).mean()) / 2
        if np.abs(away).max() <= slack:
            low[column] = high[column] = mean
            continue
        if not 0 < share < 1:  # so few resamples cannot estimate a bias
            low[column], high[column] = np.quantile(drawn, ndtr(tails))
            continue
        skew = (away**3).sum() / (6 * ((away**2).sum()) ** 1.5)
        bias = ndtri(share)
        low[column], high[column] = np.quantile(drawn, ndtr(bias + (bias + tails) / (1 - skew * (bias + tails))))
    return low, high


def figures(columns: int) -> list[Figure]:
    """A row for each kind of value and of interval, a column for each number of clusters."""
    found = []
    for clusters in CLUSTERS:
        rng = np.random.default_rng(clusters)
        for sample in samples(rng, clusters, columns):
            for name, (low, high) in intervals(sample, rng):
                held = float(((low - 1e-9 <= sample.mean) & (sample.mean <= high + 1e-9)).mean())
                found.append(Figure(f"{sample.name}: {name}", f"{clusters} clusters", held))
    return sorted(found, key=lambda figure: figure.what.partition(":")[0])
