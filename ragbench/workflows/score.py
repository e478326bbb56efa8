"""Score answers against a golden set, with a model as the judge where a metric needs one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ragbench.answers.judge_check.calibration import Calibration, read_json
from ragbench.answers.judge_check.grade_calibration import FORMAT, GradeCalibration, calibrated_mean
from ragbench.answers.judge_check.rate import calibrated_rate, check_applies
from ragbench.answers.judging import JudgeModel, JudgePlan, RubricChoice, judged, planned
from ragbench.answers.metrics.base import AnswerMetric
from ragbench.answers.metrics.rubric import RubricMetric, rubric_specs
from ragbench.answers.scoring import (
    AnswerEvaluation,
    ScoreSettings,
    golden_of_answers,
    named_metrics,
    score_answers,
    with_variants,
)
from ragbench.answers.usual_metrics import USUAL, usual_metrics
from ragbench.comparison.by_slice import scores_by
from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.comparison.slices import slices
from ragbench.core.answers import AnswerSet
from ragbench.core.context import Context
from ragbench.core.documents import Corpus
from ragbench.core.errors import InputError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.options import named, option, options, part
from ragbench.core.scored import QueryTable
from ragbench.engines.base import EngineSettings
from ragbench.engines.model_workers import calls_through
from ragbench.io.arm_folders import read_arms, write_arms
from ragbench.io.files import make_out
from ragbench.io.inputs import Input
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import working_in
from ragbench.io.scored_runs import RESULTS, check_scores_folder
from ragbench.io.tables import columns_by_role
from ragbench.models.llm.connect import Through
from ragbench.models.llm.costs import Estimate
from ragbench.render.answers import write_answer_scores
from ragbench.workflows.groups import CacheFolder, CorpusLoading, DryRun, GoldenReading, WorkerChoice
from ragbench.workflows.reading import read_answer_set, read_corpus, read_set


@options
class Options(DryRun, CacheFolder, JudgeModel, WorkerChoice, RubricChoice, ScoreSettings, GoldenReading, CorpusLoading):
    """The options of ``ragbench score`` and `ragbench.score_answers`."""

    answers: Path | AnswerSet = option(
        "Answers: a folder of 'ragbench answer', or a JSON Lines, CSV or Parquet file.", section="Input",
        positional=True,
    )  # fmt: skip
    golden: Path | GoldenSet | None = option(
        "Golden set: a file or a folder.", default=None, section="Input",
        unset="the queries of the answers, with the references in their file",
    )  # fmt: skip
    metrics: Sequence[str | Mapping[str, object] | AnswerMetric] = option(
        "Answer metric, NAME or NAME:key=value,...", default=(), section="Evaluation", flag="--metric",
        unset="token_f1 and abstention, and exact_match if answers and references are short",
    )  # fmt: skip
    corpus: Path | Corpus | None = option(
        "Documents or chunks; the metric citation needs them to find cited passages.", default=None, section="Input"
    )
    columns: Mapping[str, str] | None = option(
        "Columns of the answers, query=NAME,answer=NAME,...", default=None, section="Input", parse=columns_by_role,
        unset="recognised by name",
    )  # fmt: skip
    name: str | None = option("Name of the system.", default=None, section="Input", unset="the name of the answers")
    by: Sequence[str] = option(
        "Also show the scores by type, length, variant, or another property of the queries.", default=(),
        section="Evaluation", metavar="COLUMN", unset="none",
    )  # fmt: skip
    calibrations: Sequence[Path | Calibration] = option(
        "Calibration by 'ragbench judge check', which corrects the share of good answers.", default=(),
        section="Evaluation", flag="--calibration",
    )  # fmt: skip
    out: Path | None = option(
        "Folder for scores, details and issue log. Needed with a judge: it keeps the judge's answers.", default=None,
        section="Output", writes="folder", unset="nothing is written",
    )  # fmt: skip


@dataclass(frozen=True)
class ScoredAnswers:
    """The scores of answers, and what the judge took.

    Attributes:
        evaluation: the scores.
        totals: calls, tokens and cost of this run, by model; empty without a judge.
    """

    evaluation: AnswerEvaluation
    totals: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class ScoredArms:
    """The scores of several systems, and their comparison with the first.

    Attributes:
        scored: the scores of each system.
        compared: the comparison; None if no metric has values for all of them.
    """

    scored: tuple[ScoredAnswers, ...]
    compared: Compared | None


def run(options: Options, context: Context) -> ScoredAnswers | ScoredArms | JudgePlan:
    """Score the answers of a system against a golden set.

    An answer of the judge is paid for once. If a run was interrupted or its budget was spent, run the same again with
    the same folder: it continues where it stopped. ``.stopped`` then says why the run ended early, and the issue log
    has a reason for every answer without a score. The folder of several systems of ``ragbench answer`` gives the scores
    of each and their comparison.

    Returns:
        The scores, or after a dry run what the judge would take.

    Raises:
        SettingError: a metric is unknown, has a wrong setting, or needs a judge. Every fault is listed.
        InputError: the answers or the golden set cannot be read, or no answer belongs to a query of the golden set.

    Examples:
        >>> from ragbench.core.answers import Answered
        >>> query = "shelter for two to spend nights on snow in january"
        >>> answers = rb.AnswerSet((Answered("q001", query, "The Tarnfell 2 Winter tent."),))
        >>> golden = rb.GoldenSet(rb.load_golden("datasets/shop").items[:1])
        >>> rb.score_answers(answers, golden, "exact_match").metrics["exact_match"].mean
        1.0
    """
    rubrics = rubric_specs(options.rubrics)
    metrics = named_metrics([*(options.metrics or USUAL), *rubrics], judge=options.judge is not None)
    _check(options)
    calibrations = [_calibration(one) for one in options.calibrations]
    for calibration in calibrations:
        check_applies(calibration, {name: repr(metric) for name, metric in metrics.items()}, options.judge)
    arms = read_arms(options.answers) if isinstance(options.answers, Path) else {}
    engine = EngineSettings() if options.dry_run else options.engine_settings
    with calls_through(engine) as through:
        if arms:
            return _score_arms(options, arms, calibrations, context, through)
        return _score(options, options.out, calibrations, context, through)


def _score_arms(
    options: Options,
    arms: Mapping[str, Path],
    calibrations: Sequence[Calibration | GradeCalibration],
    context: Context,
    through: Through | None,
) -> ScoredArms | JudgePlan:
    """Score each system into a folder of its own. They share the store of the judge's answers, and so the budget."""
    if options.name is not None:
        raise SettingError("is for one system, and the folder holds several", option="name")
    if options.out is not None and not options.dry_run:
        if (options.out / RESULTS).exists():
            raise InputError(f"{options.out}: holds the scores of one system; name another folder for several")
        make_out(options.out)
        write_arms([{"name": name, "folder": place.name} for name, place in arms.items()], options.out)
    found, plans = list[ScoredAnswers](), list[JudgePlan]()
    for place in arms.values():
        out = None if options.out is None else options.out / place.name
        one = _score(replace(options, answers=place, out=out), options.out, calibrations, context, through)
        if isinstance(one, JudgePlan):
            plans.append(one)
        else:
            found.append(one)
    if options.dry_run:
        return JudgePlan(sum((plan.estimate for plan in plans), Estimate()), plans[0].metrics, plans[0].guessed)
    runs = [one.evaluation.scored for one in found]
    metrics = [
        name
        for name in runs[0].scores.metrics
        if all(name in run.scores.metrics and not np.isnan(run.scores.column(name)).all() for run in runs)
    ]
    if not metrics or len(runs) < 2:
        return ScoredArms(tuple(found), None)
    settings = CompareSettings(metrics=metrics, examples=0, seed=options.seed, resamples=options.resamples)
    return ScoredArms(tuple(found), compare_runs(runs, settings))


