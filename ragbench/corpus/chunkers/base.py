"""The contract of a chunker."""

from abc import ABC, abstractmethod

from ragbench.core.documents import Document


class Chunker(ABC):
    """Cuts a document into spans. A subclass is a frozen dataclass whose fields are its settings.

    A chunker returns character offsets, never text, so that
    ``document.text[start:end] == chunk.text`` holds by construction.
    """

    @abstractmethod
    def spans(self, document: Document) -> list[tuple[int, int]]:
        """Spans ``(start, end)`` in ascending order; none is empty or only white space."""
