"""From which score on a judge is taken to say yes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError

FOLDS = 10
How = Literal["given", "binary", "cross-validated"]


@dataclass(frozen=True, eq=False)
class Threshold:
    """A threshold and the verdicts it gives.

    Attributes:
        value: yes from this score on.
        how: given by the user; ``binary`` for scores that are 0 or 1; or chosen on the labels, and the verdicts
            made by cross-validation.
        verdicts: (n,) of the labelled answers. Cross-validated: each by the threshold of the folds that it is not in.
        folds: how many; 0 unless cross-validated.
        lowest, highest: threshold among the folds; ``value`` unless cross-validated.
    """

    value: float
    how: How
    verdicts: npt.NDArray[np.bool_]
    folds: int
    lowest: float
    highest: float


def fixed_threshold(scores: npt.NDArray[np.float64], value: float, how: How) -> Threshold:
    """A threshold that does not come from the labels."""
    return Threshold(value, how, scores >= value, 0, value, value)


def chosen_threshold(
    scores: npt.NDArray[np.float64],
    positive: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> Threshold:
    """The threshold with the largest sum of sensitivity and specificity.

    It is chosen on all answers, for later use; the verdicts here come from
    thresholds that were chosen without the fold of the answer, clusters kept
    whole, so that figures made of them are not flattered by the choice.

    Args:
        scores: (n,) without NaN, high for yes.
        positive: (n,) what people say.
        clusters: (n,) cluster of each.
        rng: draws the folds.

    Raises:
        InputError: one score for everything or nearly so, or a kind of answer from fewer than two clusters.

    Source: Youden 1950, Cancer 3:32.
    """
    count = int(clusters.max()) + 1
    yes, no = (np.bincount(clusters[kind], minlength=count) > 0 for kind in (positive, ~positive))
    if min(yes.sum(), no.sum()) < 2:
        raise InputError(
            "to choose a threshold, both kinds of answers must come from two documents or queries at least; "
            "give it: --threshold T"
        )
    folds = _folds(yes, no, rng)[clusters]
    verdicts = np.zeros(len(scores), dtype=bool)
    value = best_threshold(scores, positive)
    found = []
    for fold in np.unique(folds):
        test = folds == fold
        if len(np.unique(scores[~test])) < 2:
            raise InputError(
                f"nearly every answer has the score {scores[~test][0]:g}: too few others to choose a threshold on one "
                "part of the answers and hold it against the rest; give it: --threshold T"
            )
        found.append(best_threshold(scores[~test], positive[~test]))
        verdicts[test] = scores[test] >= found[-1]
    return Threshold(value, "cross-validated", verdicts, len(found), min(found), max(found))


def best_threshold(scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> float:
    """Midway between two neighbouring scores; of several equally good ones the middle one.

    Raises:
        InputError: one score for everything.
    """
    values, at = np.unique(scores, return_inverse=True)
    if len(values) < 2:
        raise InputError(f"every answer has the score {values[0]:g}: no threshold tells them apart")
    yes = np.bincount(at, weights=positive)
    no = np.bincount(at, weights=~positive)
    gain = no.cumsum()[:-1] / no.sum() - yes.cumsum()[:-1] / yes.sum()
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    chosen = int(best[len(best) // 2])
    return float((values[chosen] + values[chosen + 1]) / 2)


def _folds(yes: npt.NDArray[np.bool_], no: npt.NDArray[np.bool_], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Fold of each cluster; both kinds are dealt out evenly, so that no training part lacks one."""
    count = len(yes)
    folds = np.zeros(count, dtype=np.int64)
    both = int((yes & no).sum())
    for kind, start in ((yes & no, 0), (yes & ~no, both), (no & ~yes, both)):
        members = rng.permutation(np.flatnonzero(kind))
        folds[members] = (start + np.arange(len(members))) % min(FOLDS, count)
    return folds
