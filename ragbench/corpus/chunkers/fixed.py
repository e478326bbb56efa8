"""Windows of a fixed number of characters."""

from dataclasses import dataclass

from ragbench.core.document import Document
from ragbench.corpus.chunkers.base import Chunker, check_size


@dataclass(frozen=True)
class FixedChunker(Chunker):
    """Windows of ``size`` characters, each beginning ``size - overlap`` after the one before.

    The last window ends with the text and may be shorter. Windows cut words. Windows of only white space are skipped.

    Attributes:
        size: characters of a chunk.
        overlap: characters that neighbours share.
    """

    size: int = 1200
    overlap: int = 200

    def __post_init__(self) -> None:
        check_size("fixed", self.size, self.overlap)

    def spans(self, document: Document) -> list[tuple[int, int]]:
        """Return the windows."""
        text, step = document.text, self.size - self.overlap
        # A window that begins in the last `overlap` characters would repeat the one before.
        starts = range(0, max(1, len(text) - self.overlap), step)
        windows = ((start, min(start + self.size, len(text))) for start in starts)
        return [(start, end) for start, end in windows if end > start and not text[start:end].isspace()]
