"""Compare a judge, or any other score of answers, with the labels of annotators."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ragbench.answers.judge.rubric import Rubric, read_rubric
from ragbench.answers.judge_check.check import CheckSettings, JudgeCheck, check_judge
from ragbench.answers.judge_check.graded import GradedCheck, check_grades
from ragbench.answers.judge_check.label_files import read_labels
from ragbench.answers.judge_check.labels import LabelSet, Words
from ragbench.answers.judge_check.marks import read_marks, read_pairs
from ragbench.answers.judge_check.pair_signal import SCALE, preference_signal
from ragbench.answers.judge_check.signal import OF_FILE, Signal, signal_of
from ragbench.answers.judging import JudgeModel, JudgePlan, judged, planned
from ragbench.answers.scoring import Judge, named_metrics
from ragbench.core.context import Context
from ragbench.core.errors import SettingError
from ragbench.core.options import named, option, options, part
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import working_in
from ragbench.io.tables import columns_by_role
from ragbench.render.grades import write_grades
from ragbench.render.judge import check_folder, write_check
from ragbench.workflows.groups import CacheFolder, DryRun


@options
class Options(DryRun, CacheFolder, JudgeModel, CheckSettings, Words):
    """The options of ``ragbench judge check`` and `ragbench.check_judge`."""

    labels: Sequence[Path] | LabelSet = option("File of labelled answers.", section="Input")
    metric: str | None = option(
        "Answer metric, NAME or NAME:key=value,..., or column:NAME for scores in the file.", default=None,
        section="Evaluation", unset="the rubric",
    )  # fmt: skip
    format: str = option(
        "Format of the labels: table, qags, qags-summary or begin.", default="table", section="Input"
    )  # fmt: skip
    columns: Mapping[str, str] | None = option(
        "Columns of the labels, label=NAME,answer=NAME,...", default=None, section="Input", parse=columns_by_role,
        unset="recognised by name",
    )  # fmt: skip
    score: str | None = option(
        "Column to check, if the metric gives several.", default=None, section="Evaluation",
        unset="the one named like the metric",
    )  # fmt: skip
    lower_is_better: bool = option("Low scores mean yes.", default=False, section="Evaluation")
    rubric: str | None = option(
        "Rubric by which the judge scores: a name or a YAML file. The labels are scores on its scale.", default=None,
        section="Evaluation", unset="none",
    )  # fmt: skip
    pairs: bool = option(
        "Check what the judge prefers: each row has two answers, and the label says which is better.", default=False,
        section="Evaluation",
    )  # fmt: skip
    out: Path | None = option(
        "Folder for report, items and calibration. Needed with a judge: it keeps the judge's answers.", default=None,
        section="Output", writes="folder", unset="nothing is written",
    )  # fmt: skip


@dataclass(frozen=True)
class CheckedJudge:
    """A judge that was checked against the labels of annotators.

    Attributes:
        check: figures, slices and the agreement of annotators.
        totals: calls, tokens and cost of this run, by model; empty without a judge.
    """

    check: JudgeCheck | GradedCheck
    totals: Mapping[str, Mapping[str, object]]


def run(options: Options, context: Context) -> CheckedJudge | JudgePlan:
    """Compare a judge, or any other score of answers, with the labels of annotators.

    An answer of the judge is paid for once. If a run was interrupted or its budget was spent, run the same again with
    the same folder: it continues where it stopped.

    Returns:
        Sensitivity, specificity, kappa and more, each with an interval; or after a dry run what the judge would take.
        ``.signal.stopped`` says why a judge did not rate all answers.

    Raises:
        SettingError: the metric, the format or a column is unknown, or the metric needs a judge.
        InputError: the labels cannot be read, or they are all alike.

    Examples:
        >>> from pathlib import Path
        >>> lines = ["id,query,answer,label,score"]
        >>> lines += [f"a{n},q,a,{'yes' if n < 6 else 'no'},{0.9 if n < 5 else 0.2}" for n in range(10)]
        >>> written = Path("labels.csv").write_text("\\n".join(lines), encoding="utf-8")
        >>> check = rb.check_judge("labels.csv", "column:score", threshold=0.5)
        >>> round(check.figures.sensitivity.mean, 3), check.figures.specificity.mean
        (0.833, 1.0)
    """
    _check(options)
    if options.rubric is not None:
        return _check_rubric(options, read_rubric(options.rubric), context)
    assert options.metric is not None
    labels = _labels(options)
    if options.dry_run:
        ask = partial(signal_of, labels, options.metric, column=options.score)
        estimate = planned(options.models(options.seed), options.out, lambda judge: ask(judge=judge))
        return JudgePlan(estimate, (options.metric,), guessed=True)
    score = partial(
        signal_of,
        labels,
        options.metric,
        column=options.score,
        lower_is_better=options.lower_is_better,
        # Without the seed: another seed would ask the judge, and pay, again. Scoring asks without one, too.
        context=replace(context, cache=cache_folder(options.cache)),
    )
    models = None if options.judge is None else options.models(options.seed)
    with working_in(options.out):
        signal, totals = judged(models, options.out, lambda judge: score(judge=judge), context.say)
        check = check_judge(labels, signal, part(options, CheckSettings))
        if options.out is not None:
            write_check(check, options.out)
    return CheckedJudge(check, totals)


def _check_rubric(options: Options, rubric: Rubric, context: Context) -> CheckedJudge | JudgePlan:
    """Compare the judge's scores by a rubric, or its preferences, with those of annotators."""
    if isinstance(options.labels, LabelSet):
        raise SettingError(f"{named('rubric')} reads labels from files")
    bare = replace(context, seed=0, cache=cache_folder(options.cache))
    ask: Callable[[Judge], Signal]
    if options.pairs:
        labels, second = read_pairs(options.labels, columns=options.columns, leave_out=options.leave_out)
        scale: tuple[int, ...] = SCALE
        ask = lambda judge: preference_signal(labels, second, rubric, judge, bare)
    else:
        labels = read_marks(options.labels, rubric, columns=options.columns, leave_out=options.leave_out)
        scale = rubric.scores
        written = f"rubric:of={options.rubric}"
        ask = lambda judge: signal_of(labels, written, judge=judge, context=bare)
    models = options.models(options.seed)
    if options.dry_run:
        return JudgePlan(planned(models, options.out, ask), (rubric.name,))

    def judge_all(judge: Judge | None) -> Signal:
        assert judge is not None
        return ask(judge)

    with working_in(options.out):
        signal, totals = judged(models, options.out, judge_all, context.say)
        check = check_grades(labels, signal, scale, pairs=options.pairs, seed=options.seed, resamples=options.resamples)
        if options.out is not None:
            write_grades(check, options.out)
    return CheckedJudge(check, totals)


