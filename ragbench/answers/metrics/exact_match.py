"""Exact match with a reference answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragbench.answers.metrics._cells import Scored
from ragbench.answers.metrics._words import AgainstReference, normalised


@dataclass(frozen=True)
class ExactMatch(AgainstReference):
    """1 if the normalised answer equals a normalised reference, otherwise 0.

    Abstaining from an unanswerable query gives 1, as in SQuAD 2.0. A missing answer,
    or abstaining from an answerable query, gives 0.

    Attributes:
        language: ISO 639-1 code for all answers. None uses each golden item's metadata ``language``, or English.
            `ragbench.answers.metrics._words` says what each code means.

    Source: Rajpurkar et al. 2016 and 2018, the official SQuAD scripts; for other languages MLQA's (Lewis et al. 2020).
    """

    name = "exact_match"

    def _compared(self, answer: str, expected: Sequence[str], language: str) -> Scored:
        said = normalised(answer, language)
        matched = next((one for one in expected if normalised(one, language) == said), None)
        return Scored(float(matched is not None), {"answer": said, "matched": matched, "language": language})
