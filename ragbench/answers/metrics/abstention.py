"""Abstention: whether the system abstains from unanswerable queries, and only from those."""

from dataclasses import dataclass
from typing import ClassVar

from ragbench.answers.metrics._cells import NO_GOLDEN, Cell, Scored, Unscored, column, failed, unanswerable
from ragbench.answers.metrics._phrases import abstained
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.goldens import GoldenItem

UNKNOWN = Unscored("no-reference", "the golden set does not say whether this query can be answered")
ANSWERED = Unscored("not-applicable", "it was answered, so it does not count for the precision of abstaining")
ANSWERABLE = Unscored("not-applicable", "it can be answered, so it does not count for the recall of abstaining")


@dataclass(frozen=True)
class Abstention(AnswerMetric):
    """Whether the system abstains exactly where it should.

    The metric has three columns:

    - ``abstention``: 1 if abstaining or answering was right, so the mean is an accuracy. A failed query is 0.
    - ``abstention_precision``: over the abstentions, 1 if the query is unanswerable.
    - ``abstention_recall``: over the unanswerable queries, 1 if the system abstained. A failed query is 0.

    A query is unanswerable if its type is ``unanswerable`` or its metadata has
    ``is_impossible``, and answerable if it has a reference or relevant evidence. A
    system abstains if it says so (``abstained``), returns no text, or begins with a
    phrase of `ragbench.answers.metrics._phrases`.

    Source: Rajpurkar, Jia and Liang 2018 for unanswerable questions.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"golden"})

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The columns ``abstention``, ``abstention_precision`` and ``abstention_recall``."""
        rows = [self._cells(answer, item) for answer, item in zip(answers, context.golden, strict=True)]
        names = ("abstention", "abstention_precision", "abstention_recall")
        return [column(name, answers, [row[at] for row in rows]) for at, name in enumerate(names)]

    def _cells(self, answer: Answered, item: GoldenItem | None) -> tuple[Cell, Cell, Cell]:
        if item is None:
            return (NO_GOLDEN,) * 3
        nothing = unanswerable(item)
        if nothing is None:
            return (UNKNOWN,) * 3
        silent = abstained(answer)
        detail = {"abstained": silent, "unanswerable": nothing}
        right = not answer.failure and silent == nothing
        precision: Cell = Scored(float(nothing)) if silent else ANSWERED
        if answer.failure:
            precision = failed(answer.failure)
        recall: Cell = Scored(float(silent)) if nothing else ANSWERABLE
        return Scored(float(right), detail), precision, recall
