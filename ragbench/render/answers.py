"""Scores of answers on a terminal, as Markdown, as JSON, and their folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragbench.answers.answering import counts, unsteady
from ragbench.answers.judge_check.grade_calibration import CalibratedMean
from ragbench.answers.judge_check.rate import CalibratedRate
from ragbench.answers.judging import JudgePlan
from ragbench.answers.scoring import AnswerEvaluation
from ragbench.core.answers import AnswerSet
from ragbench.core.evaluations import SCHEMA_VERSION, Estimate
from ragbench.core.fingerprint import plain
from ragbench.core.ledger import issue_lines
from ragbench.core.scored import COST, MEDIAN, NOT_ASKED
from ragbench.io.checksums import with_checksums
from ragbench.io.files import replacing, write_json, write_json_lines, write_text
from ragbench.io.inputs import INPUTS, Input, recorded
from ragbench.io.scored_runs import (
    LEDGER,
    QUERIES,
    RESULTS,
    SCORES,
    check_scores_folder,
    data_files,
    write_latency,
    write_queries,
    write_repeats,
)
from ragbench.models.llm.costs import Estimate as CallEstimate
from ragbench.render.blocks import Block, Line, markdown, notes_block, terminal
from ragbench.render.evaluation import FEW_CLUSTERS, interval_json
from ragbench.render.numbers import counted, fraction, model_lines, units, with_interval
from ragbench.render.repeats import metric_variance_blocks, repeats_json
from ragbench.stats.repeats import FEWEST_RUNS

if TYPE_CHECKING:
    from rich.console import RenderableType


def model_block(totals: Mapping[str, Mapping[str, object]], role: str = "") -> list[Block]:
    """Calls and cost of a run, a line for each model; no block if there is none.

    Args:
        totals: as `ragbench.models.llm.roles.Models.totals` counts them.
        role: what the models do, before their names.
    """
    lines = tuple(model_lines(totals, role))
    return [Block(lines=lines)] if lines else []


def judge_plan_lines(plan: JudgePlan) -> list[str]:
    """What the judge would take, at most."""
    lines = plan.estimate.lines()
    if not plan.metrics:
        return [*lines, "none of the metrics asks the judge"]
    if plan.estimate.calls and plan.guessed:
        lines.append("at most: until texts are split, the number of their statements is guessed from their length")
    return lines


def calibrated_lines(rate: CalibratedRate) -> list[str]:
    """The share of answers that the judge says yes to, and the share that annotators would say yes to."""
    found = rate.corrected
    way = "<=" if rate.lower_is_better else ">="
    judge = f" by {rate.judge}" if rate.judge else ""
    lines = [
        f"{rate.column}{judge} {way} {rate.threshold:.3g}: {with_interval(rate.reported)} of "
        f"{counted(rate.reported.n, 'answer')}"
    ]
    if found.value is None or found.low is None or found.high is None:
        lines.append(
            f"  corrected: not possible; on {rate.labels['name']} sensitivity {fraction(found.sensitivity)} + "
            f"specificity {fraction(found.specificity)} is at most 1"
        )
    else:
        value = Estimate(found.value, found.low, found.high, found.n)
        lines.append(
            f"  corrected: {with_interval(value)} (sensitivity {fraction(found.sensitivity)}, specificity "
            f"{fraction(found.specificity)} on {rate.labels['name']}; valid if the judge errs here as it did there)"
        )
    powered = rate.powered
    if powered is not None:
        value = Estimate(powered.value, powered.low, powered.high, powered.people)
        alone = Estimate(powered.people_value, powered.people_low, powered.people_high, powered.people)
        lines.append(
            f"  from {powered.people} of these answers that annotators labelled: {with_interval(value)} (labels "
            f"alone: {with_interval(alone)}; valid if those answers were drawn at random)"
        )
    if rate.unproven:
        lines.append(f"  warning: {rate.unproven}")
    if rate.unscored:
        lines.append(f"  {counted(rate.unscored, 'answer')} without a score, not part of these figures")
    return lines


def mean_lines(found: CalibratedMean) -> list[str]:
    """The mean score of the judge, and the mean that annotators would give."""
    judge = f" by {found.judge}" if found.judge else ""
    shift = (found.reported.mean or 0) - (found.corrected.mean or 0)
    lines = [
        f"{found.column}{judge}: {with_interval(found.reported)} over {counted(found.reported.n, 'answer')}",
        f"  corrected: {with_interval(found.corrected)} (the judge is {fraction(shift, signed=True)} from annotators "
        f"on {found.labels['name']}; valid if it is here as it was there)",
    ]
    if found.powered is not None:
        one = found.powered
        value = Estimate(one.value, one.low, one.high, one.people)
        alone = Estimate(one.people_value, one.people_low, one.people_high, one.people)
        lines.append(
            f"  from {one.people} of these answers that annotators scored: {with_interval(value)} (labels alone: "
            f"{with_interval(alone)}; valid if those answers were drawn at random)"
        )
    return lines


def calibrated_json(rate: CalibratedRate | CalibratedMean) -> Mapping[str, object]:
    """The JSON object of a corrected rate, not rounded."""
    found = plain(asdict(rate))
    assert isinstance(found, dict)
    return found


JSON = dict[str, object]
CORRECTED = "What annotators would say"
HEAD = ("metric", "mean [95% interval]", "n", "unscored", "if all 0", "if all 1")


def answers_json(evaluation: AnswerEvaluation) -> JSON:
    """The object of ``results.json``: that of ``ragbench eval`` with one arm, without the keys of retrieval."""
    scored = evaluation.scored
    arm = {
        "name": scored.name,
        "status": "ok",
        "metrics": {
            name: {**asdict(value), **_bounds_json(evaluation, name)} for name, value in evaluation.metrics.items()
        },
        "directions": dict(scored.scores.directions),
        "latency_ms": dict(scored.latency_ms),
        "latency_ms_intervals": {MEDIAN: interval_json(scored.intervals, MEDIAN)},
        "first_token_ms": dict(scored.parts_ms.get("ttft", {})),
        "retrieval_ms": dict(scored.parts_ms.get("retrieval", {})),
        "cost_per_query": scored.cost_per_query,
        "cost_per_query_interval": interval_json(scored.intervals, COST),
        "failed_queries": scored.failed,
        "repeats": repeats_json(scored.scores, evaluation.variance, len(evaluation.changed)),
    }
    ledger = evaluation.ledger
    return {
        "schema_version": SCHEMA_VERSION,
        "arms": [arm],
        "comparisons": [],
        "calibrated": [calibrated_json(rate) for rate in evaluation.calibrated],
        "slices": [asdict(one) for one in evaluation.slices],
        "notes": list(evaluation.notes),
        "ledger": ledger.to_dict(),
        "manifest": {**_plain_manifest(evaluation), "complete": not evaluation.stopped},
    }


def answers_tables(evaluation: AnswerEvaluation, totals: Mapping[str, Mapping[str, object]]) -> "RenderableType":
    """What the judge took, what could not be scored, and the metrics."""
    return terminal([*model_block(totals, "judge"), *answers_blocks(evaluation)])


def arms_tables(
    evaluations: Sequence[AnswerEvaluation], totals: Sequence[Mapping[str, Mapping[str, object]]]
) -> "RenderableType":
    """What the judge took, the notes of each system, and a row for each system with its metrics."""
    names = list(dict.fromkeys(name for one in evaluations for name in one.metrics))
    rows = tuple(
        (one.scored.name, *(with_interval(one.metrics[name]) if name in one.metrics else "-" for name in names))
        for one in evaluations
    )
    notes = [f"{one.scored.name}: {note}" for one in evaluations for note in _notes(one)]
    table = Block("Systems, mean [95% interval]", ("system", *names), rows, main=True)
    models = [block for each in totals for block in model_block(each, "judge")]
    return terminal([*models, *notes_block(notes), table])


def answers_markdown(evaluation: AnswerEvaluation) -> str:
    """The same for a pull request."""
    return markdown(f"Answers: {evaluation.scored.name}", answers_blocks(evaluation))


def answers_blocks(evaluation: AnswerEvaluation) -> list[Block]:
    """Notes, rates corrected by a judge check, and the metrics."""
    found = notes_block(_notes(evaluation))
    lines = [
        line
        for one in evaluation.calibrated
        for line in (mean_lines(one) if isinstance(one, CalibratedMean) else calibrated_lines(one))
    ]
    if lines:
        shown = (Line(line.strip(), indent=len(line) - len(line.lstrip())) for line in lines)
        found.append(Block(CORRECTED, lines=tuple(shown)))
    found += slice_blocks(evaluation)
    title = f"{evaluation.scored.name}, mean [95% interval]"
    above = (f"{summary(evaluation)}.",)
    found += metric_variance_blocks(evaluation.variance)
    # A rubric has a scale of its own.
    head = (*HEAD[:4], "if lowest", "if highest") if evaluation.scored.scores.scales else HEAD
    return [*found, Block(title, head, tuple(_rows(evaluation)), above=above, main=True)]


def slice_blocks(evaluation: AnswerEvaluation) -> list[Block]:
    """A table for each column of slices: the scores of each of its values."""
    names = list(evaluation.metrics)
    found = []
    for by in dict.fromkeys(one.by for one in evaluation.slices):
        rows = [
            [one.label, str(one.queries), *(with_interval(one.metrics[name]) for name in names)]
            for one in evaluation.slices if one.by == by
        ]  # fmt: skip
        found.append(Block(f"By {by}, mean [95% interval]", (by, "queries", *names), tuple(rows), columns=4))
    return found


def summary(evaluation: AnswerEvaluation) -> str:
    """One sentence: how many queries were answered, and how intervals are resampled."""
    counts = evaluation.counts
    parts = [f"{counts['answered']} answered"]
    parts += [f"{counts[name]} {name}" for name in ("abstained", "failed", "missing") if counts[name]]
    resampling = evaluation.manifest["resampling"]
    assert isinstance(resampling, dict)
    return f"{counts['queries']} queries: {', '.join(parts)}; intervals resample {units(resampling)}"


def _rows(evaluation: AnswerEvaluation) -> list[list[str]]:
    rows = []
    for name, value in evaluation.metrics.items():
        bounds = evaluation.bounds[name]
        shown = bounds.unscored > 0
        rows.append([
            name,
            with_interval(value),
            str(value.n),
            str(bounds.unscored or "-"),
            fraction(bounds.low) if shown else "-",
            fraction(bounds.high) if shown else "-",
        ])  # fmt: skip
    return rows


def _notes(evaluation: AnswerEvaluation) -> list[str]:
    notes = []
    resampling = evaluation.manifest["resampling"]
    assert isinstance(resampling, dict)
    clusters = int(resampling["clusters"])
    if 1 < clusters < FEW_CLUSTERS:
        notes.append(f"warning: {clusters} resampling units are few, so intervals are too narrow")
    notes += [f"warning: {warning}" for warning in evaluation.warnings]
    notes += evaluation.notes
    if evaluation.stopped:
        notes.append(f"warning: this evaluation is incomplete: {evaluation.stopped}")
    failed = evaluation.counts["failed"] + evaluation.counts["missing"]
    if failed:
        notes.append(
            f"warning: {failed} queries have no answer: they score 0 for correctness and recall, and have no value for "
            "metrics that need an answer"
        )
    repeats = evaluation.scored.scores.repeats
    if repeats is not None:
        runs, judgements = repeats.shape[:2]
        changed = f"; the answers to {counted(len(evaluation.changed), 'query')} changed" if runs > 1 else ""
        judged = f", each answer judged {judgements} times" if judgements > 1 else ""
        notes.append(f"scores are means over {counted(runs, 'run')}{judged}{changed}")
        if 1 < runs < FEWEST_RUNS:
            notes.append(f"warning: {runs} runs hardly show how runs vary, so intervals are too narrow; 3 or more do")
    known = NOT_ASKED | {"answer-failed"}
    notes += issue_lines(entry for entry in evaluation.ledger.entries if entry.code not in known)
    empty = [name for name, value in evaluation.metrics.items() if not value.n]
    for name in empty:
        reasons = {e.reason.partition(": ")[2] for e in evaluation.ledger.entries if e.reason.startswith(f"{name}: ")}
        notes.append(f"{name} has no value for any query: {'; '.join(sorted(reasons)[:3])}")
    return notes


def _bounds_json(evaluation: AnswerEvaluation, name: str) -> JSON:
    bounds = evaluation.bounds[name]
    return {"unscored": bounds.unscored, "if_all_0": bounds.low, "if_all_1": bounds.high}


def _plain_manifest(evaluation: AnswerEvaluation) -> JSON:
    found = plain({**evaluation.manifest})
    assert isinstance(found, dict)
    return found


def per_query(evaluation: AnswerEvaluation) -> Sequence[JSON]:
    """A row per query: its values (null if there is none) and the details behind them."""
    scores = evaluation.scored.scores
    rows: list[JSON] = []
    for at, id_ in enumerate(scores.query_ids):
        values = {
            name: None if value != value else value
            for name, value in zip(scores.metrics, scores.values[at].tolist(), strict=True)
        }
        details = {name: found[id_] for name, found in evaluation.details.items() if id_ in found}
        rows.append({"query_id": id_, "values": values, "details": details})
    return rows


DETAILS, SUMMARY = "details.jsonl", "summary.md"


def write_answer_scores(evaluation: AnswerEvaluation, folder: Path, inputs: Mapping[str, Input] | None = None) -> None:
    """Write all files; the same evaluation gives the same bytes.

    Args:
        evaluation: what was scored.
        folder: created if it does not exist.
        inputs: where ``answers``, ``golden`` and ``corpus`` are, so that reports find them again.

    Raises:
        SettingError, InputError: as `ragbench.io.scored_runs.check_scores_folder`.
    """
    import pandas as pd

    check_scores_folder(folder)
    (folder / RESULTS).unlink(missing_ok=True)
    scores = evaluation.scored.scores
    frame = pd.DataFrame(scores.values, columns=list(scores.metrics))
    frame.insert(0, "query_id", list(scores.query_ids))
    frame.insert(0, "arm", evaluation.scored.name)
    with replacing(folder / SCORES) as path:
        frame.to_parquet(path, index=False)
    write_repeats({evaluation.scored.name: scores}, folder)
    write_queries(evaluation.scored.queries, folder / QUERIES)
    write_latency({evaluation.scored.name: evaluation.scored.query_ms}, folder)
    write_json_lines(folder / DETAILS, per_query(evaluation))
    write_json_lines(folder / LEDGER, evaluation.ledger.rows())
    write_text(folder / SUMMARY, answers_markdown(evaluation))
    # The results come last: a folder that has them is complete.
    held = {INPUTS: recorded(inputs, folder)} if inputs else {}
    content = answers_json(replace(evaluation, manifest={**evaluation.manifest, **held}))
    whole = with_checksums(content, folder, [*data_files(folder), DETAILS])
    write_json(folder / RESULTS, whole, indent=1)


Totals = Mapping[str, Mapping[str, object]]
REASON = 52
"""Characters of a reason in the lines of a run."""


def answering_json(answers: AnswerSet, totals: Totals, out: Path | None) -> dict[str, object]:
    """The JSON object of a run that asked for answers."""
    return {
        "version": 1, "out": str(out), "name": answers.name, "fingerprint": answers.fingerprint,
        "counts": counts(answers), "ledger": answers.ledger.counts(), "models": totals,
    }  # fmt: skip


def answering_lines(answers: AnswerSet, totals: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    """The calls of each model, the counts of answers, and what the issue log holds."""
    yield from model_lines(totals)
    for what, count in counts(answers).items():
        yield f"{what.replace('_', ' '):<18}{count:>8,}"
    for code, count in answers.ledger.counts().items():
        first = " ".join(answers.ledger.of(code)[0].reason.split())
        yield f"  {code:<18}{count:>6,}  {first if len(first) <= REASON else first[: REASON - 3] + '...'}"
    yield from (f"warning: {line}" for line in unsteady(answers))


def answering_plan_lines(estimate: CallEstimate, settled: int) -> Iterator[str]:
    """The estimate of a dry run."""
    yield from estimate.lines()
    if settled:
        yield f"not asked      {settled:,} (nothing found, a score below --min-score, or a failed search)"
