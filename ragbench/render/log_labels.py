"""Labels of a log, as JSON and as blocks."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ragbench.core.ledger import issue_lines, without_folders
from ragbench.io.files import json_values
from ragbench.render.blocks import Block, Line
from ragbench.render.numbers import fraction

if TYPE_CHECKING:
    from ragbench.learning.labelled_log import LabelledLog
    from ragbench.learning.propensities import Propensities

VERSION = 1
POSITION = ("position", "shown", "clicks", "propensity", "low", "high")
SHOWN = 10
"""Positions that a terminal shows."""
FEW_MOVED = 0.1
"""Share of documents that changed their position, below which a note warns about expectation maximisation."""
METHODS = {
    "randomised": "from pages in random order",
    "em": "by regression expectation maximisation",
    "none": "none: every position counts alike",
}


def labels_json(found: "LabelledLog") -> dict[str, Any]:
    """Counts, the position bias, the rules, and what was skipped."""
    labels, bias = found.labels, found.bias
    return {
        "version": VERSION,
        "log": found.log,
        "searches": found.searches,
        "shown": found.rows,
        "queries": len(labels.queries),
        "queries_with_relevant": len(found.golden),
        "pairs": len(labels.query),
        "grades": {str(grade): count for grade, count in grade_counts(found).items()},
        "rules": json_values(found.rules),
        "propensities": {
            "method": bias.method,
            "moved": found.moved,
            "positions": [json_values(dict(zip(POSITION, row, strict=True))) for row in _positions(bias)],
        },
        "fingerprint": found.golden.fingerprint,
        "skipped": found.ledger.counts(),
        "ledger": found.ledger.rows(),
    }  # fmt: skip


def _positions(bias: "Propensities") -> Iterator[tuple[int, int, int, float, float, float]]:
    """What is known of each position, in the order of `POSITION`."""
    columns = (bias.impressions, bias.clicks, bias.values, bias.low, bias.high)
    return zip(range(1, len(bias.values) + 1), *(column.tolist() for column in columns), strict=True)


def grade_counts(found: "LabelledLog") -> dict[int, int]:
    """Pairs by grade; -1 for those with too little evidence."""
    grades, counts = np.unique(found.labels.grade, return_counts=True)
    return dict(zip(grades.tolist(), counts.tolist(), strict=True))


def pair_rows(found: "LabelledLog") -> Iterator[dict[str, object]]:
    """The counts and the label of each pair of query and document; the grade is null without enough evidence."""
    labels = found.labels
    for row, (query, item) in enumerate(zip(labels.query.tolist(), labels.item.tolist(), strict=True)):
        clicks, carts, purchases = labels.events[row].tolist()
        grade = int(labels.grade[row])
        yield {
            "query": labels.queries[query], "document_id": labels.items[item], "shown": int(labels.shown[row]),
            "looks": round(float(labels.looks[row]), 4), "clicks": clicks, "carts": carts, "purchases": purchases,
            "sessions": int(labels.sessions[row]), "value": round(float(labels.value[row]), 6),
            "grade": None if grade < 0 else grade,
        }  # fmt: skip


def labels_blocks(found: "LabelledLog") -> list[Block]:
    """What was read and skipped, the position bias, and the pairs of each grade."""
    labels, bias = found.labels, found.bias
    read = (
        f"{found.searches:,} searches in {found.log}, {found.rows:,} results, {len(labels.queries):,} distinct "
        f"queries. {len(found.golden):,} of them have a relevant document."
    )
    dropped = without_folders(found.ledger.entries)
    rows = tuple(
        (f"{at}", f"{shown:,}", f"{clicks:,}", fraction(value),
         "" if math.isnan(low) else f"{fraction(low)} to {fraction(high)}")
        for at, shown, clicks, value, low, high in islice(_positions(bias), SHOWN)
    )  # fmt: skip
    more = (f"{len(bias.values) - SHOWN} more positions are in the JSON.",) if len(bias.values) > SHOWN else ()
    return [
        Block(lines=(read, *(f"skipped: {line}" for line in issue_lines(dropped, items=5)))),
        Block(
            f"Probability of a look ({METHODS[bias.method]})",
            ("position", "shown", "clicks", "propensity", "95% interval"),
            rows,
            lines=(*more, *_notes(found)),
            align="rrrrl",
        ),
        Block("Labels", ("grade", "pairs", "clicks", "carts", "purchases"), tuple(_grade_rows(found)), main=True),
    ]


def _notes(found: "LabelledLog") -> Iterator[Line]:
    if found.bias.method == "em" and found.moved < FEW_MOVED:
        yield Line(
            f"only {found.moved:.0%} of the results stood at more than one position for their query, so position bias "
            "can hardly be separated from relevance. Show a small share of the pages in random order and mark them "
            "(column randomised)",
            "note",
        )


def _grade_rows(found: "LabelledLog") -> Iterator[tuple[str, ...]]:
    labels = found.labels
    for grade, count in sorted(grade_counts(found).items(), reverse=True):
        events = labels.events[labels.grade == grade].sum(axis=0)
        name = "too little evidence" if grade < 0 else str(grade)
        yield (name, f"{count:,}", *(f"{int(number):,}" for number in events))