def _check(options: Options) -> None:
    """Refuse options that contradict each other, before anything is read or paid for."""
    if (options.metric is None) == (options.rubric is None):
        which = "neither is given" if options.metric is None else "both are given"
        raise SettingError(f"{named('metric')} or {named('rubric')} says what to check; {which}")
    if options.pairs and options.rubric is None:
        raise SettingError(f"needs {named('rubric')}: by what are answers compared?", option="pairs")
    if options.rubric is not None:
        if options.judge is None:
            raise SettingError("is not given: name the model that judges by the rubric", option="judge")
        for name in ("score", "threshold", "positive", "slices", "lower_is_better"):
            if getattr(options, name) not in (None, (), False):
                raise SettingError(f"does not go with {named('rubric')}", option=name)
    asks = options.rubric is not None
    if options.metric is not None and not options.metric.startswith(OF_FILE):
        (metric,) = named_metrics([options.metric], judge=options.judge is not None).values()
        asks = "judge" in metric.needs
    if options.judge is not None and not asks:
        raise SettingError(f"is given, but {options.metric} asks no model; leave it out", option="judge")
    if asks and options.out is None and not options.dry_run:
        raise SettingError(
            "is not given: name the folder for the report. It keeps the judge's answers, which are paid for",
            option="out",
        )
    if options.dry_run and not asks:
        raise SettingError(f"estimates what a judge takes; name one with {named('judge')}", option="dry_run")
    if options.out is not None and not options.dry_run:
        check_folder(options.out)


def _labels(options: Options) -> LabelSet:
    if not isinstance(options.labels, LabelSet):
        return read_labels(
            options.labels, format=options.format, columns=options.columns, words=part(options, Words)
        )  # fmt: skip
    for name in ("columns", "positive", "leave_out"):
        if getattr(options, name):
            raise SettingError(f"{named(name)} applies to files only, and {named('labels')} is loaded already")
    return options.labels
