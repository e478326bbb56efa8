"""What the metrics that compare words with a reference share."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.answers.metrics._abstained import abstained
from ragbench.answers.metrics._cells import NO_GOLDEN, NO_REFERENCE, Cell, Scored, column
from ragbench.answers.metrics._expected import references, unanswerable
from ragbench.answers.metrics._normalise import language_of
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.goldens import GoldenItem


@dataclass(frozen=True)
class AgainstReference(AnswerMetric):
    """Words of the answer against those of the references, the best of several.

    A query that is known to be unanswerable gives 1 for abstaining, as in SQuAD
    2.0. No answer, or abstaining where there is one, is 0.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[Need]] = frozenset({"golden", "reference"})

    language: str | None = None

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """One column, called ``name``."""
        cells = [self._cell(answer, item) for answer, item in zip(answers, context.golden, strict=True)]
        return [column(self.name, answers, cells)]

    @abstractmethod
    def _compared(self, answer: str, expected: Sequence[str], language: str) -> Scored:
        """The value of an answer against at least one reference."""

    def _cell(self, answer: Answered, item: GoldenItem | None) -> Cell:
        if item is None:
            return NO_GOLDEN
        if unanswerable(item):
            return Scored(float(abstained(answer)), {"unanswerable": True})
        expected = references(item)
        if not expected:
            return NO_REFERENCE
        if answer.failure or abstained(answer):
            return Scored(0.0, {"no_answer": answer.failure or "abstained"})
        return self._compared(answer.answer, expected, language_of(item, self.language))
