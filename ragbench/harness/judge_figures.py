"""How well verdicts agree with people's labels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.core.seeds import generator
from ragbench.harness.results import Estimate
from ragbench.stats.clustered_kappa import clustered_kappa
from ragbench.stats.intervals import wilson_interval
from ragbench.stats.roc_auc import roc_auc


@dataclass(frozen=True)
class Figures:
    """Verdicts against labels; intervals are 95%, by cluster.

    Attributes:
        n: answers with a score and a label.
        clusters: resampling units.
        true_positive, false_positive, true_negative, false_negative: counts.
        accuracy: share of agreement.
        commoner: the accuracy of always giving the commoner label.
        kappa: Cohen's, agreement beyond chance.
        sensitivity: of those people call positive, share that the judge does.
        specificity: of those people call negative, share that the judge does.
        auc: of the scores, without any threshold.
        people_rate: share that people call positive.
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
class Settings:
    """How intervals are made.

    Attributes:
        seed: of everything drawn.
        resamples: for kappa and alpha.
    """

    seed: int = 0
    resamples: int = 2_000


def figures(
    scores: npt.NDArray[np.float64],
    verdicts: npt.NDArray[np.bool_],
    positive: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64],
    settings: Settings,
) -> Figures:
    """All figures of one part of the answers.

    Args:
        scores: (n,) without NaN, high for yes; at least one.
        verdicts: (n,) of the judge.
        positive: (n,) of people.
        clusters: (n,) cluster of each; numbers may be missing.
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
    """The mean of values in 0 to 1 among some of the answers, with Wilson's interval by cluster."""
    values = true.astype(np.float64)
    values = values if among is None else np.where(among, values, np.nan)
    n = int((~np.isnan(values)).sum())
    if not n:
        return Estimate(None, None, None, 0)
    low, high = wilson_interval(values[:, None], groups)
    return Estimate(float(np.nanmean(values)), _or_none(float(low[0])), _or_none(float(high[0])), n)


def estimate(found: tuple[float, float, float], n: int) -> Estimate:
    """A value and the ends of its interval; None in the place of NaN."""
    value, low, high = (_or_none(end) for end in found)
    return Estimate(value, low, high, n)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
