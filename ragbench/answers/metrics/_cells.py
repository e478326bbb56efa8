"""A value or a reason per answer, put together to a column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragbench.answers.metrics.base import Column
from ragbench.core.answers import AnswerSet
from ragbench.core.ledger import Ledger, LedgerEntry


@dataclass(frozen=True, slots=True)
class Scored:
    """A value, and what it rests on (JSON values)."""

    value: float
    detail: object = None


@dataclass(frozen=True, slots=True)
class Unscored:
    """Why there is no value; ``code`` is for machines."""

    code: str
    reason: str
    detail: object = None


Cell = Scored | Unscored

NO_GOLDEN = Unscored("no-golden", "the golden set lacks this query")
NO_REFERENCE = Unscored("no-reference", "the golden set has no reference answer for this query")
NO_EVIDENCE = Unscored("no-evidence", "the golden set has no relevant evidence for this query")


def failed(reason: str) -> Unscored:
    """There is no answer at all."""
    return Unscored("answer-failed", f"there is no answer: {reason}")


def column(name: str, answers: AnswerSet, cells: Sequence[Cell]) -> Column:
    """The column of these cells, one per answer in order."""
    entries = [
        LedgerEntry("score", item.query_id, f"{name}: {cell.reason}", cell.code)
        for item, cell in zip(answers, cells, strict=True)
        if isinstance(cell, Unscored)
    ]
    values = np.array([cell.value if isinstance(cell, Scored) else np.nan for cell in cells], dtype=np.float64)
    details = {item.query_id: cell.detail for item, cell in zip(answers, cells, strict=True) if cell.detail is not None}
    return Column(name, values, Ledger(tuple(entries)), details)
