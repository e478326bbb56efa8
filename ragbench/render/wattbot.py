"""A WattBot run as text and JSON; a WattBot score for the terminal, as JSON, and row by row as CSV."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbench.answers.wattbot.run import Indexed, Planned, Submission
from ragbench.answers.wattbot.score.parts import METRICS, WEIGHTS, Scored
from ragbench.answers.wattbot.score.summary import Row, Summary, rows_of
from ragbench.core.foreign import excerpt
from ragbench.core.ledger import Ledger, first_ten, issue_lines
from ragbench.render.blocks import Block, Line, notes_block, strong, terminal
from ragbench.render.numbers import fraction

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA_VERSION = 1
"""Version of the JSON object; it is raised when a key changes its meaning or is removed."""
QUESTION_CHARACTERS = 100
CELL_CHARACTERS = 40
COLUMNS = ("id", "kind", "true_value", "given_value", "true_references", "given_references")
ISSUES = {
    "no-prediction": "without a prediction; each scores 0",
    "empty-value": "with an empty answer_value, wrong for every question; is_blank is how to abstain",
    "other-unit": "with another answer_unit than the truth; the unit by itself is not scored",
    "unknown-document": "with a reference to a document that the metadata do not have",
}


def run_lines(result: Submission | Planned | Indexed, out: Path) -> list[str]:
    """The lines on a run: the reports first, then what was answered or would be asked.

    Args:
        result: the result of the run.
        out: the folder of the run.
    """
    indexed = result if isinstance(result, Indexed) else result.indexed
    found = [f"{indexed.documents} documents, {indexed.chunks} chunks in {out}"]
    if isinstance(result, Planned):
        first, second = (result.phases[name].calls for name in ("answer", "explain"))
        found.append(
            f"{result.questions} questions, before repairs at most {first:,} calls to answer and {second:,} to explain:"
        )
        found += [f"  {line}" for line in result.estimate.lines()]
    elif isinstance(result, Submission):
        found.append(f"{len(result.solutions)} questions, {result.blank} left blank; written to {result.path}")
        found += [f"note: {line}" for line in issue_lines(result.faults.entries)]
        for name, done in result.totals.items():
            found.append(f"{name}: {done['calls']} calls, {done['from_cache']} from the cache")
    return found


def run_json(result: Submission | Planned | Indexed, out: Path) -> dict[str, Any]:
    """The JSON object of a run.

    Args:
        result: the result of the run.
        out: the folder of the run.
    """
    indexed = result if isinstance(result, Indexed) else result.indexed
    found: dict[str, Any] = {
        "version": SCHEMA_VERSION, "out": str(out), "documents": indexed.documents, "chunks": indexed.chunks,
    }  # fmt: skip
    if indexed.dimensions is not None:
        found["dimensions"] = indexed.dimensions
    if isinstance(result, Planned):
        phases = {name: vars(phase) for name, phase in result.phases.items()}
        found |= {"questions": result.questions, "estimate": vars(result.estimate), "phases": phases}
    elif isinstance(result, Submission):
        found |= {
            "questions": len(result.solutions),
            "blank": result.blank,
            "faults": result.faults.counts(),
            "models": result.totals,
            "solutions": str(result.path),
        }
    return {**found, "left_out": indexed.skipped.counts()}


def score_tables(summary: Summary, ledger: Ledger) -> "RenderableType":
    """The kinds of questions, the worst rows, notes, and last the score with its parts."""
    return terminal(score_blocks(summary, ledger))


def score_blocks(summary: Summary, ledger: Ledger) -> list[Block]:
    """The kinds of questions, the worst rows, notes, and the score with its parts."""
    kinds = tuple((kind.name, str(kind.rows), *map(fraction, kind.means)) for kind in summary.kinds)
    title = f"{summary.name} ({summary.rules} rules)"
    found = [Block(title, ("kind of answer", "rows", *METRICS), kinds)]
    if summary.worst:
        title = f"The worst {len(summary.worst)} of {summary.imperfect} rows that are not perfect"
        found.append(Block(title, lines=tuple(line for row in summary.worst for line in _row(row))))
    return [*found, *notes_block(notes(summary, ledger)), _means(summary)]


def notes(summary: Summary, ledger: Ledger) -> list[str]:
    """What you need to know to judge the score, with the ids concerned."""
    found = [
        f"{count} row{'s' * (count > 1)} {ISSUES[code]} ({first_ten(entry.item for entry in ledger.of(code))})"
        for code, count in summary.counts.items()
    ]
    if summary.rules == "lesson" and summary.missing:
        found.append(f"{summary.missing} of the truth's rows without a prediction are excluded from the mean")
    return found


def score_json(summary: Summary, ledger: Ledger) -> dict[str, Any]:
    """The JSON object of one submission."""
    return {
        "name": summary.name,
        "rules": summary.rules,
        "rows": summary.rows,
        "missing": summary.missing,
        "units": summary.units,
        "confidence": summary.confidence,
        "weights": WEIGHTS,
        "means": {name: mean._asdict() for name, mean in summary.means.items()},
        "kinds": [
            {"kind": kind.name, "rows": kind.rows, **dict(zip(METRICS, kind.means, strict=True))}
            for kind in summary.kinds
        ],
        "imperfect": summary.imperfect,
        "worst": [_row_json(row) for row in summary.worst],
        "counts": summary.counts,
        "ledger": ledger.rows(),
    }


def rows_csv(every: Sequence[Scored]) -> str:
    """Every row of every submission, UTF-8 text with the name of the submission in front.

    Cells are copied as they were written, so that programs can read the file;
    cells that a spreadsheet would read as a formula begin with an apostrophe.
    """
    import numpy as np

    from ragbench.io.spreadsheet import neutral

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("predictions", *COLUMNS, *(f"score_{name}" for name in METRICS)))
    for scored in every:
        for row in rows_of(scored, np.arange(len(scored))):
            cells = (scored.predictions.name, row.id, row.kind, row.true_value, row.given_value, row.true_references)
            writer.writerow([*map(neutral, (*cells, row.given_references)), *(f"{part:.6g}" for part in row.parts)])
    return text.getvalue()


def _row_json(row: Row) -> dict[str, Any]:
    cells = {name: value for name, value in row._asdict().items() if name != "parts"}
    return {**cells, "scores": dict(zip(METRICS, row.parts, strict=True))}


def _means(summary: Summary) -> Block:
    rows = []
    for name, mean in summary.means.items():
        value = f"{fraction(mean.mean)} [{fraction(mean.low)}, {fraction(mean.high)}]"
        cells = (name, fraction(WEIGHTS[name]) if name in WEIGHTS else "", value)
        rows.append(strong(cells) if name == METRICS[0] else cells)
    below = f"{summary.rows} rows, resampled by {summary.units} documents (or questions without a single document)"
    head = ("part", "weight", f"mean [{summary.confidence:.0%} interval]")
    return Block("Score", head, tuple(rows), (below,), main=True)


def _row(row: Row) -> list[Line]:
    parts = ", ".join(f"{name} {fraction(part)}" for name, part in zip(METRICS, row.parts, strict=True))
    return [
        Line(f"{row.id}  {parts}"),
        Line(excerpt(row.question, QUESTION_CHARACTERS), "quiet", indent=2),
        Line(f"value {_cut(row.given_value) or '(none)'}, true {_cut(row.true_value)}", indent=2),
        Line(f"references {_cut(row.given_references) or '(none)'}, true {_cut(row.true_references)}", indent=2),
    ]


def _cut(text: str) -> str:
    return excerpt(text, CELL_CHARACTERS)
