"""Exported training data, as JSON and as blocks."""

from typing import Any

import numpy as np

from ragbench.core.ledger import issue_lines, without_folders
from ragbench.core.spelling import given
from ragbench.learning.negatives import ORIGINS
from ragbench.learning.training_data import SPLITS, TrainingData
from ragbench.learning.training_files import protection, summary
from ragbench.render.blocks import Block, Line
from ragbench.render.numbers import counted

VERSION = 1
WORDS = {
    "protected": "protected by the leakage guard",
    "document-of-a-positive": "from a document with a positive",
    "masked-or-excluded": "masked or excluded for the query",
    "close-to-the-positive": "scored close to the positive, or no positive was ranked",
    "near-copy-of-a-positive": "nearly identical to a positive",
}


def training_json(data: TrainingData) -> dict[str, Any]:
    """The manifest without versions of the package, and everything that was dropped."""
    return {"version": VERSION, "kind": data.kind, **summary(data), "ledger": data.ledger.rows()}


def training_blocks(data: TrainingData) -> list[Block]:
    """What was protected and dropped, where the negatives come from, and the rows of each split."""
    held = protection(data)
    if held["sets"]:
        names = ", ".join(f"{one['name']} ({one['queries']:,} queries)" for one in held["sets"])
        guard: list[str | Line] = [
            f"Protected: {names}. Dropped: {counted(sum(held['queries_dropped'].values()), 'leaking query')}, and "
            f"{held['chunks_dropped']:,} of {counted(len(data.chunks), 'chunk')}."
        ]
    else:
        guard = [Line("nothing is protected, so a test set may be part of the data", "warning")]
    if held["chunks_dropped"] > len(data.chunks) / 2:
        guard.append(
            Line(f"most chunks are protected; {given('protect_scope', 'queries')} protects only the queries", "note")
        )
    guard += [f"dropped: {line}" for line in issue_lines(without_folders(data.ledger.entries), items=5)]
    found = data.negatives
    origins, counts = np.unique(found.origin, return_counts=True)
    rows = [(ORIGINS[one], f"{count:,}") for one, count in zip(origins.tolist(), counts.tolist(), strict=True)]
    lines = [f"refused as hard negatives: {count:,} {WORDS[why]}" for why, count in found.refused.items()]
    if found.judged:
        lines.append(
            f"the golden set judges {found.judged:,} of the candidates in these ranks, and "
            f"{found.relevant / found.judged:.0%} of those are relevant; unjudged candidates may be relevant, too"
        )
    splits = []
    for split in SPLITS:
        own = data.rows(split)
        if len(own):
            splits.append((split, f"{len(own):,}", f"{len(np.unique(data.query[own])):,}"))
    return [
        Block("Leakage guard", lines=tuple(guard)),
        Block("Negatives", ("origin", "chunks"), tuple(rows), lines=tuple(lines)),
        Block(data.kind.capitalize(), ("split", "rows", "queries"), tuple(splits), main=True),
    ]
