"""A mean from many machine labels and some of people."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, SettingError
from ragbench.stats.checks import check_clusters, check_finite, check_share

Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]
FEWEST_CLUSTERS = 3


@dataclass(frozen=True)
class PredictionPowered:
    """A mean of what people would say, with its interval.

    Attributes:
        value: the estimate.
        low, high: ends of the interval; None where people's labels come from fewer than three clusters.
        weight: how much the machine's labels count (lambda), 0 to 1; 0: not at all.
        people: labels of people.
        machine: further items that only the machine labelled.
        people_value, people_low, people_high: the same from people's labels alone.
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
    """Centred sums per cluster: of people's labels, and of the machine's error of estimation."""

    value: float
    labelled: float
    unlabelled: float
    own: Array
    shift: Array
    clusters: int


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
    """The mean of people's labels over all items, of which people saw only some.

    ``mean(y) + w (mean(f over the unseen) - mean(f over the seen))``, with y
    people's labels, f the machine's, and the weight w that gives the smallest
    variance. It is right however wrong the machine is, for w then goes to 0: the
    items people saw must only be a random part of all. The interval is t, by the
    clustered variance of both samples together; fitting w costs a degree of freedom.

    Where every label is 0 or 1, one item of each kind of disagreement is added
    to those people saw, as Bonett and Price do for paired rates. Else a handful
    of items without a disagreement would pass for a machine that never errs.

    Args:
        labels: (n,) of people, at least 2.
        predicted: (n,) the machine's labels of the same items.
        unlabelled: (u,) the machine's labels of items that people did not see, at least 1.
        clusters: (n,) cluster of each seen item; each its own by default.
        unlabelled_clusters: (u,) of each unseen item, numbered together with ``clusters``.
        weight: fixes w, 0 to 1; 1 is the estimate of 2023 without tuning. None tunes it.
        confidence: coverage, in (0, 1).

    Raises:
        InputError: too few items, lists of different lengths, a label that is
            undefined or infinite, or clusters with gaps.
        SettingError: a weight or confidence out of its range.

    Source: Angelopoulos, Bates, Fannjiang, Jordan and Zrnic 2023, Science
    382:669; the weight: Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453;
    the added items: Bonett and Price 2012, J. Educ. Behav. Stat. 37:479.
    """
    _check(labels, predicted, unlabelled, weight, confidence)
    seen, unseen = _joint_clusters(len(labels), len(unlabelled), clusters, unlabelled_clusters)
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
    w = _best_weight(sample) if weight is None else weight
    found = _interval(sample, w, confidence, ends, 1 + int(tuned and w > 0) if enough else None)
    alone = _interval(sample, 0.0, confidence, ends, 1 if enough else None)
    return PredictionPowered(*found, w, len(labels), len(unlabelled), *alone)


def _sums(labels: Array, predicted: Array, unlabelled: Array, seen: Clusters, unseen: Clusters) -> _Sample:
    count = int(max(seen.max(), unseen.max())) + 1
    own = np.bincount(seen, weights=labels - labels.mean(), minlength=count) / len(labels)
    shift = np.bincount(seen, weights=predicted - predicted.mean(), minlength=count) / len(labels)
    shift -= np.bincount(unseen, weights=unlabelled - unlabelled.mean(), minlength=count) / len(unlabelled)
    return _Sample(
        float(labels.mean()), float(predicted.mean()), float(unlabelled.mean()), own, shift, len(np.unique(seen))
    )


def _best_weight(sample: _Sample) -> float:
    """Least squares of people's part of the error on the machine's, held within 0 and 1."""
    varies = float(sample.shift @ sample.shift)
    return 0.0 if varies == 0 else min(1.0, max(0.0, float(sample.own @ sample.shift) / varies))


def _interval(
    sample: _Sample, w: float, confidence: float, ends: tuple[float, float], spent: int | None
) -> tuple[float, float | None, float | None]:
    value = float(np.clip(sample.value + w * (sample.unlabelled - sample.labelled), *ends))
    c = sample.clusters
    if spent is None:
        return value, None, None
    from scipy.stats import t as student

    error = float(np.sqrt(c / (c - spent) * ((sample.own - w * sample.shift) ** 2).sum()))
    reach = float(student.ppf((1 + confidence) / 2, c - spent)) * error
    return value, max(value - reach, ends[0]), min(value + reach, ends[1])


def _is_binary(*values: Array) -> bool:
    return all(bool(np.isin(part, (0.0, 1.0)).all()) for part in values)


def _joint_clusters(n: int, u: int, seen: Clusters | None, unseen: Clusters | None) -> tuple[Clusters, Clusters]:
    if seen is None and unseen is None:
        return np.arange(n), np.arange(n, n + u)
    if seen is None or unseen is None:
        raise InputError("clusters are given for one of the two samples; give both, numbered together")
    if seen.shape != (n,) or unseen.shape != (u,):
        raise InputError(f"there are {n} and {u} items, but clusters for {seen.size} and {unseen.size}")
    check_clusters(np.concatenate((seen, unseen)), n + u)
    return seen, unseen


def _check(labels: Array, predicted: Array, unlabelled: Array, weight: float | None, confidence: float) -> None:
    for what, part in (("label", labels), ("prediction", predicted), ("prediction", unlabelled)):
        if part.ndim != 1:
            raise InputError(f"{what}s must be one list, not an array of {part.ndim} dimensions")
        check_finite(part, what=what)
        undefined = np.flatnonzero(np.isnan(part))
        if len(undefined):
            raise InputError(f"the {what} in row {undefined[0]} is undefined; leave the row out")
    if labels.shape != predicted.shape:
        raise InputError(f"{len(labels)} labels of people and {len(predicted)} predictions of the same items")
    if len(labels) < 2:
        raise InputError(f"{len(labels)} label of people tells nothing of the machine's errors; at least 2 are needed")
    if not len(unlabelled):
        raise InputError("people saw every item: there is nothing left to predict, take the mean of their labels")
    check_share(confidence, "confidence")
    if weight is not None and not 0 <= weight <= 1:
        raise SettingError(f"the weight lies between 0 and 1, not at {weight:g}")
