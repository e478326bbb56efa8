"""Token F1."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.answers.metrics._abstained import abstained
from ragbench.answers.metrics._cells import NO_GOLDEN, NO_REFERENCE, Cell, Scored, column
from ragbench.answers.metrics._expected import references, unanswerable
from ragbench.answers.metrics._normalise import language_of, tokens
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.goldens import GoldenItem


@dataclass(frozen=True)
class TokenF1(AnswerMetric):
    """Harmonic mean of precision and recall of the answer's words against a reference's, the best of several.

    Words are counted with their multiplicity, after normalisation. Unanswerable
    queries, failures and abstaining count as in ``exact_match``. Long answers to
    short references have low precision whatever they say.

    Attributes:
        language: as in ``exact_match``.

    Source: Rajpurkar et al. 2016, the official SQuAD script.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"golden", "reference"})

    language: str | None = None

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``token_f1``."""
        cells = [self._cell(answer, item) for answer, item in zip(answers, context.golden, strict=True)]
        return [column("token_f1", answers, cells)]

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
        said = tokens(answer.answer, language)
        parts = [(overlap(said, tokens(one, language)), one) for one in expected]
        (f1, precision, recall), best = max(parts, key=lambda part: part[0][0])
        detail = {"reference": best, "precision": precision, "recall": recall, "language": language}
        return Scored(f1, detail)


def overlap(said: Sequence[str], expected: Sequence[str]) -> tuple[float, float, float]:
    """F1, precision and recall of words; 1 or 0 where one of both has none."""
    if not said or not expected:
        equal = float(list(said) == list(expected))
        return equal, equal, equal
    same = sum((Counter(said) & Counter(expected)).values())
    if not same:
        return 0.0, 0.0, 0.0
    precision, recall = same / len(said), same / len(expected)
    return 2 * precision * recall / (precision + recall), precision, recall
