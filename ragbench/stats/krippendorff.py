"""Krippendorff's alpha: agreement of any number of raters, who need not rate every item."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.bootstrap import resampled_means
from ragbench.stats.checks import check_clusters, check_resampling


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
        if np.nanmax(found) - np.nanmin(found) > 1e-12:
            tail = (1 - confidence) / 2
            low, high = (float(end) for end in np.nanquantile(found, [tail, 1 - tail]))
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
