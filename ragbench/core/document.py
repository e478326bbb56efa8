"""A document, and a chunk of one. The processes that read files import this module, and need no numpy for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragbench.core.brief import brief


@brief
@dataclass(frozen=True, slots=True)
class Document:
    """One document of a corpus.

    Attributes:
        id: unique within the corpus.
        text: the whole text; every offset in ragbench counts characters of this string.
        title: a title, or empty. It is not part of ``text``.
        metadata: whatever else is known (source file, pages, category), JSON values only.

    Examples:
        >>> document = rb.Document("returns", "You have 30 days to return an item.", title="Returns")
        >>> document.text[9:16]
        '30 days'
    """

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict)


@brief
@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document: ``document.text[start:end] == chunk.text``.

    Attributes:
        id: unique within the corpus.
        document_id: the document it was cut from.
        text: the piece itself.
        start: first character in the document's text.
        end: one past the last character.
        title: the document's title, for retrievers that index it beside the text.

    Examples:
        >>> chunk = rb.Chunk("returns#1", "returns", "30 days", start=9, end=16, title="Returns")
        >>> chunk.content
        'Returns 30 days'
    """

    id: str
    document_id: str
    text: str
    start: int
    end: int
    title: str = ""

    @property
    def content(self) -> str:
        """What a retriever indexes: title and text, joined by a space."""
        return f"{self.title} {self.text}" if self.title else self.text
