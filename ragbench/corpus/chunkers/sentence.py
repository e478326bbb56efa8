"""Join whole sentences up to a size."""

from dataclasses import dataclass

from ragbench.core.document import Document
from ragbench.core.errors import SettingError
from ragbench.corpus.boundaries import sentence_spans, split_spans
from ragbench.corpus.chunkers.base import Chunker, check_size


@dataclass(frozen=True)
class SentenceChunker(Chunker):
    """Neighbouring sentences (`ragbench.corpus.boundaries`) up to ``size`` characters.

    A sentence longer than ``size`` is cut at white space.

    Attributes:
        size: most characters of a chunk, at least 2.
        overlap: sentences that neighbours share, as far as they fit.
    """

    size: int = 1000
    overlap: int = 1

    def __post_init__(self) -> None:
        check_size("sentence", self.size, 0, least=2)
        if self.overlap < 0:
            raise SettingError(f"chunker 'sentence': overlap counts sentences and must not be below 0: {self.overlap}")

    def spans(self, document: Document) -> list[tuple[int, int]]:
        """Return groups of sentences."""
        sentences = fitting(document.text, sentence_spans(document.text), self.size)
        groups: list[tuple[int, int]] = []
        first = 0
        for last, (_, end) in enumerate(sentences):
            if end - sentences[first][0] <= self.size:
                continue
            groups.append((sentences[first][0], sentences[last - 1][1]))
            # Repeat as many of the last sentences as fit beside the next one, but never the whole group.
            first = max(first + 1, last - self.overlap)
            while end - sentences[first][0] > self.size:
                first += 1
        if sentences:
            groups.append((sentences[first][0], sentences[-1][1]))
        return groups


def fitting(text: str, spans: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """Cut spans that are longer than ``size`` characters at line ends, spaces or between characters."""
    cut: list[tuple[int, int]] = []
    for start, end in spans:
        if end - start <= size:
            cut.append((start, end))
        else:
            pieces = split_spans(text[start:end], size, 0, ("\n\n", "\n", " ", ""))
            cut.extend((start + low, start + high) for low, high in pieces)
    return cut
