"""Correct the rate of a later report for the errors that a check of its judge found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ragbench.answers.judge_check.calibration import Calibration, known_of
from ragbench.answers.judge_check.figures import rate
from ragbench.answers.scoring import AnswerEvaluation
from ragbench.core.answers import AnswerSet
from ragbench.core.brief import brief
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.evaluations import Estimate
from ragbench.core.spelling import given, named
from ragbench.stats.clusters import cluster_index
from ragbench.stats.prediction_powered import PredictionPowered, prediction_powered_mean
from ragbench.stats.rogan_gladen import CorrectedRate, rogan_gladen

FEWEST_KNOWN = 10
"""With fewer labelled answers, there is no prediction-powered rate."""


@brief
@dataclass(frozen=True)
class CalibratedRate:
    """An estimate of the share of answers that annotators would call positive.

    Attributes:
        column: the column of scores.
        metric, judge: the metric and the judge that gave the scores.
        threshold: the judge's verdict is yes from this score on (or down from it, with ``lower_is_better``).
        lower_is_better: the direction of the scores.
        reported: the uncorrected share of yes verdicts, over the answers with a score.
        unscored: answers that should have a score and have none; no figure here includes them.
        corrected: corrected by the judge's errors on the labelled answers (Rogan and Gladen). It assumes the same
            error rates here. If the threshold was chosen on those labels, verdicts and errors are those of the folds'
            thresholds; so ``corrected.reported`` differs a little from ``reported``.
        powered: estimate from annotators' labels of some of these answers (prediction-powered inference); None with
            fewer than ten labels, or if all are labelled. It assumes a random sample.
        labels: the labels that the judge was checked on.
        unproven: why it is unknown whether the checked judge gave these scores; empty if it is known.
    """

    column: str
    metric: str
    judge: str | None
    threshold: float
    lower_is_better: bool
    reported: Estimate
    unscored: int
    corrected: CorrectedRate
    powered: PredictionPowered | None
    labels: Mapping[str, object]
    unproven: str = ""


def calibrated_rate(calibration: Calibration, evaluation: AnswerEvaluation, answers: AnswerSet) -> CalibratedRate:
    """Apply a calibration to scored answers.

    Args:
        calibration: calibration of the judge or signal.
        evaluation: evaluation of the answers, with the column of the same metric and judge.
        answers: the answers, in which the labelled ones are looked up.

    Raises:
        SettingError: the evaluation lacks the column, has no value in it, or used another metric or judge.
    """
    _check(calibration, evaluation)
    scores, queries = evaluation.scored.scores, evaluation.scored.queries
    values = scores.column(calibration.column)
    scored = np.flatnonzero(~np.isnan(values))
    if not len(scored):
        raise SettingError(f"{named('calibrations')}: {calibration.column} has no value for any query")
    yes = values <= calibration.threshold if calibration.lower_is_better else values >= calibration.threshold
    verdicts, shares = yes[scored], calibration.share_of_yes(values[scored])
    rows = scored.tolist()
    groups = cluster_index([queries.units[at] for at in rows])
    errors = calibration.errors
    corrected = rogan_gladen(
        float(shares.sum()),
        len(shares),
        errors.true_positive,
        errors.n_positive,
        errors.true_negative,
        errors.n_negative,
        precision=errors.precision.with_verdicts(shares, groups),
    )
    ids = [queries.ids[at] for at in rows]
    return CalibratedRate(
        calibration.column,
        calibration.metric,
        calibration.judge,
        calibration.threshold,
        calibration.lower_is_better,
        rate(verdicts, groups),
        evaluation.bounds[calibration.column].unscored,
        corrected,
        _powered(calibration, answers, ids, values[scored], groups),
        calibration.labels,
        _unproven(calibration, evaluation.manifest),
    )


class Checked(Protocol):
    """A calibration of any kind: what was checked."""

    @property
    def settings(self) -> str:
        """The metric with all its settings."""
        ...

    @property
    def metric(self) -> str:
        """The metric as the user named it."""
        ...

    @property
    def judge(self) -> str | None:
        """The model that judged."""
        ...


def check_applies(calibration: Checked, metrics: Mapping[str, object], judge: object) -> None:
    """Refuse scores by another metric or judge than the checked one, before anything is paid for.

    Args:
        calibration: calibration of the judge or signal.
        metrics: every metric with all its settings (its ``repr``), by the name of its spec.
        judge: the model that judges, or None.

    Raises:
        SettingError: they differ.
    """
    settings = [str(value) for value in metrics.values()]
    if calibration.settings and calibration.settings not in settings:
        raise SettingError(
            f"is of {calibration.settings}, but the answers are scored by {', '.join(settings)}; "
            f"use {given('metrics', calibration.metric)}, or check the judge again",
            option="calibrations",
        )
    if calibration.judge is not None and judge != calibration.judge:
        instead = f"{judge} judges" if judge else "no judge is named"
        raise SettingError(
            f"is of the judge {calibration.judge}, but {instead}; use {given('judge', calibration.judge)}",
            option="calibrations",
        )


def _check(calibration: Calibration, evaluation: AnswerEvaluation) -> None:
    metrics = evaluation.manifest["metrics"]
    assert isinstance(metrics, Mapping)
    check_applies(calibration, metrics, evaluation.manifest["judge"])
    column, names = calibration.column, evaluation.scored.scores.metrics
    if column not in names:
        raise SettingError(
            f"is of the column {column}, and no metric gives it{did_you_mean(column, names)}", option="calibrations"
        )


def _unproven(calibration: Calibration, manifest: Mapping[str, object]) -> str:
    """Say why scores of a column are unproven: anything may have written a column of a file."""
    if calibration.settings:
        return ""
    metrics = manifest["metrics"]
    assert isinstance(metrics, Mapping)
    judge = f" and the judge {manifest['judge']}" if manifest["judge"] else ""
    return (
        f"checked was the column {calibration.column!r} of {calibration.labels['name']}, and nothing says what scored "
        f"it; here {', '.join(metrics)}{judge} did. The correction holds only if both are the same"
    )


def _powered(
    calibration: Calibration,
    answers: AnswerSet,
    ids: list[str],
    scores: npt.NDArray[np.float64],
    groups: npt.NDArray[np.int64],
) -> PredictionPowered | None:
    """Estimate the rate from labels of these answers; each labelled one is judged by the threshold of other folds."""
    found = known_of(calibration.known, answers, ids)
    seen = np.array([label is not None for label in found])
    if seen.sum() < FEWEST_KNOWN or seen.all():
        return None
    labels = np.array([float(one.positive) for one in found if one is not None])
    thresholds = np.array([one.threshold for one in found if one is not None])
    yes = scores[seen] <= thresholds if calibration.lower_is_better else scores[seen] >= thresholds
    unseen = calibration.share_of_yes(scores[~seen])
    return prediction_powered_mean(labels, yes.astype(np.float64), unseen, groups[seen], groups[~seen])
