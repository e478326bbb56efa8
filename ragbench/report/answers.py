"""Scores of answers: tables, Markdown and JSON."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ragbench.core.fingerprint import plain
from ragbench.core.scored import COST, MEDIAN
from ragbench.harness.results import SCHEMA_VERSION
from ragbench.harness.score_answers import NOT_ASKED, AnswerEvaluation
from ragbench.report.calibrated import calibrated_json, calibrated_lines
from ragbench.report.json import interval_json
from ragbench.report.markdown import escaped
from ragbench.report.markdown import table as markdown_table
from ragbench.report.tables import FEW_CLUSTERS, fraction, with_interval

JSON = dict[str, object]
CORRECTED = "Share of answers that people would say yes to"
HEAD = ("metric", "mean [95% interval]", "n", "unscored", "if all 0", "if all 1")


def answers_json(evaluation: AnswerEvaluation) -> JSON:
    """The object of ``results.json``: that of ``ragbench eval`` with one arm and without what only retrieval has."""
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
        "cost_per_query": scored.cost_per_query,
        "cost_per_query_interval": interval_json(scored.intervals, COST),
        "failed_queries": scored.failed,
    }
    ledger = evaluation.ledger
    return {
        "schema_version": SCHEMA_VERSION,
        "arms": [arm],
        "comparisons": [],
        "calibrated": [calibrated_json(rate) for rate in evaluation.calibrated],
        "ledger": {"counts": ledger.counts(), "entries": [entry._asdict() for entry in ledger.entries]},
        "manifest": {**_plain_manifest(evaluation), "complete": not evaluation.stopped},
    }


def answers_tables(evaluation: AnswerEvaluation) -> RenderableType:
    """What could not be scored, and last, where the eye ends, the metrics."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in HEAD:
        table.add_column(name, justify="left" if name == "metric" else "right")
    for row in _rows(evaluation):
        table.add_row(*row)
    notes = [Text(note, style="yellow") for note in _notes(evaluation)]
    title = Text(f"{evaluation.scored.name}, mean [95% interval]", style="bold")
    return Group(Text(summary(evaluation)), *notes, Text(), title, table, *_calibrated(evaluation))


def answers_markdown(evaluation: AnswerEvaluation) -> str:
    """The same for a pull request."""
    parts = [f"# Answers: {escaped(evaluation.scored.name)}", summary(evaluation) + ".",
             markdown_table(HEAD, _rows(evaluation))]  # fmt: skip
    lines = [line for rate in evaluation.calibrated for line in calibrated_lines(rate)]
    if lines:
        parts += [f"## {CORRECTED}", "\n".join(f"- {escaped(line.strip())}" for line in lines)]
    notes = [f"- {escaped(note)}" for note in _notes(evaluation)]
    if notes:
        parts.append("\n".join(["## To know", "", *notes]))
    return "\n\n".join(parts) + "\n"


def _calibrated(evaluation: AnswerEvaluation) -> list[RenderableType]:
    """Each rate with its corrections; a line that goes on is set in as its first part is."""
    if not evaluation.calibrated:
        return []
    lines = [line for rate in evaluation.calibrated for line in calibrated_lines(rate)]
    indented = [Padding(Text(line.strip()), (0, 0, 0, len(line) - len(line.lstrip()))) for line in lines]
    return [Text(), Text(CORRECTED, style="bold"), *indented]


def summary(evaluation: AnswerEvaluation) -> str:
    """One sentence: what was answered, and what intervals were resampled by."""
    counts = evaluation.counts
    said = [f"{counts['answered']} answered"]
    said += [f"{counts[name]} {name}" for name in ("abstained", "failed", "missing") if counts[name]]
    resampling = evaluation.manifest["resampling"]
    assert isinstance(resampling, dict)
    return (
        f"{counts['queries']} queries: {', '.join(said)}; intervals by {resampling['unit']} ({resampling['clusters']})"
    )


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
        notes.append(f"warning: {clusters} resampling units are few: intervals are too narrow")
    notes += [f"warning: {warning}" for warning in evaluation.warnings]
    if evaluation.stopped:
        notes.append(f"warning: not whole: {evaluation.stopped}")
    failed = evaluation.counts["failed"] + evaluation.counts["missing"]
    if failed:
        notes.append(
            f"warning: {failed} queries have no answer: 0 for correctness and recall, no value for what an answer "
            "is needed for"
        )
    for code, count in evaluation.ledger.counts().items():
        if code in NOT_ASKED or code == "answer-failed":
            continue
        first = evaluation.ledger.of(code)[0]
        notes.append(f"{count} x {code} (first: {first.item}: {first.reason})")
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
    """A row per query: its values (null where there is none) and what they rest on."""
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
