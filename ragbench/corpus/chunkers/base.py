"""The contract of a chunker."""

from abc import ABC, abstractmethod
from typing import ClassVar

from ragbench.core.document import Document
from ragbench.core.errors import SettingError


class Chunker(ABC):
    """Cuts a document into spans. A subclass is a frozen dataclass whose fields are its settings.

    A chunker returns character offsets, never text, so that
    ``document.text[start:end] == chunk.text`` holds by construction.
    """

    whole: ClassVar[bool] = False
    """Whether a document is always one chunk, which then carries the document's own id."""

    @abstractmethod
    def spans(self, document: Document) -> list[tuple[int, int]]:
        """Return spans ``(start, end)`` in ascending order, none of them empty or only white space."""


def check_size(name: str, size: int, overlap: int, *, least: int = 1) -> None:
    """Check the two settings that most chunkers have.

    Raises:
        SettingError: ``size`` is below ``least``, or ``overlap`` is negative or not below ``size``.
    """
    if size < least:
        raise SettingError(f"chunker {name!r}: size must be at least {least}, not {size}")
    if not 0 <= overlap < size:
        raise SettingError(f"chunker {name!r}: overlap must be from 0 to size - 1 = {size - 1}, not {overlap}")


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Trim white space at the ends of a span; ``(start, start)`` if nothing is left."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return (start + left, start + len(piece.rstrip())) if left < len(piece) else (start, start)
