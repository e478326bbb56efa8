"""What a check leaves for later reports: the file, what it refuses, and rates that cover the truth."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ragbench.answers.judge_check.calibration import Calibration
from ragbench.answers.judge_check.check import CheckSettings, JudgeCheck, check_judge
from ragbench.answers.judge_check.labels import Labelled, LabelSet, Vote
from ragbench.answers.judge_check.rate import CalibratedRate, calibrated_rate
from ragbench.answers.judge_check.signal import Signal
from ragbench.answers.metrics.base import AnswerMetric, Column, ScoringContext
from ragbench.answers.scoring import AnswerEvaluation, ScoreSettings, score_answers
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.render.answers import calibrated_lines
from ragbench.stats.rogan_gladen import rogan_gladen


class Given(AnswerMetric):
    """The score that stands in the answer itself."""

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        return [Column("given", np.array([float(answer.answer.split()[-1]) for answer in answers]))]

    def __repr__(self) -> str:
        return "Given()"


def checked(votes: np.ndarray, scores: np.ndarray, clusters: np.ndarray | None = None, first: int = 0) -> JudgeCheck:
    items = [
        Labelled(
            Answered(f"q{first + at}", "", f"answer {first + at} {score}"),
            (Vote("", bool(vote)),),
            f"d{at if clusters is None else clusters[at]}",
            f"q{first + at}",
        )
        for at, (vote, score) in enumerate(zip(votes, scores, strict=True))
    ]
    labels = LabelSet(tuple(items), "people")
    signal = Signal("given", "given", scores.astype(np.float64), settings="Given()")
    return check_judge(labels, signal, CheckSettings(threshold=0.5, resamples=1))


def scored(scores: np.ndarray, first: int = 0) -> tuple[AnswerEvaluation, AnswerSet]:
    numbers = range(first, first + len(scores))
    answers = AnswerSet(
        tuple(Answered(f"q{at}", f"t{at}", f"answer {at} {score}") for at, score in zip(numbers, scores, strict=True))
    )
    golden = GoldenSet(tuple(GoldenItem(f"q{at}", f"t{at}") for at in numbers), "golden")
    return score_answers(answers, golden, [Given()], settings=ScoreSettings(resamples=1)), answers


def judged(
    truth: np.ndarray, rng: np.random.Generator, sensitivity: float = 0.8, specificity: float = 0.7
) -> np.ndarray:
    right = rng.random(len(truth)) < np.where(truth, sensitivity, specificity)
    return np.where(right, truth, ~truth).astype(np.float64)


def applied(check: JudgeCheck, scores: np.ndarray, first: int) -> CalibratedRate:
    evaluation, answers = scored(scores, first)
    return calibrated_rate(Calibration.of(check), evaluation, answers)


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(50) < 0.6
    calibration = Calibration.of(checked(truth, judged(truth, rng), np.arange(50) // 2))
    calibration.write(tmp_path / "a.json")
    assert Calibration.read(tmp_path / "a.json") == calibration
    Calibration.read(tmp_path / "a.json").write(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "x"}, "no calibration"),
        ({"format_version": 9}, "of version 9"),
        ({"errors": {}}, "is damaged"),
        ({"threshold": "high"}, "is damaged"),
        ({"known": [{}]}, "is damaged"),
        ({"lower_is_better": 3}, "is damaged"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "calibration.json"
    Calibration.of(checked(np.array([True, False]), np.array([1.0, 0.0]))).write(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=message):
        Calibration.read(path)


def test_the_correction_is_that_of_rogan_and_gladen() -> None:
    truth = np.array([True] * 60 + [False] * 40)
    verdicts = np.array([1.0] * 48 + [0.0] * 12 + [0.0] * 30 + [1.0] * 10)  # 48 of 60, 30 of 40
    later = np.array([1.0] * 130 + [0.0] * 70)
    found = applied(checked(truth, verdicts), later, 1000)
    expected = rogan_gladen(130, 200, 48, 60, 30, 40)
    assert found.corrected.value == pytest.approx((0.65 + 0.75 - 1) / (0.8 + 0.75 - 1))
    assert found.corrected.value == expected.value
    # One item less in each sample: the effective size of single items is n - 1.
    assert found.corrected.low == pytest.approx(expected.low, abs=0.003)
    assert found.corrected.high == pytest.approx(expected.high, abs=0.003)
    assert found.reported.mean == 0.65
    assert found.powered is None


def test_corrected_rates_cover_the_truth_where_the_report_itself_does_not() -> None:
    rng = np.random.default_rng(3)
    runs, covered, reported = 50, 0, 0
    for _ in range(runs):
        truth = rng.random(150) < 0.5
        check = checked(truth, judged(truth, rng))
        later = judged(rng.random(300) < 0.9, rng)
        found = applied(check, later, 1000)
        assert found.corrected.low is not None
        assert found.corrected.high is not None
        covered += found.corrected.low <= 0.9 <= found.corrected.high
        reported += (found.reported.low or 0) <= 0.9 <= (found.reported.high or 1)
    assert covered / runs >= 0.88
    assert reported / runs < 0.05  # the judge says yes to .9 x .8 + .1 x .3 = .75


def test_labels_of_the_same_answers_give_a_prediction_powered_rate() -> None:
    rng = np.random.default_rng(4)
    truth = rng.random(400) < 0.7
    verdicts = judged(truth, rng, 0.95, 0.95)
    check = checked(truth[:100], verdicts[:100])
    found = applied(check, verdicts, 0)
    assert found.powered is not None
    assert (found.powered.people, found.powered.machine) == (100, 300)
    assert found.powered.low is not None
    assert found.powered.people_low is not None
    # A judge that is mostly right makes the labels go further.
    assert found.powered.high - found.powered.low < 0.75 * (found.powered.people_high - found.powered.people_low)
    # Other answers to the same queries are not the ones that people saw.
    other, answers = scored(verdicts, 0)
    changed = AnswerSet(tuple(Answered(a.query_id, a.query, f"new {a.answer}") for a in answers))
    assert calibrated_rate(Calibration.of(check), other, changed).powered is None


def test_a_judge_that_knows_nothing_corrects_nothing() -> None:
    truth = np.array([True, False] * 20)
    found = applied(checked(truth, np.array([1.0, 1.0, 0.0, 0.0] * 10)), np.array([1.0, 0.0] * 10), 1000)
    assert found.corrected.value is None


def test_scores_of_another_metric_or_judge_are_refused() -> None:
    truth = np.array([True, False] * 20)
    check = checked(truth, truth.astype(np.float64))
    evaluation, answers = scored(np.array([1.0, 0.0]))
    calibration = Calibration.of(check)
    with pytest.raises(SettingError, match=r"is of Given\(deep\), but the answers are scored by Given\(\)"):
        calibrated_rate(replace(calibration, settings="Given(deep)"), evaluation, answers)
    with pytest.raises(SettingError, match="is of the judge a:b, but no judge is named"):
        calibrated_rate(replace(calibration, judge="a:b"), evaluation, answers)
    assert calibrated_rate(calibration, evaluation, answers).unproven == ""
    of_file = calibrated_rate(replace(calibration, settings=""), evaluation, answers)
    assert "nothing says what scored it; here Given() did" in of_file.unproven
    assert any(line.startswith("  warning: checked was the column 'given'") for line in calibrated_lines(of_file))
    with pytest.raises(SettingError, match="did you mean 'given'"):
        calibrated_rate(replace(calibration, column="giben"), evaluation, answers)
