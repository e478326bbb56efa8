"""Windows of a fixed number of characters."""

from dataclasses import dataclass

from ragbench.core.documents import Document
from ragbench.corpus.chunkers.base import Chunker, check_size


@dataclass(frozen=True)
class FixedChunker(Chunker):
    """Windows of ``size`` characters, each beginning ``size - overlap`` after the one before.

    The last one ends with the text and may be shorter. Words are cut where a
    window ends. Windows of white space are left out.

    Attributes:
        size: characters of a chunk.
        overlap: characters that neighbours share.
    """

    size: int = 1200
    overlap: int = 200

    def __post_init__(self) -> None:
        check_size("fixed", self.size, self.overlap)

    def spans(self, document: Document) -> list[tuple[int, int]]:
        """The windows."""
        text, step = document.text, self.size - self.overlap
        # A window that begins within the last `overlap` characters would repeat the one before.
        starts = range(0, max(1, len(text) - self.overlap), step)
        windows = ((start, min(start + self.size, len(text))) for start in starts)
        return [(start, end) for start, end in windows if end > start and not text[start:end].isspace()]
