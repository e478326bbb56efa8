"""The calibration file of a judge: its threshold, its errors and the annotators' labels, for later reports."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from ragbench.answers.judge_check.check import JudgeCheck
from ragbench.answers.judge_check.threshold import How, share_of_yes
from ragbench.core.answers import Answered
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint
from ragbench.io.files import write_json
from ragbench.io.parsing import DAMAGED
from ragbench.stats.rogan_gladen import ErrorPrecision, error_precision

FORMAT, FORMAT_VERSION = "ragbench-calibration", 2


@dataclass(frozen=True)
class Errors:
    """The errors of a judge on labelled answers.

    Attributes:
        true_positive, n_positive: of the answers that annotators call positive, how many the judge does.
        effective_positive: the effective sample size of ``n_positive``, by cluster.
        degrees_positive: degrees of freedom of its variance; None if every cluster has one of these answers.
        true_negative, n_negative, effective_negative, degrees_negative: the same for those that annotators call
            negative.
        covariance: between sensitivity and specificity, by cluster.
    """

    true_positive: int
    n_positive: int
    effective_positive: float
    degrees_positive: float | None
    true_negative: int
    n_negative: int
    effective_negative: float
    degrees_negative: float | None
    covariance: float

    @property
    def precision(self) -> ErrorPrecision:
        """How precisely the labelled answers measure the errors."""
        return ErrorPrecision(
            (self.effective_positive, self.effective_negative),
            (_or_infinite(self.degrees_positive), _or_infinite(self.degrees_negative)),
            self.covariance,
        )


@dataclass(frozen=True)
class KnownLabel:
    """The annotators' label of one answer, to be found again among the answers of a later report.

    Attributes:
        query_id: query id of the answer.
        answer: fingerprint of the answer's text.
        positive: the majority label.
        threshold: the threshold that was chosen without the label (of the other folds), or that was given.
    """

    query_id: str
    answer: str
    positive: bool
    threshold: float


@dataclass(frozen=True)
class Calibration:
    """The result of checking a judge, for later reports.

    Attributes:
        metric: the metric as the user named it.
        settings: the metric with all its settings; empty for a column of the file.
        column: the column of scores it was checked for.
        judge: the model that judged; None without one.
        lower_is_better: whether low scores mean yes.
        threshold: yes from this score on (or down from it, if low is better). Rates are corrected at the thresholds
            of ``known``, because the errors were measured there.
        how: how the threshold was chosen.
        labels: name and fingerprint of the labels, and their numbers of answers and clusters.
        errors: errors of the judge.
        known: the annotators' labels by answer, and the threshold at which each answer measured the errors.
    """

    metric: str
    settings: str
    column: str
    judge: str | None
    lower_is_better: bool
    threshold: float
    how: How
    labels: Mapping[str, object]
    errors: Errors
    known: tuple[KnownLabel, ...]

    @classmethod
    def of(cls, check: JudgeCheck) -> "Calibration":
        """Build the calibration from a check.

        Raises:
            InputError: the threshold is not finite.
        """
        part = check.labels.select(check.rows)
        positive, found = part.shares > 0.5, check.figures
        right = (check.threshold.verdicts == positive).astype(np.float64)
        precision = error_precision(right, positive, part.clusters)
        degrees = [df if math.isfinite(df) else None for df in precision.degrees]
        errors = Errors(
            found.true_positive,
            found.true_positive + found.false_negative,
            precision.sizes[0],
            degrees[0],
            found.true_negative,
            found.true_negative + found.false_positive,
            precision.sizes[1],
            degrees[1],
            precision.covariance,
        )
        known = tuple(
            KnownLabel(one.query_id, text_mark(one.item), bool(yes), threshold)
            for one, yes, threshold in zip(part, positive.tolist(), check.shown_thresholds.tolist(), strict=True)
        )
        labels = {
            "name": check.labels.name,
            "fingerprint": check.labels.fingerprint,
            "answers": found.n,
            "clusters": found.clusters,
        }
        signal = check.signal
        return cls(
            signal.written,
            signal.settings,
            signal.column,
            signal.judge,
            signal.lower_is_better,
            check.shown_threshold,
            check.threshold.how,
            labels,
            errors,
            known,
        )

    def share_of_yes(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(n,) The share of the thresholds that measured the errors by which each score is a yes.

        Args:
            scores: (n,) without NaN.
        """
        sign = -1.0 if self.lower_is_better else 1.0
        return share_of_yes(sign * scores, sign * np.array([one.threshold for one in self.known]))

    def write(self, path: Path) -> None:
        """Write the JSON file. The same calibration gives the same bytes."""
        content = {"format": FORMAT, "format_version": FORMAT_VERSION, "ragbench": version("ragbench"), **asdict(self)}
        write_json(path, content, indent=1)

    @classmethod
    def read(cls, path: Path) -> "Calibration":
        """Read the JSON file.

        Raises:
            InputError: the file is missing, is not a calibration, or has a later version.
        """
        content = read_json(path)
        if content.get("format") != FORMAT:
            raise InputError(
                f"{path}: no calibration; 'ragbench judge check --out FOLDER' writes FOLDER/calibration.json"
            )
        if content.get("format_version") != FORMAT_VERSION:
            raise InputError(
                f"{path}: a calibration of version {content.get('format_version')}; this ragbench reads "
                f"version {FORMAT_VERSION}. Check the judge again"
            )
        try:
            return _parsed(content)
        except DAMAGED as error:
            raise InputError(f"{path}: the calibration is damaged ({error}); check the judge again") from error


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object of a file; empty for another value.

    Raises:
        InputError: the file cannot be read, or is no JSON.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON ({error})") from error
    return content if isinstance(content, dict) else {}


