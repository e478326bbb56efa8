"""One part of a corpus, in the process that searches it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.engine import embed
from ragbench.models.embed.base import Embedder, TokenVectors
from ragbench.plugins import EMBEDDERS, build
from ragbench.retrievers._cut import first_rows
from ragbench.retrievers._late import VectorSignals
from ragbench.retrievers._neighbours import Device, Neighbours, exact
from ragbench.retrievers._postings import Postings, Statistics
from ragbench.retrievers.base import Ranking
from ragbench.retrievers.bm25 import BM25
from ragbench.retrievers.dense import nearest, nearest_among

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Built = TypeVar("Built")


class Embedded(NamedTuple):
    """What a part reports when it has embedded chunks.

    Attributes:
        encoded: how many texts were embedded, and not found in the store.
        with_tokens: whether the same pass stored their token vectors.
        said: lines for the user.
    """

    encoded: int
    with_tokens: bool
    said: tuple[str, ...]


class Shard:
    """One part of a corpus. What a call needs is built when it is first asked for, and kept for further systems.

    Calls have no other effect, so a process that was started again gives the same answers.

    Args:
        table: a `pyarrow.Table` of the n chunks, with the columns ``id`` and ``content``.
        cache: folder of the stores of vectors; None stores nothing.
    """

    def __init__(self, table: Any, cache: Path | None) -> None:
        self._ids: list[str] = table["id"].to_pylist()
        self._contents: list[str] = table["content"].to_pylist()
        self._cache = cache
        self._built: dict[object, Any] = {}

    def _once(self, key: object, make: Callable[[], Built]) -> Built:
        if key not in self._built:
            self._built[key] = make()
        built: Built = self._built[key]
        return built

    # BM25.

    def _postings(self, settings: BM25) -> Postings:
        key = ("postings", settings.language, settings.stem, settings.stop)
        return self._once(key, lambda: Postings(settings, self._contents))

    def statistics(self, settings: BM25, words: Sequence[str]) -> Statistics:
        """Its statistics for some words. The first call reads all texts."""
        return self._postings(settings).statistics(words)

    def lexical(
        self, settings: BM25, queries: Sequence[Sequence[str]], whole: Statistics, k: int, allowed: Mask | None = None
    ) -> Ranking:
        """Its best k chunks for the words of each query.

        Args:
            settings: the formula.
            queries: the words of each query.
            whole: the statistics of the whole corpus for them.
            k: how many.
            allowed: (n,) which chunks may be found; None for all.
        """
        postings = self._postings(settings)
        rows = np.full((len(queries), min(k, len(self._ids))), -1, dtype=np.int32)
        scores = np.zeros(rows.shape, dtype=np.float32)
        for position, words in enumerate(queries):
            every = postings.scores(settings, words, whole)
            found = first_rows(every if allowed is None else every * allowed, rows.shape[1], self._ids)
            rows[position, : len(found)], scores[position, : len(found)] = found, every[found]
        return Ranking(rows, scores)

    def lexical_scores(
        self, settings: BM25, queries: Sequence[Sequence[str]], whole: Statistics, rows: npt.NDArray[np.int32]
    ) -> Floats:
        """The scores (q, c) of its chunks ``rows`` (q, c) for the words of each query; 0 where a row is -1."""
        postings = self._postings(settings)
        out = np.zeros(rows.shape, dtype=np.float32)
        for position, words in enumerate(queries):
            valid = rows[position] >= 0
            if valid.any():
                out[position, valid] = postings.scores(settings, words, whole)[rows[position][valid]]
        return out

    # Vectors.

    def _embedder(self, spec: str) -> Embedder:
        return self._once(("embedder", spec), lambda: cast(Embedder, build(EMBEDDERS, spec)))

    def embed(self, spec: str, with_tokens: bool, low: int, high: int) -> Embedded:
        """Embed the chunks from ``low`` to ``high``, and store their vectors.

        Args:
            spec: the spec of an embedder.
            with_tokens: whether token vectors are stored in the same pass.
            low: the first chunk.
            high: the one after the last.
        """
        embedder, said = self._embedder(spec), list[str]()
        tokens = frozenset([embedder.fingerprint()]) if with_tokens else frozenset[str]()
        context = Context(self._cache, say=said.append, token_embedders=tokens)
        found = embed(embedder, self._contents[low:high], "passage", context)
        return Embedded(found.encoded, found.with_tokens, tuple(said))

    def _vectors(self, spec: str) -> Floats:
        def make() -> Floats:
            return embed(self._embedder(spec), self._contents, "passage", Context(self._cache)).vectors

        return self._once(("vectors", spec), make)

    def _neighbours(self, spec: str, device: Device) -> Neighbours:
        return self._once(("neighbours", spec, device), lambda: exact(self._vectors(spec), device))

    def dense(self, spec: str, device: Device) -> str:
        """Make its vectors ready. Returns the name of what searches them."""
        return self._neighbours(spec, device).name

    def nearest(self, spec: str, device: Device, vectors: Floats, k: int, allowed: Mask | None = None) -> Ranking:
        """Its k nearest chunks of each vector.

        Args:
            spec: the spec of the embedder.
            device: what searches.
            vectors: float32 (q, d) of unit length.
            k: how many.
            allowed: (n,) which chunks may be found; None for all.
        """
        if allowed is None:
            return nearest(self._neighbours(spec, device), vectors, k, self._ids)
        return nearest_among(self._vectors(spec), vectors, k, self._ids, allowed)

    # The late-interaction blend.

    def _signals(self, spec: str) -> VectorSignals:
        def make() -> VectorSignals:
            return VectorSignals(self._embedder(spec), self._vectors(spec), self._contents, Context(self._cache))

        return self._once(("late", spec), make)

    def late(self, spec: str) -> None:
        """Make the signals of its vectors ready."""
        self._signals(spec)

    def signals(self, spec: str, token: TokenVectors, rows: npt.NDArray[np.int32]) -> Floats:
        """MaxSim and cosine (2, q, c) of its candidates ``rows`` (q, c) for each query; 0 where a row is -1."""
        return self._signals(spec)(token, rows)
