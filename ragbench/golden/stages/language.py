"""Reject a query that is not in the requested language."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.core.errors import SettingError
from ragbench.corpus.languages import detector
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.stages.base import ReviewContext, Stage


@dataclass(frozen=True)
class Language(Stage):
    """Reject queries that are clearly in another language, and accept those that cannot be decided.

    The detector is py3langid (naive Bayes over byte n-grams; Lui and Baldwin
    2012). Names and technical terms look alike in many languages, so the difference of the two log probabilities must
    be large. Of 540 English queries (from the sample shop and SciFact), 11 are guessed wrong, the worst by 6.6. Seven
    short German ones differ from English by 15 to 78.

    Attributes:
        margin: how much more likely another language must be, as a difference of natural logarithms.
    """

    alone: ClassVar[bool] = True

    margin: float = 10.0

    def __post_init__(self) -> None:
        if not self.margin >= 0:
            raise SettingError(f"stage 'language': margin is {self.margin}; it must be 0 or more")

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft."""
        return [self._opinion(draft) for draft in drafts]

    def _opinion(self, draft: Draft) -> Opinion:
        scores: dict[str, float] = dict(detector().rank(draft.text))
        best = max(scores, key=lambda code: (scores[code], code))
        if draft.language not in scores:
            return Opinion("language", True, f"the detector does not know {draft.language!r}")
        ahead = scores[best] - scores[draft.language]
        detail = {"likeliest": best, "ahead": round(ahead, 2)}
        if ahead >= self.margin:
            reason = f"it is in {best!r} rather than in {draft.language!r}"
            return Opinion("language", False, reason, detail)
        return Opinion("language", True, "" if best == draft.language else "too close to tell", detail)


def likeliest_language(text: str) -> str:
    """ISO 639-1 code of the language that a text is in most likely."""
    code: str = detector().classify(text)[0]
    return code
