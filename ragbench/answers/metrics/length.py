"""Length of an answer in words."""

import re
from dataclasses import dataclass, replace

from ragbench.answers.metrics._cells import Cell, Scored, column, failed
from ragbench.answers.metrics.base import AnswerMetric, Column, ScoringContext
from ragbench.core.answers import Answered, AnswerSet

_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_WORD = re.compile(r"[^\W_](?:[\w.,'’-]*[^\W_])?")


@dataclass(frozen=True)
class Length(AnswerMetric):
    """``length``: number of words of the answer. A Chinese or Japanese character counts as a word.

    The metric describes and does not rate: neither more nor less is better. Failed queries have no value.
    """

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``length``."""
        return [replace(column("length", answers, [_cell(answer) for answer in answers]), direction="none")]


def _cell(answer: Answered) -> Cell:
    if answer.failure:
        return failed(answer.failure)
    return Scored(float(len(_WORD.findall(_EAST_ASIAN.sub(r" \g<0> ", answer.answer)))))
