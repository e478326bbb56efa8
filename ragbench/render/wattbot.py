"""A WattBot score for the terminal, as JSON, and row by row as CSV."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ragbench.answers.wattbot.score.parts import METRICS, WEIGHTS, Scored
from ragbench.answers.wattbot.score.summary import Row, Summary, rows_of
from ragbench.core.ledger import Ledger, first_ten
from ragbench.render.tables import fraction

SCHEMA_VERSION = 1
"""Of the JSON object; raised when a key changes its meaning or goes."""
QUESTION_CHARACTERS = 100
CELL_CHARACTERS = 40
COLUMNS = ("id", "kind", "true_value", "given_value", "true_references", "given_references")
TOLD = {
    "no-prediction": "without a prediction; each scores 0",
    "empty-value": "with an empty answer_value, wrong for every question; is_blank is how to abstain",
    "other-unit": "with another answer_unit than the truth; the unit by itself is not scored",
    "unknown-document": "refer to a document that the metadata do not have",
}


def score_tables(summary: Summary, ledger: Ledger) -> RenderableType:
    """The kinds of questions, the worst rows, what must be known, and last the score with its parts."""
    parts: list[RenderableType] = [Text(f"{summary.name} ({summary.rules} rules)", style="bold")]
    parts += [_kinds(summary), Text()]
    if summary.worst:
        parts.append(Text(f"worst {len(summary.worst)} of {summary.imperfect} rows that are not perfect", style="bold"))
        parts += [line for row in summary.worst for line in _row(row)]
        parts.append(Text())
    parts += [Text(f"note: {line}", style="yellow") for line in notes(summary, ledger)]
    return Group(*parts, _means(summary))


def notes(summary: Summary, ledger: Ledger) -> list[str]:
    """What a reader of the score must know, with ids."""
    found = [
        f"{count} row{'s' * (count > 1)} {TOLD[code]} ({first_ten(entry.item for entry in ledger.of(code))})"
        for code, count in summary.counts.items()
    ]
    if summary.rules == "lesson" and summary.missing:
        found.append(f"{summary.missing} of the truth's rows without a prediction are left out of the mean")
    return found


def score_json(summary: Summary, ledger: Ledger) -> dict[str, Any]:
    """The documented object of one submission."""
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
        "ledger": [entry._asdict() for entry in ledger.entries],
    }


def rows_csv(every: Sequence[Scored]) -> str:
    """Every row of every submission, UTF-8 text with the name of the submission in front.

    Cells stand as they were written, so that the file can be read by programs;
    those a spreadsheet would take for a formula begin with an apostrophe.
    """
    import numpy as np

    from ragbench.golden.annotators.sheet import neutral

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


def _means(summary: Summary) -> RenderableType:
    table = _table("part", "weight", f"mean [{summary.confidence:.0%} interval]")
    for name, mean in summary.means.items():
        shown = f"{fraction(mean.mean)} [{fraction(mean.low)}, {fraction(mean.high)}]"
        style = "bold" if name == METRICS[0] else ""
        table.add_row(name, fraction(WEIGHTS[name]) if name in WEIGHTS else "", shown, style=style)
    rows = f"{summary.rows} rows, resampled by {summary.units} documents (or questions without a single one)"
    return Group(table, Text(rows))


def _kinds(summary: Summary) -> Table:
    table = _table("kind of answer", "rows", *METRICS)
    for kind in summary.kinds:
        table.add_row(kind.name, str(kind.rows), *map(fraction, kind.means))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _row(row: Row) -> list[Text]:
    shown = ", ".join(f"{name} {fraction(part)}" for name, part in zip(METRICS, row.parts, strict=True))
    return [
        Text(f"{row.id}  {shown}"),
        Text(f"  {_cut(row.question, QUESTION_CHARACTERS)}", style="dim"),
        Text(f"  value {_cut(row.given_value) or '(none)'}, true {_cut(row.true_value)}"),
        Text(f"  references {_cut(row.given_references) or '(none)'}, true {_cut(row.true_references)}"),
    ]


def _cut(text: str, most: int = CELL_CHARACTERS) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."
