"""The score of an answer by a rubric: a criterion in words with a scale, as judged by a model."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from ragbench.answers.judge.grade import Graded, grade
from ragbench.answers.judge.replies import Lost
from ragbench.answers.judge.rubric import Rubric, read_rubric
from ragbench.answers.metrics._cells import (
    NO_GOLDEN,
    NO_REFERENCE,
    NO_SOURCES,
    Cell,
    Scored,
    column,
    failed,
    reference,
    session,
    texts_of,
    unscored,
)
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.goldens import GoldenItem
from ragbench.core.turns import in_conversation


@dataclass(frozen=True)
class RubricMetric(AnswerMetric):
    """The score that a judge gives an answer by a rubric, on the scale of the rubric.

    The judge reads the criterion and the scale, writes its reasons, and then chooses a score (one call per answer). A
    reply with another score has no value. An abstention is judged as any other answer; a failed answer has no value.

    Source: G-Eval (Liu et al. 2023) lets a model reason about a criterion before it scores, and Prometheus (Kim et al.
    2024) describes every score.

    Attributes:
        of: name of a rubric that comes with ragbench, or its YAML file.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"judge"})

    of: str = field(repr=False)
    rubric: Rubric = field(init=False, repr=False, compare=False)
    name: str = field(init=False)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        rubric = read_rubric(self.of)
        for key, value in (("rubric", rubric), ("name", rubric.name), ("fingerprint", rubric.fingerprint)):
            object.__setattr__(self, key, value)

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column with the name of the rubric."""
        asked = session(context)
        before = [self._before(answer, item) for answer, item in zip(answers, context.golden, strict=True)]
        came = iter(await grade([one for one in before if isinstance(one, Graded)], self.rubric, asked))
        cells: list[Cell] = []
        for one in before:
            if not isinstance(one, Graded):
                cells.append(one)
                continue
            found = next(came)
            if isinstance(found, Lost):
                cells.append(unscored(found))
            else:
                cells.append(Scored(found.score, {"score": found.score, "reasons": found.reasons}))
        low, high = self.rubric.range
        scored = replace(column(self.name, answers, cells), scale=(float(low), float(high)))
        return [replace(scored, direction="lower") if self.rubric.lower_is_better else scored]

    def _before(self, answer: Answered, item: GoldenItem | None) -> Graded | Cell:
        """What is graded, or the cell that is known without asking."""
        if answer.failure:
            return failed(answer.failure)
        sources, expected = list(texts_of(answer).values()), ""
        if "sources" in self.rubric.shows and not sources:
            return NO_SOURCES
        if "reference" in self.rubric.shows:
            if item is None:
                return NO_GOLDEN
            expected = reference(item) or ""
            if not expected:
                return NO_REFERENCE
        asked = answer.query if item is None else in_conversation(answer.query, item.history)
        return Graded(asked, answer.answer, sources, expected)


def rubric_specs(rubrics: Sequence[str]) -> list[dict[str, object]]:
    """The specs of the metrics for these rubrics, as ``--metric rubric:of=...`` gives them."""
    return [{"name": "rubric", "of": str(one)} for one in rubrics]
