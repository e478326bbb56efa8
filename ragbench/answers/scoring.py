"""Score the answers of one system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ragbench.answers.answering import unsteady
from ragbench.answers.measured import measured, parts_ms
from ragbench.answers.metrics._cells import references
from ragbench.answers.metrics.base import AnswerMetric, Column, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.brief import brief
from ragbench.core.context import Context, generator
from ragbench.core.errors import InputError, RagbenchError, SettingError
from ragbench.core.evaluations import Estimate, SliceScores
from ragbench.core.goldens import GoldenItem, GoldenSet
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.core.loop import LoopThread
from ragbench.core.options import named, option, option_group
from ragbench.core.scored import NOT_ASKED, QueryTable, ScoredRun
from ragbench.core.scores import Components, Scores
from ragbench.core.shown import Shown
from ragbench.engine import OfRepeat, UntilEnded
from ragbench.models.llm.base import Asker
from ragbench.models.llm.connect import shared_family
from ragbench.plugins import ANSWER_METRICS, Spec, build
from ragbench.stats.clusters import cluster_index
from ragbench.stats.intervals import estimates
from ragbench.stats.repeats import components_of

if TYPE_CHECKING:
    from ragbench.answers.judge_check.grade_calibration import CalibratedMean
    from ragbench.answers.judge_check.rate import CalibratedRate


def answered_by(answers: AnswerSet) -> tuple[str, ...]:
    """The models that gave the answers, if the manifest or the answers' metadata (key ``model``) name them."""
    named = answers.manifest.get("model")
    found = [named.get("name")] if isinstance(named, Mapping) else [named]
    found += [item.metadata.get("model") for item in answers]
    return tuple(dict.fromkeys(one for one in found if isinstance(one, str) and one.strip()))


def circular(answers: AnswerSet, judge: str) -> tuple[str, ...]:
    """Warn of each answering model of the judge's family. Unknown models give no warning."""
    return tuple(
        f"the judge {judge} and the answering model {model} are of one family ({known}): a judge likes what its own "
        "family writes. Let a model of another family judge, or check this one against people (ragbench judge check)"
        for model in answered_by(answers)
        if (known := shared_family(judge, model)) is not None
    )


NOT_ANSWERED = "the answers lack this query"
REFERENCE = "reference"
"""The column of an answers file, kept in the metadata of its answers, with what the answer should say."""


@dataclass(frozen=True)
class Bounds:
    """How far missing values can move a mean.

    Attributes:
        unscored: number of answers without a value that should have one.
        low, high: the mean if all of them had the lowest value of the metric's scale, and if all had the highest;
            None for a metric with values outside its scale.
    """

    unscored: int
    low: float | None
    high: float | None


@brief
@dataclass(frozen=True, eq=False)
class AnswerEvaluation(Shown):
    """The scores of the answers of one system.

    Attributes:
        scored: the input of comparisons, gates and plans: every query of the golden set, one column per metric.
        metrics: mean and interval per column, over the queries where it is defined.
        bounds: per column.
        details: the basis of each value, by column and query id.
        ledger: what was skipped, what failed, and the reason of every NaN.
        manifest: fingerprints, settings, counts.
        counts: ``queries``, ``answered``, ``abstained``, ``failed``, ``missing`` (no row in the answers) and
            ``unknown`` (answers to queries that the golden set lacks, not scored).
        stopped: why the judge stopped early (a spent budget, a service that is down), or empty. Answers it did not
            judge have no value, and code ``judge-stopped`` in the issue log.
        warnings: reasons to doubt the judge.
        calibrated: rates corrected for the errors of a judge, as `ragbench.answers.judge_check.rate` makes them.
        variance: components of variance by metric, if the system ran or the judge judged several times; else empty.
        changed: ids of the queries whose answer was not the same in every run.
        notes: what a reader must know beside the warnings.
        slices: the scores by columns of the queries.
    """

    scored: ScoredRun
    metrics: Mapping[str, Estimate]
    bounds: Mapping[str, Bounds]
    details: Mapping[str, Mapping[str, object]]
    ledger: Ledger
    manifest: Mapping[str, object]
    counts: Mapping[str, int]
    stopped: str = ""
    warnings: tuple[str, ...] = ()
    calibrated: "tuple[CalibratedRate | CalibratedMean, ...]" = ()
    variance: Mapping[str, Components] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    slices: tuple[SliceScores, ...] = ()


