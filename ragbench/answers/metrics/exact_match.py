"""Exact match."""

from dataclasses import dataclass
from typing import ClassVar

from ragbench.answers.metrics._abstained import abstained
from ragbench.answers.metrics._cells import NO_GOLDEN, NO_REFERENCE, Cell, Scored, column
from ragbench.answers.metrics._expected import references, unanswerable
from ragbench.answers.metrics._normalise import language_of, normalised
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.goldens import GoldenItem


@dataclass(frozen=True)
class ExactMatch(AnswerMetric):
    """1 if the normalised answer is a normalised reference, the best of several; else 0.

    A query that is known to be unanswerable gives 1 for abstaining, as in SQuAD
    2.0. No answer, or abstaining where there is one, is 0.

    Attributes:
        language: ISO 639-1 code for all answers; None takes each golden item's metadata ``language``, else English.
            What each code means is in `ragbench.answers.metrics._normalise`.

    Source: Rajpurkar et al. 2016 and 2018, the official SQuAD scripts; for other languages MLQA's (Lewis et al. 2020).
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"golden", "reference"})

    language: str | None = None

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``exact_match``."""
        cells = [self._cell(answer, item) for answer, item in zip(answers, context.golden, strict=True)]
        return [column("exact_match", answers, cells)]

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
        language = language_of(item, self.language)
        said = normalised(answer.answer, language)
        matched = next((one for one in expected if normalised(one, language) == said), None)
        return Scored(float(matched is not None), {"answer": said, "matched": matched, "language": language})