def _score(
    options: Options,
    store: Path | None,
    calibrations: Sequence[Calibration | GradeCalibration],
    context: Context,
    through: Through | None,
) -> ScoredAnswers | JudgePlan:
    """Score one system.

    Args:
        options: with the answers and the folder of this system.
        store: the folder in which the judge's answers are kept.
        calibrations: of the judge.
        context: cache and progress.
        through: has workers call the judge.
    """
    rubrics = rubric_specs(options.rubrics)
    if options.out is not None and not options.dry_run:
        check_scores_folder(options.out)
    golden, answers = _inputs(options)
    for column in options.by:
        slices(with_variants(QueryTable.of(golden), answers), column)  # before the judge is paid
    chosen, note = (options.metrics, "") if options.metrics else usual_metrics(answers, golden)
    # Without the seed: another seed would ask the judge, and pay, again.
    context = replace(context, cache=cache_folder(options.cache))
    if options.dry_run:
        named = named_metrics([*chosen, *rubrics], judge=options.judge is not None)
        judged_ones = {name: one for name, one in named.items() if "judge" in one.needs}
        return _plan(options, store, answers, golden, judged_ones)
    documents = None
    if options.corpus is not None:
        loaded = read_corpus(options.corpus, options, context)
        documents = {document.id: document.text for document in loaded.corpus}
    score = partial(
        score_answers, answers, golden, [*chosen, *rubrics], documents=documents, settings=part(options, ScoreSettings),
        context=context,
    )  # fmt: skip
    models = None if options.judge is None else options.models(options.seed)
    with working_in(options.out):
        evaluation, totals = judged(models, store, lambda judge: score(judge=judge), context.say, through)
        rates = tuple(
            calibrated_mean(one, evaluation, answers)
            if isinstance(one, GradeCalibration)
            else calibrated_rate(one, evaluation, answers)
            for one in calibrations
        )
        sliced = scores_by(evaluation.scored, options.by, seed=options.seed, resamples=options.resamples)
        notes = (*evaluation.notes, *([note] if note else []))
        evaluation = replace(evaluation, calibrated=rates, slices=sliced, notes=notes)
        if options.out is not None:
            write_answer_scores(evaluation, options.out, _places(options))
    return ScoredAnswers(evaluation, totals)


