"""Refusals, recognised by phrases."""

from dataclasses import dataclass

from ragbench.answers.metrics._cells import Cell, Scored, column, failed
from ragbench.answers.metrics._phrases import refusal_in
from ragbench.answers.metrics.base import AnswerMetric, Column, ScoringContext
from ragbench.core.answers import Answered, AnswerSet


@dataclass(frozen=True)
class Refusal(AnswerMetric):
    """``no_refusal``: 0 if the answer refuses ("I cannot help with that"), otherwise 1.

    Refusals are recognised by phrases at the beginning of the answer, in English,
    German, French and Spanish (`ragbench.answers.metrics._phrases`). A refusal in other
    words or another language is not recognised. Abstaining for lack of knowledge is not
    a refusal. Higher is better, as for other metrics: the refusal rate is 1 minus the mean.
    """

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``no_refusal``."""
        return [column("no_refusal", answers, [_cell(answer) for answer in answers])]


def _cell(answer: Answered) -> Cell:
    if answer.failure:
        return failed(answer.failure)
    words = refusal_in(answer.answer)
    return Scored(float(not words), {"phrase": words} if words else None)
