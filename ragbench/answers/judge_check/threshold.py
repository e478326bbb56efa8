"""Choose the threshold from which a judge's score means yes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.core.spelling import named

FOLDS = 10
How = Literal["given", "binary", "cross-validated"]


@brief
@dataclass(frozen=True, eq=False)
class Threshold:
    """A threshold and its verdicts.

    Attributes:
        value: yes from this score on.
        how: given by the user; ``binary`` for scores that are 0 or 1; or chosen on the labels, with
            cross-validated verdicts.
        verdicts: (n,) of the labelled answers. Cross-validated ones use the threshold of the other folds.
        each: (n,) the threshold of each verdict: ``value``, or the one that was chosen without the answer's fold.
        folds: number of folds; 0 unless cross-validated.
    """

    value: float
    how: How
    verdicts: npt.NDArray[np.bool_]
    each: npt.NDArray[np.float64]
    folds: int = 0


def fixed_threshold(scores: npt.NDArray[np.float64], value: float, how: How) -> Threshold:
    """Use a threshold that does not come from the labels."""
    return Threshold(value, how, scores >= value, np.full(len(scores), value))


def chosen_threshold(
    scores: npt.NDArray[np.float64],
    positive: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> Threshold:
    """Choose the threshold with the largest sum of sensitivity and specificity.

    The threshold is chosen on all answers, for later use. Each verdict comes from a
    threshold that was chosen without the answer's fold, with whole clusters in a fold,
    so that figures of the verdicts are not biased by the choice. They describe the folds'
    thresholds, not the one for later use: a rate that they correct must use the folds' too.

    Args:
        scores: (n,) without NaN, high for yes.
        positive: (n,) labels of the annotators.
        clusters: (n,) cluster of each.
        rng: generator that draws the folds.

    Raises:
        InputError: all scores are (nearly) equal, or a kind of answer comes from fewer than two clusters.

    Source: Youden 1950, Cancer 3:32.
    """
    count = int(clusters.max()) + 1
    yes, no = (np.bincount(clusters[kind], minlength=count) > 0 for kind in (positive, ~positive))
    if min(yes.sum(), no.sum()) < 2:
        raise InputError(
            "to choose a threshold, both kinds of answers must come from two documents or queries at least; "
            f"give it with {named('threshold')}"
        )
    folds = _folds(yes, no, rng)[clusters]
    value = best_threshold(scores, positive)
    each = np.full(len(scores), value)
    for fold in np.unique(folds):
        test = folds == fold
        if len(np.unique(scores[~test])) < 2:
            raise InputError(
                f"nearly every answer has the score {scores[~test][0]:g}: too few others to choose a threshold on one "
                f"part of the answers and check it on the rest; give it with {named('threshold')}"
            )
        each[test] = best_threshold(scores[~test], positive[~test])
    return Threshold(value, "cross-validated", scores >= each, each, len(np.unique(folds)))


def share_of_yes(scores: npt.NDArray[np.float64], each: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n,) The share of the labelled answers' thresholds by which each score is a yes.

    It is 0 or 1 except between the thresholds of different folds. Its mean is the rate that belongs to the error rates
    of cross-validated verdicts.

    Args:
        scores: (n,) scores of other answers, without NaN, high for yes.
        each: (k,) the threshold of each labelled answer (`Threshold.each`).
    """
    found: npt.NDArray[np.float64] = np.searchsorted(np.sort(each), scores, side="right") / len(each)
    return found


def best_threshold(scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> float:
    """Choose a threshold midway between two neighbouring scores; of several equally good ones, the middle one.

    Raises:
        InputError: all scores are equal.
    """
    values, at = np.unique(scores, return_inverse=True)
    if len(values) < 2:
        raise InputError(f"every answer has the score {values[0]:g}: no threshold separates them")
    yes = np.bincount(at, weights=positive)
    no = np.bincount(at, weights=~positive)
    gain = no.cumsum()[:-1] / no.sum() - yes.cumsum()[:-1] / yes.sum()
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    chosen = int(best[len(best) // 2])
    return float((values[chosen] + values[chosen + 1]) / 2)


def _folds(yes: npt.NDArray[np.bool_], no: npt.NDArray[np.bool_], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Assign clusters to folds. Both kinds are spread evenly, so that no training part lacks one."""
    count = len(yes)
    folds = np.zeros(count, dtype=np.int64)
    both = int((yes & no).sum())
    for kind, start in ((yes & no, 0), (yes & ~no, both), (no & ~yes, both)):
        members = rng.permutation(np.flatnonzero(kind))
        folds[members] = (start + np.arange(len(members))) % min(FOLDS, count)
    return folds
