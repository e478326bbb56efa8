"""Cut with LangChain's recursive splitter, with exact offsets."""

from dataclasses import dataclass

from ragbench.core.document import Document
from ragbench.corpus.boundaries import split_spans
from ragbench.corpus.chunkers.base import Chunker, check_size, trimmed
from ragbench.corpus.titles import joined_titles

SEPARATORS = ("\n\n", "\n", " ", "")


@dataclass(frozen=True)
class RecursiveChunker(Chunker):
    """Cut at the first separator that occurs, cut pieces that are too long at the next, and join neighbours up to
    ``size``.

    The chunks are those of LangChain's ``RecursiveCharacterTextSplitter``, unless ``join_titles`` is set.

    Attributes:
        size: most characters of a chunk, at least 2.
        overlap: most characters that neighbours share; whole pieces only.
        separators: texts to cut at, preferred ones first. A piece without any of them is cut between characters.
        join_titles: keep a title with the beginning of the text below it, instead of a chunk with the title alone.
    """

    size: int = 1000
    overlap: int = 200
    separators: tuple[str, ...] = SEPARATORS
    join_titles: bool = False

    def __post_init__(self) -> None:
        check_size("recursive", self.size, self.overlap, least=2)

    def spans(self, document: Document) -> list[tuple[int, int]]:
        """Return the pieces, without white space at their ends."""
        text = document.text
        if not self.join_titles:
            # Two pieces that differ in white space alone are one piece without it.
            return list(dict.fromkeys(split_spans(text, self.size, self.overlap, self.separators)))
        found = split_spans(joined_titles(text, self.size), self.size, self.overlap, self.separators)
        # A piece may begin or end in what joins a title, which is white space in the document.
        return list(dict.fromkeys(span for pair in found if (span := trimmed(text, *pair))[1] > span[0]))