def text_mark(answer: Answered) -> str:
    """Fingerprint of an answer's text, without spaces at its ends."""
    return fingerprint(answer.answer.strip())


class OfAnswer(Protocol):
    """What annotators said of one answer."""

    @property
    def query_id(self) -> str:
        """Query id of the answer."""

    @property
    def answer(self) -> str:
        """Fingerprint of the answer's text."""


Known = TypeVar("Known", bound=OfAnswer)


def known_of(known: Iterable[Known], answers: Iterable[Answered], ids: Sequence[str]) -> list[Known | None]:
    """Find what is known of the answers to these queries; None where the annotators did not see that answer."""
    marks = {item.query_id: text_mark(item) for item in answers}
    by_answer = {(one.query_id, one.answer): one for one in known}
    return [by_answer.get((id_, marks.get(id_, ""))) for id_ in ids]


def _parsed(content: Mapping[str, Any]) -> Calibration:
    errors = Errors(**content["errors"])
    for part, whole, effective, degrees in (
        (errors.true_positive, errors.n_positive, errors.effective_positive, errors.degrees_positive),
        (errors.true_negative, errors.n_negative, errors.effective_negative, errors.degrees_negative),
    ):
        if not (isinstance(part, int) and isinstance(whole, int) and 0 <= part <= whole and 0 < effective <= whole):
            raise ValueError(f"errors: {part} of {whole}, worth {effective}")
        if not _or_infinite(degrees) > 0:
            raise ValueError(f"errors: {degrees} degrees of freedom")
    known = tuple(
        KnownLabel(str(k["query_id"]), str(k["answer"]), bool(k["positive"]), float(k["threshold"]))
        for k in content["known"]
    )
    if not known:
        raise ValueError("known: no label")
    for number in (float(content["threshold"]), float(errors.covariance), *(one.threshold for one in known)):
        if not math.isfinite(number):
            raise ValueError(f"{number} is not finite")
    if not isinstance(content["lower_is_better"], bool):
        raise TypeError("lower_is_better: neither true nor false")
    judge = content["judge"]
    how: Literal["given", "binary", "cross-validated"] = content["how"]
    return Calibration(
        str(content["metric"]),
        str(content["settings"]),
        str(content["column"]),
        None if judge is None else str(judge),
        content["lower_is_better"],
        float(content["threshold"]),
        how,
        dict(content["labels"]),
        errors,
        known,
    )


def _or_infinite(degrees: float | None) -> float:
    return math.inf if degrees is None else float(degrees)
