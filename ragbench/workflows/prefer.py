"""Compare the answers of two systems pair by pair, by what a judge prefers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ragbench.answers.judge.rubric import Rubric, read_rubric
from ragbench.answers.judging import JudgeModel, JudgePlan, judged, planned
from ragbench.answers.preferences import Preferences, preferences
from ragbench.answers.scoring import Judge, golden_of_answers
from ragbench.comparison.compare import Compared, CompareSettings, compare_runs
from ragbench.core.answers import AnswerSet
from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.errors import InputError, RagbenchError, SettingError
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import first_ten
from ragbench.core.options import named, option, options
from ragbench.core.shown import Shown
from ragbench.io.run_folder import working_in
from ragbench.io.scored_runs import check_scores_folder
from ragbench.render.preferences import write_preferences
from ragbench.workflows.groups import DryRun, GoldenReading
from ragbench.workflows.reading import read_answer_set, read_set

CHOSEN = "You chose it."
"""What a comparison says of a test that was not left to it."""
SIGN_TEST = "If neither system is better, a win is as likely as a loss. Ties do not count."


@options
class Options(DryRun, JudgeModel, GoldenReading):
    """The options of ``ragbench prefer`` and `ragbench.prefer`."""

    baseline: Path | AnswerSet = option(
        "Answers of one system: a folder of 'ragbench answer', or a JSON Lines, CSV or Parquet file.", section="Input",
        positional=True,
    )  # fmt: skip
    candidate: Path | AnswerSet = option("Answers of the other system.", section="Input", positional=True)
    golden: Path | GoldenSet | None = option(
        "Golden set whose queries are compared; intervals then use its documents.", default=None, section="Input",
        unset="the queries that both have",
    )  # fmt: skip
    rubrics: Sequence[str] = option(
        "Rubric by which answers are compared: conciseness, helpfulness, safety, results, or your YAML file.",
        default=("helpfulness",), section="Comparison", flag="--rubric", metavar="NAME|FILE",
    )  # fmt: skip
    by: Sequence[str] = option(
        "Slice the queries by type, length, document or a metadata column.", default=(), section="Comparison"
    )
    examples: int = option("Decided pairs to show, with the judge's reasons.", default=3, section="Output")
    seed: int = option("Seed of the bootstrap and the test.", default=0, section="Run")
    resamples: int = option("Number of resamples of the bootstrap and the test.", default=10_000, section="Run")
    out: Path | None = option(
        "Folder for preferences, reasons and issue log; it keeps the judge's answers.", default=None,
        section="Output", writes="folder",
    )  # fmt: skip


@brief
@dataclass(frozen=True)
class Preferred(Shown):
    """The preferences of a judge, and what they show.

    Attributes:
        preferences: the choice for each pair, and how consistent the judge is.
        compared: the comparison of the two systems, with a metric for each rubric.
        totals: calls, tokens and cost of this run, by model.
    """

    preferences: Preferences
    compared: Compared
    totals: Mapping[str, Mapping[str, object]]


def run(options: Options, context: Context) -> Preferred | JudgePlan:
    """Compare the answers of two systems pair by pair: a judge sees both, in both orders, and says which is better.

    An answer wins a query if the judge prefers it in both orders; everything else is a tie. A verdict of the judge is
    paid for once: run the same again with the same folder to continue.

    Returns:
        The preferences, or after a dry run what the judge would take.

    Raises:
        SettingError: no judge or folder is named, or a setting cannot be used.
        InputError: answers, golden set or rubric cannot be read, or the two systems share no query.

    Examples:
        >>> from ragbench.core.answers import Answered
        >>> query = "how long can I return an item?"
        >>> first = rb.AnswerSet((Answered("q1", query, "30 days."),), name="first")
        >>> second = rb.AnswerSet((Answered("q1", query, "Within 30 days of delivery."),), name="second")
        >>> model = {"judge": "openai_compatible:mine", "base_url": "http://localhost:8000/v1"}
        >>> rb.prefer(first, second, dry_run=True, **model).estimate.calls
        2
    """
    _check(options)
    rubrics = _rubrics(options.rubrics)
    baseline, candidate, golden = _read(options)
    compare = partial(preferences, baseline, candidate, golden, rubrics)
    models, folder = options.models(options.seed), options.out
    # Without the seed: another seed would ask the judge, and pay, again.
    bare = replace(context, seed=0)
    if options.dry_run:
        return JudgePlan(
            planned(models, folder, lambda judge: compare(judge, bare)), tuple(one.name for one in rubrics)
        )

    def ask(judge: Judge | None) -> Preferences:
        assert judge is not None
        return compare(judge, bare)

    with working_in(folder):
        found, totals = judged(models, folder, ask, context.say)
        result = Preferred(found, _compared(found, options), totals)
        if folder is not None:
            write_preferences(found, result.compared, folder, examples=options.examples)
    return result


def _check(options: Options) -> None:
    if options.judge is None:
        raise SettingError("is not given: name the model that compares the answers", option="judge")
    if options.out is None and not options.dry_run:
        raise SettingError(
            "is not given: name the folder for the preferences. It keeps the judge's answers, which are paid for",
            option="out",
        )
    if options.examples < 0:
        raise SettingError(f"is {options.examples}; it must be at least 0", option="examples")
    if options.out is not None and not options.dry_run:
        check_scores_folder(options.out)


def _rubrics(given: Sequence[str]) -> list[Rubric]:
    """The rubrics; every fault is reported at once."""
    found, faults = list[Rubric](), list[str]()
    for one in given:
        try:
            found.append(read_rubric(one))
        except RagbenchError as error:
            faults.append(str(error))
    names = [rubric.name for rubric in found]
    faults += [f"two rubrics are called {name!r}" for name in sorted({n for n in names if names.count(n) > 1})]
    if faults or not found:
        raise InputError("\n".join(faults) or f"{named('rubrics')}: no rubric is given")
    return found


def _read(options: Options) -> tuple[AnswerSet, AnswerSet, GoldenSet]:
    golden = None if options.golden is None else read_set(options.golden, options)
    ids = None if golden is None else {item.text: item.id for item in golden}
    given = (options.baseline, options.candidate)
    sides = [read_answer_set(one, columns=None, name=None, ids=ids) for one in given]
    if sides[0].name == sides[1].name:
        sides = [
            replace(side, name=str(one)) if isinstance(one, Path) else side
            for side, one in zip(sides, given, strict=True)
        ]
    if sides[0].name == sides[1].name:
        raise InputError(
            f"BASELINE and CANDIDATE are both {sides[0].name!r}; name the answers of two systems, and in Python give "
            "answer sets different names"
        )
    if golden is None:
        shared = {item.query_id for item in sides[0]} & {item.query_id for item in sides[1]}
        if not shared:
            ours, theirs = (first_ten([item.query_id for item in side]) for side in sides)
            raise InputError(f"{sides[0].name} and {sides[1].name} answer no query in common: {ours}; {theirs}")
        golden = golden_of_answers(replace(sides[0], items=tuple(one for one in sides[0] if one.query_id in shared)))
    return sides[0], sides[1], golden


def _compared(found: Preferences, options: Options) -> Compared:
    """Compare the two columns of each rubric. Wins and losses of independent queries are a sign test."""
    runs = (found.baseline, found.candidate)
    independent = len(set(found.baseline.queries.units)) == len(found.baseline.queries)
    settings = CompareSettings(
        metrics=found.baseline.scores.metrics,
        by=options.by,
        test="sign" if independent else "auto",
        examples=0,
        seed=options.seed,
        resamples=options.resamples,
    )
    compared = compare_runs(runs, settings)
    return replace(compared, choice=compared.choice.replace(CHOSEN, SIGN_TEST)) if independent else compared
