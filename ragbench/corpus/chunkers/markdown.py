"""Cut Markdown into sections."""

from collections.abc import Iterator
from dataclasses import dataclass

from ragbench.core.document import Document
from ragbench.core.errors import SettingError
from ragbench.corpus.boundaries import headings, split_spans
from ragbench.corpus.chunkers.base import Chunker, check_size, trimmed

_SEPARATORS = ("\n\n", "\n", " ", "")


@dataclass(frozen=True)
class MarkdownChunker(Chunker):
    """Cut into sections, each from its heading to the next. A section longer than ``size`` is cut further.

    A heading with nothing under it belongs to the section that follows. Headings in fenced code blocks do not count.

    Attributes:
        size: most characters of a chunk, at least 2.
        overlap: most characters that the parts of a long section share.
        level: deepest heading that begins a section, 1 (``#``) to 6 (``######``).
    """

    size: int = 1000
    overlap: int = 0
    level: int = 6

    def __post_init__(self) -> None:
        check_size("markdown", self.size, self.overlap, least=2)
        if not 1 <= self.level <= 6:
            raise SettingError(f"chunker 'markdown': level must be from 1 to 6, not {self.level}")

    def spans(self, document: Document) -> list[tuple[int, int]]:
        """Return sections and parts of sections."""
        text = document.text
        found: list[tuple[int, int]] = []
        for start, end in _sections(text, self.level):
            start, end = trimmed(text, start, end)
            if end - start <= self.size:
                found += [(start, end)] * (end > start)
            else:
                pieces = split_spans(text[start:end], self.size, self.overlap, _SEPARATORS)
                found += [(start + low, start + high) for low, high in pieces]
        # The splitter repeats a piece whose neighbour differs in white space alone.
        return list(dict.fromkeys(found))


def _sections(text: str, level: int) -> Iterator[tuple[int, int]]:
    """Iterate over spans that begin at headings and together cover the text."""
    begun = body = 0
    for heading in headings(text):
        if heading.level > level:
            continue
        start = heading.start
        if text[body:start].strip():
            yield begun, start
            begun = start
        body = heading.after
    yield begun, len(text)
