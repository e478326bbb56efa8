"""Agreement beyond chance: two rankings of systems (Kendall's tau), and raters of the same items (kappa, alpha)."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.stats.bootstrap import resampled_means
from ragbench.stats.checks import check_clusters, check_resampling
from ragbench.stats.clusters import cluster_totals

DIGITS = 12
"""Digits of means in comparisons. Rounding makes two systems with equal values tie, whatever the order of the sum."""


@dataclass(frozen=True)
class Agreement:
    """A rank correlation (``tau``) with its interval, at 95% by default."""

    tau: float
    low: float
    high: float


def kendall_rows(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(r,) Tau-b of each row of two (r, m) arrays; NaN for a row with only one value on one side.

    Pairs of systems that tie in one list do not count, and the denominator shrinks by the ties of each list. It gives
    the numbers of ``scipy.stats.kendalltau`` for thousands of resamples at once. Memory: r x m^2 bytes.

    Args:
        first: (r, m) scores of m systems.
        second: (r, m) other scores of the same systems.

    Source: Kendall 1945.
    """
    signs = [np.sign(np.round(side[:, :, None] - side[:, None, :], DIGITS)) for side in (first, second)]
    agreeing = (signs[0] * signs[1]).sum(axis=(1, 2))
    pairs = [np.abs(sign).sum(axis=(1, 2)) for sign in signs]
    with np.errstate(invalid="ignore", divide="ignore"):
        taus: npt.NDArray[np.float64] = agreeing / np.sqrt(pairs[0] * pairs[1])
    return taus


