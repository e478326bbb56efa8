"""Reject a query that is too short or too long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.core.errors import SettingError
from ragbench.golden.drafts import Draft, Opinion
from ragbench.golden.stages.base import ReviewContext, Stage, count_words


@dataclass(frozen=True)
class Length(Stage):
    """Reject queries that are too short or too long.

    Attributes:
        min_words: the fewest words. In scripts without spaces between words, four characters count as a word.
        max_words: the most.
    """

    alone: ClassVar[bool] = True

    min_words: int = 2
    max_words: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.min_words <= self.max_words:
            raise SettingError(
                f"stage 'length': min_words {self.min_words} and max_words {self.max_words}: 1 <= min <= max is needed"
            )

    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """Give one opinion per draft."""
        return [self._opinion(draft) for draft in drafts]

    def _opinion(self, draft: Draft) -> Opinion:
        count = count_words(draft.text)
        fault = ""
        if count < self.min_words:
            fault = f"{count} words are fewer than {self.min_words}"
        elif count > self.max_words:
            fault = f"{count} words are more than {self.max_words}"
        return Opinion("length", not fault, fault, {"words": count})
