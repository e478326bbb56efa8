"""No cutting at all."""

from dataclasses import dataclass
from typing import ClassVar

from ragbench.core.documents import Document
from ragbench.corpus.chunkers.base import Chunker


@dataclass(frozen=True)
class WholeChunker(Chunker):
    """A document is one chunk, with the document's own id: for corpora that are passages already."""

    whole: ClassVar[bool] = True

    def spans(self, document: Document) -> list[tuple[int, int]]:
        """The whole text, or nothing where it is blank."""
        return [(0, len(document.text))] if document.text.strip() else []
