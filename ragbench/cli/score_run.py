"""The work behind ``ragbench score``: check, read, score, write, tell."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ragbench.answers.judge_check.calibration import Calibration
from ragbench.answers.judge_check.rate import calibrated_rate, check_applies
from ragbench.answers.judging import ROLE, judged, planned
from ragbench.answers.scoring import AnswerEvaluation, ScoreSettings, named_metrics, score_answers
from ragbench.cli.console import console
from ragbench.cli.progress import Progress
from ragbench.core.answers import AnswerSet
from ragbench.core.context import Context
from ragbench.core.errors import RagbenchError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.corpus.load import load_corpus
from ragbench.io.answer_files import read_answers
from ragbench.io.golden_files import read_golden
from ragbench.io.inputs import Input
from ragbench.io.places import cache_folder
from ragbench.io.tables import columns_by_role
from ragbench.models.llm.costs import Estimate
from ragbench.models.llm.roles import ModelOptions
from ragbench.render.answers import answers_json, answers_tables, check_folder, write_answer_scores

Totals = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Options:
    """The options of the command, as given."""

    answers: Path
    golden: Path
    metrics: tuple[str, ...]
    corpus: Path | None
    columns: str | None
    name: str | None
    golden_format: str | None
    out: Path | None
    seed: int
    resamples: int
    cache: Path | None
    dry_run: bool
    as_json: bool
    asking: ModelOptions
    calibrations: tuple[Path, ...] = ()

    @property
    def inputs(self) -> dict[str, Input]:
        """Where answers, golden set and documents lie, and how they are read."""
        given = {
            "answers": Input.read_with(self.answers, columns=columns_by_role(self.columns), name=self.name),
            "golden": Input.read_with(self.golden, format=self.golden_format),
        }
        return given if self.corpus is None else {**given, "corpus": Input(self.corpus)}

    def check(self) -> None:
        """Whether they go together.

        Raises:
            SettingError: they do not.
        """
        if self.asking.models and self.out is None and not self.dry_run:
            raise SettingError(
                "--out is not given: name the folder for the scores. The judge's answers, which are paid for, are kept "
                "in it"
            )
        if self.dry_run and not self.asking.models:
            raise SettingError("--dry-run tells what a judge would take, and none is named (--judge MODEL)")


def run(options: Options) -> None:
    """Do what the command says.

    Raises:
        RagbenchError: wrong input, or a judge whose budget is spent.
    """
    metrics = named_metrics(options.metrics, judge=bool(options.asking.models))
    settings = ScoreSettings(options.seed, options.resamples)
    options.check()
    calibrations = [Calibration.read(path) for path in options.calibrations]
    for calibration in calibrations:
        written = {name: repr(metric) for name, metric in metrics.items()}
        check_applies(calibration, written, options.asking.models.get(ROLE))
    if options.out is not None and not options.dry_run:
        check_folder(options.out)
    golden = read_golden(options.golden, options.golden_format)
    ids = {item.text: item.id for item in golden}
    answers = read_answers(options.answers, columns=columns_by_role(options.columns), name=options.name, ids=ids)
    if options.dry_run:
        _plan(options, answers, golden, [name for name, metric in metrics.items() if "judge" in metric.needs])
        return
    evaluation, totals = _scored(options, answers, golden, settings)
    rates = tuple(calibrated_rate(calibration, evaluation, answers) for calibration in calibrations)
    evaluation = replace(evaluation, calibrated=rates)
    if options.out is not None:
        write_answer_scores(evaluation, options.out, options.inputs)
    _print(evaluation, totals, as_json=options.as_json)
    if options.out is not None:
        print(f"written to {options.out}", file=sys.stderr if options.as_json else sys.stdout)
    if evaluation.stopped:
        raise RagbenchError(evaluation.stopped)


def _scored(
    options: Options, answers: AnswerSet, golden: GoldenSet, settings: ScoreSettings
) -> tuple[AnswerEvaluation, Totals]:
    score = partial(
        score_answers,
        answers,
        golden,
        options.metrics,
        documents=None if options.corpus is None else _documents(options.corpus),
        settings=settings,
        context=Context(cache=cache_folder(options.cache), progress=Progress()),
    )
    if not options.asking.models or options.out is None:
        return score(), {}
    return judged(options.asking, options.out, lambda judge: score(judge=judge))


def _plan(options: Options, answers: AnswerSet, golden: GoldenSet, metrics: list[str]) -> None:
    """Calls, tokens and cost of the judge, at most."""
    estimate = Estimate()
    if metrics:
        score = partial(score_answers, answers, golden, metrics, settings=ScoreSettings(options.seed, 1))
        estimate = planned(options.asking, options.out, lambda judge: score(judge=judge))
    if options.as_json:
        print(json.dumps({"version": 1, "plan": vars(estimate)}))
        return
    for line in estimate.lines():
        print(line)
    if not metrics:
        print("none of the metrics asks the judge")
    elif estimate.calls:
        print("at most: until texts are split, their statements are guessed from their length")


def _print(evaluation: AnswerEvaluation, totals: Totals, *, as_json: bool) -> None:
    if as_json:
        models = {"models": totals} if totals else {}
        print(json.dumps({**answers_json(evaluation), **models}, ensure_ascii=False, allow_nan=False))
        return
    for name, done in totals.items():
        cost = done["cost"]
        shown = f"cost {cost:.4f}" if isinstance(cost, float) else "cost not known (--prices)"
        line = f"judge {name}: {done['calls']} calls, {done['from_cache']} from the cache, {shown}"
        console().print(line, markup=False, highlight=False)
    console().print(answers_tables(evaluation))


def _documents(corpus: Path) -> dict[str, str]:
    return {document.id: document.text for document in load_corpus(corpus, progress=Progress()).corpus}