@option_group
class ScoreSettings:
    """How answers are scored."""

    seed: int = option("Seed of the bootstrap.", default=0, section="Run")
    resamples: int = option("Number of bootstrap resamples.", default=10_000, section="Evaluation")
    repeats: int = option(
        "Number of times that the judge scores each answer. You pay for each time.", default=1,
        section="Evaluation",
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise SettingError(f"is {self.repeats}; it must be at least 1", option="repeats")
        if self.resamples < 1:
            raise SettingError(f"is {self.resamples}; at least one is needed", option="resamples")


@dataclass(frozen=True)
class Judge:
    """The language model that judges, for metrics that need one.

    Attributes:
        asker: the model.
        name: as the user wrote it.
        loop: the thread of its clients, if they must be closed there; None for a client made for this call.
    """

    asker: Asker
    name: str
    loop: LoopThread | None = field(default=None, compare=False)


MOST_RUNS = 1000
"""Runs of a system whose judgements have numbers of their own."""


def score_answers(
    answers: AnswerSet,
    golden: GoldenSet,
    metrics: Sequence[str | Mapping[str, object] | AnswerMetric],
    *,
    judge: Judge | None = None,
    documents: Mapping[str, str] | None = None,
    settings: ScoreSettings | None = None,
    context: Context | None = None,
) -> AnswerEvaluation:
    """Score every query of the golden set.

    A query without an answer counts as failed: metrics of correctness give it 0, and
    it is in the issue log. Answers to queries that the golden set lacks are not scored,
    and are in the issue log. If the judge ends the run (a spent budget, a service that
    is down), the other answers have no values, and ``stopped`` says why.

    If the system ran several times, or the judge judges several times, scores are means
    over the runs and judgements that have a value. Details, times and costs are those of
    the first.

    Args:
        answers: the answers of the system.
        golden: the golden set.
        metrics: specs (``token_f1``, ``numeric:relative=0.01``) or metrics.
        judge: the judge, for metrics that need one.
        documents: text by document id, so that cited passages can be found in their documents.
        settings: seed and resamples.
        context: cache, progress, and the seed for the judge. Another seed asks, and pays, again.

    Raises:
        SettingError: a metric is unknown, set wrongly, named twice, or needs a judge. Every fault is listed.
        InputError: no answer belongs to a query of the golden set.
    """
    settings = settings or ScoreSettings()
    chosen = named_metrics(metrics, judge=judge is not None)
    aligned, entries, counts = align_answers(answers, golden)
    later = [align_answers(replace(answers, items=items, repeats=()), golden) for items in answers.repeats]
    asker = UntilEnded(judge.asker) if judge else None
    expected = tuple(with_reference(item, answer) for item, answer in zip(golden, aligned, strict=True))
    scoring = ScoringContext(
        golden=expected,
        judge=asker,
        judge_name=judge.name if judge else "",
        context=context or Context(),
        documents=documents or {},
    )
    judgements = settings.repeats if any("judge" in metric.needs for metric in chosen.values()) else 1
    every = [
        [
            _columns(list(chosen.values()), items, _asked_again(scoring, run, judged), judge.loop if judge else None)
            for judged in range(judgements)
        ]
        for run, items in enumerate([aligned, *(other[0] for other in later)])
    ]
    queries = with_variants(QueryTable.of(golden), answers)
    columns, scores = _combined(every, queries.ids)
    entries += _of_repeats(every, [other[1] for other in later])
    clusters = cluster_index(queries.units)
    warnings = (*(circular(aligned, judge.name) if judge else ()), *unsteady(answers))
    manifest = {
        **_manifest(answers, golden, chosen, judge, settings, clusters),
        "counts": counts,
        "runs": len(answers.runs),
        "warnings": list(warnings),
    }
    return AnswerEvaluation(
        scored=_scored_run(aligned, scores, queries, manifest, counts["failed"] + counts["missing"], settings),
        metrics=estimates(scores, clusters, generator(settings.seed, "bootstrap"), settings.resamples),
        bounds={column.name: _bounds(column) for column in columns},
        details={column.name: column.details for column in columns if column.details},
        ledger=answers.ledger + golden.ledger + entries + scores.ledger,
        manifest=manifest,
        counts=counts,
        stopped=str(asker.ended) if asker and asker.ended else "",
        warnings=warnings,
        variance=components_of(scores, clusters),
        changed=answers.changed,
        notes=_notes(expected, golden),
    )


def with_reference(item: GoldenItem, answer: Answered) -> GoldenItem:
    """The golden item, with the reference answers of the answers file (column ``reference``) if it has none itself."""
    given = answer.metadata.get(REFERENCE)
    listed = [one for one in (given if isinstance(given, list | tuple) else [given]) if isinstance(one, str)]
    if references(item) or not any(one.strip() for one in listed):
        return item
    return replace(item, metadata={**item.metadata, "answers": listed})


def _notes(expected: Sequence[GoldenItem], golden: GoldenSet) -> tuple[str, ...]:
    count = sum(one is not item for one, item in zip(expected, golden, strict=True))
    if not count:
        return ()
    return (f"the references of {count} of {len(golden)} queries come from the answers file, not from the golden set",)


def golden_of_answers(answers: AnswerSet) -> GoldenSet:
    """What was asked, as a golden set without labels: for answers that are scored without a golden set."""
    return GoldenSet(tuple(GoldenItem(one.query_id, one.query.strip() or one.query_id) for one in answers), "answers")


VARIANT = "variant"


def with_variants(queries: QueryTable, answers: AnswerSet) -> QueryTable:
    """Add a column with the variant of the service that answered each query, if the answers name it."""
    named = {item.query_id: item.metadata.get(VARIANT) for item in answers}
    if VARIANT in queries.columns or not any(named.values()):
        return queries
    column = [str(named[id_]) if named.get(id_) else None for id_ in queries.ids]
    return replace(queries, columns={**queries.columns, VARIANT: column})


def _asked_again(scoring: ScoringContext, run: int, judgement: int) -> ScoringContext:
    """The context of one judgement of one run. The first of both asks the judge's questions as they are."""
    if scoring.judge is None:
        return scoring
    return replace(scoring, judge=OfRepeat(scoring.judge, run + MOST_RUNS * judgement))


def _combined(every: Sequence[Sequence[Sequence[Column]]], ids: Sequence[str]) -> tuple[Sequence[Column], Scores]:
    """The columns and scores of all runs and judgements: their means, with the details of the first."""
    columns, scores = every[0][0], _scores(every[0][0], ids)
    if len(every) == len(every[0]) == 1:
        return columns, scores
    scores = Scores.mean_of([[_scores(one, ids) for one in judged] for judged in every])
    columns = [_mean_column(column, values, ids) for column, values in zip(columns, scores.values.T, strict=True)]
    return columns, replace(scores, ledger=_scores(columns, ids).ledger)


def _scored_run(
    answers: AnswerSet,
    scores: Scores,
    queries: QueryTable,
    manifest: Mapping[str, object],
    failed: int,
    settings: ScoreSettings,
) -> ScoredRun:
    """What comparisons and gates read, with the times and costs of the first run."""
    rng = generator(settings.seed, "cost")
    latency, cost, intervals = measured(answers, cluster_index(queries.units), rng, settings.resamples)
    return ScoredRun(
        answers.name,
        scores,
        queries,
        latency_ms=latency,
        cost_per_query=cost,
        failed=failed,
        manifest=manifest,
        intervals=intervals,
        query_ms={item.query_id: item.seconds * 1000 for item in answers if item.seconds is not None},
        parts_ms=parts_ms(answers, latency),
    )


def _mean_column(column: Column, values: npt.NDArray[np.float64], ids: Sequence[str]) -> Column:
    """The first column with the means of all, and reasons only for the queries that have no value in any."""
    undefined = {id_ for id_, value in zip(ids, values, strict=True) if np.isnan(value)}
    reasons = tuple(entry for entry in column.ledger.entries if entry.item in undefined)
    return replace(column, values=values, ledger=Ledger(reasons))


def _of_repeats(
    every: Sequence[Sequence[Sequence[Column]]], failed: Sequence[Sequence[LedgerEntry]]
) -> list[LedgerEntry]:
    """What failed, or has no value, in other runs and judgements than the first; the item names the run."""
    found = [
        entry._replace(item=f"{entry.item}, run {run}") for run, own in enumerate(failed, start=2) for entry in own
    ]
    for run, judged in enumerate(every, start=1):
        for judgement, columns in enumerate(judged, start=1):
            if run == judgement == 1:
                continue
            which = f"run {run}" if len(judged) == 1 else f"run {run}, judgement {judgement}"
            found += [
                entry._replace(item=f"{entry.item}, {which}")
                for column in columns
                for entry in column.ledger.entries
                if entry.code not in NOT_ASKED
            ]
    return found


def named_metrics(
    metrics: Sequence[str | Mapping[str, object] | AnswerMetric], *, judge: bool
) -> dict[str, AnswerMetric]:
    """Build the metrics, by the name of their spec. Every fault of every spec is reported at once.

    Raises:
        SettingError: as `score_answers`.
    """
    faults: list[str] = []
    found: dict[str, AnswerMetric] = {}
    for given in metrics:
        try:
            metric: AnswerMetric = given if isinstance(given, AnswerMetric) else build(ANSWER_METRICS, given)
        except RagbenchError as error:
            faults.append(str(error))
            continue
        name = repr(given) if isinstance(given, AnswerMetric) else Spec.parse(given).written
        if name in found:
            faults.append(f"answer metric {name!r} is named twice")
        if "judge" in metric.needs and not judge:
            faults.append(f"answer metric {name!r} needs a model that judges; name one with {named('judge')}")
        found[name] = metric
    if faults:
        raise SettingError("\n".join(faults))
    if not found:
        raise SettingError("no answer metric is named")
    return found


def align_answers(answers: AnswerSet, golden: GoldenSet) -> tuple[AnswerSet, list[LedgerEntry], dict[str, int]]:
    """Return one answer per golden item, in order, with an issue log of skipped answers and the counts."""
    by_id = {item.query_id: item for item in answers}
    known = {item.id for item in golden}
    if known.isdisjoint(by_id):
        theirs, ours = ", ".join(list(by_id)[:3]), ", ".join(item.id for item in golden.items[:3])
        raise InputError(
            f"answers {answers.name!r}: none is of a query of the golden set {golden.name!r}. Ids of the answers are "
            f"like {theirs}, those of the set like {ours}"
        )
    rows = [by_id.get(item.id) or Answered(item.id, item.text, "", failure=NOT_ANSWERED) for item in golden]
    unknown = [id_ for id_ in by_id if id_ not in known]
    entries = [LedgerEntry("score", id_, "the golden set lacks this query", "query-unknown") for id_ in unknown]
    for row, item in zip(rows, golden, strict=True):
        if row.failure:
            code = "not-answered" if item.id not in by_id else "query-failed"
            entries.append(LedgerEntry("score", item.id, row.failure, code))
        elif row.query and row.query.split() != item.text.split():
            reason = f"answered was {row.query!r:.60}, the golden set asks {item.text!r:.60}"
            entries.append(LedgerEntry("score", item.id, reason, "query-differs"))
    missing = sum(item.id not in by_id for item in golden)
    failed = sum(bool(row.failure) for row in rows) - missing
    abstained = sum(row.abstained and not row.failure for row in rows)
    counts = {
        "queries": len(rows),
        "answered": len(rows) - missing - failed - abstained,
        "abstained": abstained,
        "failed": failed,
        "missing": missing,
        "unknown": len(unknown),
    }
    return replace(answers, items=tuple(rows), ledger=Ledger()), entries, counts


def _columns(
    metrics: Sequence[AnswerMetric], answers: AnswerSet, context: ScoringContext, loop: LoopThread | None
) -> list[Column]:
    own = loop or LoopThread("answer-scoring")
    try:
        columns = [column for metric in metrics for column in own.run(metric.score(answers, context))]
    finally:
        if loop is None:
            own.close()
    names = [column.name for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingError(f"two of the metrics give a column {first_ten(twice)}: score them into two folders")
    for column in columns:
        explained = {entry.item for entry in column.ledger.entries}
        nan = [a.query_id for a, value in zip(answers, column.values, strict=True) if np.isnan(value)]
        without = [id_ for id_ in nan if id_ not in explained]
        if without:
            raise SettingError(f"metric {column.name!r} gives no value and no reason for {first_ten(without)}")
    return columns


def _scores(columns: Sequence[Column], query_ids: Sequence[str]) -> Scores:
    values = np.column_stack([column.values for column in columns])
    directions = {column.name: column.direction for column in columns if column.direction != "higher"}
    reasons = Ledger(tuple(entry for column in columns for entry in column.ledger.entries))
    scales = {column.name: column.scale for column in columns if column.scale != (0.0, 1.0)}
    return Scores(query_ids, tuple(column.name for column in columns), values, reasons, directions, scales=scales)


def _bounds(column: Column) -> Bounds:
    """Compute the means with every missing value at the lowest and at the highest end of the scale."""
    nan = int(np.isnan(column.values).sum())
    outside = {entry.item for entry in column.ledger.entries if entry.code in NOT_ASKED}
    unscored = nan - len(outside)
    known = column.values[~np.isnan(column.values)]
    low, high = column.scale
    if len(known) + unscored == 0 or ((known < low) | (known > high)).any():
        return Bounds(unscored, None, None)
    n = len(known) + unscored
    return Bounds(unscored, float((known.sum() + unscored * low) / n), float((known.sum() + unscored * high) / n))


def _manifest(
    answers: AnswerSet,
    golden: GoldenSet,
    metrics: Mapping[str, AnswerMetric],
    judge: Judge | None,
    settings: ScoreSettings,
    clusters: npt.NDArray[np.int64],
) -> dict[str, object]:
    number = int(clusters.max()) + 1
    return {
        "kind": "answers",
        "golden": {"name": golden.name, "fingerprint": golden.fingerprint, "queries": len(golden)},
        "answers": {"name": answers.name, "fingerprint": answers.fingerprint, "made": dict(answers.manifest)},
        "metrics": {name: repr(metric) for name, metric in metrics.items()},
        "judge": judge.name if judge else None,
        "resampling": {
            "unit": "source document" if number < len(golden) else "query",
            "clusters": number,
            "resamples": settings.resamples,
        },
        "settings": {"seed": settings.seed, "resamples": settings.resamples, "repeats": settings.repeats},
        "versions": {"ragbench": version("ragbench")},
    }
