"""Dense retrieval: any embedder, FAISS on the CPU, FAISS or PyTorch on a GPU."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError, SettingError
from ragbench.core.filters import Filter
from ragbench.core.fingerprint import fingerprint
from ragbench.core.runs import Query
from ragbench.engine import embed
from ragbench.models.embed.base import Embedder
from ragbench.plugins import EMBEDDERS, build
from ragbench.retrievers._cut import nearest_rows
from ragbench.retrievers._filters import each_filter, rows_of
from ragbench.retrievers._neighbours import (
    Approximation,
    Device,
    FaissFlat,
    Neighbours,
    approximate,
    exact,
    exact_kind,
    nearest_of,
)
from ragbench.retrievers.base import Index, Ranking, Retriever


@dataclass(frozen=True)
class Dense(Retriever):
    """Rank chunks by the inner product of unit vectors, which is the cosine.

    Attributes:
        model: spec of an embedder (``ragbench.models.embed``).
        index_type: ``flat`` is exact; ``ivf`` and ``hnsw`` are approximate. An evaluation
            reports their recall against exact search on its own queries.
        encoding: how ``ivf`` and ``hnsw`` hold the vectors: ``flat`` as float32, ``sq8`` with 8 bits a number
            (FAISS's scalar quantizer), a quarter of the bytes. ``sq8`` also rounds the scores.
        device: ``auto`` uses a GPU if FAISS-GPU or PyTorch can.
        nlist: IVF cells (0: four times the square root of the number of chunks).
        nprobe: IVF cells searched per query.
        m: HNSW links per node.
        ef_construction: HNSW candidates while building.
        ef_search: HNSW candidates while searching.

    Source: Johnson et al. 2019 for FAISS; Malkov and Yashunin 2018 for HNSW.
    """

    model: str = "minilm"
    index_type: Literal["flat", "ivf", "hnsw"] = "flat"
    encoding: Literal["flat", "sq8"] = "flat"
    device: Device = "auto"
    nlist: int = 0
    nprobe: int = 16
    m: int = 32
    ef_construction: int = 200
    ef_search: int = 128

    @property
    def embedders(self) -> frozenset[str]:
        """Its model."""
        return frozenset((self.model,))

    def check(self) -> list[str]:
        """Check the ranges of the settings, and that the embedder exists."""
        faults = [
            f"{name} is {value}; it must be at least {least}"
            for name, value, least in (
                ("nlist", self.nlist, 0),
                ("nprobe", self.nprobe, 1),
                ("m", self.m, 2),
                ("ef_construction", self.ef_construction, 1),
                ("ef_search", self.ef_search, 1),
            )
            if value < least
        ]
        if self.encoding != "flat" and self.index_type == "flat":
            faults.append(f"encoding is {self.encoding}; it needs index_type=ivf or index_type=hnsw, as flat is exact")
        if self.device == "gpu" and self.index_type != "flat":
            faults.append("on a GPU only index_type=flat is available; it is exact and faster than the CPU indexes")
        try:
            build(EMBEDDERS, self.model)
        except SettingError as error:
            faults.append(str(error))
        return faults

    def key(self) -> str:
        """Fingerprint of the settings and of the embedder that ``model`` names.

        A GPU changes the latency, so its runs are not those of a CPU.

        Raises:
            MissingExtra: there is no GPU, and ``device`` asks for one.
        """
        settings = {name: value for name, value in vars(self).items() if name != "device"}
        kind = exact_kind(self.device) if self.index_type == "flat" else FaissFlat
        if kind is not FaissFlat:
            settings["search"] = kind.__name__
        return fingerprint(["dense", settings, build(EMBEDDERS, self.model).fingerprint()])

    def index(self, chunks: Chunks, context: Context) -> "DenseIndex":
        """Embed the chunks that are not in the store, and build the index.

        Raises:
            ArmError: workers search the chunks, and the index is approximate.
        """
        embedder = cast(Embedder, build(EMBEDDERS, self.model))
        if context.spread is not None:
            from ragbench.retrievers._sharded import ShardedDense

            if self.index_type != "flat":
                raise ArmError(
                    f"workers search exactly, so index_type={self.index_type} is not available: leave it out, or "
                    "evaluate this system in one process"
                )
            crew = context.spread(chunks.ids, chunks.contents)
            return ShardedDense(embedder, self, chunks, crew, context)
        vectors, encoded, with_tokens = embed(embedder, chunks.contents, "passage", context)
        approximation, start = None, time.perf_counter()
        if self.index_type == "flat":
            neighbours = exact(vectors, self.device)
        else:
            built = approximate(vectors, self._factory(len(vectors)), self._search_settings(), context.seed)
            seconds = time.perf_counter() - start
            neighbours, approximation = built, Approximation(embedder, chunks.fingerprint, vectors, built, seconds)
        index = DenseIndex(embedder, neighbours, chunks.ids, context if context.stored_queries else None)
        index.approximation = approximation
        index.filter_by(chunks, vectors)
        index.notes["embedded"] = encoded
        if with_tokens:
            index.notes["embedded_tokens_too"] = True
        index.notes["search"] = neighbours.name
        return index

    def _factory(self, n: int) -> str:
        encoding = {"flat": "Flat", "sq8": "SQ8"}[self.encoding]
        if self.index_type == "hnsw":
            return f"HNSW{self.m},{encoding}"
        # Below 39 points per cell, FAISS warns that k-means has too few points.
        return f"IVF{self.nlist or max(1, min(round(4 * n**0.5), n // 39))},{encoding}"

    def _search_settings(self) -> dict[str, int]:
        if self.index_type == "hnsw":
            return {"efConstruction": self.ef_construction, "efSearch": self.ef_search}
        return {"nprobe": self.nprobe}


class DenseIndex(Index):
    """Chunk vectors that can be searched.

    Args:
        embedder: the model that embedded the chunks.
        neighbours: the vectors of the chunks.
        item_ids: their ids.
        stored: gives the store in which vectors of queries are looked up and kept; None makes them anew.

    Attributes:
        embedder: the model that embedded the chunks.
    """

    def __init__(
        self, embedder: Embedder, neighbours: Neighbours, item_ids: Sequence[str], stored: Context | None = None
    ) -> None:
        super().__init__(item_ids)
        self.embedder, self._neighbours, self._stored = embedder, neighbours, stored
        self._filtered: tuple[Chunks, npt.NDArray[np.float32]] | None = None

    @property
    def filters(self) -> bool:
        """Whether the index knows its chunks."""
        return self._filtered is not None

    def filter_by(self, chunks: Chunks, vectors: npt.NDArray[np.float32]) -> None:
        """Allow filters.

        Args:
            chunks: the n chunks of the index.
            vectors: float32 (n, d), their vectors. The chunks that a filter lets through are searched exactly, also
                where the index is approximate.
        """
        self._filtered = (chunks, vectors)

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """The k nearest chunks of each query."""
        texts = [query.text for query in queries]
        if self._stored is None:
            return self.nearest(self.embedder.encode(texts, "query"), k, queries)
        vectors = embed(self.embedder, texts, "query", self._stored, what="embedding queries").vectors
        return self.nearest(vectors, k, queries)

    def nearest(self, vectors: npt.NDArray[np.float32], k: int, queries: Sequence[Query] = ()) -> Ranking:
        """The k nearest chunks of each vector, float32 (q, d) of unit length, in the space of `embedder`.

        Args:
            vectors: the vectors.
            k: how many chunks.
            queries: the query of each vector, for their filters.
        """
        if all(query.filter is None for query in queries):
            return self._nearest(vectors, k)
        return each_filter(
            queries,
            lambda _, at, filter_: (
                self._nearest(vectors[at], k) if filter_ is None else self._nearest_of(vectors[at], k, filter_)
            ),
        )

    def _nearest_of(self, vectors: npt.NDArray[np.float32], k: int, filter_: Filter) -> Ranking:
        if self._filtered is None:
            raise ArmError(f"it cannot apply the filter {str(filter_)!r}; it does not know its chunks")
        chunks, stored = self._filtered
        return nearest_among(stored, vectors, k, self.item_ids, rows_of(chunks, filter_))

    def _nearest(self, vectors: npt.NDArray[np.float32], k: int) -> Ranking:
        return nearest(self._neighbours, vectors, k, self.item_ids)


def nearest(neighbours: Neighbours, vectors: npt.NDArray[np.float32], k: int, item_ids: Sequence[str]) -> Ranking:
    """The k nearest of all items for each vector, float32 (q, d)."""
    k = min(k, len(item_ids))
    if isinstance(neighbours, FaissFlat):
        return Ranking(*nearest_rows(neighbours.search, neighbours.vectors, vectors, k, item_ids))
    scores, items = neighbours.search(vectors, k)
    return Ranking(items.astype(np.int32, copy=False), scores)


def nearest_among(
    stored: npt.NDArray[np.float32], vectors: npt.NDArray[np.float32], k: int, item_ids: Sequence[str],
    allowed: npt.NDArray[np.bool_],
) -> Ranking:  # fmt: skip
    """The k nearest of the allowed items (n,) for each vector, float32 (q, d), by an exact search.

    Args:
        stored: float32 (n, d), the vectors of the items.
        vectors: what is searched for.
        k: how many.
        item_ids: (n,) ids.
        allowed: which items may be found.
    """
    rows = np.flatnonzero(allowed)
    return Ranking(*nearest_rows(partial(nearest_of, stored, rows), stored, vectors, k, item_ids, among=len(rows)))
