"""Numeric match with a reference answer."""

from dataclasses import dataclass
from typing import ClassVar

from ragbench.answers.metrics._cells import (
    NO_GOLDEN,
    NO_REFERENCE,
    Cell,
    Scored,
    Unscored,
    column,
    references,
    unanswerable,
)
from ragbench.answers.metrics._numbers import Mark, numbers
from ragbench.answers.metrics._phrases import abstained
from ragbench.answers.metrics.base import AnswerMetric, Column, Need, ScoringContext
from ragbench.core.answers import Answered, AnswerSet
from ragbench.core.errors import SettingError
from ragbench.core.goldens import GoldenItem

NO_NUMBER = Unscored("not-applicable", "no reference answer has a number")
UNANSWERABLE = Unscored("not-applicable", "the query is unanswerable: there is no number to match")


@dataclass(frozen=True)
class Numeric(AnswerMetric):
    """1 if the answer contains every number of a reference within the tolerance, otherwise 0.

    The best of several references counts. Other numbers in the answer do not matter.
    Thousands separators, scale words (million, bn), powers of ten and a leading
    currency sign are understood. If both sides have a unit of the table in `ragbench.answers.metrics._numbers`, the
    units are converted (1.5 kWh is 1500 Wh), and different measures never match. A
    unit on one side only is ignored, so 12% matches 12. Numbers in words, and ranges
    as ranges, are not understood. A missing answer, or abstaining, gives 0.

    Attributes:
        relative: tolerance as a share of the reference.
        absolute: tolerance in the reference's unit, if it is larger. It alone counts for a reference of 0.
        decimal: ``.`` or ``,``: the decimal mark of answers and references.

    Raises:
        SettingError: a tolerance is negative.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"golden", "reference"})

    relative: float = 0.001
    absolute: float = 0.0
    decimal: Mark = "."

    def __post_init__(self) -> None:
        if not (self.relative >= 0 and self.absolute >= 0):
            raise SettingError("numeric: relative and absolute must be 0 or more")

    async def score(self, answers: AnswerSet, context: ScoringContext) -> list[Column]:
        """The column ``numeric``."""
        cells = [self._cell(answer, item) for answer, item in zip(answers, context.golden, strict=True)]
        return [column("numeric", answers, cells)]

    def _cell(self, answer: Answered, item: GoldenItem | None) -> Cell:
        if item is None:
            return NO_GOLDEN
        if unanswerable(item):
            return UNANSWERABLE
        expected = references(item)
        if not expected:
            return NO_REFERENCE
        wanted = [found for one in expected if (found := numbers(one, self.decimal))]
        if not wanted:
            return NO_NUMBER
        if answer.failure or abstained(answer):
            return Scored(0.0, {"no_answer": answer.failure or "abstained"})
        said = numbers(answer.answer, self.decimal)
        right = any(
            all(any(one.matches(two, self.relative, self.absolute) for one in said) for two in reference)
            for reference in wanted
        )
        detail = {"said": [one.written for one in said], "expected": [[two.written for two in ref] for ref in wanted]}
        return Scored(float(right), detail)
