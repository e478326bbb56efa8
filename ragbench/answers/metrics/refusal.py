"""Refusals."""

from dataclasses import dataclass

from ragbench.answers.metrics._cells import Cell, Scored, column, failed
from ragbench.answers.metrics._phrases import refusal_in
from ragbench.answers.metrics.base import AnswerMetric, Column, ScoringContext
from ragbench.core.answers import Answered, AnswerSet


@dataclass(frozen=True)
class Refusal(AnswerMetric):
    """``no_refusal``: 1 where the answer does not refuse ("I cannot help with that"), 0 where it does.

    By phrases at the beginning of the answer, in English, German, French and
    Spanish (`ragbench.answers.metrics._phrases`); a refusal in other words or
    another language is not seen. Abstaining for want of knowledge is no refusal.
    So named that higher is better, as everywhere: the refusal rate is 1 less its mean.
    """

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``no_refusal``."""
        return [column("no_refusal", answers, [_cell(answer) for answer in answers])]


def _cell(answer: Answered) -> Cell:
    if answer.failure:
        return failed(answer.failure)
    words = refusal_in(answer.answer)
    return Scored(float(not words), {"phrase": words} if words else None)