def kendall_interval(
    first: npt.NDArray[np.float64],
    second: npt.NDArray[np.float64],
    clusters: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Agreement:
    """Tau between the rankings of m systems by their means on two sets of queries, with a percentile interval.

    Both sets are resampled by cluster. Resampling adds noise to both rankings, so the interval extends further below
    tau than above it, and tau may be near its upper end.

    Args:
        first: (n, m) value per query and system, without NaN.
        second: (p, m) the same for the other set of queries.
        clusters: (n,) and (p,) the resampling unit of each row (`ragbench.stats.clusters.cluster_index`).
        rng: random generator.
        resamples: number of resamples.
        confidence: coverage, in (0, 1).

    Source: Efron and Tibshirani 1993, chapter 13.
    """
    sides = list(zip((first, second), clusters, strict=True))
    drawn = [resampled_means(values, groups, rng, resamples) for values, groups in sides]
    found = kendall_rows(drawn[0], drawn[1])
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(found, [tail, 1 - tail]) if not np.isnan(found).all() else (np.nan, np.nan)
    value = kendall_rows(first.mean(axis=0)[None], second.mean(axis=0)[None])[0]
    return Agreement(float(value), float(low), float(high))


def split_halves(
    values: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    splits: int = 1000,
) -> npt.NDArray[np.float64]:
    """(splits,) Tau between the rankings by two random halves of the queries, without splitting clusters.

    The mean measures how well the queries agree with similar queries, which is the most to expect from another set.
    With fewer than two clusters, all values are NaN.

    Args:
        values: (n, m) value per query and system, without NaN.
        clusters: (n,) cluster of each row.
        rng: random generator.
        splits: number of random splits.
    """
    sums, counts = cluster_totals(values, clusters)
    c = len(sums)
    if c < 2:
        return np.full(splits, np.nan)
    half = np.zeros((splits, c))
    for row in half:
        row[rng.permutation(c)[: c // 2]] = 1.0
    other = 1.0 - half
    return kendall_rows((half @ sums) / (half @ counts), (other @ sums) / (other @ counts))


Weights = Literal["none", "linear", "quadratic"]
WEIGHTS: tuple[Weights, ...] = ("none", "linear", "quadratic")


@brief
@dataclass(frozen=True)
class Kappa:
    """Agreement of two raters.

    Attributes:
        value: kappa: 1 for full agreement, 0 for chance; NaN if both raters used only one category.
        low, high: ends of the interval; NaN together with ``value``.
        observed: share of items on which they agree, weighted if weights are used.
        expected: the share expected by chance from how often each rater used each category.
        n: number of items that both rated.
        categories: the categories, in the order of ``table``.
        table: counts, with a row per category of the first rater and a column per category of the second.
    """

    value: float
    low: float
    high: float
    observed: float
    expected: float
    n: int
    categories: tuple[Hashable, ...]
    table: tuple[tuple[int, ...], ...]


def cohen_kappa(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    *,
    categories: Sequence[Hashable] | None = None,
    weights: Weights = "none",
    confidence: float = 0.95,
) -> Kappa:
    """Compute kappa with its asymptotic interval.

    The interval uses the normal distribution and the large-sample standard error, and is cut at -1 and 1. With fewer
    than about 30 items, or with full agreement (a standard error of 0), it is too short: read the table instead.

    Args:
        first: category of each item by the first rater.
        second: category of each item by the second rater, in the same order.
        categories: all categories in order; by default those that occur, sorted. Weights depend on positions in this
            order.
        weights: ``"none"`` counts only exact agreement; ``"linear"`` and ``"quadratic"`` give credit for near misses,
            for example of grades.
        confidence: coverage, in (0, 1).

    Raises:
        InputError: there is no item, the lengths differ, or a category is not in ``categories``.
        SettingError: the weights are unknown.

    Source: Cohen 1960 and 1968; standard error of Fleiss, Cohen and Everitt 1969.

    Examples:
        >>> kappa = cohen_kappa(["yes", "no", "yes", "no"], ["yes", "no", "no", "no"])
        >>> kappa.value, kappa.table
        (0.5, ((2, 0), (1, 1)))
    """
    if weights not in WEIGHTS:
        raise SettingError(f"no kappa weights {weights!r}{did_you_mean(str(weights), WEIGHTS)}")
    table, names = _table(first, second, categories)
    n = int(table.sum())
    p = table / n
    credit = _credit(len(names), weights)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed = float((credit * p).sum())
    expected = float((credit * np.outer(rows, columns)).sum())
    counts = tuple(tuple(int(cell) for cell in row) for row in table)
    if np.isclose(expected, 1.0):
        nan = float("nan")
        return Kappa(nan, nan, nan, observed, expected, n, names, counts)
    value = (observed - expected) / (1 - expected)
    error = _standard_error(p, credit, value, expected, n)
    from scipy.stats import norm

    reach = float(norm.ppf((1 + confidence) / 2)) * error
    low, high = max(-1.0, value - reach), min(1.0, value + reach)
    return Kappa(value, low, high, observed, expected, n, names, counts)


def _table(
    first: Sequence[Hashable], second: Sequence[Hashable], categories: Sequence[Hashable] | None
) -> tuple[npt.NDArray[np.int64], tuple[Hashable, ...]]:
    if len(first) != len(second):
        raise InputError(
            f"two raters of one list are compared, but one has {len(first)} ratings, the other {len(second)}"
        )
    if not first:
        raise InputError("no item was rated by both: there is no agreement to compute")
    found = {*first, *second}
    names = tuple(categories) if categories is not None else tuple(sorted(found, key=lambda c: (str(type(c)), c)))
    unknown = sorted(repr(category) for category in found - set(names))
    if unknown:
        raise InputError(f"ratings {', '.join(unknown)} are not among the categories {', '.join(map(repr, names))}")
    at = {name: place for place, name in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    for a, b in zip(first, second, strict=True):
        table[at[a], at[b]] += 1
    return table, names


def _credit(size: int, weights: Weights) -> npt.NDArray[np.float64]:
    """(c, c) Credit for each pair of categories: 1 for the same, and less for a greater distance."""
    if weights == "none" or size == 1:
        return np.eye(size)
    place = np.arange(size)
    distance: npt.NDArray[np.float64] = np.abs(place[:, None] - place[None, :]) / (size - 1)
    return 1.0 - (distance if weights == "linear" else distance**2)


def _standard_error(
    p: npt.NDArray[np.float64], credit: npt.NDArray[np.float64], value: float, expected: float, n: int
) -> float:
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    of_row = credit @ columns
    of_column = credit.T @ rows
    inner = credit - (of_row[:, None] + of_column[None, :]) * (1 - value)
    variance = (p * inner**2).sum() - (value - expected * (1 - value)) ** 2
    return float(np.sqrt(max(variance, 0.0) / n) / (1 - expected))


def clustered_kappa(
    first: npt.NDArray[np.bool_],
    second: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """Cohen's kappa and the ends of its percentile interval.

    Kappa is NaN if both raters always give the same single verdict. The ends are also NaN with fewer than two clusters,
    or if every resample gives the same kappa. With full agreement, or a rater who never changes the verdict, resampling
    would otherwise suggest certainty even for a few items.

    Args:
        first: (n,) verdicts of one rater.
        second: (n,) verdicts of the other.
        clusters: (n,) cluster of each item.
        rng: random generator.
        resamples: number of resamples.
        confidence: coverage, in (0, 1).

    Raises:
        InputError: there is no item, the lengths differ, or the cluster numbers have gaps.
        SettingError: ``resamples`` is below 1, or the confidence is outside of (0, 1).

    Source: Cohen 1960; Efron and Tibshirani 1993, chapter 13.
    """
    if first.shape != second.shape or not len(first):
        raise InputError(f"{len(first)} and {len(second)} verdicts on the same items give no kappa")
    check_clusters(clusters, len(first))
    check_resampling(resamples, confidence)
    cells = np.column_stack([first, second, first == second]).astype(np.float64)
    value = float(_kappa(cells.mean(axis=0)[None])[0])
    if int(clusters.max()) < 1 or np.isnan(value):
        return value, float("nan"), float("nan")
    return value, *_ends(_kappa(resampled_means(cells, clusters, rng, resamples)), confidence)


def _ends(found: npt.NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Ends of the percentile interval of resamples; NaN if all are equal."""
    if np.nanmax(found) - np.nanmin(found) < 1e-12:
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(found, [tail, 1 - tail])
    return float(low), float(high)


def _kappa(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Kappa of each row, from the shares of the first's yes, of the second's yes, and of agreement."""
    one, two, agreed = shares.T
    chance = one * two + (1 - one) * (1 - two)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1 - 1e-12, (agreed - chance) / (1 - chance), np.nan)


@dataclass(frozen=True)
class Alpha:
    """Agreement beyond chance.

    Attributes:
        value: alpha: 1 for full agreement, 0 for chance; NaN if only one category occurs.
        low, high: ends of the interval; NaN if ``value`` is, with fewer than two clusters, or if every resample gives
            the same alpha (full agreement), which would suggest certainty even for a few items.
        observed: probability that two ratings of one item differ.
        expected: probability that two ratings of any items differ.
        items: number of items with at least two ratings; others say nothing about agreement.
        ratings: number of ratings of these items.
    """

    value: float
    low: float
    high: float
    observed: float
    expected: float
    items: int
    ratings: int


def krippendorff_alpha(
    ratings: Sequence[Sequence[Hashable]],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Alpha:
    """Compute alpha for categories without an order, with a percentile interval by cluster of items.

    Args:
        ratings: the ratings of each item, in any number and order.
        clusters: (n,) cluster of each item.
        rng: random generator.
        resamples: number of resamples.
        confidence: coverage, in (0, 1).

    Raises:
        InputError: no item has two ratings, or the cluster numbers have gaps.
        SettingError: ``resamples`` is below 1, or the confidence is outside of (0, 1).

    Source: Krippendorff 2004, Content Analysis, chapter 11.
    """
    check_clusters(clusters, len(ratings))
    check_resampling(resamples, confidence)
    rows = [at for at, item in enumerate(ratings) if len(item) > 1]
    if not rows:
        raise InputError("no item was rated twice: there is no agreement to compute")
    names = {name: at for at, name in enumerate(dict.fromkeys(r for at in rows for r in ratings[at]))}
    counts = np.zeros((len(rows), len(names)))
    for row, at in enumerate(rows):
        for rating in ratings[at]:
            counts[row, names[rating]] += 1
    sizes = counts.sum(axis=1)
    parts = np.column_stack([(sizes**2 - (counts**2).sum(axis=1)) / (sizes - 1), counts])
    _, groups = np.unique(clusters[rows], return_inverse=True)
    value, observed, expected = (float(one[0]) for one in _alpha(parts.sum(axis=0)[None]))
    low = high = float("nan")
    if groups.max() > 0 and not np.isnan(value):
        found = _alpha(resampled_means(parts, groups.astype(np.int64), rng, resamples) * len(rows))[0]
        low, high = _ends(found, confidence)
    return Alpha(value, low, high, observed, expected, len(rows), int(sizes.sum()))


def _alpha(
    totals: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Compute alpha, observed and expected disagreement of each row, from its disagreeing pairs and its ratings per
    category.
    """
    number = totals[:, 1:].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = totals[:, 0] / number
        expected = (number**2 - (totals[:, 1:] ** 2).sum(axis=1)) / (number * (number - 1))
        alpha = np.where(expected > 0, 1 - observed / expected, np.nan)
    return alpha, observed, expected


def concordance(
    first: npt.NDArray[np.float64],
    second: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """Agreement of scores on a scale, and the ends of its percentile interval.

    The value is ``2 cov / (var + var + (mean - mean)^2)``: Cohen's kappa with quadratic weights, which is also defined
    for scores between those of the scale, such as means of several annotators. NaN if no score differs from another.
    The ends are also NaN with fewer than two clusters, or if every resample gives the same value.

    Args:
        first: (n,) scores of one rater.
        second: (n,) scores of the other.
        clusters: (n,) cluster of each item.
        rng: random generator.
        resamples: number of resamples.
        confidence: coverage, in (0, 1).

    Raises:
        InputError: there is no item, the lengths differ, or the cluster numbers have gaps.
        SettingError: ``resamples`` is below 1, or the confidence is outside of (0, 1).

    Source: Cohen 1968; Fleiss and Cohen 1973; Lin 1989, whose concordance correlation coefficient it is.
    """
    if first.shape != second.shape or not len(first):
        raise InputError(f"{len(first)} and {len(second)} scores of the same items give no agreement")
    check_clusters(clusters, len(first))
    check_resampling(resamples, confidence)
    moments = np.column_stack([first, second, first**2, second**2, first * second])
    value, nan = float(_concordance(moments.mean(axis=0)[None])[0]), float("nan")
    if int(clusters.max()) < 1 or np.isnan(value):
        return value, nan, nan
    return value, *_ends(_concordance(resampled_means(moments, clusters, rng, resamples)), confidence)


def _concordance(moments: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The coefficient of each row of means: of both scores, of their squares, and of their product."""
    one, two, one_squared, two_squared, product = moments.T
    scale = one_squared + two_squared - 2 * one * two
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scale > 1e-12, 2 * (product - one * two) / scale, np.nan)
