"""Compare a judge that gives scores on a scale with the scores of annotators."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ragbench.answers.judge_check.figures import estimate, rate
from ragbench.answers.judge_check.labels import LabelSet
from ragbench.answers.judge_check.signal import Signal
from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.errors import InputError
from ragbench.core.evaluations import Estimate
from ragbench.core.ledger import Ledger
from ragbench.stats.agreement import concordance
from ragbench.stats.clusters import cluster_index, clustered_means
from ragbench.stats.intervals import t_interval

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Against:
    """The agreement of scores with the majority of other annotators on the same answers.

    Attributes:
        exact: share of equal scores (the mean of the others is rounded to the nearest score).
        kappa: quadratic-weighted kappa.
    """

    exact: Estimate
    kappa: Estimate


@brief
@dataclass(frozen=True, eq=False)
class GradedCheck:
    """A judge's scores against those of annotators.

    Attributes:
        labels: the labelled answers, or the pairs of answers.
        signal: the judge's score of each.
        scale: the scores of the scale, in ascending order.
        pairs: whether preferences between two answers were checked (-1, 0 or 1).
        rows: (k,) the answers that have a score of the judge.
        clusters: number of resampling units among them.
        exact: share of equal scores. The mean of several annotators is rounded to the nearest score.
        near: share of scores that are at most one step of the scale apart.
        kappa: quadratic-weighted kappa: 1 for full agreement, 0 for chance.
        error: mean distance between the scores.
        shift: mean of the judge's score less the annotators'.
        people_mean, judge_mean: mean scores.
        table: (s, s) counts: the annotators' score by row, the judge's by column.
        person: how one annotator agrees with the mean of the others, and ``judge`` how the judge does; None if no
            answer has two labels.
        unscored: answers without a score of the judge.
        ledger: labels that were skipped, and the reason of every missing score.
    """

    labels: LabelSet
    signal: Signal
    scale: tuple[int, ...]
    pairs: bool
    rows: npt.NDArray[np.int64]
    clusters: int
    exact: Estimate
    near: Estimate
    kappa: Estimate
    error: Estimate
    shift: Estimate
    people_mean: Estimate
    judge_mean: Estimate
    table: npt.NDArray[np.int64]
    person: Against | None
    judge: Against | None
    unscored: int
    ledger: Ledger = field(default_factory=Ledger)


def check_grades(
    labels: LabelSet, signal: Signal, scale: tuple[int, ...], *, pairs: bool, seed: int, resamples: int
) -> GradedCheck:
    """Compute the agreement of a judge with annotators. The label of an answer is the mean of its annotators' scores.

    Args:
        labels: answers with scores of annotators.
        signal: the judge's score of each.
        scale: the scores of the scale, in ascending order.
        pairs: whether they are preferences.
        seed: seed of the bootstrap for kappa.
        resamples: number of resamples.

    Raises:
        InputError: the judge scored none of the answers.
    """
    rows = np.flatnonzero(~np.isnan(signal.values))
    if not len(rows):
        reasons = sorted({entry.reason for entry in signal.ledger.entries})[:3]
        raise InputError(f"labels {labels.name!r}: the judge scored none of the answers: {'; '.join(reasons)}")
    part = labels.select(rows)
    people, judged = part.scores, signal.values[rows]
    groups = cluster_index([one.cluster for one in part])
    person, judge = _against_others(part, judged, scale, seed, resamples)
    nearest = _nearest(people, scale)
    place = {score: at for at, score in enumerate(scale)}
    table = np.zeros((len(scale), len(scale)), dtype=np.int64)
    for own, other in zip(nearest.tolist(), judged.tolist(), strict=True):
        table[place[int(own)], place[int(other)]] += 1
    steps = np.abs([place[int(a)] - place[int(b)] for a, b in zip(nearest.tolist(), judged.tolist(), strict=True)])
    return GradedCheck(
        labels=labels,
        signal=signal,
        scale=scale,
        pairs=pairs,
        rows=rows,
        clusters=int(groups.max()) + 1,
        exact=rate(steps == 0, groups),
        near=rate(steps <= 1, groups),
        kappa=_kappa(people, judged, groups, seed, resamples),
        error=_mean(np.abs(people - judged), groups),
        shift=_mean(judged - people, groups),
        people_mean=_mean(people, groups),
        judge_mean=_mean(judged, groups),
        table=table,
        person=person,
        judge=judge,
        unscored=len(labels) - len(rows),
        ledger=labels.ledger + signal.ledger,
    )


def _nearest(values: Array, scale: tuple[int, ...]) -> Array:
    """The score of the scale that is nearest to each value; of two, the one nearer to the middle of the scale."""
    middle = (scale[0] + scale[-1]) / 2
    order = sorted(scale, key=lambda score: abs(score - middle))
    near = np.abs(values[:, None] - np.array(order, dtype=np.float64)[None, :]).round(9).argmin(axis=1)
    found: Array = np.array(order, dtype=np.float64)[near]
    return found


def _kappa(one: Array, other: Array, groups: npt.NDArray[np.int64], seed: int, resamples: int) -> Estimate:
    return estimate(concordance(one, other, groups, generator(seed, "kappa"), resamples=resamples), len(one))


def _mean(values: Array, groups: npt.NDArray[np.int64]) -> Estimate:
    low, high = t_interval(values[:, None], groups)
    return estimate(
        (float(clustered_means(values[:, None], groups).means[0]), float(low[0]), float(high[0])), len(values)
    )


def _against_others(
    part: LabelSet, judged: Array, scale: tuple[int, ...], seed: int, resamples: int
) -> tuple[Against | None, Against | None]:
    """How each label, and the judge's score, agrees with the mean of the other labels of the answer."""
    rows, where = list[tuple[float, float, float]](), list[str]()
    for one, score in zip(part, judged.tolist(), strict=True):
        said = [float(vote.score) for vote in one.votes if vote.score is not None]
        if len(said) < 2:
            continue
        for at, own in enumerate(said):
            others = said[:at] + said[at + 1 :]
            rows.append((own, score, float(np.mean(others))))
            where.append(one.cluster)
    if not rows:
        return None, None
    own, judge, others = np.array(rows).T
    groups, nearest = cluster_index(where), _nearest(others, scale)
    first, second = (
        Against(rate(scores == nearest, groups), _kappa(scores, others, groups, seed, resamples))
        for scores in (own, judge)
    )
    return first, second
