"""Searching several texts for each query and fusing what they find."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ragbench.core.queries import Query
from ragbench.core.runs import Run
from ragbench.retrievers._transform import Transformed, TransformedIndex
from ragbench.retrievers._writer import Texts, Writer
from ragbench.retrievers.base import Index, Ranking
from ragbench.retrievers.hybrid import fuse, fused_rows, one_vocabulary


@dataclass(frozen=True)
class Several(Transformed):
    """The lists of all texts of a query, fused as `ragbench.retrievers.hybrid.Hybrid` fuses.

    Attributes:
        original: weight of the list that the query itself finds, where each text has 1; 0 leaves it out.
        fusion: the rule: ``rrf``, ``minmax`` or ``zscore``.
        rrf_k: the constant of ``rrf``.
        depth: how much of each list is fused.
    """

    original: float = 1.0
    fusion: Literal["rrf", "minmax", "zscore"] = "rrf"
    rrf_k: float = 60
    depth: int = 100

    def check(self) -> list[str]:
        """Settings of the fusion, and those of every transformation."""
        return [
            *super().check(),
            *([f"original is {self.original}; it must be 0 or more"] if self.original < 0 else []),
            *([f"rrf_k is {self.rrf_k}; it must be 0 or more"] if self.rrf_k < 0 else []),
            *([f"depth is {self.depth}; it must be at least 1"] if self.depth < 1 else []),
        ]

    def around(self, inner: Index, writer: Writer) -> "SeveralIndex":
        """The index that fuses."""
        return SeveralIndex(self, inner, writer)


class SeveralIndex(TransformedIndex):
    """The inner index, which applies the exclusions, so that ranks count what may be shown."""

    excludes = True

    def __init__(self, settings: Several, inner: Index, writer: Writer) -> None:
        super().__init__(settings.of, inner, writer)
        self._settings = settings
        self._alone = settings.texts_asked == 1 and not settings.original

    def rank(self, queries: Sequence[Query], k: int) -> Ranking:
        """The fused lists; with one list for each query, that list with its scores."""
        settings = self._settings
        searches = [
            self._searches(query, texts) for query, texts in zip(queries, self._writer.write(queries), strict=True)
        ]
        runs: list[Run] = []
        owners, weights = [], []
        for slot in range(max(map(len, searches), default=1)):
            at = np.array([position for position, found in enumerate(searches) if slot < len(found)], dtype=np.int64)
            asked = [queries[position]._replace(text=searches[position][slot][0]) for position in at.tolist()]
            run = self.parts[0].search(asked, k if self._alone else max(k, settings.depth))
            runs.append(run)
            owners.append(at[run.query_index])
            weights.append(np.array([searches[position][slot][1] for position in at.tolist()])[run.query_index])
        self.tell()
        position_of = {query.id: position for position, query in enumerate(queries)}
        failures = {position_of[id_]: reason for run in runs for id_, reason in run.failures.items()}
        if self._alone and runs:
            return _as_found(runs[0], len(queries), failures)
        self.item_ids, items = one_vocabulary(self.item_ids, runs)
        rows = fused_rows(
            runs, owners, items, weights, fusion=settings.fusion, rrf_k=settings.rrf_k, depth=settings.depth
        )
        return fuse(rows, len(queries), failures)

    def _searches(self, query: Query, texts: Texts) -> list[tuple[str, float]]:
        """What is searched for a query, with the weights of the lists."""
        found = [(text, 1.0) for text in texts]
        if not found:
            return [(query.text, 1.0)]
        return [(query.text, self._settings.original), *found] if self._settings.original else found


def _as_found(run: Run, queries: int, failures: dict[int, str]) -> Ranking:
    items = np.full((queries, int(run.lengths.max(initial=0))), -1, dtype=np.int32)
    scores = np.zeros(items.shape, dtype=np.float32)
    items[run.query_index, run.ranks - 1] = run.items
    scores[run.query_index, run.ranks - 1] = run.scores
    return Ranking(items, scores, failures)
