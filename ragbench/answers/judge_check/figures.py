"""Figures of how well verdicts agree with annotators' labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.answers.judge_check.labels import LabelSet
from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.evaluations import Estimate
from ragbench.core.spelling import named
from ragbench.stats.agreement import clustered_kappa
from ragbench.stats.intervals import wilson_interval
from ragbench.stats.roc_auc import roc_auc


@brief
@dataclass(frozen=True)
class Figures:
    """Verdicts against labels, with 95% intervals by cluster.

    Attributes:
        n: answers with a score and a label.
        clusters: resampling units.
        true_positive, false_positive, true_negative, false_negative: counts.
        accuracy: share of agreement.
        commoner: the accuracy of always giving the more frequent label.
        kappa: Cohen's kappa, agreement beyond chance.
        sensitivity: share that the judge calls positive among those that annotators call positive.
        specificity: share that the judge calls negative among those that annotators call negative.
        auc: area under the ROC curve of the scores, without a threshold.
        people_rate: share that annotators call positive.
        judge_rate: share that the judge calls positive.
    """

    n: int
    clusters: int
    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int
    accuracy: Estimate
    commoner: float
    kappa: Estimate
    sensitivity: Estimate
    specificity: Estimate
    auc: Estimate
    people_rate: Estimate
    judge_rate: Estimate


@dataclass(frozen=True)
class AgreementSettings:
    """The settings of intervals.

    Attributes:
        seed: seed of all draws.
        resamples: number of resamples for kappa and alpha.
    """

    seed: int = 0
    resamples: int = 2_000


def figures(
    scores: npt.NDArray[np.float64],
    verdicts: npt.NDArray[np.bool_],
    positive: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64],
    settings: AgreementSettings,
) -> Figures:
    """Compute all figures of one part of the answers.

    Args:
        scores: (n,) without NaN, high for yes; at least one.
        verdicts: (n,) verdicts of the judge.
        positive: (n,) labels of the annotators.
        clusters: (n,) cluster of each answer; numbers may be missing.
        settings: seed and resamples.
    """
    _, groups = np.unique(clusters, return_inverse=True)
    n, yes = len(scores), int(positive.sum())
    kappa = clustered_kappa(verdicts, positive, groups, generator(settings.seed, "kappa"), resamples=settings.resamples)
    auc = Estimate(None, None, None, n)
    if 0 < yes < n:
        area = roc_auc(scores, positive, groups)
        auc = Estimate(area.value, area.low, area.high, n)
    return Figures(
        n=n,
        clusters=int(groups.max()) + 1,
        true_positive=int((verdicts & positive).sum()),
        false_positive=int((verdicts & ~positive).sum()),
        true_negative=int((~verdicts & ~positive).sum()),
        false_negative=int((~verdicts & positive).sum()),
        accuracy=rate(verdicts == positive, groups),
        commoner=max(yes, n - yes) / n,
        kappa=estimate(kappa, n),
        sensitivity=rate(verdicts, groups, positive),
        specificity=rate(~verdicts, groups, ~positive),
        auc=auc,
        people_rate=rate(positive, groups),
        judge_rate=rate(verdicts, groups),
    )


def rate(
    true: npt.NDArray[np.bool_] | npt.NDArray[np.float64],
    groups: npt.NDArray[np.int64],
    among: npt.NDArray[np.bool_] | None = None,
) -> Estimate:
    """The mean of values in 0 to 1 over some of the answers, with Wilson's interval by cluster."""
    values = true.astype(np.float64)
    values = values if among is None else np.where(among, values, np.nan)
    n = int((~np.isnan(values)).sum())
    if not n:
        return Estimate(None, None, None, 0)
    low, high = wilson_interval(values[:, None], groups)
    return Estimate(float(np.nanmean(values)), _or_none(float(low[0])), _or_none(float(high[0])), n)


def estimate(found: tuple[float, float, float], n: int) -> Estimate:
    """A value and the ends of its interval; NaN becomes None."""
    value, low, high = (_or_none(end) for end in found)
    return Estimate(value, low, high, n)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


MOST_VALUES = 20
Part = tuple[str, str, npt.NDArray[np.bool_]]


def parts_of(labels: LabelSet, names: Sequence[str]) -> list[Part]:
    """Yield the slices: the key, the name of the part, and (n,) which answers are in it.

    Args:
        labels: the answers.
        names: keys of their metadata; by default those that the labels suggest.

    Raises:
        SettingError: a key that no answer has, or that has more than 20 values.
    """
    known = {key for one in labels for key in one.item.metadata}
    found: list[Part] = []
    for name in names or [name for name in labels.slices if name in known]:
        if name not in known:
            raise SettingError(f"{named('slices')}: the labels have no {name!r}{did_you_mean(name, known)}")
        found += _by_value(labels, name)
    found += _by_length("answer", np.array([len(one.item.answer.split()) for one in labels]))
    shown = [sum(len(source.text.split()) for source in one.item.sources) for one in labels]
    found += _by_length("sources", np.array(shown))
    return found + _by_votes(labels)


def _by_value(labels: LabelSet, name: str) -> list[Part]:
    values = [str(one.item.metadata.get(name, "(none)")) for one in labels]
    distinct = sorted(set(values))
    if len(distinct) > MOST_VALUES:
        raise SettingError(
            f"{named('slices')}: {name!r} has {len(distinct)} values; at most {MOST_VALUES} make a table"
        )
    array = np.array(values)
    return [(name, value, array == value) for value in distinct]


def _by_length(what: str, words: npt.NDArray[np.int64]) -> list[Part]:
    """Split by length into three parts of nearly equal size; fewer if many lengths are equal, none if all are."""
    low, high = (int(cut) for cut in np.quantile(words, [1 / 3, 2 / 3], method="lower"))
    parts = [
        (f"{what} length", f"up to {low:,} words", words <= low),
        (f"{what} length", f"{low + 1:,} to {high:,} words", (words > low) & (words <= high)),
        (f"{what} length", f"over {high:,} words", words > high),
    ]
    parts = [part for part in parts if part[2].any()]
    return parts if len(parts) > 1 else []


def _by_votes(labels: LabelSet) -> list[Part]:
    several = np.array([len(one.votes) > 1 for one in labels])
    agreed = np.isin(labels.shares, (0.0, 1.0))
    parts = [("people", "all agree", several & agreed), ("people", "split", several & ~agreed)]
    return parts if all(part[2].any() for part in parts) else []
