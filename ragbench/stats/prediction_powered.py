"""Prediction-powered inference: a mean from many machine labels and some labels of annotators."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.checks import check_clusters, check_list, check_share
from ragbench.stats.clusters import cluster_index, clustered_means
from ragbench.stats.distributions import t_quantile

Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]
FEWEST_CLUSTERS = 3


@dataclass(frozen=True)
class PredictionPowered:
    """The estimated mean of the annotators' labels over all items, with its interval.

    Attributes:
        value: the estimate.
        low, high: ends of the interval; None if the annotators' labels come from fewer than three clusters.
        weight: weight of the machine's labels (lambda), 0 to 1; 0 ignores them.
        people: number of annotators' labels.
        machine: number of items that only the machine labelled.
        people_value, people_low, people_high: estimate and interval from the annotators' labels alone.
    """

    value: float
    low: float | None
    high: float | None
    weight: float
    people: int
    machine: int
    people_value: float
    people_low: float | None
    people_high: float | None


@dataclass(frozen=True)
class _Sample:
    """Means of both samples, and what `error_parts` makes of them."""

    value: float
    labelled: float
    unlabelled: float
    own: Array
    shift: Array
    clusters: int
    degrees: float


def prediction_powered_mean(
    labels: Array,
    predicted: Array,
    unlabelled: Array,
    clusters: Clusters | None = None,
    unlabelled_clusters: Clusters | None = None,
    *,
    weight: float | None = None,
    confidence: float = 0.95,
) -> PredictionPowered:
    """Estimate the mean of the annotators' labels over all items, of which they saw only some.

    The estimate is ``mean(y) + w (mean(f over the unseen) - mean(f over the seen))``, where y are the annotators'
    labels, f the machine's, and w is the weight with the smallest variance. It is valid even if the machine is wrong,
    because w then goes to 0. The only condition is that the seen items are a random part of all. The interval is
    t with the clustered variance (CR2) of both samples and the degrees of freedom of the labels; fitting w costs one.

    If every label of a seen item is 0 or 1, one item of each kind of disagreement is added to the seen items, as
    Bonett and Price do for paired rates. Otherwise a few items without disagreement would
    suggest that the machine is never wrong.

    Args:
        labels: (n,) labels of annotators, at least 2.
        predicted: (n,) labels of the machine for the same items.
        unlabelled: (u,) labels of the machine for items that annotators did not see, at least 1.
        clusters: (n,) cluster of each seen item; by default each item is its own.
        unlabelled_clusters: (u,) cluster of each unseen item, numbered together with ``clusters``.
        weight: fixed w, 0 to 1, where 1 is the untuned estimate of 2023; None tunes it.
        confidence: coverage, in (0, 1).

    Raises:
        InputError: there are too few items, the lengths differ, a label is undefined or infinite, or the cluster
            numbers have gaps.
        SettingError: the weight or the confidence is out of its range.

    Source: Angelopoulos, Bates, Fannjiang, Jordan and Zrnic 2023, Science
    382:669; the weight: Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453;
    the added items: Bonett and Price 2012, J. Educ. Behav. Stat. 37:479.
    """
    for what, part in (("label", labels), ("prediction", predicted), ("prediction", unlabelled)):
        check_list(part, what)
    if labels.shape != predicted.shape:
        raise InputError(f"{len(labels)} labels of annotators and {len(predicted)} predictions for the same items")
    if len(labels) < 2:
        raise InputError(f"{len(labels)} label does not show the errors of the machine; at least 2 are needed")
    if not len(unlabelled):
        raise InputError("annotators saw every item: there is nothing to predict; use the mean of their labels")
    check_share(confidence, "confidence")
    if weight is not None and not 0 <= weight <= 1:
        raise SettingError(f"the weight lies between 0 and 1, not at {weight:g}")
    seen, unseen = joint_clusters(len(labels), len(unlabelled), clusters, unlabelled_clusters)
    sample = _sums(labels, predicted, unlabelled, seen, unseen)
    enough = sample.clusters >= FEWEST_CLUSTERS
    ends = (-np.inf, np.inf)
    if _is_binary(labels, predicted, unlabelled):
        ends = (0.0, 1.0)
        top = int(max(seen.max(), unseen.max())) + 1
        sample = _sums(
            np.append(labels, (1.0, 0.0)),
            np.append(predicted, (0.0, 1.0)),
            unlabelled,
            np.append(seen, (top, top + 1)),
            unseen,
        )
    tuned = weight is None
    w = best_weight(sample.own, sample.shift) if weight is None else weight
    found = _interval(sample, w, confidence, ends, 1 + int(tuned and w > 0) if enough else None)
    alone = _interval(sample, 0.0, confidence, ends, 1 if enough else None)
    return PredictionPowered(*found, w, len(labels), len(unlabelled), *alone)


def _sums(labels: Array, predicted: Array, unlabelled: Array, seen: Clusters, unseen: Clusters) -> _Sample:
    own, shift = error_parts(labels, predicted, unlabelled, seen, unseen)
    found = clustered_means(labels[:, None], cluster_index([str(one) for one in seen.tolist()]))
    return _Sample(
        float(labels.mean()), float(predicted.mean()), float(unlabelled.mean()), own, shift,
        int(found.clusters[0]), float(found.df[0]),
    )  # fmt: skip


def error_parts(
    labels: Array,
    predicted: Array,
    unlabelled: Array,
    seen: Clusters,
    unseen: Clusters,
    shares: Array | None = None,
) -> tuple[Array, Array]:
    """(c,) Centred sums per cluster, divided by n: of the annotators' labels, and of the machine's estimation error.

    ``shares`` are those of the seen items in their means, 1 / n by default.

    A cluster with more than its even share of the values counts more, as in CR2; with clusters of one size, nothing
    changes.
    """
    count = int(max(seen.max(), unseen.max())) + 1

    def parts(values: Array, clusters: Clusters, shares: Array) -> Array:
        sums = np.bincount(clusters, weights=shares * (values - shares @ values), minlength=count)
        sizes = np.bincount(clusters, weights=shares, minlength=count)
        even = 1 - 1 / np.count_nonzero(sizes)
        uneven: Array = np.sqrt(np.divide(even, 1 - sizes, out=np.zeros(count), where=sizes < 1))
        return np.asarray(sums * uneven, dtype=np.float64)

    own = np.full(len(labels), 1 / len(labels)) if shares is None else shares
    rest = np.full(len(unlabelled), 1 / len(unlabelled))
    return parts(labels, seen, own), parts(predicted, seen, own) - parts(unlabelled, unseen, rest)


def best_weight(own: Array, shift: Array) -> float:
    """Compute w by least squares of the annotators' part of the error on the machine's, within 0 and 1."""
    varies = float(shift @ shift)
    return 0.0 if varies == 0 else min(1.0, max(0.0, float(own @ shift) / varies))


def _interval(
    sample: _Sample, w: float, confidence: float, ends: tuple[float, float], spent: int | None
) -> tuple[float, float | None, float | None]:
    value = float(np.clip(sample.value + w * (sample.unlabelled - sample.labelled), *ends))
    c = sample.clusters
    if spent is None:
        return value, None, None
    error = float(np.sqrt(c / (c - spent) * ((sample.own - w * sample.shift) ** 2).sum()))
    degrees = max(sample.degrees - (spent - 1), 1.0)
    reach = float(t_quantile((1 + confidence) / 2, degrees)) * error
    return value, max(value - reach, ends[0]), min(value + reach, ends[1])


def _is_binary(labels: Array, predicted: Array, unlabelled: Array) -> bool:
    seen = all(bool(np.isin(part, (0.0, 1.0)).all()) for part in (labels, predicted))
    return seen and bool(((unlabelled >= 0) & (unlabelled <= 1)).all())


def joint_clusters(n: int, u: int, seen: Clusters | None, unseen: Clusters | None) -> tuple[Clusters, Clusters]:
    """Return the clusters of both samples; by default, each item is its own.

    Raises:
        InputError: only one of the two is given, a length differs, or the cluster numbers have gaps.
    """
    if seen is None and unseen is None:
        return np.arange(n), np.arange(n, n + u)
    if seen is None or unseen is None:
        raise InputError("clusters are given for one of the two samples; give both, numbered together")
    if seen.shape != (n,) or unseen.shape != (u,):
        raise InputError(f"there are {n} and {u} items, but clusters for {seen.size} and {unseen.size}")
    check_clusters(np.concatenate((seen, unseen)), n + u)
    return seen, unseen
