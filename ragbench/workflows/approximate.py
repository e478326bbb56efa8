"""Approximate indexes judged against exact search on the queries of the evaluation."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ragbench.core.context import generator
from ragbench.core.evaluations import ApproximateSearch, SearchSpeed
from ragbench.core.runs import Query
from ragbench.retrievers._neighbours import Approximation, FaissFlat, Neighbours, Vectors, faiss_threads
from ragbench.retrievers.base import Index

QUERIES = 1000
"""At most so many queries are asked; of more, a sample drawn with the seed."""
CUT_OFF = 10
TOLERANCE = 1e-6
"""A neighbour whose exact score is at most this much below the last of the exact ones ties with it."""
BATCHES, SINGLES, SECONDS = 3, 300, 2.0
"""The batch is timed so often (the median counts), and so many queries one by one, each for at most so many seconds."""


@dataclass(frozen=True)
class _Exact:
    """Exact answers: vectors of the queries (q, d), scores (q, k) with the best first, and how fast they came."""

    queries: Vectors
    scores: npt.NDArray[np.float32]
    speed: SearchSpeed


@dataclass
class ExactAnswers:
    """The exact answers of an evaluation, computed once for all systems with the same embedder and chunks.

    Attributes:
        queries: the queries of the evaluation.
        seed: draws the sample of them.
    """

    queries: Sequence[Query]
    seed: int
    _found: dict[tuple[str, str, int], _Exact] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, index: Index, depth: int) -> tuple[ApproximateSearch, ...]:
        """Compare every approximate index within an index with exact search.

        Args:
            index: an index, whose parts are looked at too.
            depth: how many neighbours are asked for, as the evaluation does.
        """
        own = index.approximation
        found = () if own is None else (self._judged(own, depth),)
        return found + tuple(one for part in index.parts for one in self.judge(part, depth))

    def _judged(self, given: Approximation, depth: int) -> ApproximateSearch:
        k = min(depth, len(given.vectors))
        exact = self._exact(given, k)
        rows = given.neighbours.search(exact.queries, k)[1]
        cuts = sorted({min(CUT_OFF, k), k})
        return ApproximateSearch(
            index=given.neighbours.name,
            recall={cut: recall(given.vectors, exact.queries, rows, exact.scores, cut) for cut in cuts},
            queries=len(exact.queries),
            vectors=len(given.vectors),
            depth=k,
            build_seconds=given.build_seconds,
            index_bytes=given.neighbours.nbytes,
            exact_bytes=given.vectors.nbytes,
            speed=speed(given.neighbours, exact.queries, k),
            exact_speed=exact.speed,
        )

    def _exact(self, given: Approximation, k: int) -> _Exact:
        key = (given.embedder.fingerprint(), given.chunks, k)
        with self._lock:
            if key not in self._found:
                vectors = given.embedder.encode(self._texts(), "query")
                flat = FaissFlat(given.vectors)
                self._found[key] = _Exact(vectors, flat.search(vectors, k)[0], speed(flat, vectors, k))
            return self._found[key]

    def _texts(self) -> list[str]:
        if len(self.queries) <= QUERIES:
            return [query.text for query in self.queries]
        rng = generator(self.seed, "approximate-search")
        chosen = np.sort(rng.choice(len(self.queries), size=QUERIES, replace=False))
        return [self.queries[at].text for at in chosen]


def recall(vectors: Vectors, queries: Vectors, rows: npt.NDArray[np.int64], exact: Vectors, k: int) -> float:
    """Share of the k nearest neighbours that an index found, over all queries.

    An item counts as found if its exact score is at least that of the k-th nearest neighbour, so that one of
    several equal items is as good as another. This is the rule of ann-benchmarks (Aumüller et al. 2020).

    Args:
        vectors: what is searched (n, d).
        queries: the queries (q, d).
        rows: the answers of the index (q, at least k), best first, -1 where there is none.
        exact: the scores of exact search (q, at least k), best first.
        k: how many neighbours count.
    """
    found = 0
    for query, answer, scores in zip(queries, rows[:, :k], exact, strict=True):
        found += int(np.count_nonzero(vectors[answer[answer >= 0]] @ query >= scores[k - 1] - TOLERANCE))
    return found / (len(queries) * k)


def speed(neighbours: Neighbours, queries: Vectors, k: int) -> SearchSpeed:
    """Time a search that was warmed up: all queries at once with every thread, then one by one with one thread."""
    batch = _seconds(lambda at: neighbours.search(queries, k), BATCHES)
    with faiss_threads(1):
        single = _seconds(lambda at: neighbours.search(queries[at : at + 1], k), min(SINGLES, len(queries)))
    with faiss_threads() as threads:
        return SearchSpeed(len(queries) / batch, 1 / single, threads)


def _seconds(search: Callable[[int], object], times: int) -> float:
    """The median time of a search."""
    found: list[float] = []
    began = time.perf_counter()
    for at in range(times):
        start = time.perf_counter()
        search(at)
        found.append(time.perf_counter() - start)
        if time.perf_counter() - began > SECONDS:
            break
    return max(float(np.median(found)), 1e-9)
