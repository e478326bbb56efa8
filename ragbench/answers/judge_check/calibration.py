"""The calibration file of a judge: its threshold, its errors and the annotators' labels, for later reports."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ragbench.answers.judge_check.check import JudgeCheck
from ragbench.answers.judge_check.threshold import How
from ragbench.core.answers import Answered
from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint
from ragbench.io.files import write_text
from ragbench.stats.clusters import effective_size

FORMAT, FORMAT_VERSION = "ragbench-calibration", 1


@dataclass(frozen=True)
class Errors:
    """The errors of a judge on labelled answers.

    Attributes:
        true_positive, n_positive: of the answers that annotators call positive, how many the judge does.
        effective_positive: the effective sample size of ``n_positive``, by cluster.
        true_negative, n_negative, effective_negative: the same for those that annotators call negative.
    """

    true_positive: int
    n_positive: int
    effective_positive: float
    true_negative: int
    n_negative: int
    effective_negative: float


@dataclass(frozen=True)
class KnownLabel:
    """The annotators' label of one answer, to be found again among the answers of a later report.

    Attributes:
        query_id: query id of the answer.
        answer: fingerprint of the answer's text.
        positive: the majority label.
    """

    query_id: str
    answer: str
    positive: bool


@dataclass(frozen=True)
class Calibration:
    """The result of checking a judge, for later reports.

    Attributes:
        metric: the metric as the user named it.
        settings: the metric with all its settings; empty for a column of the file.
        column: the column of scores it was checked for.
        judge: the model that judged; None without one.
        lower_is_better: whether low scores mean yes.
        threshold: yes from this score on (or down from it, if low is better).
        how: how the threshold was chosen.
        labels: name and fingerprint of the labels, and their numbers of answers and clusters.
        errors: errors of the judge.
        known: the annotators' labels by answer.
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
        verdicts = check.threshold.verdicts
        right = (verdicts == positive).astype(np.float64)
        sizes = [effective_size(np.where(kind, right, np.nan), part.clusters) for kind in (positive, ~positive)]
        errors = Errors(
            found.true_positive,
            found.true_positive + found.false_negative,
            sizes[0],
            found.true_negative,
            found.true_negative + found.false_positive,
            sizes[1],
        )
        known = tuple(
            KnownLabel(one.query_id, text_mark(one.item), bool(yes))
            for one, yes in zip(part, positive.tolist(), strict=True)
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

    def write(self, path: Path) -> None:
        """Write the JSON file. The same calibration gives the same bytes."""
        content = {"format": FORMAT, "format_version": FORMAT_VERSION, "ragbench": version("ragbench"), **asdict(self)}
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Calibration":
        """Read the JSON file.

        Raises:
            InputError: the file is missing, is not a calibration, or has a later version.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: no JSON ({error})") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
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
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: the calibration is damaged ({error}); check the judge again") from error


def text_mark(answer: Answered) -> str:
    """Fingerprint of an answer's text, without spaces at its ends."""
    return fingerprint(answer.answer.strip())


def _parsed(content: Mapping[str, Any]) -> Calibration:
    errors = Errors(**content["errors"])
    for part, whole, effective in (
        (errors.true_positive, errors.n_positive, errors.effective_positive),
        (errors.true_negative, errors.n_negative, errors.effective_negative),
    ):
        if not (isinstance(part, int) and isinstance(whole, int) and 0 <= part <= whole and 0 < effective <= whole):
            raise ValueError(f"errors: {part} of {whole}, worth {effective}")
    threshold = float(content["threshold"])
    if not math.isfinite(threshold):
        raise ValueError(f"threshold: {threshold}")
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
        threshold,
        how,
        dict(content["labels"]),
        errors,
        tuple(KnownLabel(str(k["query_id"]), str(k["answer"]), bool(k["positive"])) for k in content["known"]),
    )
