"""Factual correctness: the statements of an answer against those of the reference, as judged by a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ragbench.answers.judge.replies import Lost, Session
from ragbench.answers.judge.statements import Claims, Said, Statement, Text, claims, split
from ragbench.answers.judge.verdicts import Held, Ruling, claim, judge
from ragbench.answers.metrics._cells import (
    NO_GOLDEN,
    NO_REFERENCE,
    NO_STATEMENT,
    NO_STATEMENT_EXPECTED,
    SILENT,
    Cell,
    Scored,
    Unscored,
    column,
    failed,
    reference,
    session,
    unscored,
)
from ragbench.answers.metrics._phrases import abstained
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.goldens import GoldenItem

NAMES = ("factual_correctness", "factual_correctness_precision", "factual_correctness_recall")


class _Row(NamedTuple):
    """F1, precision and recall of one answer."""

    f1: Cell
    precision: Cell
    recall: Cell


class _Pair(NamedTuple):
    question: str
    answer: str
    expected: str


@dataclass(frozen=True)
class FactualCorrectness(AnswerMetric):
    """Precision, recall and F1 of the answer's statements against the reference answer.

    TP are statements of the answer that the reference supports, FP those that it does
    not support, and FN statements of the reference that the answer does not support:
    precision ``TP / (TP + FP)``, recall ``TP / (TP + FN)``, F1 ``2 TP / (2 TP + FP + FN)``. Recall thus mixes two
    splits: if the answer makes many statements of one statement of the reference, recall is too
    high. The details of the recall have the verdict of each statement of the reference.

    A failed query and an abstention are 0, without a precision. Of several references, the first
    counts. An answer takes at most four calls, and shares two of them with faithfulness and context_recall.

    Source: Ragas, "Factual Correctness" (after the same count in FActScore, Min et al. 2023).
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"golden", "reference", "judge"})

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The columns ``factual_correctness`` (F1), and with ``_precision`` and ``_recall`` behind it."""
        asked = session(context)
        pairs = list(zip(answers, context.golden, strict=True))
        before = [_before(answer, item) for answer, item in pairs]
        found = iter(await _rows([one for one in before if isinstance(one, _Pair)], asked))
        rows = [next(found) if isinstance(one, _Pair) else one for one in before]
        return [column(name, answers, [row[at] for row in rows]) for at, name in enumerate(NAMES)]


def _before(answer: Answered, item: GoldenItem | None) -> _Pair | _Row:
    if item is None:
        return _Row(NO_GOLDEN, NO_GOLDEN, NO_GOLDEN)
    expected = reference(item)
    if expected is None:
        return _Row(NO_REFERENCE, NO_REFERENCE, NO_REFERENCE)
    if answer.failure or abstained(answer):
        nothing = Scored(0.0, {"no_answer": answer.failure or "abstained"})
        return _Row(nothing, failed(answer.failure) if answer.failure else SILENT, nothing)
    return _Pair(answer.query, answer.answer, expected)


async def _rows(pairs: Sequence[_Pair], asked: Session) -> list[_Row]:
    said = await split([Said(pair.question, pair.answer) for pair in pairs], asked)
    expected = await split([Said(pair.question, pair.expected) for pair in pairs], asked)
    rows: list[_Row | None] = []
    forth: list[Held] = []
    back: list[Held] = []
    for pair, ours, theirs in zip(pairs, said, expected, strict=True):
        fault = _fault(ours, NO_STATEMENT) or _fault(theirs, NO_STATEMENT_EXPECTED)
        rows.append(_Row(fault, fault, fault) if fault else None)
        if not (isinstance(ours, Lost) or isinstance(theirs, Lost) or fault):
            forth.append(Held(pair.question, ours, {"reference": pair.expected}))
            back.append(Held(pair.question, theirs, {"answer": pair.answer}))
    one, two = await judge(forth, asked), await judge(back, asked)
    judged = iter(
        zip(_claims(forth, one, "answer", "reference"), _claims(back, two, "reference", "answer"), strict=True)
    )
    return [_row(*next(judged)) if row is None else row for row in rows]


def _fault(found: tuple[Statement, ...] | Lost, empty: Unscored) -> Unscored | None:
    if isinstance(found, Lost):
        return unscored(found)
    return None if found else empty


def _claims(
    held: Sequence[Held], judged: Sequence[tuple[Ruling, ...] | Lost], of: Text, against: Text
) -> list[Claims | Lost]:
    return [
        rulings
        if isinstance(rulings, Lost)
        else claims([claim(*pair) for pair in zip(one.statements, zip(rulings), strict=True)], of=of, against=against)
        for one, rulings in zip(held, judged, strict=True)
    ]


def _row(answer: Claims | Lost, expected: Claims | Lost) -> _Row:
    """Compute one row. Precision needs one half of the verdicts; recall and F1 need both."""
    if isinstance(answer, Lost):
        lost = unscored(answer)
        return _Row(lost, lost, lost)
    right = sum(one["verdict"] == "supported" for one in answer["statements"])
    wrong = len(answer["statements"]) - right
    precision = Scored(right / (right + wrong), answer)
    if isinstance(expected, Lost):
        lost = unscored(expected)
        return _Row(lost, precision, lost)
    missed = sum(one["verdict"] != "supported" for one in expected["statements"])
    f1 = Scored(2 * right / (2 * right + wrong + missed), {"tp": right, "fp": wrong, "fn": missed})
    return _Row(f1, precision, Scored(right / (right + missed) if right else 0.0, expected))
