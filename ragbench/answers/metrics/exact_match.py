"""Exact match."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragbench.answers.metrics._cells import Scored
from ragbench.answers.metrics._words import AgainstReference, normalised


@dataclass(frozen=True)
class ExactMatch(AgainstReference):
    """1 if the normalised answer is a normalised reference, the best of several; else 0.

    A query that is known to be unanswerable gives 1 for abstaining, as in SQuAD
    2.0. No answer, or abstaining where there is one, is 0.

    Attributes:
        language: ISO 639-1 code for all answers; None takes each golden item's metadata ``language``, else English.
            What each code means is in `ragbench.answers.metrics._words`.

    Source: Rajpurkar et al. 2016 and 2018, the official SQuAD scripts; for other languages MLQA's (Lewis et al. 2020).
    """

    name = "exact_match"

    def _compared(self, answer: str, expected: Sequence[str], language: str) -> Scored:
        said = normalised(answer, language)
        matched = next((one for one in expected if normalised(one, language) == said), None)
        return Scored(float(matched is not None), {"answer": said, "matched": matched, "language": language})
