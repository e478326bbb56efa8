"""ROC AUC: the probability that a positive item scores higher than a negative one, with an interval by cluster."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError
from ragbench.stats.checks import check_clusters, check_finite, check_share


@dataclass(frozen=True)
class RocAuc:
    """The area under the ROC curve, with its interval.

    Attributes:
        value: area: 1 if every positive item scores above every negative one, .5 for chance, 0 for the reverse.
        low, high: ends of the interval; None if either kind of item comes from fewer than two clusters.
        error: standard error of ``value``; None together with ``low``.
        positives, negatives: number of items of each kind.
    """

    value: float
    low: float | None
    high: float | None
    error: float | None
    positives: int
    negatives: int


def roc_auc(
    scores: npt.NDArray[np.float64],
    positive: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64] | None = None,
    *,
    confidence: float = 0.95,
) -> RocAuc:
    """Compute the area, where ties count half, with the interval of DeLong or, for clusters, of Obuchowski.

    The interval is computed for the logit of the area, so it stays within 0 to 1. It uses t, whose degrees of freedom
    are the number of clusters with the rarer kind minus one. An area of 0 or 1 has no standard error; the interval is
    then Wilson's, with as many trials as clusters of the rarer kind.

    Args:
        scores: (n,) scores without NaN, higher for positive items.
        positive: (n,) true labels.
        clusters: (n,) cluster of each item (`ragbench.stats.clusters.cluster_index`); by default each item is its own.
        confidence: coverage, in (0, 1).

    Raises:
        InputError: all items are of one kind, the lengths differ, or a score is undefined or infinite.
        SettingError: the confidence is outside of (0, 1).

    Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837; Obuchowski 1997, Biometrics 53:567, for
    clusters; the logit: Pepe 2003, section 5.2.
    """
    groups = np.arange(len(scores)) if clusters is None else clusters
    _check(scores, positive, groups, confidence)
    of_positive, of_negative = placements(scores, positive)
    value = float(of_positive.mean())
    m, n = len(of_positive), len(of_negative)
    size = int(groups.max()) + 1
    yes, no = (np.bincount(groups[kind], minlength=size) for kind in (positive, ~positive))
    fewest = int(min((yes > 0).sum(), (no > 0).sum()))
    if fewest < 2:
        return RocAuc(value, None, None, None, m, n)
    first = np.bincount(groups[positive], of_positive - value, minlength=size)
    second = np.bincount(groups[~positive], of_negative - value, minlength=size)
    c, c_yes, c_no = int(((yes + no) > 0).sum()), int((yes > 0).sum()), int((no > 0).sum())
    variance = (
        c_yes / (c_yes - 1) * (first @ first) / m**2
        + c_no / (c_no - 1) * (second @ second) / n**2
        + 2 * c / (c - 1) * (first @ second) / (m * n)
    )
    error = float(np.sqrt(max(float(variance), 0.0)))
    return RocAuc(value, *_interval(value, error, fewest, confidence), error, m, n)


def placements(
    scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the share of negative items below each positive one, and of positive items above each negative one.

    Ties count half. The mean of each is the area.
    """
    high, low = np.sort(scores[positive]), np.sort(scores[~positive])
    below = [np.searchsorted(low, scores[positive], side=side) for side in ("left", "right")]
    above = [np.searchsorted(high, scores[~positive], side=side) for side in ("left", "right")]
    return (below[0] + below[1]) / (2 * len(low)), 1 - (above[0] + above[1]) / (2 * len(high))


def _interval(value: float, error: float, fewest: int, confidence: float) -> tuple[float, float]:
    from scipy.special import expit, logit
    from scipy.stats import t as student

    t = float(student.ppf((1 + confidence) / 2, fewest - 1))
    if error == 0 or not 0 < value < 1:
        middle = (value + t**2 / (2 * fewest)) / (1 + t**2 / fewest)
        reach = t / (1 + t**2 / fewest) * np.sqrt(value * (1 - value) / fewest + t**2 / (4 * fewest**2))
        return max(0.0, float(middle - reach)), min(1.0, float(middle + reach))
    reach, middle_logit = t * error / (value * (1 - value)), float(logit(value))
    return float(expit(middle_logit - reach)), float(expit(middle_logit + reach))


def _check(
    scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64], confidence: float
) -> None:
    if scores.ndim != 1 or scores.shape != positive.shape:
        raise InputError(f"{scores.size} scores and {positive.size} labels of the same items")
    check_finite(scores, what="score")
    if np.isnan(scores).any():
        raise InputError(f"the score in row {int(np.isnan(scores).argmax())} is undefined; remove the row")
    check_clusters(groups, len(scores))
    check_share(confidence, "confidence")
    if not 0 < positive.sum() < len(positive):
        raise InputError("an area needs positive and negative items, and all are of one kind")
