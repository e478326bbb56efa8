"""The calibration of a judge that scores by a rubric: how far it is from annotators, and their scores."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ragbench.answers.judge_check.calibration import known_of, text_mark
from ragbench.answers.judge_check.graded import GradedCheck
from ragbench.answers.judge_check.rate import FEWEST_KNOWN
from ragbench.answers.scoring import AnswerEvaluation
from ragbench.core.answers import AnswerSet
from ragbench.core.brief import brief
from ragbench.core.errors import InputError
from ragbench.core.evaluations import Estimate, estimate
from ragbench.io.files import write_json
from ragbench.io.parsing import DAMAGED
from ragbench.stats.clusters import cluster_index, clustered_means
from ragbench.stats.distributions import t_quantile
from ragbench.stats.intervals import t_interval
from ragbench.stats.prediction_powered import PredictionPowered, prediction_powered_mean

FORMAT, FORMAT_VERSION = "ragbench-grade-calibration", 1


@dataclass(frozen=True)
class KnownScore:
    """The annotators' score of one answer, to be found again among the answers of a later report."""

    query_id: str
    answer: str
    score: float


@dataclass(frozen=True)
class GradeCalibration:
    """The result of checking a judge that scores by a rubric, for later reports.

    Attributes:
        metric: the metric as the user named it.
        settings: the metric with all its settings, which include the fingerprint of the rubric.
        column: the column of scores.
        judge: the model that judged.
        scale: the scores of the scale.
        labels: name and fingerprint of the labels, and their numbers of answers and clusters.
        shift: mean of the judge's score less the annotators', on the labelled answers.
        error: its standard error, by cluster.
        degrees: its degrees of freedom.
        known: the annotators' scores by answer.
    """

    metric: str
    settings: str
    column: str
    judge: str | None
    scale: tuple[int, ...]
    labels: Mapping[str, object]
    shift: float
    error: float
    degrees: float
    known: tuple[KnownScore, ...]

    @classmethod
    def of(cls, check: GradedCheck) -> "GradeCalibration":
        """Build the calibration from a check."""
        part, signal = check.labels.select(check.rows), check.signal
        groups = cluster_index([one.cluster for one in part])
        found = clustered_means((signal.values[check.rows] - part.scores)[:, None], groups)
        known = tuple(
            KnownScore(one.query_id, text_mark(one.item), score)
            for one, score in zip(part, part.scores.tolist(), strict=True)
        )
        labels = {
            "name": check.labels.name,
            "fingerprint": check.labels.fingerprint,
            "answers": len(part),
            "clusters": check.clusters,
        }
        error, degrees = float(found.errors[0]), float(found.df[0])
        return cls(
            signal.written,
            signal.settings,
            signal.column,
            signal.judge,
            check.scale,
            labels,
            float(found.means[0]),
            error if math.isfinite(error) else 0.0,
            degrees if math.isfinite(degrees) else 1.0,
            known,
        )

    def write(self, path: Path) -> None:
        """Write the JSON file. The same calibration gives the same bytes."""
        content = {"format": FORMAT, "format_version": FORMAT_VERSION, "ragbench": version("ragbench"), **asdict(self)}
        write_json(path, content, indent=1)

    @classmethod
    def of_json(cls, path: Path, content: Mapping[str, object]) -> "GradeCalibration":
        """Make the calibration from the content of its file.

        Raises:
            InputError: it is damaged, or of a later version.
        """
        if content.get("format_version") != FORMAT_VERSION:
            raise InputError(f"{path}: a calibration of another version; check the judge again")
        try:
            return _parsed(content)
        except DAMAGED as error:
            raise InputError(f"{path}: the calibration is damaged ({error}); check the judge again") from error


def _parsed(content: Mapping[str, object]) -> GradeCalibration:
    known, labels, scale, judge = (content[key] for key in ("known", "labels", "scale", "judge"))
    if not (isinstance(known, list) and isinstance(labels, dict) and isinstance(scale, list)):
        raise TypeError("known, labels or scale")
    shift, error, degrees = (float(str(content[key])) for key in ("shift", "error", "degrees"))
    scores = tuple(KnownScore(str(k["query_id"]), str(k["answer"]), float(k["score"])) for k in known)
    if (
        not all(map(math.isfinite, (shift, error, degrees, *(one.score for one in scores))))
        or degrees <= 0
        or error < 0
    ):
        raise ValueError("a number is not finite, or below 0")
    return GradeCalibration(
        str(content["metric"]),
        str(content["settings"]),
        str(content["column"]),
        None if judge is None else str(judge),
        tuple(int(score) for score in scale),
        labels,
        shift,
        error,
        degrees,
        scores,
    )


@brief
@dataclass(frozen=True)
class CalibratedMean:
    """An estimate of the mean score that annotators would give.

    Attributes:
        column: the column of scores.
        metric, judge: the metric and the judge that gave the scores.
        reported: the judge's mean.
        corrected: less the judge's shift on the labelled answers. It assumes the same shift here.
        powered: estimate from annotators' scores of some of these answers; None with fewer than ten, or if all have
            one. It assumes a random sample.
        unscored: answers that should have a score and have none; no figure here includes them.
        labels: the labels that the judge was checked on.
    """

    column: str
    metric: str
    judge: str | None
    reported: Estimate
    corrected: Estimate
    powered: PredictionPowered | None
    unscored: int
    labels: Mapping[str, object]


def calibrated_mean(calibration: GradeCalibration, evaluation: AnswerEvaluation, answers: AnswerSet) -> CalibratedMean:
    """Apply a calibration to scored answers. The intervals of both samples are added."""
    scores, queries = evaluation.scored.scores, evaluation.scored.queries
    values = scores.column(calibration.column)
    rows = np.flatnonzero(~np.isnan(values))
    groups = cluster_index([queries.units[at] for at in rows.tolist()])
    found = clustered_means(values[rows][:, None], groups)
    low, high = t_interval(values[rows][:, None], groups)
    mean, error = float(found.means[0]), float(np.nan_to_num(found.errors[0]))
    variance = error**2 + calibration.error**2
    # Welch and Satterthwaite's degrees of freedom of the sum.
    parts = error**4 / float(np.nan_to_num(found.df[0], nan=1.0)) + calibration.error**4 / calibration.degrees
    reach = t_quantile(0.975, np.array([variance**2 / parts if parts > 0 else 1.0]))[0] * variance**0.5
    ends = np.clip([mean - calibration.shift - reach, mean - calibration.shift + reach], *_ends(calibration))
    return CalibratedMean(
        calibration.column,
        calibration.metric,
        calibration.judge,
        estimate(mean, float(low[0]), float(high[0]), len(rows)),
        estimate(mean - calibration.shift, float(ends[0]), float(ends[1]), len(rows)),
        _powered(calibration, answers, [queries.ids[at] for at in rows.tolist()], values[rows], groups),
        evaluation.bounds[calibration.column].unscored,
        calibration.labels,
    )


def _ends(calibration: GradeCalibration) -> tuple[int, int]:
    return min(calibration.scale), max(calibration.scale)


def _powered(
    calibration: GradeCalibration,
    answers: AnswerSet,
    ids: list[str],
    scores: npt.NDArray[np.float64],
    groups: npt.NDArray[np.int64],
) -> PredictionPowered | None:
    found = known_of(calibration.known, answers, ids)
    seen = np.array([one is not None for one in found])
    if seen.sum() < FEWEST_KNOWN or seen.all():
        return None
    labels = np.array([one.score for one in found if one is not None])
    return prediction_powered_mean(labels, scores[seen], scores[~seen], groups[seen], groups[~seen])
