"""Leave documents whole."""

from dataclasses import dataclass
from typing import ClassVar

from ragbench.core.document import Document
from ragbench.corpus.chunkers.base import Chunker


@dataclass(frozen=True)
class WholeChunker(Chunker):
    """Make each document one chunk with the document's id, for a corpus of ready passages."""

    whole: ClassVar[bool] = True

    def spans(self, document: Document) -> list[tuple[int, int]]:
        """Return the whole text, or nothing if it is blank."""
        return [(0, len(document.text))] if document.text.strip() else []
