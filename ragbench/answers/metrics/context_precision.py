"""Context precision: how highly the useful sources are ranked, as judged by a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from ragbench.answers.judge.replies import Lost
from ragbench.answers.judge.usefulness import Shown, usefulness
from ragbench.answers.metrics._cells import (
    NO_GOLDEN,
    NO_REFERENCE,
    NO_SOURCES,
    SILENT,
    Cell,
    Scored,
    column,
    failed,
    reference,
    session,
    texts_of,
    unscored,
)
from ragbench.answers.metrics._phrases import abstained
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.goldens import GoldenItem


@dataclass(frozen=True)
class ContextPrecision(AnswerMetric):
    """Average precision of the ranked sources, where a source is relevant if a judge calls it useful for the answer.

    The value is ``sum(precision@k * useful_k) / sum(useful_k)``, and 0 if no source is useful.
    The metric does not see sources that were not retrieved: one useful source at the top gives 1.

    Source: Ragas, "Context Precision" with and without reference. Ragas asks once per source, this metric
    once per answer with all sources.

    Attributes:
        against: usefulness for the ``reference`` answer, or for the system's own ``answer``, which
            needs no reference. Abstentions have a value with the reference only.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"golden", "reference", "sources", "judge"})

    against: Literal["reference", "answer"] = "reference"

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``context_precision``."""
        asked = session(context)
        pairs = list(zip(answers, context.golden, strict=True))
        before = [self._before(answer, item) for answer, item in pairs]
        shown = [one for one in before if isinstance(one, Shown)]
        found = iter(await usefulness(shown, asked))
        cells: list[Cell] = []
        for one in before:
            if not isinstance(one, Shown):
                cells.append(one)
                continue
            judged = next(found)
            if isinstance(judged, Lost):
                cells.append(unscored(judged))
                continue
            detail = [{"source": id_, "useful": each.useful, "reason": each.reason} for id_, each in judged.items()]
            cells.append(Scored(average_precision([each.useful for each in judged.values()]), {"sources": detail}))
        return [column("context_precision", answers, cells)]

    def _before(self, answer: Answered, item: GoldenItem | None) -> Shown | Cell:
        """The question for the judge, or the cell that is known without asking."""
        if self.against == "reference":
            if item is None:
                return NO_GOLDEN
            expected = reference(item)
            if expected is None:
                return NO_REFERENCE
        else:
            if answer.failure:
                return failed(answer.failure)
            if abstained(answer):
                return SILENT
            expected = answer.answer
        texts = texts_of(answer)
        if not texts:
            return failed(answer.failure) if answer.failure else NO_SOURCES
        return Shown(answer.query, expected, texts)


def average_precision(useful: Sequence[bool]) -> float:
    """Average precision of a ranking; 0 if nothing is useful."""
    hits, total = 0, 0.0
    for rank, one in enumerate(useful, 1):
        if one:
            hits += 1
            total += hits / rank
    return total / hits if hits else 0.0
