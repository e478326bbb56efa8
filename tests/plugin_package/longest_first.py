"""A third-party retriever: chunks that share words with the query, the longest shared words first."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.runs import Query
from ragbench.retrievers.base import Index, Ranking, Retriever, padded


@dataclass(frozen=True)
class LongestFirst(Retriever):
    """Scores a chunk by the letters of the words that it shares with the query.

    Attributes:
        shortest: shared words shorter than this do not count.
    """

    shortest: int = 3

    def check(self) -> list[str]:
        return [] if self.shortest >= 1 else [f"shortest is {self.shortest}; it must be at least 1"]

    def index(self, chunks: Chunks, context: Context) -> Index:
        return LongestFirstIndex(self, chunks)


class LongestFirstIndex(Index):
    """The words of every chunk."""

    def __init__(self, settings: LongestFirst, chunks: Chunks) -> None:
        super().__init__(chunks.ids)
        self._settings = settings
        self._words = [self._long(text) for text in chunks.contents]

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        return padded([self._best(query.text, k) for query in queries])

    def _best(self, text: str, k: int) -> list[tuple[int, float]]:
        wanted = self._long(text)
        scored = [(row, float(sum(map(len, wanted & words)))) for row, words in enumerate(self._words)]
        found = [pair for pair in scored if pair[1] > 0]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]

    def _long(self, text: str) -> set[str]:
        return {word for word in text.lower().split() if len(word) >= self._settings.shortest}
