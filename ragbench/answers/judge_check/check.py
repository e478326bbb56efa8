"""Check a judge or a signal against annotators' labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ragbench.answers.judge_check.annotators import Agreement, measure_agreement
from ragbench.answers.judge_check.figures import AgreementSettings, Figures, figures, parts_of
from ragbench.answers.judge_check.labels import LabelSet
from ragbench.answers.judge_check.signal import Signal
from ragbench.answers.judge_check.threshold import Threshold, chosen_threshold, fixed_threshold
from ragbench.core.brief import brief
from ragbench.core.context import generator
from ragbench.core.errors import InputError, SettingError
from ragbench.core.ledger import Ledger
from ragbench.core.options import option, option_group


@brief
@dataclass(frozen=True)
class Slice:
    """The figures of one slice of the answers, with the threshold of the whole set."""

    by: str
    part: str
    figures: Figures


@brief
@option_group
class CheckSettings:
    """The settings of a check."""

    threshold: float | None = option(
        "The verdict is yes from this score on, or up to it if low scores mean yes.", default=None,
        section="Evaluation", unset="chosen on the labels",
    )  # fmt: skip
    slices: Sequence[str] = option(
        "Column of the labels; the report has figures for each of its values.",
        default=(),
        section="Evaluation",
        flag="--slice",
    )
    seed: int = option("Seed of folds and resampling.", default=0, section="Run")
    resamples: int = option("Number of bootstrap resamples for kappa and alpha.", default=2_000, section="Evaluation")

    def __post_init__(self) -> None:
        if self.resamples < 1:
            raise SettingError(f"is {self.resamples}; at least one is needed", option="resamples")
        if self.threshold is not None and not np.isfinite(self.threshold):
            raise SettingError(f"is {self.threshold}; it must be a number", option="threshold")


@brief
@dataclass(frozen=True, eq=False)
class JudgeCheck:
    """The result of checking a judge or signal.

    Attributes:
        labels: every labelled answer.
        signal: the score of each.
        rows: (k,) the answers with a score and a majority: those that figures are of.
        threshold: over ``rows``, in the direction where high means yes.
        figures: of all of them.
        slices: of parts.
        people: agreement of the annotators; None if each answer has one label.
        unscored: answers without a score.
        accuracy_bounds: the accuracy if every unscored answer were judged wrongly, and if rightly.
        settings: the settings of the check.
        ledger: labels that were skipped, and the reason of every missing score.
    """

    labels: LabelSet
    signal: Signal
    rows: npt.NDArray[np.int64]
    threshold: Threshold
    figures: Figures
    slices: tuple[Slice, ...]
    people: Agreement | None
    unscored: int
    accuracy_bounds: tuple[float, float]
    settings: CheckSettings
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def shown_threshold(self) -> float:
        """The threshold in the direction of the scores."""
        return -self.threshold.value if self.signal.lower_is_better else self.threshold.value

    @property
    def shown_thresholds(self) -> npt.NDArray[np.float64]:
        """(k,) the threshold of each verdict, in the direction of the scores."""
        return -self.threshold.each if self.signal.lower_is_better else self.threshold.each


def check_judge(labels: LabelSet, signal: Signal, settings: CheckSettings | None = None) -> JudgeCheck:
    """Compute verdicts, figures, slices and the agreement of annotators.

    The label of an answer is the majority of its annotators' labels; every single label
    counts in `Agreement`. Answers without a score or a majority are skipped and counted.

    Args:
        labels: answers with annotators' labels.
        signal: the score of each (`ragbench.answers.judge_check.signal.signal_of`).
        settings: threshold, slices and seed.

    Raises:
        InputError: no answer has both label and score, or all labels or all scores are equal.
        SettingError: a slice does not exist.
    """
    settings = settings or CheckSettings()
    scored = ~np.isnan(signal.values)
    tied = labels.shares == 0.5
    rows = np.flatnonzero(scored & ~tied)
    if not len(rows):
        reasons = sorted({entry.reason for entry in signal.ledger.entries})[:3]
        why = f": {'; '.join(reasons)}" if reasons else "; every label is tied"
        raise InputError(f"labels {labels.name!r}: no answer has both a score and a label{why}")
    part = labels.select(rows)
    positive = part.shares > 0.5
    if positive.all() or not positive.any():
        raise InputError(
            f"labels {labels.name!r}: annotators say {'yes' if positive.all() else 'no'} to all {len(rows)} answers "
            "with a score and a majority, so the errors of a judge cannot be measured"
        )
    scores, how = signal.upward[rows], AgreementSettings(settings.seed, settings.resamples)
    threshold = _threshold(signal, scores, positive, part.clusters, settings)
    verdicts = threshold.verdicts
    whole = figures(scores, verdicts, positive, part.clusters, how)
    slices = [
        Slice(by, name, figures(scores[rows_], verdicts[rows_], positive[rows_], part.clusters[rows_], how))
        for by, name, rows_ in parts_of(part, settings.slices)
    ]
    unscored = int((~scored & ~tied).sum())
    right = whole.true_positive + whole.true_negative
    n = len(rows) + unscored
    return JudgeCheck(
        labels=labels,
        signal=signal,
        rows=rows,
        threshold=threshold,
        figures=whole,
        slices=tuple(slices),
        people=_people(labels, signal, scored, threshold, rows, how),
        unscored=unscored,
        accuracy_bounds=(right / n, (right + unscored) / n),
        settings=settings,
        ledger=labels.ledger + signal.ledger,
    )


def _threshold(
    signal: Signal,
    scores: npt.NDArray[np.float64],
    positive: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64],
    settings: CheckSettings,
) -> Threshold:
    if settings.threshold is not None:
        value = -settings.threshold if signal.lower_is_better else settings.threshold
        return fixed_threshold(scores, value, "given")
    if np.isin(signal.values[~np.isnan(signal.values)], (0.0, 1.0)).all():
        return fixed_threshold(scores, -0.5 if signal.lower_is_better else 0.5, "binary")
    return chosen_threshold(scores, positive, clusters, generator(settings.seed, "folds"))


def _people(
    labels: LabelSet,
    signal: Signal,
    scored: npt.NDArray[np.bool_],
    threshold: Threshold,
    rows: npt.NDArray[np.int64],
    how: AgreementSettings,
) -> Agreement | None:
    """The agreement over every answer with a score. An answer without a majority is judged by the overall threshold."""
    every = np.flatnonzero(scored)
    verdicts = signal.upward >= threshold.value
    verdicts[rows] = threshold.verdicts
    turned = signal.lower_is_better
    return measure_agreement(labels.select(every), signal.upward[every], verdicts[every], how, turned=turned)
