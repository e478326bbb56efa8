"""Agreement of annotators with each other, and of the judge with a single annotator."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragbench.answers.judge_check.figures import AgreementSettings, estimate, rate
from ragbench.answers.judge_check.labels import LabelSet
from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.evaluations import Estimate
from ragbench.stats.agreement import clustered_kappa, krippendorff_alpha
from ragbench.stats.clusters import cluster_index


@brief
@dataclass(frozen=True)
class Agreement:
    """The agreement of several annotators on the same answers.

    Attributes:
        items: answers with two or more labels.
        votes: number of labels of these answers.
        persons: number of different annotators; 0 if they are not named.
        unanimous: share of the answers on which all annotators agree.
        tied: answers with as many yes as no labels. They have no majority and count in no other figure.
        alpha: Krippendorff's alpha, agreement beyond chance.
        two_people: probability that two labels of one answer are equal.
        judge_person: probability that the verdict equals one annotator's label.
        person_others: agreement of one annotator's label with the majority of the others, if they have one.
        judge_others: agreement of the verdict with the same majorities. A judge as good as one annotator reaches
            ``person_others``.
        person_others_kappa, judge_others_kappa: the same as Cohen's kappa.
        soft_error: mean squared difference between the score and the share of annotators who say yes; None if
            scores leave 0 to 1.
        soft_error_constant: the same with the mean share in place of every score.
        correlation: Pearson correlation of score and share; None if one of them does not vary.
    """

    items: int
    votes: int
    persons: int
    unanimous: Estimate
    tied: int
    alpha: Estimate
    two_people: float
    judge_person: Estimate
    person_others: Estimate
    judge_others: Estimate
    person_others_kappa: Estimate
    judge_others_kappa: Estimate
    soft_error: float | None
    soft_error_constant: float | None
    correlation: float | None


def measure_agreement(
    labels: LabelSet,
    scores: npt.NDArray[np.float64],
    verdicts: npt.NDArray[np.bool_],
    settings: AgreementSettings,
    *,
    turned: bool = False,
) -> Agreement | None:
    """Measure the agreement of annotators; None if no answer has two labels.

    Args:
        labels: the answers that have a score.
        scores: (n,) scores of the answers, high for yes.
        verdicts: (n,) verdicts on the answers.
        settings: seed and resamples.
        turned: low scores were better, and ``scores`` have the opposite sign.
    """
    rows = np.array([at for at, one in enumerate(labels) if len(one.votes) > 1], dtype=np.int64)
    if not len(rows):
        return None
    part = labels.select(rows)
    shares, groups = part.shares, part.clusters
    votes = [[vote.positive for vote in one.votes] for one in part]
    alpha = krippendorff_alpha(votes, groups, generator(settings.seed, "alpha"), resamples=settings.resamples)
    agreed = np.where(verdicts[rows], shares, 1 - shares)
    person, judge = _against_others(votes, verdicts[rows], part, settings)
    if turned:
        scores = scores + 1
    within = bool(((scores >= 0) & (scores <= 1)).all())
    varies = len(rows) > 1 and scores[rows].std() > 0 and shares.std() > 0
    return Agreement(
        items=len(rows),
        votes=alpha.ratings,
        persons=len({vote.person for one in part for vote in one.votes} - {""}),
        unanimous=rate((shares == 0) | (shares == 1), groups),
        tied=int((shares == 0.5).sum()),
        alpha=estimate((alpha.value, alpha.low, alpha.high), alpha.items),
        two_people=1 - alpha.observed,
        judge_person=rate(agreed, groups),
        person_others=person[0],
        judge_others=judge[0],
        person_others_kappa=person[1],
        judge_others_kappa=judge[1],
        soft_error=float(((scores[rows] - shares) ** 2).mean()) if within else None,
        soft_error_constant=float(shares.var()) if within else None,
        correlation=float(np.corrcoef(scores[rows], shares)[0, 1]) if varies else None,
    )


def _against_others(
    votes: list[list[bool]], verdicts: npt.NDArray[np.bool_], part: LabelSet, settings: AgreementSettings
) -> tuple[tuple[Estimate, Estimate], tuple[Estimate, Estimate]]:
    """Agreement and kappa of each label with the majority of the other labels of its answer, and of the verdict.

    Ties are skipped.
    """
    rows = list[tuple[bool, bool, bool]]()
    where = list[str]()
    for said, verdict, one in zip(votes, verdicts.tolist(), part, strict=True):
        for vote in said:
            yes, number = sum(said) - vote, len(said) - 1
            if 2 * yes != number:
                rows.append((vote, verdict, 2 * yes > number))
                where.append(one.cluster)
    if not rows:
        none = Estimate(None, None, None, 0)
        return (none, none), (none, none)
    own, judged, others = np.array(rows).T
    groups = cluster_index(where)
    return _agreement(own, others, groups, settings), _agreement(judged, others, groups, settings)


def _agreement(
    one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64], settings: AgreementSettings
) -> tuple[Estimate, Estimate]:
    rng = generator(settings.seed, "others")
    found = clustered_kappa(one, other, groups, rng, resamples=settings.resamples)
    return rate(one == other, groups), estimate(found, len(one))