def _inputs(options: Options) -> tuple[GoldenSet, AnswerSet]:
    """The golden set and the answers. Without a golden set, the answers say what was asked and expected."""
    if options.golden is None:
        answers = read_answer_set(options.answers, columns=options.columns, name=options.name, ids=None)
        return golden_of_answers(answers), answers
    golden = read_set(options.golden, options)
    ids = {item.text: item.id for item in golden}
    return golden, read_answer_set(options.answers, columns=options.columns, name=options.name, ids=ids)


def _check(options: Options) -> None:
    """Refuse options that contradict each other."""
    if options.engine_settings.name != "local" and options.judge is None:
        raise SettingError(
            f"is ray, but its workers have no judge to call: name one by {named('judge')}", option="engine"
        )
    if options.judge is not None and options.out is None and not options.dry_run:
        raise SettingError(
            "is not given: name the folder for the scores. It keeps the judge's answers, which are paid for",
            option="out",
        )
    if options.repeats > 1 and options.judge is None:
        raise SettingError(
            f"repeats the judge, and {named('judge')} is not given; to repeat the answers, use 'ragbench answer'",
            option="repeats",
        )
    if options.dry_run and options.judge is None:
        raise SettingError(f"estimates what a judge takes; name one with {named('judge')}", option="dry_run")
    for name in ("loader", "clean"):
        if getattr(options, name) is not None and options.corpus is None:
            raise SettingError(f"applies to {named('corpus')}, which is not given", option=name)


def _calibration(given: Path | Calibration) -> Calibration | GradeCalibration:
    if isinstance(given, Calibration):
        return given
    content = read_json(given)
    return GradeCalibration.of_json(given, content) if content.get("format") == FORMAT else Calibration.read(given)


def _plan(
    options: Options, store: Path | None, answers: AnswerSet, golden: GoldenSet, metrics: Mapping[str, AnswerMetric]
) -> JudgePlan:
    """What the metrics that need the judge would ask it, at most."""
    if not metrics:
        return JudgePlan(Estimate())
    settings = ScoreSettings(seed=options.seed, resamples=1, repeats=options.repeats)
    score = partial(score_answers, answers, golden, list(metrics.values()), settings=settings)
    estimate = planned(options.models(options.seed), store, lambda judge: score(judge=judge))
    guessed = not all(isinstance(metric, RubricMetric) for metric in metrics.values())
    return JudgePlan(estimate, tuple(metrics), guessed)


def _places(options: Options) -> dict[str, Input]:
    """Where the inputs are and how they are read, so that reports find them again. Objects have no place."""
    found = {}
    if isinstance(options.answers, Path):
        found["answers"] = Input.read_with(options.answers, columns=options.columns, name=options.name)
    if isinstance(options.golden, Path):
        found["golden"] = Input.read_with(
            options.golden, format=options.golden_format, columns=dict(options.golden_columns or {})
        )
    if isinstance(options.corpus, Path):
        found["corpus"] = Input.read_with(options.corpus, loader=options.loader, clean=options.clean)
    return found
