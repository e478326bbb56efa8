"""What answer metrics share: a value or a reason per answer, what the golden item expects, and the judge session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ragbench.answers.judge.replies import Lost, Session
from ragbench.answers.metrics.base import Column, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenItem
from ragbench.core.ledger import Ledger, LedgerEntry
from ragbench.core.spelling import named


@dataclass(frozen=True, slots=True)
class Scored:
    """A value, with its basis (JSON values)."""

    value: float
    detail: object = None


@dataclass(frozen=True, slots=True)
class Unscored:
    """The reason for a missing value. ``code`` is for machines."""

    code: str
    reason: str
    detail: object = None


Cell = Scored | Unscored

NO_GOLDEN = Unscored("no-golden", "the golden set lacks this query")
NO_REFERENCE = Unscored("no-reference", "the golden set has no reference answer for this query")
NO_EVIDENCE = Unscored("no-evidence", "the golden set has no relevant evidence for this query")


def failed(reason: str) -> Unscored:
    """The cell of a query without an answer."""
    return Unscored("answer-failed", f"there is no answer: {reason}")


def column(name: str, answers: AnswerSet, cells: Sequence[Cell]) -> Column:
    """Build a column from cells, one per answer in order."""
    entries = [
        LedgerEntry("score", item.query_id, f"{name}: {cell.reason}", cell.code)
        for item, cell in zip(answers, cells, strict=True)
        if isinstance(cell, Unscored)
    ]
    values = np.array([cell.value if isinstance(cell, Scored) else np.nan for cell in cells], dtype=np.float64)
    details = {item.query_id: cell.detail for item, cell in zip(answers, cells, strict=True) if cell.detail is not None}
    return Column(name, values, Ledger(tuple(entries)), details)


def references(item: GoldenItem) -> tuple[str, ...]:
    """The reference answers: ``answer``, and those of the metadata key ``answers`` (as SQuAD files have them)."""
    others = item.metadata.get("answers")
    listed = [one for one in others if isinstance(one, str)] if isinstance(others, list | tuple) else []
    every = ([] if item.answer is None else [item.answer]) + listed
    return tuple(dict.fromkeys(one for one in every if one.strip()))


def unanswerable(item: GoldenItem) -> bool | None:
    """Whether abstaining is right; None if the golden set does not say.

    It is right if the type is ``unanswerable`` or the metadata has ``is_impossible``,
    and wrong if there is a reference answer or relevant evidence.
    """
    if item.type == "unanswerable" or item.metadata.get("is_impossible") is True:
        return True
    if references(item) or any(evidence.grade > 0 for evidence in item.evidence):
        return False
    return None


SILENT = Unscored("not-applicable", "the system abstained: there is no statement to judge")
NO_SOURCES = Unscored("no-sources", "the answer has no source with text")
NO_STATEMENT = Unscored("no-statement", "the judge finds no statement in the answer")
NO_STATEMENT_EXPECTED = Unscored("no-reference", "the judge finds no statement in the reference answer")


def session(context: ScoringContext) -> Session:
    """The judge session of a scoring context.

    Raises:
        SettingError: there is no judge.
    """
    if context.judge is None:
        raise SettingError(f"this metric needs a model that judges; name one with {named('judge')}")
    return Session(context.judge, context.context)


def texts_of(answer: Answered) -> Mapping[str, str]:
    """Text by id of the sources that have a text, best first."""
    return {source.id: source.text for source in answer.sources if source.text.strip()}


def reference(item: GoldenItem) -> str | None:
    """The first reference answer, or None."""
    return next(iter(references(item)), None)


def unscored(lost: Lost) -> Unscored:
    """Turn a lost verdict into a cell."""
    return Unscored(lost.code, lost.reason)
