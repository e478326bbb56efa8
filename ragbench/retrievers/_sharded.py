"""Exact search over the parts of a corpus that workers hold: the rankings of one index of the whole.

Each part gives its own best k chunks, and the best k of all of them are among those. This process holds the queries and
the merged rankings. The words, the vectors and the indexes of the chunks stay with the workers.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context, Crew
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError
from ragbench.core.filters import Filter
from ragbench.core.runs import Query
from ragbench.models.embed.base import Embedder, TokenVectors
from ragbench.retrievers._filters import rows_of
from ragbench.retrievers._late import Floats
from ragbench.retrievers._neighbours import Device, Found, Neighbours
from ragbench.retrievers._postings import Statistics
from ragbench.retrievers._shard import Embedded
from ragbench.retrievers.base import Ranking
from ragbench.retrievers.bm25 import BM25, BM25Index
from ragbench.retrievers.dense import Dense, DenseIndex

TEXTS_AT_ONCE = 2048
"""Texts that each part embeds between two reports of progress."""
Rows = npt.NDArray[np.int32]


class ShardedBM25(BM25Index):
    """BM25 over the parts, with the statistics of the whole corpus.

    Raises:
        ArmError: no chunk has a word.
    """

    def __init__(self, settings: BM25, chunks: Chunks, crew: Crew) -> None:
        super().__init__(settings, None, chunks)
        self._crew = crew
        if not self._statistics(()).words:
            raise ArmError(settings.no_words())

    def _statistics(self, words: Sequence[str]) -> Statistics:
        return Statistics.total(self._crew.each("statistics", self.settings, words))

    def _rank(self, queries: Sequence[Query], k: int, filter_: Filter | None) -> Ranking:
        words = self._words(queries)
        whole = self._statistics(_distinct(words))
        allowed = None if filter_ is None else _by_part(rows_of(self._chunks, filter_), self._crew)
        return merged(self._crew.each("lexical", self.settings, words, whole, k, own=allowed), self._crew)

    def score(self, queries: Sequence[Query], rows: Rows) -> Floats:
        """BM25 scores (q, c) of the chunks ``rows`` (q, c) of each query; -1 stands for no chunk."""
        words = self._words(queries)
        whole = self._statistics(_distinct(words))
        found = self._crew.each("lexical_scores", self.settings, words, whole, own=rows_by_part(rows, self._crew))
        return _sum(found)


class ShardedNeighbours(Neighbours):
    """Vectors that the workers hold.

    Args:
        spec: the spec of the embedder.
        device: what the workers search on.
        crew: the workers.
    """

    def __init__(self, spec: str, device: Device, crew: Crew) -> None:
        self._spec, self._device, self._crew = spec, device, crew
        [*names] = dict.fromkeys(crew.each("dense", spec, device))
        self.name = " and ".join(names)

    def search(self, queries: Floats, k: int) -> Found:
        items, scores, _ = self.ranked(queries, k)
        return scores, items.astype(np.int64)

    def ranked(self, queries: Floats, k: int, allowed: npt.NDArray[np.bool_] | None = None) -> Ranking:
        """The best k of each part for each vector, and -1 where a part has fewer.

        Args:
            queries: float32 (q, d).
            k: how many.
            allowed: (n,) which chunks may be found; None for all.
        """
        own = None if allowed is None else _by_part(allowed, self._crew)
        return merged(self._crew.each("nearest", self._spec, self._device, queries, k, own=own), self._crew)


class ShardedDense(DenseIndex):
    """A dense index whose vectors the workers hold.

    Args:
        embedder: embeds the queries.
        settings: the settings of the retriever.
        chunks: the chunks.
        crew: the workers that hold them.
        context: the context of the job.
    """

    def __init__(self, embedder: Embedder, settings: Dense, chunks: Chunks, crew: Crew, context: Context) -> None:
        notes = embed_parts(embedder, settings.model, crew, context)
        self._held, self._chunks = ShardedNeighbours(settings.model, settings.device, crew), chunks
        super().__init__(embedder, self._held, chunks.ids, context if context.stored_queries else None)
        self.notes |= notes | {"search": self._held.name}

    @property
    def filters(self) -> bool:
        """It applies filters."""
        return True

    def _nearest_of(self, vectors: Floats, k: int, filter_: Filter) -> Ranking:
        return self._held.ranked(vectors, k, rows_of(self._chunks, filter_))


class ShardedSignals:
    """MaxSim and cosine of candidates, computed by the workers that hold them."""

    def __init__(self, embedder: Embedder, spec: str, crew: Crew, context: Context) -> None:
        self._spec, self._crew = spec, crew
        embed_parts(embedder, spec, crew, context)
        crew.each("late", spec)

    def __call__(self, token: TokenVectors, rows: Rows) -> Floats:
        """MaxSim and cosine (2, q, c) of the candidates ``rows`` (q, c) of each query; 0 where a row is -1."""
        return _sum(self._crew.each("signals", self._spec, token, own=rows_by_part(rows, self._crew)))


def embed_parts(embedder: Embedder, spec: str, crew: Crew, context: Context) -> dict[str, object]:
    """Have the workers embed the chunks that are not in their store. Returns the notes of a dense index."""
    with_tokens = embedder.fingerprint() in context.token_embedders
    sizes = np.diff(crew.bounds)
    found: list[Embedded] = []
    # Without a store, nothing would keep the vectors of a slice, so they are computed at the first search.
    steps = range(0, int(sizes.max()), TEXTS_AT_ONCE) if context.cache is not None else range(0)
    with context.progress("embedding chunks", int(sizes.sum())) as advance:
        for low in steps:
            found += crew.each("embed", spec, with_tokens, low, low + TEXTS_AT_ONCE)
            advance(int(np.clip(sizes - low, 0, TEXTS_AT_ONCE).sum()))
    for line in dict.fromkeys(line for one in found for line in one.said):
        context.say(line)
    encoded = sum(one.encoded for one in found) if context.cache is not None else int(sizes.sum())
    tokens_too = {"embedded_tokens_too": True} if any(one.with_tokens for one in found) else {}
    return {"embedded": encoded, **tokens_too}


def merged(rankings: Sequence[Ranking], crew: Crew) -> Ranking:
    """Merge the rankings of the parts. Rows of a part become rows of the whole."""
    moved = [np.where(one.items >= 0, one.items + low, -1) for one, low in zip(rankings, crew.bounds, strict=False)]
    return Ranking(
        np.concatenate(moved, axis=1).astype(np.int32, copy=False), np.concatenate([r.scores for r in rankings], axis=1)
    )


def rows_by_part(rows: Rows, crew: Crew) -> list[Rows]:
    """The rows (q, c) of the whole as rows of each part; -1 where a row is of another part."""
    return [
        np.where((rows >= low) & (rows < high), rows - low, -1).astype(np.int32, copy=False)
        for low, high in pairwise(crew.bounds)
    ]


def _by_part(mask: npt.NDArray[np.bool_], crew: Crew) -> list[npt.NDArray[np.bool_]]:
    return np.split(mask, np.asarray(crew.bounds[1:-1], dtype=np.int64))


def _sum(of_parts: Sequence[Floats]) -> Floats:
    """Add the values of the parts. A candidate is in one part, and the others give it 0."""
    total: Floats = np.sum(of_parts, axis=0, dtype=np.float32)
    return total


def _distinct(words: Sequence[Sequence[str]]) -> list[str]:
    return sorted({word for each in words for word in each})
