"""Cohen's kappa of two yes-or-no raters, with an interval that resamples clusters of items."""

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.bootstrap import resampled_means
from ragbench.stats.checks import check_clusters, check_resampling


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
    found = _kappa(resampled_means(cells, clusters, rng, resamples))
    if np.nanmax(found) - np.nanmin(found) < 1e-12:
        return value, float("nan"), float("nan")
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(found, [tail, 1 - tail])
    return value, float(low), float(high)


def _kappa(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Kappa of each row, from the shares of the first's yes, of the second's yes, and of agreement."""
    one, two, agreed = shares.T
    chance = one * two + (1 - one) * (1 - two)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1 - 1e-12, (agreed - chance) / (1 - chance), np.nan)
