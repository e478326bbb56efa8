"""Context recall: the share of the reference answer's statements that the sources support, as judged by a model."""

from dataclasses import dataclass
from typing import ClassVar

from ragbench.answers.judge.replies import Lost
from ragbench.answers.judge.statements import Said, claims, split
from ragbench.answers.judge.verdicts import Held, claim, judge
from ragbench.answers.metrics._cells import (
    NO_GOLDEN,
    NO_REFERENCE,
    NO_SOURCES,
    NO_STATEMENT_EXPECTED,
    Cell,
    Scored,
    column,
    reference,
    session,
    texts_of,
    unscored,
)
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.goldens import GoldenItem


@dataclass(frozen=True)
class ContextRecall(AnswerMetric):
    """The share of the reference answer's statements that the sources support.

    The metric judges the retrieval, so abstentions have a value too. A failed query
    without sources is 0. Of several references, the first counts.

    Source: Ragas, "Context Recall". Ragas takes the sentences of the reference and sees all sources as one text; here a
    sentence that says two things is two statements, and each names the sources that support it.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"golden", "reference", "sources", "judge"})

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``context_recall``."""
        asked = session(context)
        pairs = list(zip(answers, context.golden, strict=True))
        cells: list[Cell | None] = [_before(answer, item) for answer, item in pairs]
        rows = [at for at, cell in enumerate(cells) if cell is None]
        said = await split([Said(pairs[at][0].query, _expected(pairs[at][1])) for at in rows], asked)
        held: dict[int, Held] = {}
        for at, found in zip(rows, said, strict=True):
            if isinstance(found, Lost):
                cells[at] = unscored(found)
            elif not found:
                cells[at] = NO_STATEMENT_EXPECTED
            else:
                held[at] = Held(answers.items[at].query, found, texts_of(answers.items[at]))
        judged = await judge(list(held.values()), asked)
        for (at, one), rulings in zip(held.items(), judged, strict=True):
            if isinstance(rulings, Lost):
                cells[at] = unscored(rulings)
                continue
            kept = [claim(statement, (ruling,)) for statement, ruling in zip(one.statements, rulings, strict=True)]
            value = sum(each["verdict"] == "supported" for each in kept) / len(kept)
            cells[at] = Scored(value, claims(kept, of="reference", against="sources"))
        return [column("context_recall", answers, [cell for cell in cells if cell is not None])]


def _expected(item: GoldenItem | None) -> str:
    return (reference(item) if item is not None else None) or ""


def _before(answer: Answered, item: GoldenItem | None) -> Cell | None:
    if item is None:
        return NO_GOLDEN
    if not _expected(item):
        return NO_REFERENCE
    if texts_of(answer):
        return None
    return Scored(0.0, {"no_answer": answer.failure}) if answer.failure else NO_SOURCES
