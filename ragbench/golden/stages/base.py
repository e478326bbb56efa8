"""The contract of a review stage."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.golden.drafts import Draft, Opinion
from ragbench.models.llm.base import Asker


@dataclass(frozen=True)
class ReviewContext:
    """What a stage may look at.

    Attributes:
        corpus: the documents.
        chunks: their chunks.
        askers: language models by role (``judge``, ``reconsider``); a missing role means: no model was named.
        seed: of the run.
        context: cache and progress, for retrievers and embedders.
    """

    corpus: Corpus
    chunks: Chunks
    askers: Mapping[str, Asker]
    seed: int
    context: Context


class Stage(ABC):
    """Accepts or rejects drafts. A subclass is a frozen dataclass whose fields are its settings."""

    role: ClassVar[str | None] = None
    """The language model it needs, by role; None for a stage that needs none."""

    @abstractmethod
    async def review(self, drafts: Sequence[Draft], context: ReviewContext) -> list[Opinion]:
        """One opinion per draft, in order. Only drafts whose rejection is not final are given."""
