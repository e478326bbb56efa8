"""Offsets of the chunks of LangChain's ``RecursiveCharacterTextSplitter``.

Searching the text for a chunk finds the wrong place where the text repeats
itself. So the pieces carry their offset instead: the splitter cuts the text
into pieces in order, losing none, before it joins them, which makes the offset
of a piece the sum of the lengths before it.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from ragbench.corpus.chunkers.base import trimmed

if TYPE_CHECKING:
    from langchain_text_splitters import RecursiveCharacterTextSplitter


class _Piece(str):
    """A string that knows where in the document it begins."""

    __slots__ = ("start",)
    start: int

    @classmethod
    def at(cls, start: int, text: str) -> "_Piece":
        piece = cls(text)
        piece.start = start
        return piece


@lru_cache(maxsize=1)
def _tracker() -> "type[RecursiveCharacterTextSplitter]":
    """The splitter's class with offsets; made when first used, since the import is slow."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    class Tracker(RecursiveCharacterTextSplitter):
        """Pieces pass through here in the order of the text, before and after they are joined."""

        reached = 0

        def _merge_splits(self, splits: Iterable[str], separator: str) -> list[str]:
            pieces = []
            for split in splits:
                pieces.append(_Piece.at(self.reached, split))
                self.reached += len(split)
            return super()._merge_splits(pieces, separator)

        def _join_docs(self, docs: list[str], separator: str) -> str | None:
            joined = separator.join(docs)
            text = joined.strip()
            first = docs[0] if docs else None
            if not text or not isinstance(first, _Piece):
                return None
            return _Piece.at(first.start + len(joined) - len(joined.lstrip()), text)

    return Tracker


def split_spans(text: str, size: int, overlap: int, separators: Sequence[str]) -> list[tuple[int, int]]:
    """Spans of the splitter's chunks, without white space at their ends.

    Args:
        text: what to cut.
        size: most characters of a chunk, at least 2.
        overlap: most characters that neighbours share.
        separators: where to cut, the preferred first; "" (between characters) is the last in any case.
    """
    if len(text) <= size:
        # The splitter would return the text as it is, trimmed.
        start, end = trimmed(text, 0, len(text))
        return [(start, end)] if end > start else []
    # With "" at the end every chunk passes through `_merge_splits`, and so has its offset.
    every = [*separators, ""] if "" not in separators else list(separators)
    splitter = _tracker()(chunk_size=size, chunk_overlap=overlap, separators=every, keep_separator=True)
    chunks = cast("list[_Piece]", splitter.split_text(text))
    return [(chunk.start, chunk.start + len(chunk)) for chunk in chunks]
